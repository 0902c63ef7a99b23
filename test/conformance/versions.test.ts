/** Versions of values: migrations as they are read, failures, threads with different code over one handle. */
import { runInNewContext } from 'node:vm';
import {
  type Alert,
  attachCache,
  type Cache,
  type CacheOptions,
  ManualClock,
  type Migration,
  type Migrations,
  type TypeOptions,
} from 'velocache';
import { describe, expect, it } from 'vitest';
import { errorOf, rejectionOf, useCaches } from '../support/caches.js';
import { type Remote, useRemotes } from '../support/remote.js';
import { imbalances } from '../support/sums.js';

/** What a rider is in each version. */
interface Rider {
  readonly name?: string;
  readonly first?: string;
  readonly last?: string;
  readonly rides?: readonly unknown[];
}
type Types = { default: unknown; rider: Rider; plain: unknown };

const CHAIN = {
  1: ({ name }: { name: string }) => ({ first: name.split(' ')[0], last: name.split(' ')[1] }),
  2: (rider: Rider) => ({ ...rider, rides: [] }),
};
const OLD = { name: 'Ada Byron' };
const NEW = { first: 'Ada', last: 'Byron', rides: [] };

const rider = (cache: Cache<Types>) => cache.type('rider');
const figures = (cache: Cache<Types>) => cache.stats().types['rider']!;

