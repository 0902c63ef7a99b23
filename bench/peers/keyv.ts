import { Keyv } from 'keyv';
import type { Contender } from './contender.js';
import { onHeap, TTL_MS } from './on-heap.js';

/** In a Map, without serialization and prefixes. It has no bound. */
export const keyv: Contender = onHeap({
  name: 'keyv, TTL',
  async() {
    const cache = new Keyv<unknown>({ ttl: TTL_MS, useKeyPrefix: false });
    // Only a value that is assigned turns it off: an option without one means the default.
    cache.serialize = undefined;
    cache.deserialize = undefined;
    return { get: (key) => cache.get(key), set: (key, value) => cache.set(key, value) };
  },
});
