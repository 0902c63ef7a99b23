/** What a type does when it has its share: options, reducers in several threads, failures, functions given at attach. */
import { readFileSync } from 'node:fs';
import fc from 'fast-check';
import {
  type Alert,
  attachCache,
  type Cache,
  type CacheOptions,
  createCache,
  ManualClock,
  type ReduceInfo,
  type Reducer,
  type TypeOptions,
  veloTypes,
} from 'velocache';
import { describe, expect, expectTypeOf, it } from 'vitest';
import { errorOf, rejectionOf, useCaches } from '../support/caches.js';
import { useRemotes } from '../support/remote.js';

interface Series {
  readonly key: string;
  readonly points: number[];
}
type Types = { default: unknown; series: Series };

const CAPACITY = 8 << 20;
const SHARE = 0.05;
const SEED = Number(process.env['FC_SEED'] ?? 20_262);

const halve: Reducer<Series> = ({ key, points }) =>
  points.length < 16 ? undefined : { key, points: points.filter((_, i) => i % 2 === 0) };
const seriesOf = (key: string, length = 512): Series => ({ key, points: Array.from({ length }, (_, i) => i) });
const reducing = (reduce: Reducer<Series>): TypeOptions<Series> => ({ maxShare: SHARE, overflow: 'reduce', reduce });

/** Whether a series is what `seriesOf` made, halved some times. */
function isSound({ key, points }: Series, wanted: string): boolean {
  const step = points[1] ?? 1;
  return key === wanted && Number.isInteger(Math.log2(step)) && points.every((point, i) => point === i * step);
}

function fill(cache: Cache<Types>, count: number, from = 0): void {
  const series = cache.type('series');
  for (let i = from; i < from + count; i++) expect(series.set(`k${i}`, seriesOf(`k${i}`))).toBe(true);
}

const used = (cache: Cache<Types>): number => cache.stats().types['series']!.bytesUsed;

