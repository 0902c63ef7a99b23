/** fetch by the module of a type, in a worker of the pool: what it returns and stores, and what comes before its value. */
import { threadId } from 'node:worker_threads';
import { type Cache, type CacheOptions, type Codec, ManualClock, type TypeOptions } from 'velocache';
import { describe, expect, it } from 'vitest';
import { rejectionOf, useCaches } from '../support/caches.js';
import { LOADER, useModuleLoads } from '../support/module-loads.js';
import { runModule } from '../support/process.js';

const VALUE = { name: 'loaded', list: [1, 2, 3] };

describe('fetch by a module', () => {
  const caches = useCaches();
  const loads = useModuleLoads();

  function create(type: TypeOptions = {}, options: Partial<CacheOptions<{ default: unknown }>> = {}): Promise<Cache> {
    return caches.create({ types: { default: { loader: LOADER, ...type } }, ...options });
  }

  it('loads in another thread, which stores the value', async () => {
    const cache = await create();
    const value = (await cache.fetch('at once')) as { thread: number };
    expect(value).toEqual({ of: 'at once', thread: expect.any(Number) });
    expect(value.thread).not.toBe(threadId);
    expect(cache.get('at once')).toEqual(value);
    expect(await cache.fetch('at once')).toEqual(value);
    expect(cache.stats()).toMatchObject({ misses: 1, hits: 2, loads: 1, loadWaits: 0, sets: 1 });
    expect(cache.stats().pool).toEqual({ tasks: 1, inPlace: 0, failures: 0, running: 0, waiting: 0 });
  });

  it('may be named by the text of its URL', async () => {
    const cache = await create({ loader: LOADER.href });
    expect(await cache.fetch('at once', undefined, { ttl: '1h' })).toMatchObject({ of: 'at once' });
  });

  it('stores with ttl, idle and user', async () => {
    const clock = new ManualClock();
    const cache = await create({}, { clock, users: { tierOf: () => 'admin' } });
    await cache.fetch('at once, ttl', undefined, { ttl: '1s', user: 'ada' });
    await cache.fetch('at once, idle', undefined, { idle: '2s' });
    expect(cache.usage('ada')).toMatchObject({ entries: 1, tier: 'admin' });
    clock.advance(1_000);
    expect([cache.has('at once, ttl'), cache.has('at once, idle')]).toEqual([false, true]);
    clock.advance(1_020);
    expect(cache.has('at once, idle')).toBe(false);
  });

  it('compresses in the worker', async () => {
    const cache = await create({ compress: { with: 'zlib' } });
    const call = cache.fetch('key');
    loads.current.land(await loads.current.begun('key'), { value: 'text ', repeat: 50_000 });
    expect(await call).toBe('text '.repeat(50_000));
    expect(cache.stats().compression).toMatchObject({ values: 1, decompressions: 0 });
    expect(cache.get('key')).toBe('text '.repeat(50_000));
  });

  it('is one load for all calls, each of which gets a value of its own', async () => {
    const cache = await create();
    const calls = Array.from({ length: 10 }, () => cache.fetch('key'));
    loads.current.land(await loads.current.begun('key'), { value: VALUE });
    const values = await Promise.all(calls);
    expect(values).toEqual(Array(10).fill(VALUE));
    expect(new Set(values).size).toBe(10);
    expect(loads.current.count('key')).toBe(1);
    expect(cache.stats()).toMatchObject({ loads: 1, loadWaits: 9 });
  });

  it('comes behind a function that is given', async () => {
    const cache = await create();
    expect(await cache.fetch('at once', () => 'by a function')).toBe('by a function');
    expect(cache.stats().pool.tasks).toBe(0);
  });

  it('gives its error to every call, as VELOCACHE_LOAD, and stores nothing', async () => {
    const cache = await create();
    const calls = [1, 2, 3].map(() => rejectionOf(cache.fetch('key')));
    const error = { name: 'TypeError', message: `no such thing ${'ü'.repeat(300)}`, code: 'UPSTREAM' };
    loads.current.land(await loads.current.begun('key'), { error });
    for (const rejection of await Promise.all(calls))
      expect(rejection).toMatchObject({ code: 'VELOCACHE_LOAD', cause: error });
    expect(loads.current.count('key')).toBe(1);
    expect(cache.has('key')).toBe(false);
    expect(cache.stats()).toMatchObject({ loads: 1, loadFailures: 1 });
    const again = cache.fetch('key');
    loads.current.land(await loads.current.begun('key', 2), { value: 'at last' });
    expect(await again).toBe('at last');
  });

  it('resolves to undefined for all calls where the module does, and stores nothing', async () => {
    const cache = await create();
    const calls = [1, 2, 3].map(() => cache.fetch('key'));
    loads.current.land(await loads.current.begun('key'), {});
    expect(await Promise.all(calls)).toEqual([undefined, undefined, undefined]);
    expect(loads.current.count('key')).toBe(1);
    expect(cache.has('key')).toBe(false);
  });

  it('a value that can not be kept is an error of the load', async () => {
    const cache = await create({ codec: 'json' });
    const call = rejectionOf(cache.fetch('key'));
    loads.current.land(await loads.current.begun('key'), { value: new Map() });
    expect(await call).toMatchObject({
      code: 'VELOCACHE_LOAD',
      cause: { name: 'ValueError', code: 'VELOCACHE_VALUE' },
    });
  });

  it.each([
    ['small', 100_000],
    ['larger than its buffer', 500_000],
  ])('a value for which there is no room goes to all who wait, and is not stored: %s', async (_, repeat) => {
    const cache = await create({}, { slab: { maxItem: '64kb' } });
    const calls = [1, 2, 3].map(() => cache.fetch('key'));
    loads.current.land(await loads.current.begun('key'), { value: 'x', repeat });
    expect(await Promise.all(calls)).toEqual(Array(3).fill('x'.repeat(repeat)));
    expect(loads.current.count('key')).toBe(1);
    expect(cache.has('key')).toBe(false);
  });

  it.each([
    ['set', (cache: Cache) => cache.set('key', 'newer'), 'newer'],
    ['setAsync', (cache: Cache) => cache.setAsync('key', 'newer'), 'newer'],
    ['delete', (cache: Cache) => cache.delete('key'), undefined],
    ['clear', (cache: Cache) => cache.clear(), undefined],
    ['clearAll', (cache: Cache) => cache.clearAll(), undefined],
  ] as const)('a %s during a load wins, and its value goes to the call that began it', async (_, change, after) => {
    const cache = await create();
    const call = cache.fetch('key');
    const load = await loads.current.begun('key');
    await change(cache);
    loads.current.land(load, { value: 'late' });
    expect(await call).toBe('late');
    expect(cache.get('key')).toBe(after);
    expect(cache.stats()).toMatchObject({ loads: 1, loadsLost: 1 });
  });

  it('is aborted when nobody wants it, which the worker sees; the next call loads anew', async () => {
    const cache = await create({}, { pool: { threads: 2 } });
    const controllers = [new AbortController(), new AbortController()];
    const calls = controllers.map(({ signal }) => rejectionOf(cache.fetch('key', undefined, { signal })));
    const load = await loads.current.begun('key');
    controllers[0]!.abort(new Error('the first goes'));
    expect((await calls[0]!).message).toBe('the first goes');
    controllers[1]!.abort(new Error('the second goes'));
    expect((await calls[1]!).message).toBe('the second goes');
    expect((await loads.current.aborted('key')).reason).toContain('nobody waits');
    const anew = cache.fetch('key');
    loads.current.land(await loads.current.begun('key', 2), { value: 'anew' });
    expect(await anew).toBe('anew');
    loads.current.land(load, { value: 'late' });
    // The worker is free again when this is done.
    await Promise.all([cache.fetch('at once, a'), cache.fetch('at once, b')]);
    expect(cache.get('key')).toBe('anew');
  });

  it('waits for its turn as others do, from where its signal gets it out', async () => {
    const cache = await create({}, { pool: { threads: 1, queue: 1 } });
    const first = cache.fetch('first');
    const load = await loads.current.begun('first');
    const controller = new AbortController();
    const inside = cache.fetch('at once, inside');
    const aborted = rejectionOf(cache.fetch('aborted', undefined, { signal: controller.signal }));
    const outside = cache.fetch('at once, outside');
    expect(cache.stats().pool).toMatchObject({ running: 2, waiting: 2 });
    controller.abort(new Error('enough'));
    expect((await aborted).message).toBe('enough');
    loads.current.land(load, { value: 1 });
    expect(await first).toBe(1);
    expect(await inside).toMatchObject({ of: 'at once, inside' });
    expect(await outside).toMatchObject({ of: 'at once, outside' });
    expect(loads.current.count('aborted')).toBe(0);
    expect(cache.stats().pool).toMatchObject({ tasks: 3, running: 0, waiting: 0 });
  });

  it('is aborted when the cache is closed, and its calls are rejected', async () => {
    const cache = await create();
    const call = rejectionOf(cache.fetch('key'));
    const load = await loads.current.begun('key');
    const closing = cache.close();
    expect((await call).code).toBe('VELOCACHE_CLOSED');
    await loads.current.aborted('key');
    loads.current.land(load, { value: 'late' });
    await closing;
  });

  it.each([
    ['can not be imported', 'file:///nowhere/loader.js', 'can not be imported'],
    ['throws when it is', 'data:text/javascript,throw new Error("broken")', 'broken'],
    ['has no default export', 'data:text/javascript,export const load = 1', 'function as its default export'],
  ])('a module that %s is named in the error', async (_, loader, words) => {
    const cache = await create({ loader });
    const error = await rejectionOf(cache.fetch('key'));
    expect(error).toMatchObject({ code: 'VELOCACHE_LOAD', cause: { name: 'OptionError', code: 'VELOCACHE_OPTION' } });
    expect(error.message).toContain('types.default.loader');
    expect(error.message).toContain(words);
    const inPlace = await create({ loader }, { pool: false });
    const own = await rejectionOf(inPlace.fetch('key'));
    expect(own.code).toBe('VELOCACHE_OPTION');
    expect(own.message).toContain('types.default.loader');
  });

  it('runs in the thread that fetches where there is no pool', async () => {
    const cache = await create({}, { pool: false });
    expect(await cache.fetch('at once')).toEqual({ of: 'at once', thread: threadId });
    expect(cache.get('at once')).toEqual({ of: 'at once', thread: threadId });
  });

  it.each(['not a url', 7, null, {}])('the option must be a URL, which %s is not', async (loader) => {
    const error = await rejectionOf(caches.create({ types: { default: { loader: loader as string } } }));
    expect(error.code).toBe('VELOCACHE_OPTION');
    expect(error.message).toContain('types.default.loader');
  });

  it('without the option a call without a function is refused', async () => {
    const cache = await caches.create();
    const error = await rejectionOf(cache.fetch('key'));
    expect(error.code).toBe('VELOCACHE_OPTION');
    expect(error.message).toContain('types.default have the option loader');
  });

  it.each([
    ['codec', { codec: { encode: () => Uint8Array.of(1), decode: () => 1 } as Codec }],
    ['reduce', { overflow: 'reduce', reduce: () => undefined } as const],
  ])('a type whose %s no worker has is refused, unless pool.module or no pool is there', async (name, type) => {
    const error = await rejectionOf(create(type));
    expect(error.code).toBe('VELOCACHE_OPTION');
    expect(error.message).toContain(`pool.module, which gives types.default.${name}`);
    const inPlace = await create(type, { pool: false });
    expect(await inPlace.fetch('at once')).toBeDefined();
    const lacking = await create(type, { pool: { module: 'data:text/javascript,export default {}' } });
    const failure = await rejectionOf(lacking.fetch('at once'));
    expect(failure).toMatchObject({ code: 'VELOCACHE_WORKER' });
    expect(failure.message).toContain(`types.default.${name}`);
  });

  it('packs with the codec that pool.module gives', async () => {
    const text = `export default { types: { default: { codec: {
      encode: ({ of }) => new TextEncoder().encode(of), decode: (bytes) => ({ text: new TextDecoder().decode(bytes) }) } } } }`;
    const codec: Codec = {
      encode: () => expect.fail('this thread packs nothing'),
      decode: (bytes) => ({ text: `${Buffer.from(bytes)}` }),
    };
    const module = `data:text/javascript,${encodeURIComponent(text)}`;
    const cache = await create({ codec }, { pool: { module } });
    expect(await cache.fetch('at once')).toEqual({ text: 'at once' });
    expect(cache.get('at once')).toEqual({ text: 'at once' });
  });

  it('a fetch of its own within a loader runs in place, and waits for nobody', async () => {
    const text = `import { attachCache } from ${JSON.stringify(import.meta.resolve('velocache'))};
      import { workerData } from 'node:worker_threads';
      export default async (key) => key === 'part' ? 'a part' : [await attachCache(workerData.handle).fetch('part'), key];`;
    const cache = await create(
      { loader: `data:text/javascript,${encodeURIComponent(text)}` },
      { pool: { threads: 1 } },
    );
    expect(await cache.fetch('whole')).toEqual(['a part', 'whole']);
    expect(cache.get('part')).toBe('a part');
  });

  it('lets a process end that waits for nothing else, behind the load', async () => {
    const { hung, status, stdout } = await runModule(`
      import { createCache } from 'velocache';
      const loader = 'data:text/javascript,export default (key) => "of " + key';
      const cache = await createCache({ capacity: '8mb', types: { default: { loader } } });
      cache.fetch('key').then(console.log);`);
    expect({ hung, status, stdout }).toEqual({ hung: false, status: 0, stdout: 'of key\n' });
  });
});
