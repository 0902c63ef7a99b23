/** setAsync and getAsync: values, options, errors and statistics, in the pool and in place. */
import fc from 'fast-check';
import { type Cache, type CacheOptions, type Codec, ManualClock } from 'velocache';
import { describe, expect, it } from 'vitest';
import { rejectionOf, useCaches } from '../support/caches.js';
import { useRemotes } from '../support/remote.js';

type Types = { default: unknown; checked: unknown; structured: unknown; limited: string };

const SEED = Number(process.env['FC_SEED'] ?? 40_417);
const limited = { maxShare: 0.05, overflow: 'reduce', reduce: () => undefined } as const;
const types: CacheOptions<Types>['types'] = {
  checked: { crc: true },
  structured: { codec: 'structured' },
  limited,
};

const VALUES: readonly (readonly [string, unknown])[] = [
  ['a short text', 'hello'],
  ['a text of other scripts', 'Ωδός 自転車 🚲'.repeat(1_000)],
  ['a text with a lone surrogate', 'a\ud800b'],
  ['an empty text', ''],
  ['a long text', 'abc'.repeat(300_000)],
  ['null', null],
  ['numbers', [0, -0, 1.5, Number.NaN, 2n ** 70n]],
  ['an object', { a: { b: [1, { c: undefined }] }, __proto__: null }],
  ['a Map and a Set', { map: new Map([[1, new Set(['a'])]]) }],
  ['a Date and a RegExp', [new Date(0), /a+/gi]],
  ['a Buffer', Buffer.from('bytes')],
  ['a typed array', new Float64Array([1, 2, 3])],
  ['a large array', Array.from({ length: 20_000 }, (_, i) => ({ i, name: `n${i}` }))],
];