describe('overflow: reduce', () => {
  const caches = useCaches();
  const remotes = useRemotes();
  const create = (reduce: Reducer<Series>, more: Partial<CacheOptions<Types>> = {}): Promise<Cache<Types>> =>
    caches.create<Types>({ types: { series: reducing(reduce) }, pressure: false, ...more });

  it('makes the coldest values smaller, within the share, and counts it', async () => {
    const infos: ReduceInfo[] = [];
    const cache = await create((value, info) => {
      infos.push(info);
      return halve(value, info);
    });
    fill(cache, 1_200);
    expect(used(cache)).toBeLessThanOrEqual(SHARE * CAPACITY);
    const stats = cache.stats();
    expect(stats.reductions).toBeGreaterThan(100);
    expect(stats.types['series']).toMatchObject({ reductions: stats.reductions, reducerFailures: 0 });
    expect(stats.types['default']).toMatchObject({ reductions: 0 });
    const left = Object.values(stats.removals).reduce((sum, count) => sum + count, 0);
    expect(stats.sets).toBe(stats.entries + left);
    expect(stats.sets).toBe(1_200 + stats.reductions);
    for (const [key, value] of cache.type('series').entries()) expect(isSound(value, key)).toBe(true);
    expect(infos.length).toBeGreaterThanOrEqual(stats.reductions);
    for (const { type, key, bytes, ageMs } of infos) {
      expect([type, key.startsWith('k'), bytes > 2, ageMs >= 0]).toEqual(['series', true, true, true]);
    }
  });

  it('undefined evicts the entry, as under LRU', async () => {
    const cache = await create(() => undefined);
    fill(cache, 1_200);
    expect(cache.stats()).toMatchObject({ reductions: 0, reducerFailures: 0 });
    expect(cache.stats().removals.share).toBeGreaterThan(100);
    expect(used(cache)).toBeGreaterThan(SHARE * CAPACITY * 0.9);
  });

  it('calls the reducer four times a set at most', async () => {
    let calls = 0;
    const cache = await create((value, info) => {
      calls += 1;
      return halve(value, info);
    });
    for (let i = 0; i < 1_000; i++) {
      calls = 0;
      cache.type('series').set(`k${i}`, seriesOf(`k${i}`));
      expect(calls).toBeLessThanOrEqual(4);
    }
  });

  it('bytes come and go as bytes', async () => {
    const cache = await create(((value: unknown) => (value as Uint8Array).slice(0, 100)) as unknown as Reducer<Series>);
    const series = cache.type('series');
    for (let i = 0; i < 600; i++) series.setBytes(`k${i}`, new Uint8Array(1_000).fill(i));
    const lengths = [...series.keys()].map((key) => {
      const bytes = series.getBytes(key)!;
      expect(bytes.every((byte) => byte === (Number(key.slice(1)) & 255))).toBe(true);
      return bytes.length;
    });
    expect(new Set(lengths)).toEqual(new Set([100, 1_000]));
  });

  it('a reducer may use the cache, also to store in its own type, and delete what it is given', async () => {
    let cache: Cache<Types> | undefined;
    const reduce: Reducer<Series> = (value, info) => {
      cache!.set('last', info.key);
      cache!.type('series').set('inner', seriesOf('inner'));
      if (info.key.endsWith('7')) cache!.type('series').delete(info.key);
      if (info.key.endsWith('8')) cache!.type('series').set(info.key, { key: info.key, points: [9] });
      return halve(value, info);
    };
    cache = await create(reduce);
    fill(cache, 1_200);
    expect(cache.get('last')).toMatch(/^k|^inner$/);
    expect(cache.stats().reductions).toBeGreaterThan(50);
    for (const [key, value] of cache.type('series').entries()) {
      expect(value.points[0] === 9 || isSound(value, key)).toBe(true);
    }
    expect(used(cache)).toBeLessThanOrEqual(SHARE * CAPACITY);
  });

  it('a reducer that closes the cache has the set throw', async () => {
    let cache: Cache<Types> | undefined;
    cache = await create(() => {
      void cache!.close();
      return undefined;
    });
    expect(errorOf(() => fill(cache!, 1_200)).code).toBe('VELOCACHE_CLOSED');
  });

  it('one that throws is counted, told of once a minute, and its entries go by LRU', async () => {
    const clock = new ManualClock(1_000);
    const cache = await create(
      () => {
        throw new Error('no coarser');
      },
      { clock },
    );
    const alerts: Alert[] = [];
    cache.on('alert', (alert) => alerts.push(alert));
    fill(cache, 1_200);
    const failures = cache.stats().reducerFailures;
    expect(failures).toBeGreaterThan(100);
    expect(used(cache)).toBeLessThanOrEqual(SHARE * CAPACITY);
    await expect.poll(() => alerts.length).toBe(1);
    const { message, ...alert } = alerts[0]!;
    expect(alert).toEqual({ code: 'reducer-failed', severity: 'warning', figure: 1, threshold: 0, type: 'series' });
    expect(message).toContain('Error: no coarser');
    clock.advance(59_000);
    fill(cache, 10, 2_000);
    clock.advance(2_000);
    fill(cache, 10, 3_000);
    await expect.poll(() => alerts.length).toBe(2);
    expect(alerts[1]!.figure).toBeGreaterThan(failures);
  });

  it('whatever is thrown or returned, the set goes on', async () => {
    const strange = [
      () => {
        throw Object.create(null);
      },
      () => {
        throw undefined;
      },
      () => Promise.resolve(1),
      () => () => 1,
      () => null,
      (value: Series) => ({ ...value, points: [...value.points, ...value.points] }),
    ];
    for (const reduce of strange) {
      const cache = await create(reduce as unknown as Reducer<Series>);
      fill(cache, 600);
      expect(used(cache)).toBeLessThanOrEqual(SHARE * CAPACITY);
      await cache.close();
    }
  });

  it('two threads reduce at once: no value is ever wrong, and failures are told once', async () => {
    const cache = await create(halve);
    const remote = remotes.start();
    await remote.do('reduce', cache.handle, 'series');
    const others = remote.do('fill', 'series', 1_500);
    fill(cache, 1_500);
    await others;
    // A set of each thread may not have seen the other's.
    expect(used(cache)).toBeLessThanOrEqual(SHARE * CAPACITY + 8_192);
    for (const [key, value] of cache.type('series').entries()) expect(isSound(value, key)).toBe(true);
    expect(cache.stats().reductions).toBeGreaterThan(200);
  });

  it(`stays within the share with values of any size (seed ${SEED})`, async () => {
    const sizes = fc.array(fc.oneof(fc.nat(2_000), fc.nat(40_000)), { minLength: 50, maxLength: 150 });
    await fc.assert(
      fc.asyncProperty(sizes, async (lengths) => {
        const cache = await createCache<Types>({
          capacity: CAPACITY,
          pressure: false,
          types: { series: reducing(halve) },
        });
        const series = cache.type('series');
        const held = new Map<string, number>();
        lengths.forEach((length, i) => {
          const key = `k${i % 60}`;
          if (series.set(key, seriesOf(key, length))) held.set(key, length);
          else held.delete(key);
          expect(used(cache)).toBeLessThanOrEqual(SHARE * CAPACITY);
        });
        for (const [key, value] of series.entries()) {
          expect(isSound(value, key)).toBe(true);
          const step = value.points[1] ?? 1;
          if (value.points.length > 1) expect(value.points.length).toBe(Math.ceil(held.get(key)! / step));
        }
        expect(cache.verify()).toEqual([]);
        await cache.close();
      }),
      { seed: SEED, numRuns: 8 },
    );
  });
});