describe('versions', () => {
  const caches = useCaches();
  const remotes = useRemotes();

  /** A cache whose code is of version 3, and a thread whose code is of another version. */
  async function create(
    migrate: Migrations | undefined = CHAIN,
    more: TypeOptions<Rider> = {},
    options: Partial<CacheOptions<Types>> = {},
  ): Promise<Cache<Types>> {
    const type = { version: 3, ...(migrate && { migrate }), ...more };
    return caches.create<Types>({ pressure: false, ...options, types: { rider: type, plain: {} } });
  }

  async function remoteOf(cache: Cache<Types>, version: number, more: object = {}): Promise<Remote> {
    const remote = remotes.start();
    await remote.do('attachWith', cache.handle, { types: { rider: { version, ...more } } });
    return remote;
  }

  const old = (cache: Cache<Types>): Promise<Remote> => remoteOf(cache, 1);
  const store = (remote: Remote, key: string, value: unknown, ...options: unknown[]): Promise<unknown> =>
    remote.do('typed', 'rider', 'set', key, value, ...options);
  const load = (remote: Remote, key: string): Promise<unknown> => remote.do('typed', 'rider', 'get', key);

  function balanced(cache: Cache<Types>): void {
    const { types, ...total } = cache.stats();
    expect(imbalances(total, Object.values(types))).toEqual([]);
  }

  it('of an older value: each migration in turn, once, then the value is stored', async () => {
    const calls: number[] = [];
    const count =
      (from: 1 | 2): Migration =>
      (value) => {
        calls.push(from);
        return CHAIN[from](value);
      };
    const cache = await create({ 1: count(1), 2: count(2) });
    await store(await old(cache), 'ada', OLD);
    await store(await remoteOf(cache, 2), 'bob', { first: 'Bob', last: 'Ross' });
    expect(rider(cache).get('ada')).toEqual(NEW);
    expect(rider(cache).get('bob')).toEqual({ first: 'Bob', last: 'Ross', rides: [] });
    expect(calls).toEqual([1, 2, 2]);
    expect([rider(cache).get('ada'), rider(cache).peek('bob')?.rides]).toEqual([NEW, []]);
    expect(calls).toEqual([1, 2, 2]);
    expect(figures(cache)).toMatchObject({ migrations: 2, entries: 2, sets: 4, inserts: 2, hits: 3, misses: 0 });
    expect(figures(cache).removals.replaced).toBe(2);
    expect(cache.stats()).toMatchObject({ migrations: 2, migrationFailures: 0, newerVersions: 0 });
    balanced(cache);
  });

  it.each<[string, (cache: Cache<Types>) => unknown]>([
    ['get', (cache) => rider(cache).get('ada')],
    ['peek', (cache) => rider(cache).peek('ada')],
    ['getMany', (cache) => rider(cache).getMany(['ada'])[0]],
    ['entries', (cache) => [...rider(cache).entries()][0]![1]],
  ])('%s migrates, and gives a private copy', async (_, read) => {
    const shared = { ...NEW };
    const cache = await create({ 1: () => shared, 2: (value) => value });
    await store(await old(cache), 'ada', OLD);
    const first = read(cache) as object;
    expect(first).toEqual(NEW);
    expect(first).not.toBe(shared);
    expect(figures(cache).migrations).toBe(1);
    expect(read(cache)).toEqual(NEW);
    expect(figures(cache).migrations).toBe(1);
  });

  it('keeps deadline, idle time and user; bytes have no version', async () => {
    const clock = new ManualClock(1_000);
    const cache = await create(CHAIN, {}, { clock, users: {} });
    const remote = await old(cache);
    await store(remote, 'ada', OLD, { ttl: 10_000, idle: 4_000, user: 'ada' });
    await store(remote, 'bob', OLD, { ttl: 5_000 });
    await remote.do('typed', 'rider', 'setBytes', 'raw', Uint8Array.of(1, 2));
    clock.advance(3_000);
    expect([rider(cache).peek('ada'), rider(cache).get('bob')]).toEqual([NEW, NEW]);
    expect(cache.usage('ada')).toMatchObject({ entries: 1 });
    expect(rider(cache).getBytes('raw')).toEqual(Uint8Array.of(1, 2));
    expect(rider(cache).get('raw')).toEqual(Uint8Array.of(1, 2));
    expect(figures(cache).migrations).toBe(2);
    clock.advance(1_010);
    expect([rider(cache).has('ada'), rider(cache).has('bob')]).toEqual([false, true]);
    clock.advance(1_000);
    expect(rider(cache).has('bob')).toBe(false);
  });

  it('values of any size and CRC: large, larger than before, and too large to be stored', async () => {
    for (const crc of [false, true]) {
      const cache = await create({ 2: ({ grow, ...rest }) => ({ ...rest, text: 'x'.repeat(grow) }) }, { crc });
      const remote = await remoteOf(cache, 2);
      for (const [i, grow] of [10, 30_000, 300_000].entries()) {
        await store(remote, `k${i}`, { grow });
        expect(rider(cache).get(`k${i}`)).toEqual({ text: 'x'.repeat(grow) });
        expect(rider(cache).get(`k${i}`)).toEqual({ text: 'x'.repeat(grow) });
      }
      await store(remote, 'huge', { grow: 2 << 20 });
      for (let i = 0; i < 2; i++) expect(rider(cache).get('huge')).toEqual({ text: 'x'.repeat(2 << 20) });
      expect(figures(cache)).toMatchObject({ migrations: 3, migrationFailures: 0, hits: 8 });
      balanced(cache);
    }
  });

  it('a newer value is a miss and stays; has and touch find it', async () => {
    const cache = await create();
    const remote = await remoteOf(cache, 4);
    await store(remote, 'ada', { full: 'Ada Byron' });
    const alerts: Alert[] = [];
    cache.on('alert', (alert) => alerts.push(alert));
    expect([rider(cache).get('ada'), rider(cache).peek('ada'), [...rider(cache).entries()]]).toEqual([
      undefined,
      undefined,
      [],
    ]);
    expect([rider(cache).has('ada'), [...rider(cache).keys()]]).toEqual([true, ['ada']]);
    expect(errorOf(() => rider(cache).getBytes('ada')).code).toBe('VELOCACHE_NOT_BYTES');
    expect(figures(cache)).toMatchObject({ hits: 1, misses: 1, newerVersions: 3, decodeFailures: 0, sets: 1 });
    expect(rider(cache).touch('ada')).toBe(true);
    expect(await load(remote, 'ada')).toEqual({ full: 'Ada Byron' });
    expect(alerts).toEqual([]);
    balanced(cache);
  });

  it('a value older than the oldest migration is a counted miss, and stays', async () => {
    const cache = await create({ 2: CHAIN[2] });
    const remote = await old(cache);
    await store(remote, 'ada', OLD);
    const alert = new Promise<Alert>((resolve) => cache.once('alert', resolve));
    expect(rider(cache).get('ada')).toBeUndefined();
    expect(figures(cache)).toMatchObject({ hits: 0, misses: 1, migrationFailures: 1, migrations: 0, entries: 1 });
    expect(await alert).toEqual({
      code: 'migration-failed',
      severity: 'warning',
      figure: 1,
      threshold: 0,
      message:
        'values of type "rider" could not be migrated, 1 so far: ValueError: there is no migration from version 1',
      type: 'rider',
    });
    expect(await load(remote, 'ada')).toEqual(OLD);
  });

  it.each<[string, () => unknown]>([
    [
      'throws',
      () => {
        throw new Error('no');
      },
    ],
    [
      'throws what has no words',
      () => {
        throw Object.create(null);
      },
    ],
    ['returns undefined', () => undefined],
    ['is asynchronous', () => Promise.resolve(NEW)],
    ['returns a function', () => () => NEW],
  ])('a migration that %s is a miss, counted and told once a minute', async (_, migrate) => {
    const clock = new ManualClock(1_000);
    const cache = await create({ 1: CHAIN[1], 2: migrate }, {}, { clock });
    const alerts: Alert[] = [];
    cache.on('alert', (alert) => alerts.push(alert));
    const remote = await old(cache);
    await store(remote, 'ada', OLD);
    for (let i = 0; i < 3; i++) expect(rider(cache).get('ada')).toBeUndefined();
    clock.advance(59_000);
    expect(rider(cache).peek('ada')).toBeUndefined();
    clock.advance(2_000);
    expect(rider(cache).get('ada')).toBeUndefined();
    expect(figures(cache)).toMatchObject({ hits: 0, misses: 4, migrationFailures: 5, migrations: 0 });
    await expect.poll(() => alerts.map(({ figure }) => figure)).toEqual([1, 5]);
    expect(alerts.every(({ code }) => code === 'migration-failed')).toBe(true);
    expect(await load(remote, 'ada')).toEqual(OLD);
    balanced(cache);
  });

  it.each<[string, (cache: Cache<Types>) => unknown, unknown]>([
    ['replaced', (cache) => rider(cache).set('ada', { first: 'Bob' }), { first: 'Bob' }],
    ['deleted', (cache) => rider(cache).delete('ada'), undefined],
    ['cleared', (cache) => cache.clearAll(), undefined],
    ['replaced by bytes', (cache) => rider(cache).setBytes('ada', Uint8Array.of(7)), Uint8Array.of(7)],
  ])(
    'an entry that is %s between read and store keeps that; the reader gets the migrated value',
    async (_, act, then) => {
      let cache: Cache<Types> | undefined;
      cache = await create({ 1: CHAIN[1], 2: (value) => act(cache!) !== 0 && CHAIN[2](value) });
      await store(await old(cache), 'ada', OLD);
      expect(rider(cache).get('ada')).toEqual(NEW);
      expect(figures(cache).migrations).toBe(0);
      expect(rider(cache).get('ada')).toEqual(then);
      balanced(cache);
    },
  );

  it('a migration may read others that migrate; reading its own entry is a failure, not a loop', async () => {
    let cache: Cache<Types> | undefined;
    const seen: unknown[] = [];
    const follow = (value: { key: number; next?: number }) => {
      if (value.next !== undefined) seen.push(rider(cache!).get(`k${value.next}`));
      return { ...value, done: true };
    };
    cache = await create({ 2: follow });
    const remote = await remoteOf(cache, 2);
    for (let i = 0; i < 4; i++) await store(remote, `k${i}`, { key: i, ...(i < 3 && { next: i + 1 }) });
    expect(rider(cache).get('k0')).toEqual({ key: 0, next: 1, done: true });
    expect(seen).toEqual([3, 2, 1].map((key) => ({ key, ...(key < 3 && { next: key + 1 }), done: true })));
    await store(remote, 'k9', { key: 9, next: 9 });
    expect(rider(cache).get('k9')).toEqual({ key: 9, next: 9, done: true });
    expect(seen.at(-1)).toBeUndefined();
    expect(figures(cache).migrationFailures).toBe(1);
    // Those that share a chain of buckets were not stored while the others were.
    for (const i of [3, 2, 1, 0, 9]) expect(rider(cache).get(`k${i}`)).toMatchObject({ key: i, done: true });
    expect(figures(cache).migrations).toBe(5);
    balanced(cache);
  });

  it('a migration that closes the cache has the read throw', async () => {
    let cache: Cache<Types> | undefined;
    cache = await create({
      1: CHAIN[1],
      2: (value) => {
        void cache!.close();
        return CHAIN[2](value);
      },
    });
    await store(await old(cache), 'ada', OLD);
    expect(errorOf(() => rider(cache!).get('ada')).code).toBe('VELOCACHE_CLOSED');
  });

  it('a migration that a time-out of vm cuts short leaves nothing behind', async () => {
    let isEndless = true;
    const cache = await create({
      1: CHAIN[1],
      2: (value) => {
        while (isEndless);
        return CHAIN[2](value);
      },
    });
    await store(await old(cache), 'ada', OLD);
    const context = { read: () => rider(cache).get('ada') };
    expect(errorOf(() => runInNewContext('read()', context, { timeout: 50 })).code).toBe(
      'ERR_SCRIPT_EXECUTION_TIMEOUT',
    );
    isEndless = false;
    await Promise.resolve();
    expect(rider(cache).get('ada')).toEqual(NEW);
    expect(figures(cache)).toMatchObject({ migrations: 1, migrationFailures: 0 });
  });

  it('a recursion without end is a failed migration', async () => {
    const dive = (value: unknown): unknown => [dive(value)];
    const cache = await create({ 1: CHAIN[1], 2: dive });
    await store(await old(cache), 'ada', OLD);
    expect(rider(cache).get('ada')).toBeUndefined();
    expect(figures(cache).migrationFailures).toBe(1);
    expect(rider(cache).set('ada', NEW)).toBe(true);
  });

  it('under a pressure that refuses sets, a value that grows is handed out and not stored', async () => {
    const cache = await create({ 2: () => ({ text: 'x'.repeat(9_000) }) }, { importance: 'optional' });
    const remote = await remoteOf(cache, 2);
    await store(remote, 'ada', { a: 1 });
    // The word of the header by which the warden refuses sets.
    const header = new Int32Array(cache.handle.buffers[0]!);
    header[37] = 2;
    expect(rider(cache).get('ada')).toEqual({ text: 'x'.repeat(9_000) });
    expect(figures(cache).migrations).toBe(0);
    header[37] = 0;
    rider(cache).get('ada');
    expect(figures(cache).migrations).toBe(1);
  });

  it('reducers get migrated values, and what they return is of the current version', async () => {
    const seen = new Set<boolean>();
    const reduce = (value: Rider) => {
      seen.add('rides' in value);
      return value.rides!.length < 16 ? undefined : { ...value, rides: value.rides!.slice(0, 10) };
    };
    const migrate = { 2: (value: object) => ({ ...value, rides: Array.from({ length: 300 }, (_, i) => i) }) };
    const cache = await create(migrate, { maxShare: 0.03, overflow: 'reduce', reduce });
    const remote = remotes.start();
    await remote.do('attachWith', cache.handle, { types: { rider: { version: 2 } } }, 'rider');
    for (let i = 0; i < 60; i++) await store(remote, `old${i}`, { text: 'x'.repeat(2_000) });
    for (let i = 0; i < 300; i++) rider(cache).set(`new${i}`, { rides: Array.from({ length: 900 }, (_, j) => j) });
    expect([...seen]).toEqual([true]);
    expect(figures(cache).reductions).toBeGreaterThan(10);
    expect(figures(cache)).toMatchObject({ reducerFailures: 0, migrationFailures: 0 });
    for (const [, value] of rider(cache).entries()) expect(value.rides).toBeDefined();
    balanced(cache);
  });
});

