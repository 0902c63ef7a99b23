/** Which reads renew and count (rule 4), what delete and touch answer (rule 2), the many-key forms (rule 6). */
import { type Cache, ManualClock } from 'velocache';
import { describe, expect, it } from 'vitest';
import { errorOf, useCaches } from '../support/caches.js';

describe('renewing', () => {
  const caches = useCaches();

  async function idleCache() {
    const clock = new ManualClock(0);
    return { clock, cache: await caches.create({ clock, types: { default: { idle: '1s' } } }) };
  }

  it.each(['get', 'getBytes', 'touch', 'getMany'] as const)('%s renews the idle time', async (method) => {
    const { clock, cache } = await idleCache();
    cache.setBytes('key', new Uint8Array(3));
    for (let i = 0; i < 5; i++) {
      clock.advance(900);
      if (method === 'getMany') expect(cache.getMany(['key'])).not.toEqual([undefined]);
      else expect(cache[method]('key')).toBeTruthy();
    }
    clock.advance(1_020);
    expect(cache.has('key')).toBe(false);
  });

  it.each(['has', 'peek', 'keys', 'entries', 'iterator'] as const)('%s does not', async (method) => {
    const { clock, cache } = await idleCache();
    cache.setBytes('key', new Uint8Array(3));
    clock.advance(900);
    if (method === 'iterator') expect([...cache]).toHaveLength(1);
    else if (method === 'keys' || method === 'entries') expect([...cache[method]()]).toHaveLength(1);
    else expect(cache[method]('key')).toBeTruthy();
    clock.advance(120);
    expect(cache.has('key')).toBe(false);
  });

  it('set renews both times', async () => {
    const clock = new ManualClock(0);
    const cache = await caches.create({ clock, types: { default: { ttl: '3s', idle: '2s' } } });
    cache.set('key', 1);
    clock.advance(1_900);
    cache.set('key', 2);
    clock.advance(1_900);
    expect(cache.get('key')).toBe(2);
    clock.advance(1_000);
    expect(cache.get('key')).toBe(2);
    clock.advance(110);
    expect(cache.get('key')).toBeUndefined();
  });

  it('touch says whether the key is live, and never extends a TTL', async () => {
    const clock = new ManualClock(0);
    const cache = await caches.create({ clock, types: { default: { ttl: '1s', idle: '5s' } } });
    expect(cache.touch('key')).toBe(false);
    cache.set('key', 1);
    clock.advance(990);
    expect(cache.touch('key')).toBe(true);
    clock.advance(10);
    expect(cache.touch('key')).toBe(false);
  });

  it('reads renew recency: what is read stays when others are evicted', async () => {
    const cache = await caches.create({ capacity: '1mb', policy: 'lru' });
    // The threshold of what counts as cold needs a turnover to settle.
    for (let i = 0; i < 4_000; i++) cache.setBytes(`early ${i}`, new Uint8Array(500));
    cache.setBytes('read', new Uint8Array(500));
    cache.setBytes('peeked', new Uint8Array(500));
    for (let i = 0; i < 8_000; i++) {
      cache.setBytes(`filler ${i}`, new Uint8Array(500));
      if (i % 50 === 0) expect(cache.get('read'), `after ${i} others`).toBeDefined();
      cache.peek('peeked');
    }
    expect(cache.stats().removals.size).toBeGreaterThan(8_000);
    expect(cache.peek('peeked')).toBeUndefined();
  });
});