describe('overflow: compress', () => {
  const caches = useCaches();

  it('is LRU for values that are not large', async () => {
    const cache = await caches.create<Types>({
      pressure: false,
      types: { series: { maxShare: SHARE, overflow: 'compress' } },
    });
    fill(cache, 1_200);
    expect(cache.stats().reductions).toBe(0);
    expect(cache.stats().removals.share).toBeGreaterThan(100);
    expect(used(cache)).toBeLessThanOrEqual(SHARE * CAPACITY);
  });
});

describe('options of types', () => {
  const refusal = (types: object): Promise<{ code: unknown; message: string }> =>
    rejectionOf(createCache({ capacity: '8mb', types } as never));

  it.each<[string, object, string]>([
    ['a share over 1', { a: { maxShare: 1.5 } }, 'types.a.maxShare is 1.5: must be a number from 0 to 1'],
    ['a share of 0', { a: { maxShare: 0 } }, 'types.a.maxShare is 0: must be above 0'],
    ['a share that is none', { a: { maxShare: '0.5' } }, 'types.a.maxShare is "0.5": must be a number from 0 to 1'],
    ['a share of NaN', { a: { maxShare: Number.NaN } }, 'types.a.maxShare is NaN: must be a number from 0 to 1'],
    ['a reserve below 0', { a: { reserve: -0.1 } }, 'types.a.reserve is -0.1: must be a number from 0 to 1'],
    [
      'a reserve over the share',
      { a: { reserve: 0.3, maxShare: 0.2 } },
      'types.a.reserve is 0.3: must be at most maxShare, 0.2',
    ],
    [
      'reserves over the capacity',
      { a: { reserve: 0.5 }, b: { reserve: 0.75 } },
      'types.*.reserve is 1.25: must come to at most 1, the capacity',
    ],
    [
      'a share that holds no entry',
      { a: { maxShare: 1e-9 } },
      'types.a.maxShare is 1e-9: must come to 64 bytes at least, the smallest chunk',
    ],
    [
      'a critical type without reserve beside reserves of all',
      { a: { reserve: 0.5 }, b: { reserve: 0.5 }, s: { importance: 'critical', maxShare: 0.2 } },
      'types.s.maxShare is 0.2: critical entries may not fill what other types reserve, which is all: reserve some for it',
    ],
    [
      'an unknown importance',
      { a: { importance: 'vital' } },
      'types.a.importance is "vital": must be one of critical, important, standard, optional',
    ],
    [
      'an unknown overflow',
      { a: { overflow: 'drop' } },
      'types.a.overflow is "drop": must be one of lru, aggressive-lru, reduce, compress',
    ],
    ['reduce without its function', { a: { overflow: 'reduce' } }, 'types.a.reduce is undefined: must be a function'],
    ['what is no function', { a: { overflow: 'reduce', reduce: 1 } }, 'types.a.reduce is 1: must be a function'],
    [
      'a function without reduce',
      { a: { overflow: 'compress', reduce: halve } },
      `types.a.reduce is "given": needs overflow 'reduce', not 'compress'`,
    ],
    [
      'a function by default',
      { a: { reduce: halve } },
      `types.a.reduce is "given": needs overflow 'reduce', not 'lru'`,
    ],
    ['an option by another name', { a: { share: 0.5 } }, 'types.a.share is "given": the options are'],
  ])('%s is refused', async (_, types, message) => {
    const error = await refusal(types);
    expect(error.code).toBe('VELOCACHE_OPTION');
    if (message.includes('importance'))
      expect(error.message).toMatch(/^types\.a\.importance is "vital": must be one of/);
    else expect(error.message).toContain(message);
  });

  it('reserves of the whole capacity may add up to slightly more than 1', async () => {
    const reserves = [0.01, 0.2, 0.68, 0.11];
    expect(reserves.reduce((sum, reserve) => sum + reserve, 0)).toBeGreaterThan(1);
    const types = Object.fromEntries(reserves.map((reserve, i) => [`type${i}`, { reserve }]));
    const cache = await createCache<Record<string, unknown>>({ capacity: '8mb', types });
    await cache.close();
  });
});

