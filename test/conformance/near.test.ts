/** The near cache on the built package: what it hands out, that it counts, and that it never serves what has changed. */
import { attachCache, type Cache, type CacheHandle, type Codec, Gauge, ManualClock, type TypeOptions } from 'velocache';
import { describe, expect, it } from 'vitest';
import { HEADER, Layout } from '../../native-free/index.js';
import { Key } from '../../src/engine/key.js';
import { isSampled } from '../../src/policies/adaptive/samples.js';
import { samplesOf } from '../../src/policies/adaptive.js';
import { LEVELS } from '../../src/policies/type-rules.js';
import { errorOf, useCaches } from '../support/caches.js';
import { useRemotes } from '../support/remote.js';
import { imbalances } from '../support/sums.js';

interface Route {
  readonly id: number;
  readonly points: readonly (readonly number[])[];
}
type Types = { default: unknown; route: Route; any: unknown };

const routeOf = (id: number): Route => ({
  id,
  points: [
    [id, 1.5],
    [id + 1, 2.5],
  ],
});

/** A key of a type whose uses are reported, however few are. */
function sampledKey(words: Int32Array, type: number): string {
  const key = new Key(words[HEADER.hashKey0]!, words[HEADER.hashKey1]!);
  for (let i = 0; ; i++) {
    key.prepare(`key ${i}`, type);
    if (isSampled(key.hash, 12)) return `key ${i}`;
  }
}

