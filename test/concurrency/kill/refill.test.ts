import { type Cache, createCache } from 'velocache';
import { expect, it } from 'vitest';

const VALUE = new Uint8Array(40);
const OPTIONS = { capacity: '4mb' };

/** Fills the cache until entries evict each other; returns how many it holds. */
function fill(cache: Cache): number {
  for (let i = 0; i < 70_000; i++) cache.setBytes(`fill-${i}`, VALUE);
  return cache.stats().entries;
}

async function withCache<R>(use: (cache: Cache) => R): Promise<R> {
  const cache = await createCache(OPTIONS);
  const result = use(cache);
  expect(cache.verify()).toEqual([]);
  await cache.close();
  return result;
}

it('a cache that has held values of all sizes holds as many small ones afterwards as a fresh one', async () => {
  const fresh = await withCache((cache) => fill(cache));
  const used = await withCache((cache) => {
    for (let bytes = 8; bytes < 8_000; bytes += 20) {
      for (let i = 0; i < 4; i++) cache.setBytes(`${bytes}-${i}`, new Uint8Array(bytes));
    }
    cache.clearAll();
    return fill(cache);
  });
  // Hashes are seeded, so two caches never hold quite the same.
  expect(used / fresh).toBeGreaterThan(0.99);
});
