/** fetch in one thread: what it returns and stores, one load for many calls, and what comes before a load's value. */
import { attachCache, type Cache, ManualClock } from 'velocache';
import { describe, expect, it } from 'vitest';
import { rejectionOf, useCaches } from '../support/caches.js';
import { HeldLoader } from '../support/loads.js';
import { runModule } from '../support/process.js';

const loadOne = (): number => 1;
const VALUE = { name: 'loaded', list: [1, 2, 3] };

describe('fetch', () => {
  const caches = useCaches();

  it('returns a hit, counted and renewed as by get, and loads nothing', async () => {
    const clock = new ManualClock();
    const cache = await caches.create({ clock });
    cache.set('key', VALUE, { idle: '1s' });
    for (let i = 0; i < 3; i++) {
      clock.advance(700);
      expect(await cache.fetch('key', () => expect.fail('it loads'))).toEqual(VALUE);
    }
    expect(cache.stats()).toMatchObject({ hits: 3, misses: 0, loads: 0 });
  });

  it('loads what is missing, and stores it', async () => {
    const cache = await caches.create();
    expect(await cache.fetch('key', (key) => `of ${key}`)).toBe('of key');
    expect(await cache.fetch('key', () => expect.fail('it loads again'))).toBe('of key');
    expect(cache.get('key')).toBe('of key');
    expect(cache.stats()).toMatchObject({ misses: 1, hits: 2, loads: 1, loadWaits: 0, sets: 1 });
  });

  it('stores with ttl, idle and user', async () => {
    const clock = new ManualClock();
    const cache = await caches.create({ clock, users: {} });
    await cache.fetch('ttl', async () => 1, { ttl: '1s', user: 'ada' });
    await cache.fetch('idle', async () => 2, { idle: '2s' });
    await cache.fetch('plain', async () => 3);
    expect(cache.usage('ada')?.entries).toBe(1);
    clock.advance(1_000);
    expect(['ttl', 'idle', 'plain'].map((key) => cache.peek(key))).toEqual([undefined, 2, 3]);
    // An access counts as made at the end of its tick.
    clock.advance(1_020);
    expect(['idle', 'plain'].map((key) => cache.peek(key))).toEqual([undefined, 3]);
  });

  it('is one load for all calls, each of which gets a value of its own', async () => {
    const cache = await caches.create();
    const loader = new HeldLoader<typeof VALUE>();
    const calls = Array.from({ length: 20 }, () => cache.fetch('key', loader.load));
    loader.land(VALUE);
    const values = await Promise.all(calls);
    expect(loader.calls).toBe(1);
    for (const value of values) expect(value).toEqual(VALUE);
    expect(new Set(values).size).toBe(20);
    expect(cache.stats()).toMatchObject({ loads: 1, loadWaits: 19, misses: 20 });
  });

  it('is a load for each key and each type', async () => {
    const cache = await caches.create<{ default: unknown; other: unknown }>({ types: { other: {} } });
    const [a, b, c] = await Promise.all([
      cache.fetch('a', async () => 1),
      cache.fetch('b', async () => 2),
      cache.type('other').fetch('a', async () => 3),
    ]);
    expect([a, b, c]).toEqual([1, 2, 3]);
    expect(cache.type('other').get('a')).toBe(3);
    expect(cache.stats().loads).toBe(3);
  });

  it.each(['at once', 'later'])(
    'gives its error, the very same, to every call, and stores nothing: thrown %s',
    async (when) => {
      const cache = await caches.create();
      const error = new Error('no such thing');
      const loader = new HeldLoader<never>();
      const failing = when === 'later' ? loader.load : () => Promise.reject(error);
      const calls = Array.from({ length: 5 }, () => rejectionOf(cache.fetch('key', failing)));
      loader.fail(error);
      for (const rejection of await Promise.all(calls)) expect(rejection).toBe(error);
      expect(cache.has('key')).toBe(false);
      expect(cache.stats()).toMatchObject({ loads: 1, loadFailures: 1 });
      expect(await cache.fetch('key', () => 'at last')).toBe('at last');
    },
  );

  it('an error thrown synchronously is one like any other', async () => {
    const cache = await caches.create();
    const error = new RangeError('at once');
    const loader = (): never => {
      throw error;
    };
    expect(await rejectionOf(cache.fetch('key', loader))).toBe(error);
  });

  it.each([
    ['a proxy that was revoked', revokedProxy()],
    ['a proxy whose trap throws', new Proxy({}, { getPrototypeOf: () => fail('no prototype') })],
    ['undefined', undefined],
  ])('may throw anything: %s', async (_, thrown) => {
    const cache = await caches.create();
    const load = (): never => {
      throw thrown;
    };
    const calls = [cache.fetch('key', load), cache.fetch('key', load)];
    expect(
      await Promise.all(
        calls.map((call) =>
          call.then(
            () => 'stored',
            () => 'failed',
          ),
        ),
      ),
    ).toEqual(['failed', 'failed']);
    expect(await cache.fetch('key', () => 'at last')).toBe('at last');
  });

  it('resolves to undefined for all calls where the loader does, and stores nothing', async () => {
    const cache = await caches.create();
    const loader = new HeldLoader<never>();
    const calls = Array.from({ length: 5 }, () => cache.fetch('key', loader.load));
    loader.land(undefined);
    expect(await Promise.all(calls)).toEqual(Array(5).fill(undefined));
    expect(loader.calls).toBe(1);
    expect(cache.has('key')).toBe(false);
  });

  it('a value that can not be kept rejects every call', async () => {
    const cache = await caches.create();
    const calls = [1, 2].map(() => rejectionOf(cache.fetch('key', async () => () => 'a function')));
    for (const { code } of await Promise.all(calls)) expect(code).toBe('VELOCACHE_VALUE');
  });

  it('a value for which there is no room goes to all who wait, and is not stored', async () => {
    const cache = await caches.create({ slab: { maxItem: '64kb' } });
    const loader = new HeldLoader<string>();
    const calls = Array.from({ length: 5 }, () => cache.fetch('key', loader.load));
    const large = 'x'.repeat(100_000);
    loader.land(large);
    expect(await Promise.all(calls)).toEqual(Array(5).fill(large));
    expect(loader.calls).toBe(1);
    expect(cache.has('key')).toBe(false);
    expect(await cache.fetch('key', () => 'small')).toBe('small');
    expect(cache.get('key')).toBe('small');
  });

  it('may call the cache, and fetch, from within a loader', async () => {
    const cache = await caches.create();
    const value = await cache.fetch('sum', async () => {
      const one = (await cache.fetch('one', () => 1)) as number;
      cache.set('two', 2);
      return one + (cache.get('two') as number);
    });
    expect(value).toBe(3);
    expect(cache.get('sum')).toBe(3);
  });

  it.each([
    ['loader', [undefined]],
    ['loader', ['text']],
    ['ttl', [loadOne, { ttl: 0 }]],
    ['idle', [loadOne, { idle: -1 }]],
    ['user', [loadOne, { user: '' }]],
    ['lease', [loadOne, { lease: '1 s' }]],
    ['signal', [loadOne, { signal: {} }]],
    ['stale', [loadOne, { stale: 1 }]],
  ] as const)('rejects a wrong %s, and changes nothing', async (name, args) => {
    const cache = await caches.create();
    const rejection = await rejectionOf((cache.fetch as (...args: unknown[]) => Promise<unknown>)('key', ...args));
    expect(rejection.code).toBe('VELOCACHE_OPTION');
    expect(rejection.message).toContain(name);
    expect(cache.stats()).toMatchObject({ misses: 0, loads: 0 });
  });

  it('rejects what is not a key', async () => {
    const cache = await caches.create();
    expect((await rejectionOf(cache.fetch('', () => 1))).code).toBe('VELOCACHE_KEY');
  });

  const changes: readonly [string, (cache: Cache) => unknown, unknown][] = [
    ['set', (cache): unknown => cache.set('key', 'newer'), 'newer'],
    ['setBytes', (cache): unknown => cache.setBytes('key', Uint8Array.of(1)), Uint8Array.of(1)],
    ['delete of the absent key', (cache): unknown => cache.delete('key'), undefined],
    ['set and delete', (cache): unknown => [cache.set('key', 'newer'), cache.delete('key')], undefined],
    ['clear', (cache): unknown => cache.clear(), undefined],
    ['clearAll', (cache): unknown => cache.clearAll(), undefined],
  ];
  it.each(changes)('a %s during a load comes before its value', async (_, change, after) => {
    const cache = await caches.create();
    const loader = new HeldLoader<string>();
    const first = cache.fetch('key', loader.load);
    const waiting = cache.fetch('key', () => 'loaded again');
    change(cache);
    loader.land('late');
    expect(await first, 'the call that began the load').toBe('late');
    expect(await waiting, 'a call that waited').toEqual(after ?? 'loaded again');
    expect(cache.get('key')).toEqual(after ?? 'loaded again');
    expect(cache.stats()).toMatchObject({ loadsLost: 1 });
  });

  it('a refused set during a load does so too', async () => {
    const cache = await caches.create({ users: { tiers: { none: 1e-5 } } });
    const loader = new HeldLoader<string>();
    const first = cache.fetch('key', loader.load);
    expect(cache.set('key', 'x'.repeat(5_000), { user: 'ada' })).toBe(false);
    loader.land('late');
    expect(await first).toBe('late');
    expect(cache.has('key')).toBe(false);
  });

  it('a call behind a delete never gets what was loaded before it', async () => {
    const cache = await caches.create();
    const before = new HeldLoader<string>();
    const behind = new HeldLoader<string>();
    const first = cache.fetch('key', before.load);
    cache.delete('key');
    const second = cache.fetch('key', behind.load);
    before.land('old');
    expect(await first).toBe('old');
    behind.land('new');
    expect(await second).toBe('new');
    expect(cache.get('key')).toBe('new');
  });

  it('changes of other keys and types leave a load alone', async () => {
    const cache = await caches.create<{ default: unknown; other: unknown }>({ types: { other: {} } });
    const loader = new HeldLoader<string>();
    const first = cache.fetch('key', loader.load);
    cache.set('another', 1);
    cache.delete('absent');
    cache.type('other').set('key', 1);
    cache.type('other').clear();
    loader.land('stored');
    await first;
    expect(cache.get('key')).toBe('stored');
  });

  describe('signal', () => {
    it('that is aborted already rejects at once', async () => {
      const cache = await caches.create();
      const reason = new Error('too late');
      const loader = new HeldLoader();
      expect(await rejectionOf(cache.fetch('key', loader.load, { signal: AbortSignal.abort(reason) }))).toBe(reason);
      expect(loader.calls).toBe(0);
    });

    it('lets one call go, the load goes on for the others', async () => {
      const cache = await caches.create();
      const loader = new HeldLoader<string>();
      const first = new AbortController();
      const second = new AbortController();
      const calls = [
        rejectionOf(cache.fetch('key', loader.load, { signal: first.signal })),
        rejectionOf(cache.fetch('key', loader.load, { signal: second.signal })),
      ];
      const waiting = cache.fetch('key', loader.load);
      first.abort('first');
      second.abort('second');
      expect(await Promise.all(calls)).toEqual(['first', 'second']);
      expect(loader.signals.map(({ aborted }) => aborted)).toEqual([false]);
      loader.land('wanted');
      expect(await waiting).toBe('wanted');
      expect(cache.get('key')).toBe('wanted');
    });

    it('of the last call is passed on to the loader; the next call loads anew', async () => {
      const cache = await caches.create();
      const loader = new HeldLoader<string>();
      const controllers = [1, 2].map(() => new AbortController());
      const calls = controllers.map(({ signal }) => rejectionOf(cache.fetch('key', loader.load, { signal })));
      const reason = new Error('enough');
      for (const controller of controllers) controller.abort(reason);
      for (const rejection of await Promise.all(calls)) expect(rejection).toBe(reason);
      expect(loader.signals[0]).toMatchObject({ aborted: true, reason });
      const again = cache.fetch('key', () => 'anew');
      loader.land('too late');
      expect(await again).toBe('anew');
      expect(cache.get('key')).toBe('anew');
    });

    it('aborted behind the end has no effect', async () => {
      const cache = await caches.create();
      const controller = new AbortController();
      expect(await cache.fetch('key', () => 1, { signal: controller.signal })).toBe(1);
      controller.abort();
      expect(cache.get('key')).toBe(1);
    });
  });

  it('a load that outlives its lease lets the others load again; its own call still gets its value', async () => {
    const clock = new ManualClock();
    const cache = await caches.create({ clock });
    const late = new HeldLoader<string>();
    const again = new HeldLoader<string>();
    const first = cache.fetch('key', late.load, { lease: '5s' });
    const waiting = [1, 2, 3].map(() => cache.fetch('key', again.load));
    clock.advance(4_990);
    const alsoWaiting = cache.fetch('key', again.load);
    expect(again.calls).toBe(0);
    clock.advance(10);
    const behind = cache.fetch('key', again.load);
    expect(again.calls).toBe(1);
    again.land('again');
    expect(await Promise.all([...waiting, alsoWaiting, behind])).toEqual(Array(5).fill('again'));
    late.land('late');
    expect(await first).toBe('late');
    expect(cache.get('key')).toBe('again');
    expect(again.calls).toBe(1);
    expect(cache.stats()).toMatchObject({ loads: 2, loadTakeOvers: 1, loadsLost: 1 });
  });

  it('those that wait find out by themselves that a lease is over', async () => {
    const clock = new ManualClock();
    const cache = await caches.create({ clock });
    const hung = new HeldLoader<string>();
    const first = rejectionOf(cache.fetch('key', hung.load, { lease: '5s' }));
    let loads = 0;
    const waiting = [1, 2, 3].map(() => cache.fetch('key', async () => `load ${++loads}`));
    clock.advance(5_000);
    expect(await Promise.all(waiting)).toEqual(Array(3).fill('load 1'));
    await cache.close();
    expect((await first).code).toBe('VELOCACHE_CLOSED');
  });

  it('a loader that fetches its own key gets its turn when the lease is over', async () => {
    const clock = new ManualClock();
    const cache = await caches.create({ clock });
    const outer = cache.fetch('key', () => {
      const inner = cache.fetch('key', () => 'inner');
      clock.advance(30_000);
      return inner;
    });
    expect(await outer).toBe('inner');
    expect(cache.get('key')).toBe('inner');
  });

  it('loads that find the table full are not shared between threads, and not stored', async () => {
    const cache = await caches.create({ capacity: '1mb' });
    const loaders = Array.from({ length: 200 }, () => new HeldLoader<number>());
    const calls = loaders.map((loader, i) => cache.fetch(`key ${i}`, loader.load));
    const { loadsUnshared } = cache.stats();
    expect(loadsUnshared).toBeGreaterThanOrEqual(200 - 64);
    expect(loadsUnshared).toBeLessThan(200);
    loaders.forEach((loader, i) => {
      loader.land(i);
    });
    expect(await Promise.all(calls)).toEqual(loaders.map((_, i) => i));
    expect([...cache.keys()]).toHaveLength(200 - loadsUnshared);
    expect(await cache.fetch('key', () => 'room again')).toBe('room again');
    expect(cache.get('key')).toBe('room again');
  });

  it('close during a load rejects all calls, and aborts the loader', async () => {
    const cache = await caches.create();
    const loader = new HeldLoader<string>();
    const calls = [1, 2, 3].map(() => rejectionOf(cache.fetch('key', loader.load)));
    await cache.close();
    for (const { code } of await Promise.all(calls)) expect(code).toBe('VELOCACHE_CLOSED');
    expect(loader.signals[0]?.aborted).toBe(true);
    loader.land('nowhere to go');
    expect((await rejectionOf(cache.fetch('key', loader.load))).code).toBe('VELOCACHE_CLOSED');
    expect(() => attachCache(cache.handle)).toThrow();
  });

  it('keeps a process alive as long as a call waits for another, and no longer', async () => {
    const outcome = await runModule(`
      import { createCache, ManualClock } from 'velocache';
      const clock = new ManualClock();
      const cache = await createCache({ capacity: '8mb', clock });
      cache.fetch('hung', () => new Promise(() => {}), { lease: '1s' });
      cache.fetch('hung', () => 'taken over').then(console.log);
      setTimeout(() => clock.advance(1_000), 1).unref();
      await cache.fetch('key', async () => 1);
    `);
    expect(outcome).toMatchObject({ status: 0, hung: false, stdout: 'taken over\n' });
  });
});

function revokedProxy(): object {
  const { proxy, revoke } = Proxy.revocable({}, {});
  revoke();
  return proxy;
}

function fail(message: string): never {
  throw new Error(message);
}
