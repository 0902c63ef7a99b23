/** What workers of the pool do to stored values: compression, frames, reducers; and shapes of objects that they meet. */
import { randomBytes } from 'node:crypto';
import type { Cache, TypeOptions } from 'velocache';
import { describe, expect, it } from 'vitest';
import { useCaches } from '../support/caches.js';
import { useRemotes } from '../support/remote.js';

interface Route {
  readonly id: number;
  readonly points: readonly { readonly lat: number; readonly road: string }[];
}
type Types = { default: unknown; route: Route; text: string };

const REDUCERS = new URL('../support/fixtures/pool-reducers.mjs', import.meta.url);
const POINTS = 3_000;

const routeOf = (id: number, points = POINTS): Route => ({
  id,
  points: Array.from({ length: points }, (_, i) => ({ lat: 48 + ((id * i) % 97) / 100, road: `way ${i % 11}` })),
});
const textOf = (id: number): string => JSON.stringify(routeOf(id));
const IDS = Array.from({ length: 8 }, (_, id) => id);

describe.each([
  ['by the pool', { send: 'always', threads: 2 }],
  ['by measured cost', { threads: 2 }],
  ['in place', false],
] as const)('setAsync and getAsync %s', (_, pool) => {
  const caches = useCaches();
  const remotes = useRemotes();
  const create = (type: Pick<TypeOptions, 'compress' | 'crc' | 'version' | 'migrate'>): Promise<Cache<Types>> =>
    caches.create<Types>({ capacity: '32mb', pressure: false, pool, types: { route: type, text: type } });

  it.each(['zlib', 'brotli', 'lz4', 'auto'] as const)('compress by %s what set does', async (name) => {
    const cache = await create({ compress: { with: name, above: '1kb' }, crc: true });
    const [route, text] = [cache.type('route'), cache.type('text')];
    const stored = IDS.flatMap((id) => [route.setAsync(`r${id}`, routeOf(id)), text.setAsync(`t${id}`, textOf(id))]);
    expect(await Promise.all(stored)).toEqual(stored.map(() => true));
    for (const id of IDS) {
      expect(route.get(`r${id}`)).toEqual(routeOf(id));
      expect(await route.getAsync(`r${id}`)).toEqual(routeOf(id));
      expect(text.get(`t${id}`)).toBe(textOf(id));
      expect(await text.getAsync(`t${id}`)).toBe(textOf(id));
    }
    const { compression, decodeFailures, pool: did } = cache.stats();
    expect([compression.values + compression.unpaid <= stored.length, decodeFailures]).toEqual([true, 0]);
    if (name !== 'auto') expect([compression.values, compression.decompressions]).toEqual([16, 32]);
    if (pool !== false && 'send' in pool) expect(did).toMatchObject({ tasks: 32, inPlace: 0 });
  });

  it('land in the chunks that set takes', async () => {
    const [asynchronous, synchronous] = [
      await create({ compress: { with: 'zlib', above: 0 } }),
      await create({ compress: { with: 'zlib', above: 0 } }),
    ];
    for (let length = 10; length < 3_000; length += 130) {
      const text = 'compressible '.repeat(length / 5).slice(0, length);
      for (const placement of [{}, { idle: '1m' as const }]) {
        const key = `${length} ${Object.keys(placement)}`;
        await asynchronous.type('text').setAsync(key, text, placement);
        synchronous.type('text').set(key, text, placement);
      }
    }
    const { bytesUsed, compression } = asynchronous.stats();
    const { bytesUsed: expected, compression: other } = synchronous.stats();
    expect([bytesUsed, compression.values, compression.unpaid]).toEqual([expected, other.values, other.unpaid]);
  });

  it('read a value that does not compress behind one that does a thousandfold', async () => {
    const cache = await caches.create<Types>({
      capacity: '64mb',
      pressure: false,
      pool,
      types: { text: { compress: { with: 'zlib', above: '1kb', level: 9 } } },
    });
    const text = cache.type('text');
    const random = randomBytes(5_000_000).toString('latin1');
    expect(await text.setAsync('zeros', '0'.repeat(5_000_000))).toBe(true);
    expect(await text.setAsync('random', random)).toBe(true);
    expect((await text.getAsync('zeros'))?.length).toBe(5_000_000);
    expect((await text.getAsync('random')) === random).toBe(true);
  });

  it('read damaged compressed values as counted misses', async () => {
    const cache = await create({ compress: { with: 'lz4', above: '1kb' }, crc: true });
    // LZ4 leaves as it is what has not come before.
    const mark = 'what comes once';
    await cache.type('text').setAsync('key', `${mark}${textOf(1)}`);
    for (const shared of cache.handle.buffers) {
      const bytes = Buffer.from(shared as unknown as ArrayBuffer);
      const at = bytes.indexOf(mark);
      if (at >= 0) bytes[at] = bytes[at]! ^ 1;
    }
    expect(await cache.type('text').getAsync('key')).toBeUndefined();
    expect(cache.stats()).toMatchObject({ hits: 0, misses: 1, decodeFailures: 1, compression: { values: 1 } });
  });

  it('leave values of a newer version than that of the thread compressed', async () => {
    const migrate = { 1: (value: unknown) => value };
    const compress = { with: 'zlib', above: '1kb' } as const;
    const cache = await create({ compress, version: 2, migrate });
    const remote = remotes.start();
    const older = { version: 1 };
    await remote.do('attachWith', cache.handle, { types: { route: older, text: older } });
    expect(await cache.setAsync('unversioned', 1)).toBe(true);
    expect(await cache.type('text').setAsync('key', textOf(1))).toBe(true);
    expect(await remote.do('typed', 'text', 'getAsync', 'key')).toBeUndefined();
    expect(cache.stats()).toMatchObject({ newerVersions: 1, misses: 1, decodeFailures: 0 });
    expect(cache.stats().compression.decompressions).toBe(0);
    expect(await cache.type('text').getAsync('key')).toBe(textOf(1));
    expect(cache.stats().compression.decompressions).toBe(1);
  });

  it('learn and use shapes of objects that all threads share', async () => {
    const cache = await create({});
    const remote = remotes.start(cache.handle);
    for (const id of IDS) expect(await cache.type('route').setAsync(`r${id}`, routeOf(id))).toBe(true);
    const { records } = cache.stats().log;
    expect(records).toBeGreaterThan(0);
    for (const id of IDS) {
      expect(await remote.do('typed', 'route', 'getAsync', `r${id}`)).toEqual(routeOf(id));
      expect(await remote.do('typed', 'route', 'setAsync', `r${id}`, routeOf(id + 1))).toBe(true);
      expect(await cache.type('route').getAsync(`r${id}`)).toEqual(routeOf(id + 1));
    }
    expect(cache.stats()).toMatchObject({ decodeFailures: 0, log: { records } });
  });
});