describe.each([
  ['by the pool', { send: 'always', threads: 2 }],
  ['by measured cost', { threads: 2 }],
  ['in place', false],
] as const)('setAsync and getAsync %s', (_, pool) => {
  const caches = useCaches();
  const remotes = useRemotes();
  const create = (more: Partial<CacheOptions<Types>> = {}): Promise<Cache<Types>> =>
    caches.create<Types>({ capacity: '32mb', types, pool, ...more });

  it.each(['default', 'checked', 'structured'] as const)('keep what set and get keep: %s', async (type) => {
    const cache = await create();
    const space = cache.type(type);
    const stored = await Promise.all(VALUES.map(([name, value]) => space.setAsync(name, value)));
    expect(stored).toEqual(VALUES.map(() => true));
    const read = await Promise.all(VALUES.map(([name]) => space.getAsync(name)));
    for (const [i, [name, value]] of VALUES.entries()) {
      expect(read[i], name).toEqual(space.get(name));
      space.set('here', value);
      expect(read[i], name).toEqual(space.get('here'));
    }
    const { tasks, inPlace, failures, running, waiting } = cache.stats().pool;
    expect({ sum: tasks + inPlace, failures, running, waiting }).toEqual({
      sum: VALUES.length * 2,
      failures: 0,
      running: 0,
      waiting: 0,
    });
    if (pool === false) expect(tasks).toBe(0);
    else if ('send' in pool) expect(inPlace).toBe(0);
  });

  it(`keep any JSON, seed ${SEED}`, async () => {
    const cache = await create();
    const check = fc.asyncProperty(fc.string({ minLength: 1 }), fc.jsonValue(), async (key, value) => {
      expect(await cache.setAsync(key, value)).toBe(true);
      expect(await cache.getAsync(key)).toEqual(cache.get(key));
      cache.set('here', value);
      expect(cache.get(key)).toEqual(cache.get('here'));
    });
    await fc.assert(check, { seed: SEED, numRuns: 50 });
  });

  it('count hits, misses and sets as get and set do', async () => {
    const cache = await create();
    await cache.setAsync('key', 'v'.repeat(100_000));
    await cache.getAsync('key');
    await cache.getAsync('none');
    expect(cache.stats()).toMatchObject({ sets: 1, hits: 1, misses: 1, bytesHit: cache.stats().bytesPayload });
    expect(cache.stats().types['default']).toMatchObject({ hits: 1, misses: 1 });
  });

  it('take ttl, idle and user', async () => {
    const clock = new ManualClock();
    const cache = await create({ clock, users: {} });
    await cache.setAsync('ttl', 1, { ttl: '1m' });
    await cache.setAsync('idle', 1, { idle: '1m', user: 'ada' });
    expect(cache.usage('ada')).toMatchObject({ entries: 1, tier: 'standard' });
    clock.advance(40_000);
    expect(await cache.getAsync('idle')).toBe(1);
    clock.advance(40_000);
    expect([await cache.getAsync('ttl'), await cache.getAsync('idle')]).toEqual([undefined, 1]);
  });

  it('ask tierOf in the thread that sets', async () => {
    const asked: string[] = [];
    const tierOf = (user: string): string => {
      asked.push(user);
      return 'premium';
    };
    const cache = await create({ users: { tierOf } });
    expect(await cache.setAsync('key', 'value', { user: 'ada' })).toBe(true);
    expect(asked).toEqual(['ada']);
    expect(cache.usage('ada')?.entries).toBe(1);
  });

  it('reject with what set and get throw, and change nothing', async () => {
    const cache = await create({ slab: { maxItem: '100kb' } });
    cache.set('key', 'old');
    const codes = await Promise.all([
      rejectionOf(cache.setAsync('', 1)),
      rejectionOf(cache.setAsync('key', undefined)),
      rejectionOf(cache.setAsync('key', () => {})),
      rejectionOf(cache.setAsync('key', 'x'.repeat(200_000))),
      rejectionOf(cache.setAsync('key', 1, { ttl: 0 })),
      rejectionOf(cache.setAsync('key', 1, { tll: 1 } as never)),
      rejectionOf(cache.setAsync('key', 1, { signal: 1 as never })),
      rejectionOf(cache.getAsync('')),
      rejectionOf(cache.getAsync('key', { ttl: 1 } as never)),
    ]);
    expect(codes.map(({ code }) => code)).toEqual([
      'VELOCACHE_KEY',
      'VELOCACHE_VALUE',
      'VELOCACHE_VALUE',
      'VELOCACHE_ITEM_TOO_LARGE',
      'VELOCACHE_OPTION',
      'VELOCACHE_OPTION',
      'VELOCACHE_OPTION',
      'VELOCACHE_KEY',
      'VELOCACHE_OPTION',
    ]);
    expect(cache.get('key')).toBe('old');
  });

  it('take the value as it is at the call, also when it has to wait', async () => {
    const cache = await create({ pool: pool && { ...pool, threads: 1, queue: 0 } });
    const value = { list: [1] };
    const first = cache.setAsync('first', value);
    const second = cache.setAsync('second', value);
    value.list.push(2);
    await Promise.all([first, second]);
    expect([cache.get('first'), cache.get('second')]).toEqual([{ list: [1] }, { list: [1] }]);
  });

  it('resolve to false where there is no room that the rules allow, and the key is absent', async () => {
    const cache = await create();
    cache.type('limited').set('key', 'old');
    expect(await cache.type('limited').setAsync('key', 'x'.repeat(2_000_000))).toBe(false);
    expect(cache.type('limited').get('key')).toBeUndefined();
    expect(cache.stats().rejectsByReason.share).toBe(1);
  });

  it('read damaged values as counted misses', async () => {
    const cache = await create();
    const text = 'a text that is long enough to be found';
    await cache.type('checked').setAsync('key', text);
    for (const shared of cache.handle.buffers) {
      const bytes = Buffer.from(shared as unknown as ArrayBuffer);
      const at = bytes.indexOf(text);
      if (at >= 0) bytes[at] = bytes[at]! ^ 1;
    }
    expect(await cache.type('checked').getAsync('key')).toBeUndefined();
    expect(cache.stats()).toMatchObject({ hits: 0, misses: 1, decodeFailures: 1 });
  });

  it('keep to the versions of the thread that asks', async () => {
    const migrate = { 1: (value: object) => ({ ...value, migrated: true }) };
    const cache = await caches.create<{ default: object }>({ pool, types: { default: { version: 2, migrate } } });
    const remote = remotes.start();
    await remote.do('attachWith', cache.handle, { types: { default: { version: 1 } } });
    expect(await remote.call('setAsync', 'old', { a: 1 })).toBe(true);
    expect(await remote.call('getAsync', 'old')).toEqual({ a: 1 });
    expect(await cache.getAsync('old')).toEqual({ a: 1, migrated: true });
    expect(cache.stats()).toMatchObject({ migrations: 1, hits: 2 });
    expect(await cache.setAsync('new', { b: 1 })).toBe(true);
    expect(await remote.call('getAsync', 'new')).toBeUndefined();
    expect(await cache.getAsync('new')).toEqual({ b: 1 });
    expect(cache.stats()).toMatchObject({ newerVersions: 1, hits: 3, misses: 1 });
  });

  it('reject once the cache is closed', async () => {
    const cache = await create();
    await cache.close();
    expect(await rejectionOf(cache.setAsync('key', 1))).toMatchObject({ code: 'VELOCACHE_CLOSED' });
    expect(await rejectionOf(cache.getAsync('key'))).toMatchObject({ code: 'VELOCACHE_CLOSED' });
  });
});