describe('a rolling deploy', () => {
  const caches = useCaches();
  const remotes = useRemotes();

  it('two threads with different code read and write the same keys: each sees its own shape or a miss', async () => {
    const cache = await caches.create<Types>({ types: { rider: { version: 3 } } });
    for (let i = 0; i < 7; i++) cache.type('rider').set(`k${i}`, { key: `k${i}` } as Rider);
    const next = remotes.start();
    const before = remotes.start();
    await before.do('attachWith', cache.handle, { types: { rider: { version: 3 } } });
    await next.do('attachWith', cache.handle, { types: { rider: { version: 4, adds: 'v4' } } });
    const [ofOld, ofNew] = (await Promise.all([
      before.do('churn', 'rider', 'v3', 4_000),
      next.do('churn', 'rider', 'v4', 4_000),
    ])) as { hits: number; misses: number; wrong: unknown[] }[];
    expect([ofOld!.wrong, ofNew!.wrong]).toEqual([[], []]);
    expect(ofOld!.hits + ofOld!.misses).toBe(4_000);
    expect(ofNew!.hits).toBeGreaterThan(0);
    const { newerVersions, migrationFailures, decodeFailures, migrations } = cache.stats();
    expect([migrationFailures, decodeFailures]).toEqual([0, 0]);
    expect(newerVersions).toBeLessThanOrEqual(ofOld!.misses);
    expect(migrations).toBeGreaterThan(0);
    const { types, ...total } = cache.stats();
    expect(imbalances(total, Object.values(types))).toEqual([]);
  });

  it('old code leaves new values, new code migrates old ones and stores them', async () => {
    const cache = await caches.create<Types>({ types: { rider: { version: 3 } } });
    const next = remotes.start();
    await next.do('attachWith', cache.handle, { types: { rider: { version: 4, adds: 'v4' } } });
    cache.type('rider').set('a', { first: 'Ada' });
    expect(await next.do('typed', 'rider', 'get', 'a')).toEqual({ first: 'Ada', shape: 'v4' });
    expect(cache.type('rider').get('a')).toBeUndefined();
    expect(await next.do('typed', 'rider', 'get', 'a')).toEqual({ first: 'Ada', shape: 'v4' });
    cache.type('rider').set('a', { first: 'Bob' });
    expect(cache.type('rider').get('a')).toEqual({ first: 'Bob' });
    expect(await next.do('typed', 'rider', 'get', 'a')).toEqual({ first: 'Bob', shape: 'v4' });
    expect(cache.stats()).toMatchObject({ migrations: 2, newerVersions: 1 });
  });
});