describe('a type with a near cache', () => {
  const caches = useCaches();
  const remotes = useRemotes();
  const create = (route: TypeOptions<Route> = {}, more: object = {}): Promise<Cache<Types>> =>
    caches.create<Types>({ pressure: false, types: { route: { near: {}, ...route }, any: { near: {} } }, ...more });

  /** Reads a key until the thread has kept its value. */
  function warm<V>(space: { get(key: string): V | undefined }, key: string): V {
    for (let i = 0; i < 2; i++) space.get(key);
    return space.get(key)!;
  }

  it('hands out the same frozen object until something changes, and frozen ones wherever it comes from', async () => {
    const cache = await create();
    const space = cache.type('route');
    space.set('a', routeOf(1));
    const first = space.get('a')!;
    const hot = warm(space, 'a');
    expect([space.get('a') === hot, space.getMany(['a'])[0] === hot]).toEqual([true, true]);
    expect([await space.getAsync('a'), await space.fetch('a', () => undefined)]).toEqual([hot, hot]);
    const loaded = await space.fetch('b', () => routeOf(2));
    const others = [
      first,
      space.peek('a'),
      [...space.entries()][0]![1],
      loaded,
      space.get('b'),
      space.getFields('a', ['points']),
    ];
    for (const value of [hot, ...others] as { points: number[][] }[]) {
      expect(() => (value.points = [])).toThrow(TypeError);
      expect(() => value.points[0]!.push(1)).toThrow(TypeError);
    }
    expect([hot, loaded]).toEqual([routeOf(1), routeOf(2)]);
    expect(cache.type('any').set('same', hot)).toBe(true);
  });

  it('hands out what is stored now, whoever changes it', async () => {
    const cache = await create();
    const space = cache.type('route');
    const remote = remotes.start(cache.handle);
    const changes: [name: string, change: () => unknown, then: Route | undefined][] = [
      ['set', () => space.set('a', routeOf(2)), routeOf(2)],
      ['delete', () => space.delete('a'), undefined],
      ['clear', () => space.clear(), undefined],
      ['clearAll', () => cache.clearAll(), undefined],
      ['set elsewhere', () => remote.do('typed', 'route', 'set', 'a', routeOf(3)), routeOf(3)],
      ['delete elsewhere', () => remote.do('typed', 'route', 'delete', 'a'), undefined],
      ['clear elsewhere', () => remote.do('typed', 'route', 'clear'), undefined],
    ];
    for (const [name, change, then] of changes) {
      space.set('a', routeOf(1));
      const hot = warm(space, 'a');
      expect([name, space.get('a') === hot]).toEqual([name, true]);
      await change();
      expect([name, space.get('a'), space.has('a')]).toEqual([name, then, then !== undefined]);
    }
  });

  it('counts its hits as hits, beside those that were read', async () => {
    const cache = await create();
    const space = cache.type('route');
    space.set('a', routeOf(1));
    for (let i = 0; i < 10; i++) space.get('a');
    space.get('absent');
    const { route } = cache.stats().types;
    expect([route!.hits, route!.nearHits, route!.misses]).toEqual([10, 8, 1]);
    expect(route!.bytesHit).toBe(10 * route!.bytesPayload);
    const stats = cache.stats();
    expect(imbalances(stats, Object.values(stats.types))).toEqual([]);
    expect([stats.nearHits, stats.near.entries]).toEqual([8, 1]);
  });

  it('serves nothing that has ended, and renews idle times with its hits', async () => {
    const clock = new ManualClock(1_000);
    const cache = await create({ ttl: '10s', idle: '1s' }, { clock });
    const space = cache.type('route');
    space.set('a', routeOf(1));
    const hot = warm(space, 'a');
    for (let i = 0; i < 9; i++) {
      clock.advance(1_000);
      expect([i, space.get('a') === hot]).toEqual([i, true]);
    }
    expect(cache.stats().types['route']!.nearHits).toBeGreaterThanOrEqual(9);
    clock.advance(1_000);
    expect(space.get('a')).toBeUndefined();
    space.set('b', routeOf(2));
    warm(space, 'b');
    clock.advance(1_010);
    expect([space.get('b'), space.has('b')]).toEqual([undefined, false]);
  });

  it('asks anew for what it has not looked at for a minute', async () => {
    const clock = new ManualClock(1_000);
    const cache = await create({}, { clock });
    const space = cache.type('route');
    space.set('a', routeOf(1));
    const hot = warm(space, 'a');
    clock.advance(60_000);
    expect(space.get('a') === hot).toBe(true);
    clock.advance(60_010);
    const anew = space.get('a');
    expect([anew === hot, anew]).toEqual([false, hot]);
  });

  it('tells the policy of a use with each 61st hit in a row, and with the first of each tenth of a second', async () => {
    const clock = new ManualClock(1_000);
    const cache = await create({}, { capacity: '1mb', slab: { maxItem: '64kb' }, policy: 'adaptive', clock });
    const layout = new Layout(cache.handle.plan.arena);
    const words = new Int32Array(cache.handle.buffers[0]!, 0, layout.pagesStartBytes / 4);
    const samples = samplesOf(words, layout);
    const key = sampledKey(words, 1);
    const space = cache.type('route');
    space.set(key, routeOf(1));
    warm(space, key);
    const usesIn = (hits: number): number => {
      const before = samples.head;
      for (let i = 0; i < hits; i++) space.get(key);
      return samples.head - before;
    };
    usesIn(61);
    expect([usesIn(61), usesIn(610), usesIn(60)]).toEqual([1, 10, expect.toBeOneOf([0, 1])]);
    const uses = Array.from({ length: 5 }, () => {
      clock.advance(100);
      return usesIn(20);
    });
    expect(uses).toEqual([1, 1, 1, 1, 1]);
    expect(cache.stats().types['route']!.hits).toBe(cache.stats().nearHits + 2);
  });

  it('freezes what a loader returns, stored or not, for whoever waits for it', async () => {
    const cache = await create({}, { slab: { maxItem: '64kb' } });
    const space = cache.type('route');
    const large = { id: 1, points: Array.from({ length: 20_000 }, (_, i) => [i, i / 3]) };
    const loads = [large, routeOf(2)].flatMap((value, i) => [1, 2].map(() => space.fetch(`k${i}`, async () => value)));
    for (const value of (await Promise.all(loads)) as unknown as { points: number[][] }[])
      expect(() => value.points[0]!.push(1)).toThrow(TypeError);
    expect([space.has('k0'), space.has('k1')]).toEqual([false, true]);
  });

  it('never keeps what can not be frozen, and hands out a copy each time', async () => {
    const cache = await create();
    const space = cache.type('any');
    const values = [new Map([['a', 1]]), new Set([1]), new Date(5), Buffer.from('x'), { at: new Date(5), list: [1] }];
    values.forEach((value, i) => {
      const key = `key ${i}`;
      expect(space.set(key, value)).toBe(true);
      const [one, two] = [warm(space, key), space.get(key)];
      expect([one === two, one, two]).toEqual([false, value, value]);
    });
    expect(() => (space.get('key 4') as { list: number[] }).list.push(2)).toThrow(TypeError);
    space.setBytes('bytes', Buffer.from('bytes'));
    const bytes = warm(space, 'bytes') as Uint8Array;
    bytes[0] = 0;
    expect(Buffer.from(space.get('bytes') as Uint8Array).toString()).toBe('bytes');
    expect([cache.stats().near, cache.stats().nearHits]).toEqual([{ entries: 0, bytes: 0 }, 0]);
  });

  it('keeps texts and numbers, which nobody can change', async () => {
    const cache = await create();
    const space = cache.type('any');
    for (const [key, value] of [
      ['text', 'an answer'],
      ['number', 1.5],
      ['null', null],
      ['flag', false],
    ] as const) {
      space.set(key, value);
      expect(warm(space, key)).toBe(value);
    }
    expect(cache.stats().nearHits).toBe(4);
  });

  it('takes what a codec of the user makes, if it is plain', async () => {
    class Point {
      x = 1;
    }
    const codec = (made: () => object): Codec<never> => ({
      encode: () => Buffer.from('x'),
      decode: () => made() as never,
    });
    const cache = await caches.create<{ plain: object; point: object; default: unknown }>({
      types: {
        plain: { near: {}, codec: codec(() => ({ list: [1] })) },
        point: { near: {}, codec: codec(() => new Point()) },
      },
    });
    const [plain, point] = [cache.type('plain'), cache.type('point')];
    for (const space of [plain, point]) space.set('k', {});
    expect([warm(plain, 'k') === plain.get('k'), warm(point, 'k') === point.get('k')]).toEqual([true, false]);
    (point.get('k') as Point).x = 2;
    expect(point.get('k')).toEqual(new Point());
  });

  it('is read by a codec that calls the cache within without taking one value for another', async () => {
    let cache: Cache<{ own: object; default: unknown }>;
    const codec: Codec<never> = {
      encode: (value) => Buffer.from(JSON.stringify(value)),
      decode: (bytes) => {
        cache.get('other');
        cache.set('other', 2);
        return JSON.parse(Buffer.from(bytes).toString()) as never;
      },
    };
    cache = await caches.create<{ own: object; default: unknown }>({
      types: { own: { near: {}, codec }, default: { near: {} } },
    });
    cache.set('other', 1);
    const own = cache.type('own');
    own.set('k', { n: 1 });
    expect([warm(own, 'k'), warm(own, 'k'), cache.get('other')]).toEqual([{ n: 1 }, { n: 1 }, 2]);
  });

  it('has what a newer version makes of older values, once that is stored', async () => {
    const cache = await create({ version: 2, migrate: { 1: (old) => ({ ...(old as Route), id: 7 }) } });
    const old = remotes.start();
    await old.do('attachWith', cache.handle, { types: { route: { version: 1 } } });
    await old.do('typed', 'route', 'set', 'a', routeOf(1));
    const space = cache.type('route');
    const first = space.get('a');
    const hot = warm(space, 'a');
    expect([first?.id, hot.id, space.get('a') === hot]).toEqual([7, 7, true]);
    expect(() => Object.assign(first!, { id: 1 })).toThrow(TypeError);
  });

  it('closes with its thread', async () => {
    const cache = await create();
    const space = cache.type('route');
    space.set('a', routeOf(1));
    warm(space, 'a');
    await cache.close();
    expect(errorOf(() => space.get('a')).code).toBe('VELOCACHE_CLOSED');
  });

  it.each([
    [{ near: 5 }, /types\.route\.near/],
    [{ near: { entries: 0 } }, /types\.route\.near\.entries is 0/],
    [{ near: { size: 1 } }, /types\.route\.near\.size/],
    [{ near: {}, codec: 'raw' }, /types\.route\.near .*'raw'/],
    [{ near: {}, lazy: ['points'] }, /types\.route\.near .*lazy/],
    [{ near: {}, dedupe: true }, /types\.route\.near .*dedupe/],
  ])('is refused with %o', async (options, message) => {
    const { createCache } = await import('velocache');
    const error = await createCache({ capacity: '8mb', types: { route: options as TypeOptions } }).catch(
      (e: Error) => e,
    );
    expect(error).toMatchObject({ code: 'VELOCACHE_OPTION', message: expect.stringMatching(message) });
  });
});

