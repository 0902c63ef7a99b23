/**
 * Goal: equal values of a type with `dedupe` are stored once, nobody can tell but by the memory they take, and when the
 * last entry of a value is gone the memory is as it was.
 */
import { type Cache, type CacheOptions, ManualClock, type TypeOptions } from 'velocache';
import { describe, expect, it } from 'vitest';
import { errorOf, rejectionOf, useCaches } from '../support/caches.js';
import { useRemotes } from '../support/remote.js';
import { imbalances } from '../support/sums.js';

type Types = { default: unknown; page: unknown; plain: unknown };

const KEYS = Array.from({ length: 200 }, (_, i) => `key ${i}`);
/** No object: shapes are learned, and so the first values of one are stored in other bytes than those that follow. */
const VALUE = ['the same for all', 'lorem ipsum '.repeat(40)];
const page = (cache: Cache<Types>) => cache.type('page');
const figures = (cache: Cache<Types>) => cache.stats().types['page']!;

/** Any order of the keys that is not theirs: 200 and 77 have no common factor. */
const SHUFFLED = KEYS.map((_, i) => KEYS[(i * 77 + 13) % KEYS.length]!);

describe('values stored once', () => {
  const caches = useCaches();
  const remotes = useRemotes();

  function create(more: TypeOptions = {}, options: Partial<CacheOptions<Types>> = {}): Promise<Cache<Types>> {
    return caches.create<Types>({ pressure: false, ...options, types: { page: { dedupe: true, ...more }, plain: {} } });
  }

  const fill = (cache: Cache<Types>, value: unknown = VALUE): void => {
    for (const key of KEYS) expect(page(cache).set(key, value)).toBe(true);
  };

  /** Nothing of the type is left, and what it took is free again. */
  function expectEmpty(cache: Cache<Types>): void {
    expect(figures(cache)).toMatchObject({ entries: 0, bytesUsed: 0, bytesPayload: 0 });
    expect(figures(cache).dedupe).toEqual({ payloads: 0, references: 0, bytesSaved: 0 });
    expect(cache.stats().classes.every(({ chunksUsed }) => chunksUsed === 0)).toBe(true);
    expect(cache.verify()).toEqual([]);
  }

  it('many keys with equal values take one value', async () => {
    const cache = await create();
    fill(cache);
    for (const key of KEYS) cache.type('plain').set(key, VALUE);
    const { dedupe, bytesUsed, entries } = figures(cache);
    expect({ entries, payloads: dedupe.payloads, references: dedupe.references }).toEqual({
      entries: 200,
      payloads: 1,
      references: 200,
    });
    expect(dedupe.bytesSaved).toBeGreaterThan(80_000);
    expect(bytesUsed).toBeLessThan(cache.stats().types['plain']!.bytesUsed / 5);
    for (const key of KEYS) expect(page(cache).get(key)).toEqual(VALUE);
    expect([...page(cache).keys()].toSorted()).toEqual(KEYS.toSorted());
    expect(new Map(page(cache).entries())).toEqual(new Map(KEYS.map((key) => [key, VALUE])));
    const stats = cache.stats();
    expect(imbalances(stats, Object.values(stats.types))).toEqual([]);
    expect(stats.types['page']).toMatchObject({ sets: 200, inserts: 200, hits: 200, misses: 0 });
    expect(stats.types['page']!.bytesHit).toBe(stats.types['plain']!.bytesInserted);
  });

  it('memory returns to where it was, in whatever order the entries leave', async () => {
    const cache = await create();
    for (const keys of [KEYS, KEYS.toReversed(), SHUFFLED]) {
      fill(cache);
      keys.forEach((key, i) => {
        expect(page(cache).delete(key)).toBe(true);
        expect(figures(cache).dedupe.references).toBe(KEYS.length - 1 - i);
      });
      expectEmpty(cache);
    }
    fill(cache);
    page(cache).clear();
    expectEmpty(cache);
    fill(cache);
    cache.clearAll();
    expectEmpty(cache);
  });

  it('what is replaced leaves with its last entry', async () => {
    const cache = await create();
    fill(cache);
    SHUFFLED.forEach((key, i) => {
      page(cache).set(key, [...VALUE, `another, ${i % 3}`]);
    });
    expect(figures(cache).dedupe).toMatchObject({ payloads: 3, references: 200 });
    for (const key of KEYS) page(cache).set(key, 'small');
    expect(figures(cache).dedupe).toEqual({ payloads: 0, references: 0, bytesSaved: 0 });
    fill(cache);
    fill(cache);
    expect(figures(cache).dedupe).toMatchObject({ payloads: 1, references: 200 });
    expect(page(cache).deleteMany(KEYS)).toBe(200);
    expectEmpty(cache);
  });

  it('expired entries take their value with them', async () => {
    const clock = new ManualClock();
    const cache = await create({ ttl: '1m' }, { clock });
    fill(cache);
    page(cache).set('idle', VALUE, { ttl: '1h', idle: '2m' });
    clock.advance(90_000);
    expect(page(cache).get('idle')).toEqual(VALUE);
    expect(page(cache).get(KEYS[0]!)).toBeUndefined();
    await expect.poll(() => figures(cache).entries).toBe(1);
    expect(figures(cache).dedupe).toMatchObject({ payloads: 1, references: 1 });
    clock.advance(3_600_000);
    await expect.poll(() => figures(cache).dedupe.payloads).toBe(0);
    expectEmpty(cache);
  });

  it('evicting a value evicts all that have it, and what is read is right', async () => {
    const cache = await create({}, { capacity: '1mb', policy: 'lru' });
    const values = Array.from({ length: 300 }, (_, i) => `${i} `.repeat(2_000));
    for (let i = 0; i < 6_000; i++) page(cache).set(`k${i}`, values[(i * 7) % 300]!);
    let hits = 0;
    for (let i = 0; i < 6_000; i++) {
      const found = page(cache).get(`k${i}`);
      if (found !== undefined) expect(found === values[(i * 7) % 300]).toBe(true);
      hits += found === undefined ? 0 : 1;
    }
    expect(hits).toBeGreaterThan(80);
    expect(cache.verify()).toEqual([]);
    const stats = cache.stats();
    expect(imbalances(stats, Object.values(stats.types))).toEqual([]);
    // Of what was read in vain nothing is left; the rest can be read.
    expect(figures(cache).entries).toBe([...page(cache).keys()].length);
    expect(cache.evictions({ last: 1_000 }).every(({ type, keyBytes }) => type === 'page' && keyBytes <= 5)).toBe(true);
    for (const key of page(cache).keys()) page(cache).delete(key);
    expectEmpty(cache);
  });

  it.each(['lru', 'adaptive', 'sieve', 's3-fifo', 'w-tinylfu'] as const)(
    'a full cache stays full by %s: pages of pointers are not emptied, which would take a value with each',
    async (policy) => {
      const capacity = 2 ** 20;
      const cache = await create({ codec: 'raw' }, { capacity, policy });
      const value = Buffer.alloc(7_000);
      let free = 0;
      for (let i = 0; i < 3_000; i++) {
        value.writeUInt32LE(i);
        expect(page(cache).setBytes(`k${i}`, value)).toBe(true);
        if (i >= 500) free += cache.stats().bytesFree / capacity;
      }
      // A page whose pointers lead nowhere, but for a few, may go: then a sixth of so small a cache is free for a while.
      expect(free / 2_500).toBeLessThan(0.04);
    },
  );

  it('a value above the share makes room by what the type has, entries and values', async () => {
    const cache = await create({ maxShare: 0.1 }, { policy: 'lru' });
    for (let i = 0; i < 2_000; i++) {
      expect(page(cache).set(`k${i}`, `${i % 700} `.repeat(700))).toBe(true);
      expect(figures(cache).bytesUsed).toBeLessThanOrEqual(0.1 * 8 * 2 ** 20);
    }
    expect(figures(cache).bytesUsed).toBeGreaterThan(0.07 * 8 * 2 ** 20);
    expect(cache.verify()).toEqual([]);
  });

  it('works for bytes, large values, peek, has, touch and getMany', async () => {
    const cache = await create({}, { capacity: '32mb' });
    const bytes = new Uint8Array(300_000).map((_, i) => (i * 31) & 0xff);
    for (const key of KEYS) expect(page(cache).setBytes(key, bytes)).toBe(true);
    expect(figures(cache)).toMatchObject({ entries: 200, dedupe: { payloads: 1, references: 200 } });
    const copy = page(cache).getBytes(KEYS[3]!)!;
    expect(Buffer.compare(copy, bytes)).toBe(0);
    copy.fill(0);
    expect(Buffer.compare(page(cache).peek(KEYS[3]!) as Uint8Array, bytes)).toBe(0);
    expect([page(cache).has(KEYS[0]!), page(cache).touch(KEYS[0]!), page(cache).has('absent')]).toEqual([
      true,
      true,
      false,
    ]);
    const small = bytes.subarray(0, 200);
    page(cache).setBytes('a', small);
    page(cache).setBytes('b', small);
    expect(page(cache).getMany(['a', 'c', 'b'])).toEqual([small, undefined, small].map((v) => v && new Uint8Array(v)));
    page(cache).set('coded', VALUE);
    expect(errorOf(() => page(cache).getBytes('coded')).code).toBe('VELOCACHE_NOT_BYTES');
    page(cache).clear();
    expectEmpty(cache);
  });

  it('tells the same bytes in two forms apart', async () => {
    const cache = await create({ codec: 'json' });
    const text = 'x'.repeat(300);
    page(cache).set('coded', text);
    page(cache).setBytes('bytes', Buffer.from(JSON.stringify(text)));
    expect(figures(cache).dedupe).toMatchObject({ payloads: 2, references: 2 });
    expect(page(cache).get('coded')).toBe(text);
    expect(Buffer.from(page(cache).get('bytes') as Uint8Array).toString()).toBe(JSON.stringify(text));
  });

  it('what is compressed is stored once under keys of any length', async () => {
    const cache = await create({ compress: { with: 'zlib' }, crc: true });
    const value = Array.from({ length: 1_000 }, (_, i) => `${(i * 7_919) % 1_009} `).join('');
    for (let i = 1; i < 200; i++) page(cache).set('k'.repeat(i), value);
    expect(figures(cache)).toMatchObject({ entries: 199, dedupe: { payloads: 1, references: 199 } });
    for (let i = 1; i < 200; i++) expect(page(cache).get('k'.repeat(i))).toBe(value);
    page(cache).clear();
    expectEmpty(cache);
  });

  it('setAsync, getAsync and fetch share values too', async () => {
    const cache = await create({}, { pool: { send: 'always', threads: 2 } });
    expect(await Promise.all(KEYS.map((key) => page(cache).setAsync(key, VALUE)))).toEqual(KEYS.map(() => true));
    expect(await page(cache).fetch('loaded', async () => VALUE)).toEqual(VALUE);
    expect(figures(cache).dedupe).toMatchObject({ payloads: 1, references: 201 });
    expect(await Promise.all(KEYS.map((key) => page(cache).getAsync(key)))).toEqual(KEYS.map(() => VALUE));
    page(cache).clear();
    expectEmpty(cache);
  });

  it('threads share values, and what one deletes the other keeps', async () => {
    const cache = await create();
    const remote = remotes.start(cache.handle);
    fill(cache);
    for (const key of KEYS) expect(await remote.do('typed', 'page', 'set', `of the other, ${key}`, VALUE)).toBe(true);
    expect(figures(cache).dedupe).toMatchObject({ payloads: 1, references: 400 });
    page(cache).deleteMany(KEYS);
    expect(figures(cache).dedupe).toMatchObject({ payloads: 1, references: 200 });
    expect(await remote.do('typed', 'page', 'get', 'of the other, key 7')).toEqual(VALUE);
    await remote.do('typed', 'page', 'clear');
    expectEmpty(cache);
  });

  it('a user pays for its own value', async () => {
    const cache = await create({}, { users: {} });
    page(cache).set('a', VALUE);
    page(cache).set('b', VALUE, { user: 'ann' });
    expect(figures(cache)).toMatchObject({ entries: 2, dedupe: { payloads: 1, references: 1 } });
    expect(cache.usage('ann')!.bytes).toBeGreaterThan(400);
    page(cache).set('a', VALUE, { user: 'ann' });
    expect(figures(cache).dedupe).toMatchObject({ payloads: 0, references: 0 });
    page(cache).set('a', VALUE);
    expect(figures(cache).dedupe).toMatchObject({ payloads: 1, references: 1 });
    expect(page(cache).getMany(['a', 'b'])).toEqual([VALUE, VALUE]);
  });

  it('values of older versions are migrated, each for its own key', async () => {
    const cache = await create({ version: 2, migrate: { 1: (old) => [...(old as string[]), 'added'] } });
    const remote = remotes.start();
    await remote.do('attachWith', cache.handle, { types: { page: { version: 1 } } });
    for (const key of KEYS.slice(0, 10)) await remote.do('typed', 'page', 'set', key, VALUE);
    expect(figures(cache).dedupe).toMatchObject({ payloads: 1, references: 10 });
    for (const key of KEYS.slice(0, 4)) expect(page(cache).get(key)).toEqual([...VALUE, 'added']);
    expect(figures(cache)).toMatchObject({ migrations: 4, dedupe: { payloads: 2, references: 10 } });
    for (const key of KEYS.slice(0, 10)) expect(page(cache).get(key)).toEqual([...VALUE, 'added']);
    expect(figures(cache)).toMatchObject({ migrations: 10, dedupe: { payloads: 1, references: 10 } });
    page(cache).clear();
    expectEmpty(cache);
  });

  it('nobody can name the values of a type', async () => {
    const cache = await create();
    expect(Object.keys(cache.stats().types)).toEqual(['default', 'page', 'plain']);
    fill(cache);
    expect([...cache.keys(), ...cache.type('plain').keys()]).toEqual([]);
    expect(cache.stats().entries).toBe(200);
  });

  it('refuses what it does not go with', async () => {
    for (const overflow of ['reduce', 'compress'] as const) {
      const more = overflow === 'reduce' ? { overflow, reduce: () => undefined } : { overflow };
      const { code, message } = await rejectionOf(create(more as TypeOptions));
      expect(code).toBe('VELOCACHE_OPTION');
      expect(message).toContain('types.page.dedupe');
      expect(message).toContain(overflow);
    }
    const wrong = await rejectionOf(create({ dedupe: 1 as never }));
    expect(wrong.message).toContain('types.page.dedupe');
    const many = Object.fromEntries(Array.from({ length: 128 }, (_, i) => [`t${i}`, { dedupe: true }]));
    const tooMany = await rejectionOf(caches.create({ capacity: '64mb', types: many as never }));
    expect(tooMany.message).toContain('dedupe counts as two');
  });
});
