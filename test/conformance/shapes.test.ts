/** Shapes of objects on the built package: threads that learn at once read each other's values, also once one is killed. */
import { describe, expect, it } from 'vitest';
import { useCaches } from '../support/caches.js';
import { useRemotes } from '../support/remote.js';

const THREADS = 3;
const VALUES = 300;

/** Values of 20 shapes, each of which several threads learn at the same time. */
function valueFrom(thread: number, i: number): object {
  const shape = (i + thread * 5) % 20;
  return { [`first ${shape}`]: i, thread, nested: { [`second ${shape}`]: `text ${i}`, list: [{ x: i, y: -i }] } };
}

describe('shapes of objects', () => {
  const caches = useCaches();
  const remotes = useRemotes();

  it('that threads learn at once are one each, and all threads read all values', async () => {
    const cache = await caches.create();
    const threads = Array.from({ length: THREADS }, () => remotes.start(cache.handle));
    await Promise.all(threads.map((remote) => remote.do('attach', cache.handle)));
    const entries = threads.map((_, t) => Array.from({ length: VALUES }, (_, i) => [`${t}:${i}`, valueFrom(t, i)]));
    await Promise.all(threads.map((remote, t) => remote.call('setMany', entries[t])));
    const keys = entries.flat().map(([key]) => key as string);
    const values = entries.flat().map(([, value]) => value);
    expect(cache.getMany(keys)).toEqual(values);
    for (const remote of threads) expect(await remote.call('getMany', keys)).toEqual(values);
    // Twenty first keys, twenty second ones, and the points.
    expect(cache.stats().log.records).toBe(41);
    expect(cache.stats().decodeFailures).toBe(0);
  });

  it('outlive the thread that taught them', async () => {
    const cache = await caches.create();
    const remote = remotes.start(cache.handle);
    await remote.do('attach', cache.handle);
    for (let i = 0; i < 3; i++) await remote.call('set', `key ${i}`, valueFrom(0, 0));
    await remote.worker.terminate();
    await remote.exited;
    expect(cache.getMany(['key 0', 'key 1', 'key 2'])).toEqual(Array.from({ length: 3 }, () => valueFrom(0, 0)));
  });

  it('take no memory in a cache whose types have other codecs', async () => {
    const cache = await caches.create({ types: { default: { codec: 'structured' } } });
    cache.set('key', { a: 1 });
    expect(cache.stats().log).toEqual({ records: 0, bytesUsed: 0, bytesTotal: 0 });
    expect(cache.get('key')).toEqual({ a: 1 });
  });

  it('have room in a small cache', async () => {
    const cache = await caches.create({ capacity: '1mb' });
    for (let i = 0; i < 3; i++) cache.set(`key ${i}`, { name: 'a', size: i });
    const { records, bytesUsed, bytesTotal } = cache.stats().log;
    expect(records).toBe(1);
    expect(bytesUsed).toBeGreaterThan(0);
    expect(bytesTotal).toBe(2 ** 14 - 64);
  });
});
