/** TRAP 19: every place for a thread is taken, by threads that are gone without a word, or by such as live. */
import { threadId } from 'node:worker_threads';
import type { CacheHandle } from 'velocache';
import { describe, expect, it } from 'vitest';
import { HEADER, OWNER_SLOTS, OWNER_WORDS } from '../../native-free/index.js';
import { useCaches } from '../support/caches.js';
import { type Remote, useRemotes } from '../support/remote.js';

const OWNERS_AT = 64;
/** No thread of this process will ever have such an id. */
const GONE = 1_000_000;
const TRIES_MAX = 50;

describe('19: slots', () => {
  const caches = useCaches();
  const remotes = useRemotes();

  /** Has every free slot claimed by a thread that never sent its port. */
  function takeAll({ buffers }: CacheHandle<never>, threadOf: (slot: number) => number): number {
    const words = new Int32Array(buffers[0]!);
    expect(words[HEADER.magic]).not.toBe(0);
    let taken = 0;
    for (let slot = 0; slot < OWNER_SLOTS; slot++) {
      const state = ((threadOf(slot) + 1) << 2) | 1;
      if (Atomics.compareExchange(words, OWNERS_AT + slot * OWNER_WORDS, 0, state) === 0) taken += 1;
    }
    return taken;
  }

  it('of threads that died before they sent their port are probed, and given on', async () => {
    const cache = await caches.create();
    expect(takeAll(cache.handle as CacheHandle<never>, (slot) => GONE + slot)).toBeGreaterThan(100);
    const remote = remotes.start();
    // It waits for a moment itself; the warden probes twice a second.
    let refusals = 0;
    while (refusals < TRIES_MAX && !(await attached(remote, cache.handle))) refusals += 1;
    expect(refusals).toBeLessThan(TRIES_MAX);
    expect(await remote.call('set', 'key', 1)).toBe(true);
    expect(cache.get('key')).toBe(1);
  });

  /** False if there was no place. */
  async function attached(remote: Remote, handle: CacheHandle<unknown>): Promise<boolean> {
    try {
      await remote.do('attach', handle);
      return true;
    } catch (error) {
      expect((error as { code?: string }).code).toBe('VELOCACHE_THREADS');
      return false;
    }
  }

  it('of threads that live are theirs: one more gets a coded error, and another chance', async () => {
    const cache = await caches.create();
    const first = remotes.start(cache.handle);
    expect(await first.call('set', 'key', 1)).toBe(true);
    // This thread answers probes for all of them.
    takeAll(cache.handle as CacheHandle<never>, () => threadId);
    const late = remotes.start();
    await expect(late.do('attach', cache.handle)).rejects.toMatchObject({
      code: 'VELOCACHE_THREADS',
      message: expect.stringContaining(`${OWNER_SLOTS}`),
    });
    expect(await first.call('get', 'key')).toBe(1);
    await first.call('close');
    await late.do('attach', cache.handle);
    expect(cache.get('key')).toBe(1);
  });
});
