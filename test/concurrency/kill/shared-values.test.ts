/**
 * Goal: threads that set, replace and remove values stored once may be terminated at any moment, and no value is wrong, none
 * stays behind and no count is off. Method: two threads work on a few keys with a few values all the time, as does a third,
 * which is terminated and replaced again and again; in a cache that has room, and in one that hasn't.
 */
import { once } from 'node:events';
import { Worker } from 'node:worker_threads';
import type { Cache, CacheHandle } from 'velocache';
import { describe, expect, it } from 'vitest';
import { useCaches } from '../../support/caches.js';
import { Random, seedFrom } from '../../support/random.js';

const SEED = seedFrom('KILL_SEED');
const VICTIMS = Number(process.env['KILL_SHARERS'] ?? 10);
const TIMEOUT_MS = 1_800_000;

type Types = { default: unknown; shared: string; filler: Uint8Array };

async function start(handle: CacheHandle<Types>, seed: number): Promise<Worker> {
  const url = new URL('../../support/fixtures/sharer.mjs', import.meta.url);
  const worker = new Worker(url, { workerData: { handle, seed } });
  await once(worker, 'message');
  return worker;
}

/** Ends a thread in good order; how many wrong values it has read. */
async function stop(worker: Worker): Promise<number> {
  worker.postMessage('stop');
  const [{ wrong }] = (await once(worker, 'message')) as [{ wrong: number }];
  await worker.terminate();
  return wrong;
}

describe(`kills of threads that share values, seed ${SEED}`, () => {
  const caches = useCaches();

  async function killAll(cache: Cache<Types>, between: (i: number) => void): Promise<void> {
    const survivors = [await start(cache.handle, SEED + 1), await start(cache.handle, SEED + 2)];
    const random = new Random(SEED);
    for (let i = 0; i < VICTIMS; i++) {
      const victim = await start(cache.handle, SEED + 100 + i);
      between(i);
      await new Promise((resolve) => setTimeout(resolve, random.below(20)));
      await victim.terminate();
    }
    expect(await Promise.all(survivors.map(stop))).toEqual([0, 0]);
    // The creator is left alone, and the warden.
    await expect.poll(() => cache.stats().threads, { timeout: 10_000 }).toBe(2);
    expect(cache.verify()).toEqual([]);
    expect(cache.stats()).toMatchObject({ deaths: VICTIMS + 2, shardsEmptied: 0 });
    const space = cache.type('shared');
    for (const key of space.keys()) space.delete(key);
    await expect.poll(() => cache.stats().types['shared']!.dedupe.payloads).toBe(0);
    expect(cache.stats().types['shared']!.dedupe).toEqual({ payloads: 0, references: 0, bytesSaved: 0 });
    expect(cache.stats().types['shared']).toMatchObject({ entries: 0, bytesUsed: 0 });
  }

  it(
    `${VICTIMS} of them, in a cache with room`,
    async () => {
      const cache = await caches.create<Types>({ pressure: false, types: { shared: { dedupe: true }, filler: {} } });
      await killAll(cache, () => {});
    },
    TIMEOUT_MS,
  );

  it(
    `${VICTIMS} of them, while others evict`,
    async () => {
      const types = { shared: { dedupe: true }, filler: {} };
      const cache = await caches.create<Types>({ capacity: '1mb', policy: 'lru', pressure: false, types });
      let number = 0;
      await killAll(cache, () => {
        for (let i = 0; i < 1_000; i++) cache.type('filler').setBytes(`filler ${number++}`, new Uint8Array(900));
      });
    },
    TIMEOUT_MS,
  );
});
