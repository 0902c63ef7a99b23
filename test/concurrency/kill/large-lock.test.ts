import { createCache } from 'velocache';
import { expect, it } from 'vitest';
import { HEADER, Layout, SHARD } from '../../../native-free/index.js';
import { cutAt } from '../../support/cut.js';
import { useRemotes } from '../../support/remote.js';

const remotes = useRemotes();

it('large values can be set though a thread has abandoned one between two sections, and does nothing since', async () => {
  const cache = await createCache({ capacity: '8mb', slab: { pageSize: '16kb' }, pressure: false });
  const remote = remotes.start(cache.handle);
  const large = new Uint8Array(500_000).fill(7);
  expect(await remote.call('setBytes', 'first', large)).toBe(true);
  const meta = new Int32Array(cache.handle.buffers[0]!);
  const layout = new Layout(cache.handle.plan.arena);
  const holdsLargeAlone = (): boolean => {
    const shards = Array.from({ length: layout.config.shards }, (_, i) => meta[layout.shard(i) + SHARD.lock]!);
    return meta[HEADER.largeLock] !== 0 && shards.every((lock) => lock === 0);
  };
  let step = 0;
  while (!holdsLargeAlone()) {
    // An operation that was cut elsewhere is repaired by the next one of its thread.
    expect(cutAt(step++, () => cache.setBytes('mine', large))).toBe(true);
  }
  expect(await remote.call('setBytes', 'second', large)).toBe(true);
  expect(cache.getBytes('second')).toEqual(large);
  expect(cache.verify()).toEqual([]);
  await cache.close();
});
