/** Heavy properties that are decoded when they are read, and getFields, on the built package. */
import protobufjs from 'protobufjs';
import { attachCache, type Cache, type Codec, protobuf, type TypeOptions } from 'velocache';
import { describe, expect, expectTypeOf, it } from 'vitest';
import { errorOf, useCaches } from '../support/caches.js';
import { useRemotes } from '../support/remote.js';

interface Route {
  readonly id: number;
  readonly name: string;
  readonly geometry?: readonly (readonly number[])[] | string;
  readonly series?: readonly object[];
}
type Types = { default: unknown; route: Route };

const CODECS = ['msgpack', 'json', 'cbor', 'structured'] as const;
const routeOf = (id: number, points = 800): Route => ({
  id,
  geometry: Array.from({ length: points }, (_, i) => [id + i / 8, 48 - i / 16]),
  name: `route ${id}`,
  series: Array.from({ length: points / 4 }, (_, i) => ({ at: i, speed: (i * id) % 31, note: `lap ${i % 9}` })),
});

const isDeferred = (value: object | undefined, name: string): boolean =>
  Object.getOwnPropertyDescriptor(value, name)?.get !== undefined;

describe('a type with lazy', () => {
  const caches = useCaches();
  const remotes = useRemotes();
  const create = (type: TypeOptions<Route> = {}, more: object = {}): Promise<Cache<Types>> =>
    caches.create<Types>({ pressure: false, types: { route: { lazy: ['geometry', 'series'], ...type } }, ...more });

  it.each(CODECS)('by %s gives each read a value of its own, heavy properties when they are read', async (codec) => {
    const cache = await create({ codec, compress: { with: 'zlib', above: '1kb' } });
    const space = cache.type('route');
    expect(space.set('r', routeOf(1))).toBe(true);
    const before = cache.stats().compression.decompressions;
    const [first, second] = [space.get('r')!, space.peek('r')!];
    expect([isDeferred(first, 'geometry'), isDeferred(second, 'series')]).toEqual([true, true]);
    expect([cache.stats().compression.decompressions - before, first.name]).toEqual([0, 'route 1']);
    expect([first.geometry, cache.stats().compression.decompressions - before]).toEqual([routeOf(1).geometry, 1]);
    (first.geometry as number[][]).push([0]);
    expect([first.series, second]).toEqual([routeOf(1).series, routeOf(1)]);
    expect(space.get('r')).toEqual(routeOf(1));
    expect([...space.entries()]).toEqual([['r', routeOf(1)]]);
    expect(space.set('copy', space.get('r')!)).toBe(true);
    expect([space.get('copy'), await space.fetch('copy', () => undefined)]).toEqual([routeOf(1), routeOf(1)]);
    expect(structuredClone(space.get('r'))).toEqual(routeOf(1));
    expect(cache.stats().decodeFailures).toBe(0);
  });

  it('keeps what was read while another thread stores other values under the key', async () => {
    const cache = await create({ compress: { with: 'lz4', above: '1kb' } });
    const space = cache.type('route');
    space.set('r', routeOf(0, 300));
    const remote = remotes.start(cache.handle);
    await remote.do('typed', 'route', 'has', 'r');
    const entries = Array.from({ length: 400 }, (_, i) => ['r', routeOf(i % 5, 300)]);
    let isDone = false;
    const storing = remote.do('typed', 'route', 'setMany', entries).then(() => (isDone = true));
    const held: Route[] = [];
    for (let round = 0; !isDone && round < 100_000; round++) {
      const value = space.get('r');
      if (value !== undefined) held.push(value);
      if (held.length > 20) {
        const { id, geometry, series } = held.shift()!;
        expect({ id, geometry, series }).toEqual({
          id,
          geometry: routeOf(id, 300).geometry,
          series: routeOf(id, 300).series,
        });
      }
      await new Promise((resolve) => setImmediate(resolve));
    }
    await storing;
    for (const value of held) expect(value).toEqual(routeOf(value.id, 300));
    expect([held.length > 0, cache.stats().decodeFailures]).toEqual([true, 0]);
  });

  it('throws where a heavy property was damaged, when that is read, counted and told; with a CRC it is a miss', async () => {
    const cache = await create({ codec: 'json' });
    const space = cache.type('route');
    space.set('r', { id: 1, name: 'n', geometry: `what is damaged ${'x'.repeat(1_000)}` });
    const alerts: string[] = [];
    cache.on('alert', ({ code }) => void alerts.push(code));
    const damaged = space.get('r')!;
    damage(cache, 'what is damaged');
    expect(damaged.geometry).toBe(`what is damaged ${'x'.repeat(1_000)}`);
    const value = space.get('r')!;
    expect([value.id, cache.stats().hits, cache.stats().decodeFailures]).toEqual([1, 2, 0]);
    expect(errorOf(() => value.geometry)).toMatchObject({ code: 'VELOCACHE_CODEC' });
    expect(errorOf(() => ({ ...value }))).toMatchObject({ code: 'VELOCACHE_CODEC' });
    expect([cache.stats().decodeFailures, cache.stats().misses]).toEqual([2, 0]);
    expect([space.getFields('r', ['id']), space.getFields('r', ['geometry'])]).toEqual([{ id: 1 }, undefined]);
    expect(cache.stats()).toMatchObject({ hits: 3, misses: 1, decodeFailures: 3 });
    await expect.poll(() => alerts).toContain('decode-failed');
    const checked = await create({ codec: 'json', crc: true });
    checked.type('route').set('r', { id: 1, name: 'n', geometry: `what is damaged ${'x'.repeat(1_000)}` });
    damage(checked, 'what is damaged');
    expect([checked.type('route').get('r'), checked.stats().decodeFailures]).toEqual([undefined, 1]);
  });

  it('is read behind the close of the cache', async () => {
    const cache = await create({ compress: { with: 'zlib', above: '1kb' } });
    cache.type('route').set('r', routeOf(3));
    const value = cache.type('route').get('r');
    await cache.close();
    expect(value).toEqual(routeOf(3));
  });

  it('migrates whole values, and stores what they become in parts', async () => {
    const migrate = {
      1: (route: Route & { geometry: number[][] }) => {
        seen.push(isDeferred(route, 'geometry'));
        return { ...route, geometry: route.geometry.slice(0, 400) };
      },
    };
    const seen: boolean[] = [];
    const cache = await create({ version: 2, migrate, compress: { with: 'zlib', above: '1kb' } });
    const remote = remotes.start();
    await remote.do('attachWith', cache.handle, { types: { route: { version: 1 } } });
    for (const key of ['a', 'b']) await remote.do('typed', 'route', 'set', key, routeOf(1));
    const space = cache.type('route');
    const expected = { ...routeOf(1), geometry: routeOf(1).geometry!.slice(0, 400) };
    expect(space.get('a')).toEqual(expected);
    expect(space.getFields('b', ['geometry', 'name'])).toEqual({ geometry: expected.geometry, name: 'route 1' });
    expect([seen, cache.stats().migrations, isDeferred(space.get('b'), 'geometry')]).toEqual([[false, false], 2, true]);
    expect(await remote.do('typed', 'route', 'getFields', 'a', ['name'])).toBeUndefined();
    expect(cache.stats()).toMatchObject({ newerVersions: 1, migrationFailures: 0, decodeFailures: 0 });
  });

  it('reduces whole values', async () => {
    const seen: boolean[] = [];
    const reduce = (route: Route): Route | undefined => {
      seen.push(isDeferred(route, 'geometry'));
      return route.series === undefined ? undefined : { id: route.id, name: 'reduced', geometry: route.geometry! };
    };
    const cache = await create({ overflow: 'reduce', reduce, maxShare: 0.05 });
    const space = cache.type('route');
    for (let i = 0; i < 400; i++) space.set(`r${i}`, routeOf(i));
    const { reductions, reducerFailures } = cache.stats();
    expect([reductions > 0, reducerFailures, seen.includes(true)]).toEqual([true, 0, false]);
    const values = [...space.entries()].map(([, value]) => value);
    const reduced = values.find(({ name }) => name === 'reduced')!;
    expect(reduced.geometry).toEqual(routeOf(reduced.id).geometry);
  });

  it('is compressed in place, part by part', async () => {
    const cache = await create({ overflow: 'compress', maxShare: 0.05 });
    // Each part packs to more than is worth compressing.
    const POINTS = 6_000;
    const space = cache.type('route');
    for (let i = 0; i < 120; i++) space.set(`r${i}`, routeOf(i, POINTS));
    expect([cache.stats().reductions > 0, cache.stats().decodeFailures]).toEqual([true, 0]);
    let values = 0;
    for (const [, value] of space) {
      values += 1;
      expect(value).toEqual(routeOf(value.id, POINTS));
    }
    expect(values).toBeGreaterThan(10);
  });

  it.each([
    ['by the pool', { send: 'always', threads: 1 }],
    ['in place', false],
  ] as const)('by setAsync and getAsync, %s', async (_, pool) => {
    const cache = await create({ compress: { with: 'zlib', above: '1kb' }, crc: true, version: 3 }, { pool });
    const space = cache.type('route');
    expect(await Promise.all([1, 2, 3].map((id) => space.setAsync(`r${id}`, routeOf(id))))).toEqual([true, true, true]);
    expect(await space.setAsync('whole', { id: 9, name: 'small' })).toBe(true);
    for (const id of [1, 2, 3]) {
      const value = await space.getAsync(`r${id}`);
      const { decompressions } = cache.stats().compression;
      expect([isDeferred(value, 'geometry'), value]).toEqual([true, routeOf(id)]);
      expect(cache.stats().compression.decompressions).toBe(decompressions);
      expect(space.get(`r${id}`)).toEqual(routeOf(id));
    }
    expect(await space.getAsync('whole')).toEqual({ id: 9, name: 'small' });
    const synchronous = await create({ compress: { with: 'zlib', above: '1kb' }, crc: true, version: 3 });
    for (const id of [1, 2, 3]) synchronous.type('route').set(`r${id}`, routeOf(id));
    synchronous.type('route').set('whole', { id: 9, name: 'small' });
    expect(cache.stats().bytesUsed).toBe(synchronous.stats().bytesUsed);
    const found = cache.stats().pool;
    expect(pool === false ? found.tasks : found.inPlace).toBe(0);
  });

  it('is part of what threads agree on, and read by all of them', async () => {
    const cache = await create();
    const remote = remotes.start(cache.handle);
    await remote.do('typed', 'route', 'set', 'r', routeOf(5));
    expect(cache.type('route').get('r')).toEqual(routeOf(5));
    cache.type('route').set('r', routeOf(6));
    expect(await remote.do('typed', 'route', 'get', 'r')).toEqual(routeOf(6));
    expect(attachCache(cache.handle)).toBe(cache);
  });

  it.each<[string, unknown]>([
    ['no array', 'geometry'],
    ['an empty one', []],
    ['more than 16', Array.from({ length: 17 }, (_, i) => `p${i}`)],
    ['one that is no string', ['a', 1]],
    ['one twice', ['a', 'b', 'a']],
  ])('refuses %s as names', async (_, lazy) => {
    await expect(create({ lazy } as never)).rejects.toMatchObject({
      code: 'VELOCACHE_OPTION',
      message: expect.stringContaining('types.route.lazy'),
    });
  });

  it.each<[string, TypeOptions<never>['codec']]>([
    ['raw', 'raw'],
    ['one of the user’s', { encode: () => new Uint8Array(0), decode: () => undefined as never }],
  ])('refuses the codec %s', async (_, codec) => {
    await expect(create({ codec } as never)).rejects.toMatchObject({
      code: 'VELOCACHE_OPTION',
      message: expect.stringContaining("needs codec 'msgpack'"),
    });
  });
});