describe('workers of the pool', () => {
  const caches = useCaches();

  it.each([
    ['compress cold values of a type that has its share', { overflow: 'compress' }],
    ['reduce values, with the shapes of their objects', { overflow: 'reduce', reduce: () => undefined }],
  ] as const)('%s', async (_, type) => {
    const cache = await caches.create<{ default: unknown; route: Route }>({
      capacity: '16mb',
      pressure: false,
      pool: { send: 'always', threads: 1, ...('reduce' in type ? { module: REDUCERS } : {}) },
      types: { route: { ...type, maxShare: 0.05 } },
    });
    const route = cache.type('route');
    for (let id = 0; id < 40; id++) expect(await route.setAsync(`r${id}`, routeOf(id))).toBe(true);
    const { reductions, reducerFailures, decodeFailures, pool } = cache.stats();
    expect(reductions).toBeGreaterThan(5);
    expect([reducerFailures, decodeFailures, pool.inPlace]).toEqual([0, 0, 0]);
    const isReducer = 'reduce' in type;
    for (const [key, { id, points }] of route.entries()) {
      expect(key).toBe(`r${id}`);
      const halvings = Math.log2(POINTS / points.length);
      expect(isReducer || halvings === 0).toBe(true);
      expect(points).toEqual(routeOf(id, points.length).points);
    }
    expect(cache.verify()).toEqual([]);
  });
});
