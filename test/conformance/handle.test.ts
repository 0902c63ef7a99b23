/** Handles: every way to another thread, attaching twice, handles that don't fit (rules 8 and 9). */
import { once } from 'node:events';
import { MessageChannel, receiveMessageOnPort, setEnvironmentData, Worker } from 'node:worker_threads';
import { Piscina } from 'piscina';
import { attachCache, type CacheHandle, Gauge } from 'velocache';
import { describe, expect, it } from 'vitest';
import { errorOf, useCaches } from '../support/caches.js';
import { useRemotes } from '../support/remote.js';

const REACH = new URL('../support/fixtures/reach.mjs', import.meta.url);

describe('ways to other threads', () => {
  const caches = useCaches();

  /** What the thread at the end of the way sends back: what it read; it also stored an entry. */
  async function reached(worker: Worker): Promise<unknown> {
    // Both may come in one turn of the loop.
    const exited = once(worker, 'exit');
    const [message] = await once(worker, 'message');
    await exited;
    return message;
  }

  it.each([
    ['workerData', 0],
    ['postMessage', 0],
    ['environment', 0],
    ['workerData', 3],
    ['environment', 3],
  ])('by %s, at depth %d below the first worker', async (by, depth) => {
    const cache = await caches.create();
    cache.set('greeting', { hello: 'there' });
    if (by === 'environment') setEnvironmentData('cache', cache.handle as never);
    const worker = new Worker(REACH, { workerData: { depth, handle: by === 'workerData' ? cache.handle : undefined } });
    if (by === 'postMessage') worker.postMessage(cache.handle);
    expect(await reached(worker)).toEqual({ hello: 'there' });
    expect(cache.get('answer')).toEqual({ depth: 0 });
    setEnvironmentData('cache', undefined as never);
  });

  it('to the workers of a Piscina pool', async () => {
    const cache = await caches.create();
    const filename = new URL('../support/fixtures/task.mjs', import.meta.url).href;
    const pool = new Piscina({ filename, minThreads: 2, maxThreads: 2 });
    for (let i = 0; i < 20; i++) cache.set(`in ${i}`, i);
    const sums = Array.from({ length: 20 }, (_, i) => pool.run({ handle: cache.handle, key: i }));
    expect(await Promise.all(sums)).toEqual(Array.from({ length: 20 }, (_, i) => i + 1));
    expect(cache.get('out 19')).toBe(20);
    await pool.close();
  });

  it('a handle is plain data: it can be cloned, and clones do', async () => {
    const cache = await caches.create();
    const { port1, port2 } = new MessageChannel();
    port1.postMessage(cache.handle);
    const copy = receiveMessageOnPort(port2)?.message as typeof cache.handle;
    port1.close();
    expect(copy).not.toBe(cache.handle);
    const attached = attachCache(copy);
    expect(attached).toBe(cache);
    await attached.close();
  });
});

describe('attaching twice', () => {
  const caches = useCaches();
  const remotes = useRemotes();

  it('gives the same object, and close counts', async () => {
    const cache = await caches.create();
    cache.set('key', 1);
    const remote = remotes.start(cache.handle);
    expect(await remote.do('attach', cache.handle)).toBe(true);
    await remote.call('close');
    expect(await remote.call('get', 'key')).toBe(1);
    await remote.call('close');
    await expect(remote.call('get', 'key')).rejects.toMatchObject({ code: 'VELOCACHE_CLOSED' });
    expect(await remote.do('attach', cache.handle)).toBe(false);
    expect(await remote.call('get', 'key')).toBe(1);
    expect(cache.get('key')).toBe(1);
  });

  it('counts in the thread of the creator too', async () => {
    const cache = await caches.create();
    expect(attachCache(cache.handle)).toBe(cache);
    await cache.close();
    expect(cache.set('key', 1)).toBe(true);
    await cache.close();
    expect(errorOf(() => cache.get('key')).code).toBe('VELOCACHE_CLOSED');
  });

  it('refuses functions that the cache has not, as a thread does that attaches first, and needs none', async () => {
    const reduce = (value: unknown): unknown => value;
    const cache = await caches.create({ types: { default: {}, small: { overflow: 'reduce', reduce } } });
    const wrong: object[] = [
      { users: { tierOf: 5 } },
      { users: { tierOf: () => 'standard' } },
      { types: { default: { reduce } } },
      { types: { small: { reduce: 5 } } },
      { types: { default: { version: -3 } } },
      { types: { default: { codec: 5 } } },
    ];
    for (const functions of wrong)
      expect(errorOf(() => attachCache(cache.handle, functions)).code).toBe('VELOCACHE_OPTION');
    const again = attachCache(cache.handle);
    expect(again).toBe(cache);
    await again.close();
    expect(cache.set('key', 1)).toBe(true);
  });

  it('stats say how many threads are attached', async () => {
    const cache = await caches.create();
    const before = cache.stats().threads;
    const remote = remotes.start(cache.handle);
    await remote.call('has', 'key');
    expect(cache.stats().threads).toBe(before + 1);
    await remote.call('close');
    expect(cache.stats().threads).toBe(before);
  });
});

describe('handles that do not fit', () => {
  const caches = useCaches();

  it('are refused with VELOCACHE_HANDLE_VERSION', async () => {
    const cache = await caches.create({ pressure: { rss: new Gauge() } });
    const { handle } = cache;
    const changed = (change: object): CacheHandle<object> => ({ ...handle, ...change }) as CacheHandle<object>;
    const others = {
      'no object': 5,
      null: null,
      undefined,
      'no handle': {},
      'another kind': changed({ velocache: 'cache' }),
      'another layout': changed({ layoutVersion: handle.layoutVersion + 1 }),
      'another hash': changed({ configHash: 1 }),
      'no plan': changed({ plan: undefined }),
      'null for a plan': changed({ plan: null }),
      'another plan': changed({ plan: { ...handle.plan, itemBytesMax: 1 } }),
      'no memory': changed({ buffers: [] }),
      'memory that is not there': changed({ buffers: undefined }),
      'memory that is not shared': changed({ buffers: [new ArrayBuffer(64)] }),
      'foreign memory': changed({ buffers: [new SharedArrayBuffer(handle.buffers[0]!.byteLength)] }),
      'too little memory': changed({ buffers: [new SharedArrayBuffer(16)] }),
      'no time': changed({ epochMs: 'now' }),
      'a clock that is none': changed({ clock: {} }),
      'a clock of another size': changed({ clock: new Gauge().buffer }),
      'a gauge of another size': changed({ gauges: { rss: new SharedArrayBuffer(4) } }),
      'no gauges': changed({ gauges: undefined }),
      'gauges without that of the plan': changed({ gauges: {} }),
    };
    for (const [name, other] of Object.entries(others)) {
      const { code } = errorOf(() => attachCache(other as CacheHandle<object>));
      expect(code, name).toBe('VELOCACHE_HANDLE_VERSION');
    }
  });

  it('two caches of one process are strangers', async () => {
    const [a, b] = [await caches.create(), await caches.create()];
    a.set('key', 'a');
    expect(b.get('key')).toBeUndefined();
    b.set('key', 'b');
    expect([a.get('key'), b.get('key')]).toEqual(['a', 'b']);
  });
});