describe('a near cache under pressure', () => {
  const caches = useCaches();
  const remotes = useRemotes();

  it('empties though the warden that saw it come died before it told', async () => {
    const remote = remotes.start();
    const handle = (await remote.do('create', {
      capacity: '8mb',
      pressure: false,
      types: { route: { near: {} } },
    })) as CacheHandle<Types>;
    const cache = caches.adopt(attachCache<Types>(handle));
    const space = cache.type('route');
    space.set('a', routeOf(1));
    for (let i = 0; i < 3; i++) space.get('a');
    expect(cache.stats().near.entries).toBe(1);
    // As that warden has left it: nobody judges pressure in this cache.
    new Int32Array(handle.buffers[0]!)[HEADER.level] = LEVELS.indexOf('critical');
    await remote.worker.terminate();
    while (cache.stats().near.entries > 0) await new Promise(setImmediate);
    expect(space.get('a')).toEqual(routeOf(1));
  });

  it('shrinks at level high and empties at critical, though its thread does nothing', async () => {
    const rss = new Gauge();
    const cache = await caches.create<Types>({
      pressure: { arena: false, heap: false, eventLoop: false, rss },
      types: { route: { near: { entries: 100 }, importance: 'critical' } },
    });
    const space = cache.type('route');
    for (let i = 0; i < 100; i++) space.set(`key ${i}`, routeOf(i));
    for (let round = 0; round < 3; round++) for (let i = 0; i < 100; i++) space.get(`key ${i}`);
    const before = cache.stats().near.entries;
    expect(before).toBeGreaterThan(50);
    const until = async (isTrue: () => boolean): Promise<void> => {
      while (!isTrue()) await new Promise(setImmediate);
    };
    rss.set(0.86);
    await until(() => cache.stats().near.entries <= 25);
    rss.set(0.95);
    await until(() => cache.stats().near.entries === 0);
    expect([space.get('key 1'), space.get('key 1'), cache.stats().near.entries]).toEqual([routeOf(1), routeOf(1), 0]);
  });
});
