/** Compression of types on the built package: options, values and bytes in several threads, shares, pressure, figures. */
import fc from 'fast-check';
import { type Cache, createCache, Gauge, ManualClock, type TypeOptions, veloTypes } from 'velocache';
import { describe, expect, it } from 'vitest';
import { rejectionOf, useCaches } from '../support/caches.js';
import { runModule } from '../support/process.js';
import { useRemotes } from '../support/remote.js';

const SEED = Number(process.env['FC_SEED'] ?? 16_180);
const HAS_ZSTD = createHasZstd();
const COMPRESSORS = ['zlib', 'brotli', 'lz4', 'auto', ...(HAS_ZSTD ? (['zstd'] as const) : [])] as const;

type Types = { default: unknown; route: unknown };

function createHasZstd(): boolean {
  const [major = 0, minor = 0] = process.versions.node.split('.').map(Number);
  return major > 23 || (major === 22 && minor >= 15) || (major === 23 && minor >= 8);
}

/** Some kilobytes that compress well and are the same for the same number. */
const routeOf = (id: number, points = 1_500): unknown => ({
  id,
  points: Array.from({ length: points }, (_, i) => ({ lat: 48 + ((id * i) % 97) / 100, road: `way ${i % 11}` })),
});
/** Bytes that don't, from a xorshift. */
function noise(length: number, seed = 1): Uint8Array {
  let x = seed;
  return Uint8Array.from({ length }, () => {
    x ^= x << 13;
    x ^= x >>> 17;
    x ^= x << 5;
    return x;
  });
}

describe('a type with compress', () => {
  const caches = useCaches();
  const remotes = useRemotes();
  const create = (route: TypeOptions, capacity = '16mb'): Promise<Cache<Types>> =>
    caches.create<Types>({ capacity, pressure: false, types: { route } });

  it.each(COMPRESSORS)(`by %s gives back every value, with any codec and CRC (seed ${SEED})`, async (name) => {
    const kinds = (['msgpack', 'structured'] as const).flatMap((codec) => [false, true].map((crc) => ({ codec, crc })));
    const types = Object.fromEntries(
      kinds.map((kind, i) => [`t${i}`, { ...kind, compress: { with: name, above: 100 } }]),
    ) as Record<string, TypeOptions>;
    const cache = await caches.create<Record<string, unknown>>({ capacity: '32mb', pressure: false, types });
    const value = fc.anything({ withDate: true, withMap: true, withSet: true, withTypedArray: true, maxDepth: 3 });
    const repeated = fc.tuple(value, fc.integer({ min: 1, max: 60 })).map(([each, times]) => Array(times).fill(each));
    fc.assert(
      fc.property(repeated, fc.uint8Array({ maxLength: 3_000 }), (values, bytes) => {
        for (const type of Object.keys(types)) {
          const space = cache.type(type);
          if (!stored(() => space.set('value', values))) continue;
          space.setBytes('bytes', bytes);
          expect(space.get('value')).toEqual(values);
          expect([space.getBytes('bytes'), space.get('bytes')]).toEqual([bytes, bytes]);
        }
      }),
      { seed: SEED, numRuns: 60 },
    );
    expect(cache.stats()).toMatchObject({ decodeFailures: 0 });
    // Of so small values `auto` may find that none pays.
    if (name !== 'auto') expect(cache.stats().compression.values).toBeGreaterThan(20);
  });

  it('takes less memory, reads as before, and says what it came to', async () => {
    const plain = await create({});
    const cache = await create({ compress: { with: 'zlib' } });
    for (let id = 0; id < 20; id++) {
      for (const route of [plain.type('route'), cache.type('route')]) {
        expect(route.set(`r${id}`, routeOf(id))).toBe(true);
        route.set(`small ${id}`, routeOf(id, 10));
      }
    }
    for (let id = 0; id < 20; id++) expect(cache.type('route').get(`r${id}`)).toEqual(routeOf(id));
    const { compression, bytesUsed } = cache.stats().types['route']!;
    expect(bytesUsed).toBeLessThan(plain.stats().bytesUsed / 2);
    expect(compression).toMatchObject({ values: 20, unpaid: 0, decompressions: 20 });
    expect(compression.ratio).toBe(compression.bytesBefore / compression.bytesAfter);
    expect(compression.ratio).toBeGreaterThan(2);
    expect([compression.compressMs > 0, compression.decompressMs > 0]).toEqual([true, true]);
    expect(cache.stats().compression).toEqual(compression);
    expect(cache.stats().types['default']!.compression).toMatchObject({ values: 0, ratio: 1, decompressMs: 0 });
    expect(plain.stats().compression).toMatchObject({ values: 0, unpaid: 0, ratio: 1 });
  });

  it('stores what would take as much memory as it is', async () => {
    const cache = await create({ compress: { with: 'zlib' } });
    const route = cache.type('route');
    route.setBytes('noise', noise(20_000));
    expect(route.getBytes('noise')).toEqual(noise(20_000));
    expect(cache.stats().compression).toMatchObject({ values: 0, unpaid: 1, decompressions: 0 });
    const usedFor = (bytes: Uint8Array): number => {
      const before = cache.stats().bytesUsed;
      route.setBytes('key', bytes);
      const used = cache.stats().bytesUsed - before;
      route.delete('key');
      return used;
    };
    const whole = usedFor(noise(20_000));
    for (let saved = 0; saved < 4_000; saved += 250) {
      const { values } = cache.stats().compression;
      const used = usedFor(Uint8Array.of(...noise(20_000 - saved), ...new Uint8Array(saved)));
      expect(used < whole).toBe(cache.stats().compression.values > values);
    }
    expect(cache.stats().compression.values).toBeGreaterThan(5);
  });

  it('compresses what a loader brings', async () => {
    const cache = await create({ compress: { with: 'lz4' } });
    expect(await cache.type('route').fetch('key', () => routeOf(3))).toEqual(routeOf(3));
    expect(cache.stats().compression.values).toBe(1);
    expect(cache.type('route').get('key')).toEqual(routeOf(3));
  });

  it.each(COMPRESSORS)('by %s two threads read what the other has stored', async (name) => {
    const cache = await create({ compress: { with: name } });
    const remote = remotes.start(cache.handle);
    const route = cache.type('route');
    for (let id = 0; id < 30; id++) {
      route.set(`here ${id}`, routeOf(id));
      await remote.do('typed', 'route', 'set', `there ${id}`, routeOf(id));
    }
    for (let id = 0; id < 30; id++) {
      expect(route.get(`there ${id}`)).toEqual(routeOf(id));
      expect(await remote.do('typed', 'route', 'get', `here ${id}`)).toEqual(routeOf(id));
    }
    const { compression, decodeFailures } = cache.stats();
    expect([compression.values, compression.decompressions, decodeFailures]).toEqual([60, 60, 0]);
  });

  it('compresses harder while pressure is high', async () => {
    const rss = new Gauge();
    const clock = new ManualClock(1_000);
    const cache = await caches.create<Types>({
      capacity: '16mb',
      clock,
      pressure: { rss, heap: false, arena: false, eventLoop: false },
      types: {
        route: { compress: { with: 'brotli' }, importance: 'important' },
        default: { compress: { with: 'auto' } },
      },
    });
    const bytesFor = (key: string): number => {
      const before = cache.stats().compression.bytesAfter;
      cache.type('route').set(key, routeOf(5, 2_000));
      return cache.stats().compression.bytesAfter - before;
    };
    const light = bytesFor('normal');
    const isHigh = new Promise<void>((resolve) => {
      cache.on('pressure', ({ level }) => level === 'high' && resolve());
    });
    rss.set(0.82);
    clock.advance(200);
    await isHigh;
    expect(bytesFor('high')).toBeLessThan(light);
    expect(cache.type('route').get('normal')).toEqual(cache.type('route').get('high'));
  });
});

