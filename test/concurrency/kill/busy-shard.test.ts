import { threadId, Worker } from 'node:worker_threads';
import { createCache, ManualClock } from 'velocache';
import { expect, it } from 'vitest';
import {
  Arena,
  acquire,
  Layout,
  LOCK_FREE,
  lockToken,
  OWNER_SLOTS,
  release,
  SHARD,
} from '../../../native-free/index.js';

const BYSTANDER = new URL('../../../dist/test/concurrency/kill/bystander.js', import.meta.url);

/** Waits for what the event loop brings about, bounded. */
async function until(isSo: () => boolean): Promise<void> {
  for (let i = 0; i < 500 && !isSo(); i++) await new Promise((resolve) => setTimeout(resolve, 10));
}

it('the warden notices a death while it can not have the lock of a shard full of expired entries', async () => {
  const clock = new ManualClock();
  const cache = await createCache({ capacity: '1mb', slab: { pageSize: '4kb' }, clock });
  for (let i = 0; i < 2_000; i++) cache.setBytes(`k${i}`, new Uint8Array(16), { ttl: 100 });
  const bystander = new Worker(BYSTANDER, { workerData: { handle: cache.handle } });
  await new Promise((resolve) => bystander.once('message', resolve));
  const layout = new Layout(cache.handle.plan.arena);
  const { meta, owners } = Arena.attach(layout, cache.handle.buffers);
  const slot = Array.from({ length: OWNER_SLOTS }, (_, i) => i).find((i) => owners.threadOf(i) === threadId)!;
  const lock = layout.shard(0) + SHARD.lock;
  expect(layout.config.shards).toBe(1);
  expect(acquire(meta, lock, lockToken(slot, threadId), owners, 1_000)).toBe(LOCK_FREE);
  clock.advance(1_000);
  await until(() => cache.stats().lockTimeouts > 0);
  await bystander.terminate();
  await until(() => cache.stats().deaths === 1);
  const { deaths } = cache.stats();
  release(meta, lock);
  expect(deaths).toBe(1);
  await until(() => cache.stats().threads === 2);
  expect(cache.stats().threads).toBe(2);
  expect(cache.verify()).toEqual([]);
  await cache.close();
});
