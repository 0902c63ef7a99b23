/** TTL and idle time, per type and per call, to the tick: never early, at most 10 ms late. */
import { type Cache, type CacheEvent, createCache, ManualClock } from 'velocache';
import { afterAll, beforeAll, beforeEach, describe, expect, it, vi } from 'vitest';
import { useCaches } from '../support/caches.js';

const EPSILON_MS = 0.01;
const STARTS_MS = [0, 3, 9.99, 10, 15];
const SPANS_MS = [1, 5, 10, 15, 999, 1_000, 86_400_001];

describe('boundaries', () => {
  const clock = new ManualClock(0);
  let cache: Cache;
  let key = 0;
  beforeAll(async () => {
    cache = await createCache({ capacity: '8mb', clock });
  });
  beforeEach(() => {
    key += 1;
  });
  afterAll(async () => {
    expect(cache.verify()).toEqual([]);
    await cache.close();
  });

  function startAt(offsetMs: number): number {
    clock.set(Math.ceil((clock.now() + 1) / 1_000) * 1_000 + offsetMs);
    return clock.now();
  }

  const CASES = STARTS_MS.flatMap((start) => SPANS_MS.map((span) => [start, span] as const));

  it.each(CASES)('ttl set at +%d for %d ms', (offset, ttl) => {
    const start = startAt(offset);
    cache.set(`${key}`, 1, { ttl });
    clock.set(start + ttl - EPSILON_MS);
    expect(cache.get(`${key}`), 'early').toBe(1);
    clock.set(start + ttl + 10);
    expect(cache.get(`${key}`), 'late').toBeUndefined();
  });

  it.each(CASES)('idle set at +%d for %d ms', (offset, idle) => {
    const start = startAt(offset);
    cache.set(`${key}`, 1, { idle });
    clock.set(start + idle - EPSILON_MS);
    expect(cache.peek(`${key}`), 'early').toBe(1);
    // Idle times count in whole ticks: one between two ticks lasts to the next.
    clock.set(start + Math.ceil(idle / 10) * 10 + 10);
    expect(cache.peek(`${key}`), 'late').toBeUndefined();
  });

  it.each(CASES)('idle renewed at +%d for %d ms', (offset, idle) => {
    cache.set(`${key}`, 1, { idle });
    const start = clock.now() + Math.min(offset, idle - EPSILON_MS);
    clock.set(start);
    expect(cache.get(`${key}`)).toBe(1);
    clock.set(start + idle - EPSILON_MS);
    expect(cache.peek(`${key}`), 'early').toBe(1);
    clock.set(start + Math.ceil(idle / 10) * 10 + 10);
    expect(cache.peek(`${key}`), 'late').toBeUndefined();
  });

  it('a TTL in whole ticks, set on a tick, ends on the millisecond', () => {
    const start = startAt(0);
    cache.set(`${key}`, 1, { ttl: 1_000 });
    clock.set(start + 1_000);
    expect(cache.get(`${key}`)).toBeUndefined();
  });
});

describe('which of the times counts', () => {
  const caches = useCaches();
  const types = { default: { ttl: '10s', idle: '4s' }, brief: { ttl: 100 } } as const;

  it('the earlier of ttl and idle wins, whichever it is', async () => {
    const clock = new ManualClock(1_000);
    const cache = await caches.create({ clock, types });
    cache.set('idle', 1);
    clock.advance(4_010);
    expect(cache.get('idle')).toBeUndefined();
    cache.set('ttl', 1);
    for (let i = 0; i < 3; i++) {
      clock.advance(3_000);
      expect(cache.get('ttl')).toBe(1);
    }
    clock.advance(1_000);
    expect(cache.get('ttl')).toBeUndefined();
  });

  it('a call overrides its type, one time or both, shorter or longer', async () => {
    const clock = new ManualClock(1_000);
    const cache = await caches.create({ clock, types });
    cache.set('shorter', 1, { ttl: 50 });
    cache.set('no idle', 1, { idle: Number.POSITIVE_INFINITY });
    cache.set('neither', 1, { ttl: Number.POSITIVE_INFINITY, idle: Number.POSITIVE_INFINITY });
    cache.setBytes('bytes', new Uint8Array(1), { ttl: '1m', idle: '1m' });
    const live = () => ['shorter', 'no idle', 'neither', 'bytes'].filter((key) => cache.has(key));
    clock.advance(60);
    expect(live()).toEqual(['no idle', 'neither', 'bytes']);
    clock.advance(9_930);
    expect(live()).toEqual(['no idle', 'neither', 'bytes']);
    clock.advance(20);
    expect(live()).toEqual(['neither', 'bytes']);
    clock.advance(50_100);
    expect(live()).toEqual(['neither']);
  });

  it('set without options goes back to the times of the type', async () => {
    const clock = new ManualClock(1_000);
    const cache = await caches.create({ clock, types });
    const brief = cache.type('brief');
    brief.set('key', 1, { ttl: '1h' });
    brief.set('key', 2);
    clock.advance(110);
    expect(brief.get('key')).toBeUndefined();
  });

  it('what is over is not there for any method', async () => {
    const clock = new ManualClock(1_000);
    const cache = await caches.create({ clock });
    cache.setBytes('key', new Uint8Array(1), { ttl: 10 });
    clock.advance(10);
    expect(cache.get('key')).toBeUndefined();
    expect(cache.getBytes('key')).toBeUndefined();
    expect(cache.peek('key')).toBeUndefined();
    expect([cache.has('key'), cache.touch('key'), cache.delete('key')]).toEqual([false, false, false]);
    expect([...cache.keys(), ...cache.entries()]).toEqual([]);
  });

  it('entries leave when nobody calls, and listeners hear of it', async () => {
    const clock = new ManualClock(1_000);
    const cache = await caches.create({ clock });
    const events: CacheEvent[] = [];
    const heard = new Promise<void>((resolve) => {
      cache.on('evict', (event) => {
        if (events.push(event) === 2) resolve();
      });
    });
    cache.set('ttl', 1, { ttl: 1_000 });
    cache.set('idle', 1, { idle: 1_000 });
    cache.set('stays', 1);
    clock.advance(1_010);
    await heard;
    expect(events.map(({ key, cause }) => [key, cause]).sort()).toEqual([
      ['idle', 'idle'],
      ['ttl', 'expired'],
    ]);
    expect(cache.stats()).toMatchObject({ entries: 1, removals: { expired: 1, idle: 1, size: 0 } });
  });
});

describe('a thread whose event loop never turns, where nobody else moves the shared clock', () => {
  const caches = useCaches();
  const TTL_MS = 1_500;

  it.each([
    { stepMs: 100, type: {} },
    { stepMs: 5, type: { near: {} } },
  ])('serves nothing past its deadline: $stepMs ms between gets, $type', async ({ stepMs, type }) => {
    const cache = await caches.create({ types: { default: type } });
    // The thread runs ahead of the warden, whose ticks are then as if there were none.
    const now = performance.now.bind(performance);
    let aheadMs = 0;
    const ahead = vi.spyOn(performance, 'now').mockImplementation(() => now() + aheadMs);
    try {
      cache.set('key', { a: 1 }, { ttl: TTL_MS });
      let hits = 0;
      let last = 0;
      for (; aheadMs < TTL_MS * 4; aheadMs += stepMs) {
        if (cache.get('key') === undefined) continue;
        hits += 1;
        last = aheadMs;
      }
      expect(hits).toBeGreaterThan((TTL_MS / stepMs) * 0.5);
      expect(last).toBeLessThanOrEqual(TTL_MS + 10);
    } finally {
      ahead.mockRestore();
    }
  });
});
