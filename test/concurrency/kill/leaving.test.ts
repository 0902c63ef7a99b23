import { once } from 'node:events';
import { threadId, Worker } from 'node:worker_threads';
import { createCache } from 'velocache';
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

/** Abandons a set between two sections, with a chain in its hands, and leaves when it is told to. */
const LEAVER = `
  const { parentPort, workerData } = require('node:worker_threads');
  const { fill } = Buffer.prototype;
  let isAbandoning = false;
  // The engine's copies; it takes the function as it is when it is loaded.
  Buffer.prototype.fill = function (...args) {
    if (isAbandoning && this.buffer instanceof SharedArrayBuffer) throw new Error('abandoned');
    return fill.apply(this, args);
  };
  import('velocache').then(({ attachCache }) => {
    const cache = attachCache(workerData);
    isAbandoning = true;
    try {
      cache.setBytes('large', new Uint8Array(60_000));
    } catch (error) {
      parentPort.postMessage(error.message);
    }
    isAbandoning = false;
    parentPort.on('message', () => cache.close().then(() => parentPort.postMessage('left')));
  });`;

/** Waits for what the event loop brings about, bounded. */
async function until(isSo: () => boolean): Promise<void> {
  for (let i = 0; i < 1_000 && !isSo(); i++) await new Promise((resolve) => setTimeout(resolve, 10));
}

it('a thread that leaves with memory in its hands, behind a lock, leaves it to the warden', async () => {
  const cache = await createCache({ capacity: '1mb', slab: { pageSize: '4kb' } });
  const layout = new Layout(cache.handle.plan.arena);
  const { meta, owners } = Arena.attach(layout, cache.handle.buffers);
  const slot = Array.from({ length: OWNER_SLOTS }, (_, i) => i).find((i) => owners.threadOf(i) === threadId)!;
  const lock = layout.shard(0) + SHARD.lock;
  expect(layout.config.shards).toBe(1);
  const leaver = new Worker(LEAVER, { eval: true, workerData: cache.handle });
  expect(await once(leaver, 'message')).toEqual(['abandoned']);
  expect(cache.stats().threads).toBe(3);
  expect(acquire(meta, lock, lockToken(slot, threadId), owners, 1_000)).toBe(LOCK_FREE);
  leaver.postMessage('leave');
  expect(await once(leaver, 'message')).toEqual(['left']);
  release(meta, lock);
  const chunks = () => cache.stats().classes.reduce((sum, { chunksUsed }) => sum + chunksUsed, 0);
  await until(() => chunks() === 0);
  expect(chunks()).toBe(0);
  expect(cache.stats().threads).toBe(2);
  expect(cache.verify()).toEqual([]);
  await leaver.terminate();
  await cache.close();
});
