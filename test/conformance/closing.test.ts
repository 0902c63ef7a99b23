/** close (rule 9): what it ends, for whom, and that nothing keeps a process alive. */
import { attachCache } from 'velocache';
import { describe, expect, it } from 'vitest';
import { errorOf, useCaches } from '../support/caches.js';
import { runModule } from '../support/process.js';
import { useRemotes } from '../support/remote.js';

describe('close', () => {
  const caches = useCaches();
  const remotes = useRemotes();

  it('makes every method throw VELOCACHE_CLOSED', async () => {
    const cache = await caches.create<{ default: unknown; other: unknown }>({ types: { other: {} } });
    cache.set('key', 1);
    const walk = cache.keys();
    const other = cache.type('other');
    await cache.close();
    const methods: (() => unknown)[] = [cache, other].flatMap((space) => [
      () => space.set('key', 1),
      () => space.setBytes('key', new Uint8Array(1)),
      () => space.get('key'),
      () => space.getBytes('key'),
      () => space.has('key'),
      () => space.peek('key'),
      () => space.touch('key'),
      () => space.delete('key'),
      () => space.clear(),
      () => space.getMany(['key']),
      () => space.getMany([]),
      () => space.setMany([['key', 1]]),
      () => space.setMany([]),
      () => space.deleteMany(['key']),
      () => space.deleteMany([]),
      () => space.keys(),
      () => space.entries(),
    ]);
    methods.push(
      () => walk.next(),
      () => cache.stats(),
      () => cache.verify(),
      () => cache.clearAll(),
      () => cache.on('evict', () => {}),
      () => cache.once('reject', () => {}),
      () => attachCache(cache.handle),
    );
    for (const method of methods) expect(errorOf(method).code, String(method)).toBe('VELOCACHE_CLOSED');
  });

  it('is idempotent, also when called again before it is done', async () => {
    const cache = await caches.create();
    await Promise.all([cache.close(), cache.close()]);
    await cache.close();
    expect(errorOf(() => cache.get('key')).code).toBe('VELOCACHE_CLOSED');
  });

  it('Symbol.asyncDispose does the same', async () => {
    const cache = await caches.create();
    await cache[Symbol.asyncDispose]();
    expect(errorOf(() => cache.get('key')).code).toBe('VELOCACHE_CLOSED');
  });

  it('by the creator ends the cache in all threads', async () => {
    const cache = await caches.create();
    const remote = remotes.start(cache.handle);
    expect(await remote.call('set', 'key', 1)).toBe(true);
    await cache.close();
    await expect(remote.call('get', 'key')).rejects.toMatchObject({ code: 'VELOCACHE_CLOSED' });
    await expect(remote.do('attach', cache.handle)).rejects.toMatchObject({ code: 'VELOCACHE_CLOSED' });
    await remote.call('close');
    await remote.call('close');
  });

  it('by another thread detaches only that thread', async () => {
    const cache = await caches.create();
    const remote = remotes.start(cache.handle);
    await remote.call('set', 'key', 1);
    await remote.call('close');
    await expect(remote.call('get', 'key')).rejects.toMatchObject({ code: 'VELOCACHE_CLOSED' });
    expect(cache.get('key')).toBe(1);
    expect(cache.stats().deaths).toBe(0);
  });

  it.each(['terminate', 'exit', 'throw'] as const)('the cache outlives its creator: %s', async (end) => {
    const creator = remotes.start();
    const handle = (await creator.do('create', { capacity: '8mb' })) as Parameters<typeof attachCache>[0];
    await creator.call('set', 'key', 'value');
    const cache = caches.adopt(attachCache(handle));
    if (end === 'terminate') await creator.worker.terminate();
    else creator.do(end, end === 'exit' ? 0 : 'as told').catch(() => {});
    await creator.exited;
    expect(cache.get('key')).toBe('value');
    expect(cache.set('key', 'new')).toBe(true);
    const other = remotes.start(handle);
    expect(await other.call('get', 'key')).toBe('new');
    expect(await other.call('verify')).toEqual([]);
  });
});

const USE = `
  import { createCache, attachCache } from 'velocache';
  import { Worker, isMainThread } from 'node:worker_threads';
  const cache = await createCache({ capacity: '8mb' });
  cache.set('key', { a: 1 });
  cache.get('key');`;
const WORKER = new URL('../support/fixtures/remote.mjs', import.meta.url).href;

describe('the process', () => {
  it.concurrent.each([
    ['after close', `${USE} await cache.close();`],
    ['without close', USE],
    ['without awaiting close', `${USE} cache.close();`],
    ['with listeners', `${USE} for (const e of ['evict', 'reject', 'recover']) cache.on(e, () => {});`],
    ['with a walk left open', `${USE} cache.keys().next();`],
    [
      'with a thread that has attached and has nothing else to do',
      `${USE} const w = new Worker(new URL('${WORKER}'), { workerData: { handle: cache.handle }, execArgv: [] });
       w.once('message', () => {
         w.postMessage({ id: 1, command: 'listen', args: ['evict'] });
         w.postMessage({ id: 2, command: 'rest', args: [] });
       });`,
    ],
  ])('ends by itself: %s', async (_, code) => {
    const { hung, status, stderr } = await runModule(code);
    expect({ hung, status, stderr }).toEqual({ hung: false, status: 0, stderr: '' });
  });

  it('may call the cache in its exit handlers', async () => {
    const code = `${USE} process.on('exit', () => console.log(JSON.stringify(cache.get('key')), cache.verify().length));`;
    const { stdout, stderr } = await runModule(code);
    expect({ stdout, stderr }).toEqual({ stdout: '{"a":1} 0\n', stderr: '' });
  });

  it('loads no native addon, with the cache in use in two threads', async () => {
    const code = `${USE}
      const w = new Worker(new URL('${WORKER}'), { workerData: { handle: cache.handle }, execArgv: [] });
      await new Promise((resolve) => w.once('message', resolve));
      const { sharedObjects } = process.report.getReport();
      console.log(sharedObjects.length > 0, sharedObjects.filter((file) => file.endsWith('.node')).length);
      await w.terminate();
      await cache.close();`;
    const { stdout, stderr } = await runModule(code);
    expect({ stdout, stderr }).toEqual({ stdout: 'true 0\n', stderr: '' });
  });
});
