/** What stats() and evictions() say about what was done. */
import { type Cache, ManualClock } from 'velocache';
import { describe, expect, it } from 'vitest';
import { errorOf, useCaches } from '../support/caches.js';
import { type Remote, useRemotes } from '../support/remote.js';
import { imbalances } from '../support/sums.js';

interface Types {
  default: unknown;
  page: unknown;
}

function imbalancesOf(cache: Pick<Cache, 'stats'>): string[] {
  const stats = cache.stats();
  return imbalances(stats, Object.values(stats.types));
}

describe('stats', () => {
  const caches = useCaches();
  const remotes = useRemotes();

  it('by type and in total: bytes, hits by bytes, accesses', async () => {
    const cache = await caches.create<Types>({ types: { page: {} } });
    const page = cache.type('page');
    for (const key of ['aa', 'bb']) {
      expect(page.getBytes(key)).toBeUndefined();
      page.setBytes(key, new Uint8Array(98));
    }
    for (let i = 0; i < 6; i++) page.getBytes('aa');
    cache.setBytes('preloaded', new Uint8Array(991));
    for (let i = 0; i < 3; i++) cache.touch('preloaded');
    const { types, ...total } = cache.stats();
    const { page: pages, default: others } = types;
    expect(pages).toMatchObject({ hits: 6, misses: 2, bytesHit: 600, bytesMissed: 200, byteHitRatio: 0.75 });
    expect(pages).toMatchObject({ sets: 2, accessesPerEntry: 3 });
    // What was never asked for and not found is no miss.
    expect(others).toMatchObject({ bytesHit: 3_000, bytesMissed: 0, byteHitRatio: 1 });
    expect(total).toMatchObject({ hits: 9, misses: 2, bytesHit: 3_600, bytesMissed: 200, byteHitRatio: 3_600 / 3_800 });
    expect(imbalancesOf(cache)).toEqual([]);
  });

  it('tells how long the cache has been there, by its own clock', async () => {
    const clock = new ManualClock(123_456);
    const cache = await caches.create({ clock });
    expect(cache.stats().uptimeMs).toBe(0);
    clock.advance(5_000.5);
    expect(cache.stats().uptimeMs).toBe(5_000.5);
  });

  it('fragmentation is what pages hold over what was asked for', async () => {
    const cache = await caches.create();
    for (let i = 0; i < 2_000; i++) cache.setBytes(`key ${i}`, new Uint8Array(900));
    const { fragmentation, classes, pageBytes } = cache.stats();
    const held = classes.reduce((sum, { pages }) => sum + pages * pageBytes, 0);
    const requested = classes.reduce((sum, { bytesRequested }) => sum + bytesRequested, 0);
    expect(fragmentation).toBe(held / requested);
    for (let i = 0; i < 2_000; i += 2) cache.delete(`key ${i}`);
    expect(cache.stats().fragmentation).toBeGreaterThan(fragmentation);
    cache.clearAll();
    expect(cache.stats().fragmentation).toBe(1);
  });

  it('balances behind threads that worked at once, and one that died', async () => {
    const cache = await caches.create<Types>({ capacity: '2mb', types: { page: { ttl: 50 } } });
    const [first, second, third] = [1, 2, 3].map(() => remotes.start(cache.handle)) as [Remote, Remote, Remote];
    const entries = (from: number) => Array.from({ length: 3_000 }, (_, i) => [`key ${from + i}`, 'x'.repeat(i % 900)]);
    const stores = [
      first.do('store', 'page', entries(0)),
      second.do('store', 'page', entries(1_500)),
      first.do('store', 'default', entries(0)),
      second.do('store', 'default', entries(1_000)),
      third.do('store', 'default', entries(0)),
    ];
    const read = second.call('getMany', ['key 1', 'key 2', 'absent']);
    const stored = (await Promise.all(stores)) as number[];
    await read;
    const { sets, hits, misses } = cache.stats();
    await first.worker.terminate();
    expect({ sets, asked: hits + misses }).toEqual({ sets: stored.reduce((sum, count) => sum + count), asked: 3 });
    expect(sets).toBeGreaterThan(9_000);
    expect(cache.stats()).toMatchObject({ sets, hits, misses });
    // Nothing is left to expire while the sums are read.
    cache.type('page').clear();
    expect(imbalancesOf(cache)).toEqual([]);
  });
});