describe('versions and migrations as options', () => {
  const caches = useCaches();
  const remotes = useRemotes();
  const same = (value: unknown): unknown => value;
  /** Options as they can be posted: functions as null. */
  const posted = (options: object): object =>
    JSON.parse(JSON.stringify(options, (_, v) => (v instanceof Function ? null : v)));

  it.each<[string, object, string]>([
    ['a version of 0', { version: 0 }, 'types.a.version is 0: must be an integer from 1 to 65535'],
    ['a version that is too high', { version: 65_536 }, 'types.a.version is 65536'],
    ['a version that is no number', { version: '2' }, 'types.a.version is "2"'],
    ['a gap', { version: 5, migrate: { 1: same, 4: same } }, 'types.a.migrate.2 is undefined: must be a function'],
    ['a chain that ends too early', { version: 3, migrate: { 1: same } }, 'types.a.migrate.2 is undefined'],
    ['migrations without a version', { migrate: { 1: same } }, 'types.a.migrate.1 is "given"'],
    ['what is no function', { version: 2, migrate: { 1: 1 } }, 'types.a.migrate.1 is 1: must be a function'],
  ])('%s is refused', async (_, options, message) => {
    const error = await rejectionOf(caches.create({ types: { a: options } } as never));
    expect(error.code).toBe('VELOCACHE_OPTION');
    expect(error.message).toContain(message);
    const cache = await caches.create<{ a: unknown }>({ types: { a: {} } });
    const refused = await rejectionOf(remotes.start().do('attachRaw', cache.handle, posted(options), 'a'));
    expect(refused.code).toBe('VELOCACHE_OPTION');
    expect(refused.message).toContain(message);
  });

  it('a thread gives migrate, or a version of its own; otherwise what is missing is named', async () => {
    const cache = await caches.create<Types>({ types: { rider: { version: 3, migrate: CHAIN } } });
    await expect(remotes.start().do('attach', cache.handle)).rejects.toMatchObject({
      code: 'VELOCACHE_HANDLE_VERSION',
      message: expect.stringContaining('types.rider.migrate'),
    });
    await remotes.start().do('attachWith', cache.handle, { types: { rider: { version: 3 } } });
    await remotes.start().do('attachRaw', cache.handle, posted({ migrate: CHAIN }), 'rider');
    await remotes
      .start()
      .do('attachRaw', cache.handle, posted({ version: 4, migrate: { ...CHAIN, 3: same } }), 'rider');
    expect(attachCache(cache.handle)).toBe(cache);
  });

  it('a thread without either stores in the version of the plan, if there are no migrations', async () => {
    const cache = await caches.create<Types>({ types: { rider: { version: 3 } } });
    const remote = remotes.start(cache.handle);
    await remote.do('typed', 'rider', 'set', 'ada', NEW);
    expect(cache.type('rider').get('ada')).toEqual(NEW);
    expect(cache.stats()).toMatchObject({ migrations: 0, migrationFailures: 0, hits: 1 });
  });
});
