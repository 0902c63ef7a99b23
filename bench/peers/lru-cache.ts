import { LRUCache } from 'lru-cache';
import type { Contender } from './contender.js';
import { onHeap, TTL_MS } from './on-heap.js';

/** With a TTL; a cache in each thread, since it can't be shared. What it holds are references: it copies nothing. */
export const lruCache: Contender = onHeap({
  name: 'lru-cache, TTL',
  bounded: { by: 'entries', policy: 'LRU' },
  sync({ items, bound }) {
    const cache = new LRUCache<string, object>({ max: bound?.entriesPerLane ?? items, ttl: TTL_MS });
    return {
      get: (key) => cache.get(key),
      set(key, value) {
        cache.set(key, value as object);
        return true;
      },
    };
  },
});