describe('evictions', () => {
  const caches = useCaches();

  it('newest first, with key, cause, bytes and age', async () => {
    const clock = new ManualClock(50_000);
    const cache = await caches.create<Types>({ clock, types: { page: {} } });
    cache.setBytes('ttl', new Uint8Array(7), { ttl: 100 });
    cache.type('page').setBytes('idle', new Uint8Array(6), { idle: 200 });
    clock.advance(150);
    cache.setBytes('ttl', new Uint8Array(1));
    cache.type('page').getBytes('idle');
    clock.advance(500);
    cache.type('page').setBytes('idle', new Uint8Array(1));
    cache.delete('ttl');
    expect(cache.evictions()).toEqual([
      { atMs: 650, type: 'page', key: 'idle', keyBytes: 4, cause: 'idle', bytes: 10, ageMs: 500 },
      { atMs: 150, type: 'default', key: 'ttl', keyBytes: 3, cause: 'expired', bytes: 10, ageMs: 150 },
    ]);
    expect(cache.evictions({ last: 1 }).map(({ key }) => key)).toEqual(['idle']);
    expect(cache.evictions({ type: 'default' }).map(({ key }) => key)).toEqual(['ttl']);
    expect(cache.evictions({ cause: 'idle' }).map(({ key }) => key)).toEqual(['idle']);
    expect(cache.evictions({ cause: 'idle', type: 'default' })).toEqual([]);
  });

  it('over all shards by time, as many as are kept', async () => {
    const clock = new ManualClock(0);
    const cache = await caches.create({ capacity: '64mb', clock });
    for (let i = 0; i < 2_000; i++) {
      cache.setBytes(`key ${i}`, new Uint8Array(1), { ttl: 5 });
      clock.advance(20);
      cache.setBytes(`key ${i}`, new Uint8Array(1));
    }
    const newest = Array.from({ length: 300 }, (_, i) => `key ${1_999 - i}`);
    expect(cache.evictions({ last: 300 }).map(({ key }) => key)).toEqual(newest);
    expect(cache.evictions()).toHaveLength(100);
    const kept = cache.evictions({ last: 10_000 });
    expect(kept.length).toBeGreaterThan(800);
    expect(kept.map(({ atMs }) => atMs)).toEqual(kept.map(({ atMs }) => atMs).sort((a, b) => b - a));
  });

  it('keys are cut between characters, their length is not', async () => {
    const clock = new ManualClock(0);
    const cache = await caches.create({ clock });
    const keys = ['é'.repeat(500), `a${'🚲'.repeat(30)}`, '\uFEFFmark', 'x'.repeat(44), `${'long '.repeat(9_000)}`];
    for (const key of keys) cache.setBytes(key, new Uint8Array(30_000), { ttl: 10 });
    clock.advance(20);
    for (const key of keys) cache.delete(key);
    const logged = cache.evictions().map(({ key, keyBytes }) => [key, keyBytes]);
    expect(logged).toHaveLength(keys.length);
    const cut = ['é'.repeat(22), `a${'🚲'.repeat(10)}`, '\uFEFFmark', 'x'.repeat(44), 'long '.repeat(9).slice(0, 44)];
    const expected = keys.map((key, i) => [cut[i], Buffer.byteLength(key)]);
    expect(logged).toEqual(expect.arrayContaining(expected));
  });

  it('a query that can not be answered throws', async () => {
    const cache = await caches.create();
    for (const last of [0, -1, 1.5, Number.NaN, '3']) {
      expect(errorOf(() => cache.evictions({ last: last as number })).code, `${last}`).toBe('VELOCACHE_OPTION');
    }
    expect(errorOf(() => cache.evictions({ type: 'none' })).code).toBe('VELOCACHE_TYPE');
    for (const cause of ['replaced', 'nothing']) {
      expect(errorOf(() => cache.evictions({ cause: cause as 'size' })).code, cause).toBe('VELOCACHE_OPTION');
    }
    expect(errorOf(() => cache.evictions({ first: 1 } as object)).code).toBe('VELOCACHE_OPTION');
  });
});