describe('getFields', () => {
  const caches = useCaches();
  const VALUE = { id: 1, name: 'Ada', at: new Date(5), list: [1, { two: 2 }], none: undefined, ['__proto__x']: 1 };

  it.each(['msgpack', 'cbor', 'structured'] as const)(
    'by %s gives the named properties in that order, and counts as a get',
    async (codec) => {
      const cache = await caches.create({ types: { default: { codec } } });
      for (let i = 0; i < 3; i++) cache.set('key', VALUE);
      expect(Object.entries(cache.getFields('key', ['list', 'id', 'absent', 'none', 'list'])!)).toEqual([
        ['list', [1, { two: 2 }]],
        ['id', 1],
        ['none', undefined],
      ]);
      expect([cache.getFields('key', []), cache.getFields('absent', ['id'])]).toEqual([{}, undefined]);
      expect(cache.stats()).toMatchObject({ hits: 2, misses: 1, bytesHit: cache.stats().bytesPayload * 2 });
    },
  );

  it.each(CODECS)('by %s of what is no plain object', async (codec) => {
    const cache = await caches.create({ types: { default: { codec, compress: { with: 'zlib', above: 0 } } } });
    cache.set('text', 'x'.repeat(500));
    cache.set('array', ['a', 'b']);
    cache.set('own', JSON.parse('{"__proto__":{"polluted":1},"constructor":2}'));
    cache.setBytes('bytes', Uint8Array.of(1, 2));
    expect(['text', 'bytes'].map((key) => cache.getFields(key, ['length', 'id']))).toEqual([{}, {}]);
    expect(cache.getFields('array', ['length', '1', '7'])).toEqual({ 1: 'b' });
    const own = cache.getFields('own', ['__proto__', 'constructor', 'toString'])!;
    expect([Object.keys(own), Object.getPrototypeOf(own) === Object.prototype]).toEqual([
      ['__proto__', 'constructor'],
      true,
    ]);
    expect('polluted' in {}).toBe(false);
  });

  it('of values in the graph form, and with shapes that were learned on the way', async () => {
    const cache = await caches.create();
    cache.set('graph', { id: 1, map: new Map([[1, -0]]), text: 'x' });
    expect(cache.getFields('graph', ['map'])).toEqual({ map: new Map([[1, -0]]) });
    for (let i = 0; i < 5; i++) {
      cache.set('deep', { id: i, deep: { a: { b: [i, `é${i}`] } }, text: `t${i}`, long: 'y'.repeat(100) });
      expect(cache.getFields('deep', ['text', 'id'])).toEqual({ text: `t${i}`, id: i });
      expect(cache.getFields('deep', ['deep'])).toEqual({ deep: { a: { b: [i, `é${i}`] } } });
    }
  });

  it('by a codec of the user’s and by Protocol Buffers decodes all, and gives those', async () => {
    const textCodec: Codec<{ a: number; b: number }> = {
      encode: ({ a, b }) => Buffer.from(`${a} ${b}`),
      decode: (bytes) => {
        const [a, b] = Buffer.from(bytes).toString().split(' ').map(Number) as [number, number];
        return { a, b };
      },
    };
    const { root } = protobufjs.parse('syntax = "proto3"; message Ride { string name = 1; double km = 2; }');
    const types = {
      own: { codec: textCodec },
      ride: { codec: protobuf<{ name: string; km: number }>(root.lookupType('Ride')) },
    };
    const cache = await caches.create<{ own: { a: number; b: number }; ride: { name: string; km: number } }>({ types });
    cache.type('own').set('k', { a: 1, b: 2 });
    cache.type('ride').set('k', { name: 'Ada', km: 3 });
    expect([cache.type('own').getFields('k', ['b']), cache.type('ride').getFields('k', ['km'])]).toEqual([
      { b: 2 },
      { km: 3 },
    ]);
    const fields = cache.type('ride').getFields('k', ['km']);
    expectTypeOf(fields).toEqualTypeOf<Pick<{ name: string; km: number }, 'km'> | undefined>();
  });

  it.each<[string, unknown]>([
    ['no array', 'id'],
    ['a name that is no string', ['id', 5]],
    ['more than 256', Array(257).fill('id')],
  ])('refuses %s', async (_, names) => {
    const cache = await caches.create();
    cache.set('key', VALUE);
    expect(errorOf(() => cache.getFields('key', names as never))).toMatchObject({ code: 'VELOCACHE_OPTION' });
    expect(cache.stats()).toMatchObject({ hits: 0, misses: 0 });
  });
});

/** Makes no UTF-8 of the text wherever it is stored. */
function damage(cache: { readonly handle: { readonly buffers: readonly SharedArrayBuffer[] } }, text: string): void {
  for (const shared of cache.handle.buffers) {
    const bytes = Buffer.from(shared as unknown as ArrayBuffer);
    const at = bytes.indexOf(text);
    if (at >= 0) bytes[at] = 0xff;
  }
}
