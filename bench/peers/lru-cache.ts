import { LRUCache } from 'lru-cache';
import type { Contender, Lane, Setup } from './contender.js';
import { bytesOf, objectOf, poolOf } from './values.js';

/** With a TTL; a cache in each thread, since it can't be shared. What it holds are references: it copies nothing. */
export const lruCache: Contender = {
  name: 'lru-cache, TTL',
  isPerThread: true,
  prepare: async () => ({ share: undefined, close: async () => {} }),
  async open(setup: Setup, keys: readonly string[]): Promise<Lane> {
    const options = { max: setup.items, ttl: 3_600_000 };
    if (setup.kind === 'bytes') {
      const cache = new LRUCache<string, Uint8Array>(options);
      for (const [item, key] of keys.entries()) cache.set(key, bytesOf(item));
      const pool = poolOf(bytesOf);
      return {
        get: { one: (item) => cache.get(keys[item]!)?.[item & 127] ?? -1 },
        set: { one: (item) => setAnd0(cache, keys[item]!, pool(item)) },
      };
    }
    const cache = new LRUCache<string, ReturnType<typeof objectOf>>(options);
    for (const [item, key] of keys.entries()) cache.set(key, objectOf(item));
    const pool = poolOf(objectOf);
    return {
      get: { one: (item) => cache.get(keys[item]!)?.score ?? -1 },
      set: { one: (item) => setAnd0(cache, keys[item]!, pool(item)) },
    };
  },
};

function setAnd0<V extends object>(cache: LRUCache<string, V>, key: string, value: V): number {
  cache.set(key, value);
  return 0;
}