describe('counting', () => {
  const caches = useCaches();

  it('get, getBytes, getMany and touch count, has, peek, keys and entries do not', async () => {
    const cache = await caches.create();
    cache.setBytes('key', new Uint8Array(1));
    for (const key of ['key', 'absent']) {
      cache.has(key);
      cache.peek(key);
    }
    [...cache.keys(), ...cache.entries()];
    expect(cache.stats()).toMatchObject({ hits: 0, misses: 0, hitRatio: 0 });
    for (const key of ['key', 'absent']) {
      cache.get(key);
      cache.getBytes(key);
      cache.touch(key);
    }
    cache.getMany(['key', 'absent', 'absent']);
    expect(cache.stats()).toMatchObject({ hits: 4, misses: 5 });
  });

  it('delete: true for what was live, false for what was not, and counted', async () => {
    const clock = new ManualClock(0);
    const cache = await caches.create({ clock });
    expect(cache.delete('key')).toBe(false);
    cache.set('key', 1);
    expect(cache.delete('key')).toBe(true);
    expect(cache.delete('key')).toBe(false);
    cache.set('brief', 1, { ttl: 10 });
    clock.advance(20);
    expect(cache.delete('brief')).toBe(false);
    expect(cache.stats()).toMatchObject({ deletes: 1, entries: 0 });
    expect(cache.stats().removals).toMatchObject({ explicit: 1 });
  });

  it('clear leaves nothing, clearAll nothing of any type', async () => {
    const cache = await caches.create<{ default: number; other: number }>({ types: { other: {} } });
    for (let i = 0; i < 500; i++) {
      cache.set(`key ${i}`, i);
      cache.type('other').set(`key ${i}`, i);
    }
    cache.clear();
    expect([...cache.keys()]).toEqual([]);
    expect([...cache.type('other').keys()]).toHaveLength(500);
    expect(cache.stats().types).toMatchObject({ default: { removals: { flushed: 500 } }, other: { entries: 500 } });
    cache.clearAll();
    expect([...cache.type('other').keys()]).toEqual([]);
    expect(cache.stats()).toMatchObject({ entries: 0, bytesUsed: 0, bytesPayload: 0 });
  });
});

describe('many keys', () => {
  const caches = useCaches();

  it('getMany is aligned with its keys', async () => {
    const cache = await caches.create();
    cache.set('a', 1);
    cache.set('b', 2);
    expect(cache.getMany(['b', 'x', 'a', 'b'])).toEqual([2, undefined, 1, 2]);
    expect(cache.getMany([])).toEqual([]);
  });

  it('setMany is aligned with its entries, and takes options for each', async () => {
    const clock = new ManualClock(0);
    const cache = await caches.create({ clock });
    const outcomes = cache.setMany([
      ['a', 1],
      ['b', 2, { ttl: 10 }],
      ['a', 3],
    ]);
    expect(outcomes).toEqual([true, true, true]);
    clock.advance(20);
    expect(cache.getMany(['a', 'b'])).toEqual([3, undefined]);
    expect(cache.setMany(new Map([['c', 4]]))).toEqual([true]);
  });

  it('setMany keeps what it stored before an entry that throws', async () => {
    const cache = await caches.create();
    const entries: [string, unknown][] = [
      ['a', 1],
      ['b', undefined],
      ['c', 3],
    ];
    expect(errorOf(() => cache.setMany(entries)).code).toBe('VELOCACHE_VALUE');
    expect(cache.getMany(['a', 'b', 'c'])).toEqual([1, undefined, undefined]);
  });

  it.each([
    ['keys is "ab"', (cache: Cache) => cache.getMany('ab' as never)],
    ['keys is undefined', (cache: Cache) => cache.getMany(undefined as never)],
    ['keys is "ab"', (cache: Cache) => cache.deleteMany('ab')],
    ['keys is 5', (cache: Cache) => cache.deleteMany(5 as never)],
    ['entries is null', (cache: Cache) => cache.setMany(null as never)],
    ['entries is "ab"', (cache: Cache) => cache.setMany(['ab'] as never)],
  ])('what is no list of keys or entries throws: %s', async (message, call) => {
    const cache = await caches.create();
    cache.setMany(Object.entries({ a: 1, b: 2 }));
    const error = errorOf(() => call(cache));
    expect([error.code, error.message.startsWith(`${message}:`)]).toEqual(['VELOCACHE_OPTION', true]);
    expect(cache.getMany(['a', 'b'])).toEqual([1, 2]);
  });

  it('deleteMany says how many were live', async () => {
    const cache = await caches.create();
    cache.set('a', 1);
    cache.set('b', 2);
    expect(cache.deleteMany(new Set(['a', 'x', 'b']))).toBe(2);
    expect(cache.deleteMany(['a', 'a'])).toBe(0);
  });
});
