/** Dictionaries of compressors on the built package: learned in several threads at once, found by all, and named by what is stored. */
import type { Cache, TypeOptions } from 'velocache';
import { describe, expect, it } from 'vitest';
import { useCaches } from '../support/caches.js';
import { useRemotes } from '../support/remote.js';

interface Session {
  readonly user: string;
  readonly agent: string;
  readonly roles: readonly string[];
  readonly pages: readonly { readonly path: string; readonly at: number }[];
}
type Types = { default: unknown; session: Session };

const COMPRESS = { with: 'zlib', dictionary: '2kb' } as const;
/** Values that a thread learns its first dictionary from, at least: 8 times its size of samples, then training and trial. */
const ENOUGH = 300;
const THREADS = 3;

const sessionOf = (id: number, agent = 'Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML)'): Session => ({
  user: `rider-${id * 7919}`,
  agent: `${agent} Version/${id % 5}`,
  roles: id % 3 === 0 ? ['rider', 'guide'] : ['rider'],
  pages: Array.from({ length: 3 + (id % 3) }, (_, i) => ({ path: `/api/rides/${(id * i) % 50}/weather`, at: id * i })),
});
const keys = (count: number, from = 0): string[] => Array.from({ length: count }, (_, i) => `s${from + i}`);
const sessions = (count: number, from = 0): [string, Session][] =>
  keys(count, from).map((key, i) => [key, sessionOf(from + i)]);

