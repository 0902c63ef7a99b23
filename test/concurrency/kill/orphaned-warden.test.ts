import { Worker } from 'node:worker_threads';
import { attachCache, type CacheHandle } from 'velocache';
import { expect, it } from 'vitest';

const CREATOR = new URL('../../../dist/test/concurrency/kill/bystander.js', import.meta.url);

/** Waits for what the event loop brings about, bounded. */
async function until(isSo: () => boolean): Promise<void> {
  for (let i = 0; i < 500 && !isSo(); i++) await new Promise((resolve) => setTimeout(resolve, 10));
}

it('a warden that ended with its creator is replaced, and its own death is noticed', async () => {
  const creator = new Worker(CREATOR, { workerData: {} });
  const handle = await new Promise<CacheHandle<{ default: unknown }>>((resolve) => creator.once('message', resolve));
  const cache = attachCache(handle);
  expect(cache.stats().threads).toBe(3);
  await creator.terminate();
  await until(() => cache.stats().deaths === 2 && cache.stats().threads === 2);
  const { deaths, threads } = cache.stats();
  // Dead: the creator and its warden. Attached: this thread and the new warden, which is its own.
  expect({ deaths, threads }).toEqual({ deaths: 2, threads: 2 });
  expect(cache.verify()).toEqual([]);
  await cache.close();
});
