/** Types: key spaces of their own (rule 5), and what TypeScript knows of their values (rule 13). */
import { attachCache, type Cache, type CacheHandle, createCache, type KeySpace } from 'velocache';
import { describe, expect, expectTypeOf, it } from 'vitest';
import { errorOf, useCaches } from '../support/caches.js';

interface Session {
  readonly user: string;
}
type Types = { default: number; session: Session; page: string };
const TYPES = { session: { ttl: '24h', idle: '2h' }, page: { codec: 'structured' } } as const;

describe('types', () => {
  const caches = useCaches();

  it('the same key in two types is two entries', async () => {
    const cache = await caches.create<Types>({ types: TYPES });
    cache.set('key', 1);
    cache.type('session').set('key', { user: 'a' });
    cache.type('page').set('key', 'text');
    expect([cache.get('key'), cache.type('session').get('key'), cache.type('page').get('key')]).toEqual([
      1,
      { user: 'a' },
      'text',
    ]);
    cache.type('session').delete('key');
    expect([cache.has('key'), cache.type('session').has('key'), cache.type('page').has('key')]).toEqual([
      true,
      false,
      true,
    ]);
    expect([...cache.type('page').entries()]).toEqual([['key', 'text']]);
    expect([...cache.type('session').keys()]).toEqual([]);
  });

  it('have names of up to 255 bytes', async () => {
    const cache = await caches.create({ types: { ['é'.repeat(127)]: {} } });
    expect(cache.type('é'.repeat(127) as 'default').set('key', 1)).toBe(true);
    await expect(createCache({ capacity: '1mb', types: { ['é'.repeat(128)]: {} } })).rejects.toMatchObject({
      code: 'VELOCACHE_OPTION',
    });
  });

  it('type("default") is the cache itself', async () => {
    const cache = await caches.create<Types>({ types: TYPES });
    expect(cache.type('default')).toBe(cache);
    expect(cache.type('session')).toBe(cache.type('session'));
  });

  it('a type that was not declared throws, naming those that were', async () => {
    const cache = await caches.create<Record<string, unknown>>({ types: TYPES });
    for (const name of ['sessions', '', '__proto__', 'constructor']) {
      const { code, message } = errorOf(() => cache.type(name));
      expect(code).toBe('VELOCACHE_TYPE');
      expect(message).toContain('default, session, page');
    }
  });

  it('types are counted apart, and add up', async () => {
    const cache = await caches.create<Types>({ types: TYPES });
    cache.set('a', 1);
    cache.type('session').set('a', { user: 'a' });
    cache.type('session').set('b', { user: 'b' });
    cache.type('session').get('a');
    cache.type('page').get('a');
    const stats = cache.stats();
    expect(Object.keys(stats.types)).toEqual(['default', 'session', 'page']);
    expect(stats.types).toMatchObject({
      default: { entries: 1, sets: 1, hits: 0, misses: 0 },
      session: { entries: 2, sets: 2, hits: 1, misses: 0, hitRatio: 1 },
      page: { entries: 0, sets: 0, hits: 0, misses: 1 },
    });
    expect(stats).toMatchObject({ entries: 3, sets: 3, hits: 1, misses: 1, hitRatio: 0.5 });
  });

  it('a type may have any name, and its own codec', async () => {
    const cache = await caches.create<Record<string, unknown>>({
      types: Object.fromEntries([
        ['__proto__', {}],
        ['toString', { codec: 'structured' }],
      ]),
    });
    cache.type('__proto__').set('key', 1);
    cache.type('toString').set('key', -0);
    expect(cache.type('__proto__').get('key')).toBe(1);
    expect(Object.is(cache.type('toString').get('key'), -0)).toBe(true);
  });
});

describe('what TypeScript knows', () => {
  const caches = useCaches();

  it('value types of the key spaces', async () => {
    const cache = await caches.create<Types>({ types: TYPES });
    expectTypeOf(cache).toEqualTypeOf<Cache<Types>>();
    expectTypeOf(cache.get('key')).toEqualTypeOf<number | undefined>();
    expectTypeOf(cache.peek('key')).toEqualTypeOf<number | undefined>();
    expectTypeOf(cache.getMany(['key'])).toEqualTypeOf<(number | undefined)[]>();
    expectTypeOf(cache.entries()).toEqualTypeOf<IterableIterator<[string, number]>>();
    expectTypeOf(cache.type('session')).toEqualTypeOf<KeySpace<Session>>();
    expectTypeOf(cache.type('session').get('key')).toEqualTypeOf<Session | undefined>();
    expectTypeOf(cache.type('page').set).parameter(1).toEqualTypeOf<string>();
    expectTypeOf(cache.handle).toEqualTypeOf<CacheHandle<Types>>();
    // @ts-expect-error: a number is wanted
    cache.set('key', 'text');
    // @ts-expect-error: no such type
    expect(() => cache.type('other')).toThrow();
  });

  it('attachCache infers them from the handle', async () => {
    const cache = await caches.create<Types>({ types: TYPES });
    const attached = caches.adopt(attachCache(cache.handle));
    expectTypeOf(attached).toEqualTypeOf<Cache<Types>>();
    expectTypeOf(attached.type('session').get('key')).toEqualTypeOf<Session | undefined>();
  });

  it('without types every value is unknown', async () => {
    const cache = caches.adopt(await createCache({ capacity: '8mb' }));
    expectTypeOf(cache.get('key')).toEqualTypeOf<unknown>();
    // @ts-expect-error: types that were not named can not be configured
    void (() => createCache<Types>({ capacity: '8mb', types: { other: {} } }));
  });
});