it('no compressor loads a native addon', async () => {
  const { stdout, stderr } = await runModule(`
    import { createCache } from 'velocache';
    const names = ${JSON.stringify(COMPRESSORS)};
    const types = Object.fromEntries(names.map((name) => [name, { compress: { with: name, above: 0 } }]));
    const cache = await createCache({ capacity: '8mb', types });
    const read = names.map((name) => cache.type(name).set('key', 'x'.repeat(50_000)) && cache.type(name).get('key').length);
    console.log(new Set(read).size, cache.stats().compression.decompressions === names.length);
    console.log(process.report.getReport().sharedObjects.filter((file) => file.endsWith('.node')).length);
    await cache.close();`);
  expect({ stdout, stderr }).toEqual({ stdout: '1 true\n0\n', stderr: '' });
});

describe('overflow: compress', () => {
  const caches = useCaches();

  it.each<[string, TypeOptions]>([
    ['of values that are stored as they are, by zlib', {}],
    ['of values that are compressed lightly', { compress: { with: 'brotli', level: 0 } }],
    ['by auto', { compress: { with: 'auto' } }],
  ])('%s, makes cold ones smaller in place', async (_, options) => {
    const cache = await caches.create<Types>({
      pressure: false,
      types: { route: { maxShare: 0.03, overflow: 'compress', ...options } },
    });
    const route = cache.type('route');
    for (let id = 0; id < 400; id++) expect(route.set(`r${id}`, routeOf(id, 1_500))).toBe(true);
    const { reductions, reducerFailures, removals, bytesUsed } = cache.stats().types['route']!;
    expect(bytesUsed).toBeLessThanOrEqual(0.03 * (8 << 20));
    expect([reducerFailures, removals.share > 0]).toEqual([0, true]);
    // What `auto` has chosen for a set may be the best for this, too.
    if (options.compress?.with !== 'auto') expect(reductions).toBeGreaterThan(20);
    let read = 0;
    for (const [key, value] of route.entries()) {
      expect(value).toEqual(routeOf(Number(key.slice(1)), 1_500));
      read += 1;
    }
    expect(read).toBe(cache.stats().entries);
  });

  const createFull = (): Promise<Cache<Types>> =>
    caches.create<Types>({ pressure: false, types: { route: { maxShare: 0.05, overflow: 'compress' } } });

  it('is LRU for small values', async () => {
    const cache = await createFull();
    const route = cache.type('route');
    for (let i = 0; i < 600; i++) route.set(`r${i}`, routeOf(i, 100));
    const { reductions, removals, compression } = cache.stats();
    expect([reductions, compression.values, compression.unpaid, removals.share > 100]).toEqual([0, 0, 0, true]);
  });

  it('is LRU for values that get no smaller, and soon no longer tries them', async () => {
    const cache = await createFull();
    const route = cache.type('route');
    // Nothing else is there: whichever entry is tried first, it doesn't pay.
    for (let i = 0; i < 60; i++) expect(route.setBytes(`b${i}`, noise(20_000, i + 1))).toBe(true);
    const { reductions, removals, compression } = cache.stats();
    expect([reductions, compression.values, removals.share > 30]).toEqual([0, 0, true]);
    expect(compression.unpaid).toBeGreaterThan(0);
    expect(compression.unpaid).toBeLessThan(20);
  });
});