describe('a type with dictionaries', () => {
  const caches = useCaches();
  const remotes = useRemotes();
  const create = (options: Pick<TypeOptions, 'compress'> = {}): Promise<Cache<Types>> =>
    caches.create<Types>({ capacity: '16mb', pressure: false, types: { session: { compress: COMPRESS, ...options } } });

  it('takes less memory for small values than without, reads as before, and says what it came to', async () => {
    const [plain, cache] = [await create({ compress: { with: 'zlib' } }), await create()];
    for (const each of [plain, cache]) {
      each.type('session').setMany(sessions(ENOUGH));
      each.type('session').setMany(sessions(ENOUGH, ENOUGH));
      expect(each.type('session').getMany(keys(2 * ENOUGH))).toEqual(sessions(2 * ENOUGH).map(([, value]) => value));
      each.type('session').deleteMany(keys(ENOUGH));
    }
    expect(cache.stats().types['session']!.bytesUsed).toBeLessThan(plain.stats().types['session']!.bytesUsed * 0.75);
    const { compression } = cache.stats().types['session']!;
    expect(compression.dictionaries).toBeGreaterThan(0);
    expect(compression).toMatchObject({ values: compression.decompressions });
    expect([compression.ratio > 2, compression.compressMs > 0, compression.decompressMs > 0]).toEqual([
      true,
      true,
      true,
    ]);
    expect(cache.stats().log.bytesUsed).toBeGreaterThan(1_024);
    expect(plain.stats().compression).toMatchObject({ values: 0, dictionaries: 0, compressMs: 0 });
  });

  it('is learned by many threads at once, while shapes are: all threads read all values', async () => {
    const types = Object.fromEntries(
      ['a', 'b', 'c', 'd'].map((name) => [name, { compress: COMPRESS, crc: name === 'a' }]),
    ) as Record<string, TypeOptions>;
    const cache = await caches.create<Record<string, unknown>>({ capacity: '16mb', pressure: false, types });
    const threads = Array.from({ length: THREADS }, () => remotes.start(cache.handle));
    await Promise.all(threads.map((remote) => remote.do('attach', cache.handle)));
    const makeValue = (type: string, thread: number, i: number): object => ({
      ...sessionOf(i, `${type}${type}${type} agent`),
      [`${type} has ${i % 20}`]: { [`and ${(i + thread) % 15}`]: thread },
    });
    const entriesOf = (type: string, thread: number): [string, object][] =>
      Array.from({ length: 2 * ENOUGH }, (_, i) => [`${thread}:${i}`, makeValue(type, thread, i)]);
    const names = Object.keys(types);
    const all = names.flatMap((type) => threads.map((remote, t) => ({ type, remote, t })));
    // Each type in each thread in parts, so that the threads are at all of them at the same time.
    for (let part = 0; part < 4; part++) {
      const within = <E>(entries: E[]): E[] => entries.slice((part * ENOUGH) / 2, ((part + 1) * ENOUGH) / 2);
      await Promise.all(
        all.map(({ type, remote, t }) => remote.do('typed', type, 'setMany', within(entriesOf(type, t)))),
      );
    }
    for (const type of names) {
      const entries = threads.flatMap((_, t) => entriesOf(type, t));
      const stored = entries.map(([key]) => key);
      expect(cache.type(type).getMany(stored)).toEqual(entries.map(([, value]) => value));
      for (const remote of threads)
        expect(await remote.do('typed', type, 'getMany', stored)).toEqual(entries.map(([, value]) => value));
      expect(cache.stats().types[type]!.compression.dictionaries).toBeGreaterThan(0);
    }
    expect(cache.stats().decodeFailures).toBe(0);
  });

  it('outlives the threads that were learning, whenever they are killed', async () => {
    const cache = await create();
    for (const stored of [60, 150, 200, 260]) {
      const remote = remotes.start(cache.handle);
      await remote.do('attach', cache.handle);
      await remote.do('typed', 'session', 'setMany', sessions(stored));
      void remote.do('typed', 'session', 'setMany', sessions(ENOUGH, stored));
      await remote.worker.terminate();
      await remote.exited;
      expect(cache.verify()).toEqual([]);
    }
    const session = cache.type('session');
    session.setMany(sessions(2 * ENOUGH));
    expect(session.getMany(keys(2 * ENOUGH))).toEqual(sessions(2 * ENOUGH).map(([, value]) => value));
    expect(cache.stats().types['session']!.compression.dictionaries).toBeGreaterThan(0);
    expect(cache.stats().decodeFailures).toBe(0);
  });

  it('reads what was stored with an older one', async () => {
    const cache = await create();
    const session = cache.type('session');
    const dictionaries = (): number => cache.stats().types['session']!.compression.dictionaries;
    for (let id = 0; id < 5_000 && dictionaries() === 0; id++) session.set(`s${id}`, sessionOf(id));
    session.set('old', sessionOf(1));
    const before = dictionaries();
    const other = (id: number): Session => sessionOf(id, 'an agent that nobody has seen before: Velo/1.0 (bicycle)');
    for (let id = 0; id < 5_000 && dictionaries() === before; id++) session.set(`n${id}`, other(id));
    session.set('new', other(2));
    expect(dictionaries()).toBeGreaterThan(before);
    const remote = remotes.start(cache.handle);
    expect(session.getMany(['old', 'new'])).toEqual([sessionOf(1), other(2)]);
    expect(await remote.do('typed', 'session', 'getMany', ['old', 'new'])).toEqual([sessionOf(1), other(2)]);
  });

  it('is found by the workers of pools, who learn as well', async () => {
    const cache = await caches.create<Types>({
      pressure: false,
      pool: { send: 'always', threads: 1 },
      types: { session: { compress: COMPRESS } },
    });
    const session = cache.type('session');
    for (let part = 0; part < 4; part++) {
      const entries = sessions(ENOUGH / 4, (part * ENOUGH) / 4);
      await Promise.all(entries.map(([key, value]) => session.setAsync(key, value)));
    }
    const { compression } = cache.stats();
    expect([compression.dictionaries > 0, compression.values > 0]).toEqual([true, true]);
    for (const [key, value] of sessions(ENOUGH)) expect(await session.getAsync(key)).toEqual(value);
    expect(session.getMany(keys(ENOUGH))).toEqual(sessions(ENOUGH).map(([, value]) => value));
    expect(cache.stats()).toMatchObject({ decodeFailures: 0, pool: { inPlace: 0 } });
  });

  it.each(['json', 'cbor', 'structured', 'raw'] as const)('needs no codec that keeps a log: %s', async (codec) => {
    const cache = await caches.create<Record<'session' | 'default', unknown>>({
      pressure: false,
      types: { session: { codec, compress: COMPRESS }, default: { codec: 'structured' } },
    });
    const session = cache.type('session');
    const makeValue = (id: number): unknown =>
      codec === 'raw' ? Buffer.from(JSON.stringify(sessionOf(id))) : sessionOf(id);
    for (let id = 0; id < ENOUGH; id++) session.set(`s${id}`, makeValue(id));
    for (let id = 0; id < ENOUGH; id++) expect(session.get(`s${id}`)).toEqual(plain(makeValue(id)));
    const { compression, log } = cache.stats();
    expect([compression.dictionaries > 0, compression.values > 0]).toEqual([true, true]);
    expect(log.bytesUsed).toBeLessThanOrEqual(log.bytesTotal);
  });

  it('keeps within its part of the capacity, in whatever cache', async () => {
    for (const capacity of [1 << 20, 1 << 23]) {
      const without = await caches.create({ capacity });
      const types = {
        a: { compress: { dictionary: '32kb' } },
        b: { compress: { dictionary: true } },
        c: { compress: {} },
      } as const;
      const cache = await caches.create<Record<string, unknown>>({ capacity, types });
      const taken = cache.stats().log.bytesTotal - without.stats().log.bytesTotal;
      expect(taken).toBeGreaterThan(2 * 2 * 1_024);
      expect(taken).toBeLessThanOrEqual(capacity / 32);
    }
    const many = Object.fromEntries(
      Array.from({ length: 40 }, (_, i) => [`t${i}`, { compress: { dictionary: true } }]),
    );
    await expect(caches.create({ capacity: '1mb', types: many as never })).rejects.toThrow(
      'types.t0.compress.dictionary is 16384: leaves less than 1 KiB to each: 40 types have 1/32 of the capacity for them',
    );
  });
});

/** A Buffer comes back as a Uint8Array. */
function plain(value: unknown): unknown {
  return Buffer.isBuffer(value) ? new Uint8Array(value) : value;
}
