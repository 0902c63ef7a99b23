/**
 * Goal: threads may be terminated at any moment of a fetch, and nobody who waits hangs or gets a wrong value. Method: two
 * threads fetch and delete a few keys all the time, as does a third one, which is terminated and replaced again and again.
 */
import { describe, expect, it } from 'vitest';
import { useCaches } from '../../support/caches.js';
import { Random, seedFrom } from '../../support/random.js';
import { useRemotes } from '../../support/remote.js';

const SEED = seedFrom('KILL_SEED');
const VICTIMS = Number(process.env['KILL_FLIGHTS'] ?? 12);
const KEYS = ['a', 'b', 'c', 'd'];
const TIMEOUT_MS = 300_000;

describe(`kills of threads that load, seed ${SEED}`, () => {
  const caches = useCaches();
  const remotes = useRemotes();

  it(
    `${VICTIMS} of them: the others go on`,
    async () => {
      const cache = await caches.create();
      const survivors = [remotes.start(cache.handle), remotes.start(cache.handle)];
      const random = new Random(SEED);
      for (let i = 0; i < VICTIMS; i++) {
        const victim = remotes.start(cache.handle);
        void victim.do('storm', KEYS, 1e9);
        await victim.event(({ type }) => type === 'storm');
        const storms = survivors.map((survivor) => survivor.do('storm', KEYS, 50));
        const rounds = 10 * random.below(6);
        await victim.event(({ type, key }) => type === 'storm' && Number(key) >= rounds);
        await victim.worker.terminate();
        expect(await Promise.all(storms), `victim ${i}`).toEqual([0, 0]);
        expect(cache.verify()).toEqual([]);
      }
      for (const key of KEYS) expect(await cache.fetch(key, () => `of ${key}`)).toBe(`of ${key}`);
      expect(cache.stats().shardsEmptied).toBe(0);
    },
    TIMEOUT_MS,
  );
});