describe('the option compress', () => {
  const caches = useCaches();
  const refusal = (route: unknown): Promise<{ code: unknown; message: string }> =>
    rejectionOf(createCache({ capacity: '8mb', types: { route } as never }));

  it.each<[unknown, string]>([
    [{ compress: 'zlib' }, 'types.route.compress'],
    [
      { compress: { by: 'zlib' } },
      'types.route.compress.by is "given": the options are above, with, level, dictionary',
    ],
    [
      { compress: { with: 'gzip' } },
      'types.route.compress.with is "gzip": must be one of auto, zlib, brotli, lz4, zstd, none',
    ],
    [{ compress: { above: -1 } }, 'types.route.compress.above is -1: must be bytes'],
    [{ compress: { with: 'zlib', level: 0 } }, 'types.route.compress.level is 0: must be a whole number from 1 to 9'],
    [
      { compress: { with: 'brotli', level: 2.5 } },
      'types.route.compress.level is 2.5: must be a whole number from 0 to 11',
    ],
    [{ compress: { with: 'lz4', level: 1 } }, "types.route.compress.level is 1: has no use with 'lz4'"],
    [{ compress: { level: 1 } }, "types.route.compress.level is 1: has no use with 'auto'"],
    [{ compress: { with: 'none', level: 1 } }, "types.route.compress.level is 1: has no use with 'none'"],
    [{ compress: { dictionary: '1kb ' } }, 'types.route.compress.dictionary is "1kb ": must be'],
    [{ compress: { dictionary: 1_023 } }, 'types.route.compress.dictionary is 1023: must be'],
    [{ compress: { dictionary: '33kb' } }, 'types.route.compress.dictionary is "33kb": must be'],
    [
      { compress: { with: 'none', dictionary: true } },
      "types.route.compress.dictionary is true: has no use with 'none'",
    ],
    [
      { compress: { with: 'none' }, overflow: 'compress' },
      'types.route.compress.with is "none": contradicts overflow \'compress\'',
    ],
  ])('%j is refused', async (options, message) => {
    const error = await refusal(options);
    expect(error.code).toBe('VELOCACHE_OPTION');
    expect(error.message).toContain(message);
  });

  it('zstd is there, or refused with the versions that have it', async () => {
    if (HAS_ZSTD) {
      const cache = await caches.create<Types>({ types: { route: { compress: { with: 'zstd', level: 19 } } } });
      cache.type('route').set('key', routeOf(1));
      expect(cache.type('route').get('key')).toEqual(routeOf(1));
      return;
    }
    const { code, message } = await refusal({ compress: { with: 'zstd' } });
    expect(code).toBe('VELOCACHE_OPTION');
    expect(message).toBe(
      `types.route.compress.with is "zstd": needs Node 22.15, 23.8 or later, this is ${process.version}`,
    );
  });

  it('none compresses nothing, and the types of a dashboard compress as its table says', async () => {
    const cache = await caches.create({ types: { ...veloTypes(), plain: { compress: { with: 'none' } } } });
    for (const type of ['session', 'plain', 'route', 'weather', 'stats', 'llm', 'misc'] as const) {
      cache.type(type).set('key', routeOf(1, 1_500));
      const isCompressed = cache.stats().types[type]!.compression.values === 1;
      expect([type, isCompressed]).toEqual([type, type !== 'plain']);
    }
  });
});

function stored(set: () => boolean): boolean {
  try {
    return set();
  } catch (error) {
    // What the codec can't keep is its own tests' business.
    if ((error as { code?: string }).code === 'VELOCACHE_VALUE') return false;
    throw error;
  }
}