describe('the pool', () => {
  const caches = useCaches();
  const remotes = useRemotes();

  it('leaves sets that need functions in place, where it has no module', async () => {
    const cache = await caches.create<Types>({ types, pool: { send: 'always' } });
    expect(await cache.type('limited').setAsync('key', 'value')).toBe(true);
    expect(cache.stats().pool).toMatchObject({ tasks: 0, inPlace: 1 });
    expect(await cache.type('limited').getAsync('key')).toBe('value');
    expect(cache.stats().pool).toMatchObject({ tasks: 1, inPlace: 1 });
  });

  it('needs no codec of the user: values are packed and unpacked in the thread that asks', async () => {
    const codec: Codec<string> = {
      encode: (text) => Buffer.from(text.toUpperCase()),
      decode: (bytes) => Buffer.from(bytes).toString().toLowerCase(),
    };
    const reduce = (text: string): string => text.slice(0, -1);
    const cache = await caches.create<{ default: unknown; own: string; raw: Uint8Array; both: string }>({
      pool: { send: 'always' },
      types: {
        own: { codec, crc: true },
        raw: { codec: 'raw', version: 2 },
        both: { codec, overflow: 'reduce', reduce, maxShare: 0.1 },
      },
    });
    const bytes = Uint8Array.of(1, 2, 3);
    expect(await cache.type('own').setAsync('key', 'text')).toBe(true);
    expect(await cache.type('raw').setAsync('key', bytes)).toBe(true);
    expect([cache.type('own').get('key'), await cache.type('own').getAsync('key')]).toEqual(['text', 'text']);
    expect([cache.type('raw').get('key'), await cache.type('raw').getAsync('key')]).toEqual([bytes, bytes]);
    expect(cache.type('raw').getBytes('key')).toEqual(bytes);
    expect(cache.stats().pool).toMatchObject({ tasks: 4, inPlace: 0, failures: 0 });
    expect(await cache.type('both').setAsync('key', 'text')).toBe(true);
    expect(cache.stats().pool).toMatchObject({ tasks: 4, inPlace: 1, failures: 0 });
  });

  it('serves other threads, each by workers of its own', async () => {
    const cache = await caches.create({ pool: { send: 'always', threads: 1 } });
    const remote = remotes.start(cache.handle);
    expect(await remote.call('setAsync', 'key', { from: 'remote' })).toBe(true);
    expect(await cache.getAsync('key')).toEqual({ from: 'remote' });
    expect(await cache.setAsync('key', { from: 'here' })).toBe(true);
    expect(await remote.call('getAsync', 'key')).toEqual({ from: 'here' });
    expect(cache.stats().pool).toMatchObject({ tasks: 4, inPlace: 0 });
    await remote.call('close');
    expect(cache.stats().deaths).toBe(0);
  });

  it.each([
    ['pool', { threads: 0 }, 'pool.threads is 0: must be a whole number from 1 to 64'],
    ['pool', { queue: -1 }, 'pool.queue is -1: must be a whole number from 0 to 65536'],
    ['pool', { send: 'never' }, 'pool.send is "never": must be one of measured, always'],
    ['pool', { module: 'functions.js' }, 'pool.module is "functions.js": must be a URL'],
    ['pool', { size: 1 }, 'pool.size is "given": the options are threads, queue, idle, send, module'],
    ['pool', null, 'pool is null: must be an object'],
  ])('checks its options: %s %o', async (_, pool, message) => {
    const error = await rejectionOf(caches.create({ pool: pool as never }));
    expect(error.code).toBe('VELOCACHE_OPTION');
    expect(error.message).toContain(message);
  });
});