describe('functions at attach', () => {
  const caches = useCaches();
  const remotes = useRemotes();
  const types = { series: reducing(halve), plain: {} };

  it('one that is missing is named', async () => {
    const cache = await caches.create<Types & { plain: unknown }>({ types });
    const remote = remotes.start();
    await expect(remote.do('attach', cache.handle)).rejects.toMatchObject({
      code: 'VELOCACHE_HANDLE_VERSION',
      message: expect.stringContaining('types.series.reduce'),
    });
    await remote.do('reduce', cache.handle, 'series');
  });

  it('one that the cache does not know is refused', async () => {
    const cache = await caches.create<Types & { plain: unknown }>({ types });
    const attach = (functions: object): string => {
      const { code, message } = errorOf(() => attachCache(cache.handle, functions));
      expect(code).toBe('VELOCACHE_OPTION');
      return message;
    };
    expect(attach({ types: { other: { reduce: halve } } })).toContain('functions.types.other');
    expect(attach({ types: { series: { coarsen: halve } } })).toContain('functions.types.series.coarsen');
    expect(attach({ types: null })).toContain('functions.types');
    expect(attach({ reduce: halve })).toContain('functions.reduce');
    const plain = await caches.create<{ plain: unknown }>({ types: { plain: {} } });
    await expect(remotes.start().do('reduce', plain.handle, 'plain')).rejects.toMatchObject({
      code: 'VELOCACHE_OPTION',
      message: expect.stringContaining('types.plain.reduce'),
    });
  });

  it('TypeScript knows what a reducer takes', () => {
    void ((cache: Cache<Types>) => {
      attachCache(cache.handle, {
        types: {
          series: {
            reduce: (value) => {
              expectTypeOf(value).toEqualTypeOf<Series>();
              return value;
            },
          },
        },
      });
      // @ts-expect-error: a reducer of another type of value
      attachCache(cache.handle, { types: { series: { reduce: (value: number) => value } } });
    });
  });
});

describe('veloTypes', () => {
  const caches = useCaches();

  it('has the figures of the README', async () => {
    const table = readFileSync(new URL('../../README.md', import.meta.url), 'utf8').split('\n');
    const none = (value: unknown): string => (value === undefined ? '–' : String(value));
    for (const [type, options] of Object.entries(veloTypes({ reduceWeather: (v) => v, reduceStats: (v) => v }))) {
      const { ttl, idle, importance, maxShare, overflow, compress, near } = options;
      const compression = compress?.dictionary === true ? `${compress.with}, dictionary` : none(compress?.with);
      expect(table).toContain(
        `| \`${type}\` | ${ttl} | ${none(idle)} | ${importance} | ${Math.round(maxShare! * 100)} % | \`${overflow}\` | ${compression} | ${none(near?.bytes)} |`,
      );
    }
  });

  it.each([
    [null, 'reducers is null: must be an object'],
    [{ reduceX: halve }, 'reducers.reduceX is "given": the options are reduceWeather, reduceStats'],
  ])('refuses %o for reducers', (reducers, message) => {
    expect(errorOf(() => veloTypes(reducers as never))).toMatchObject({ code: 'VELOCACHE_OPTION', message });
  });

  it('evicts weather and stats by LRU unless their reducers are given', async () => {
    expect(veloTypes().weather).not.toHaveProperty('reduce');
    expect([veloTypes().weather.overflow, veloTypes().stats.overflow]).toEqual(['lru', 'lru']);
    const { weather, stats } = veloTypes({ reduceWeather: halve });
    expect([weather.overflow, weather.reduce, stats.overflow]).toEqual(['reduce', halve, 'lru']);
    const cache = await caches.create({ types: veloTypes({ reduceWeather: halve }) });
    expect(Object.keys(cache.stats().types)).toEqual([
      'default',
      'session',
      'route',
      'weather',
      'stats',
      'llm',
      'misc',
    ]);
  });
});
