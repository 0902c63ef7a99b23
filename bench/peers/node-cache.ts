import NodeCache from 'node-cache';
import type { Contender } from './contender.js';
import { onHeap, TTL_MS } from './on-heap.js';

/** Without its clones, and without its walk over all entries every ten minutes. Full, it refuses: it evicts nothing. */
export const nodeCache: Contender = onHeap({
  name: 'node-cache, TTL',
  sync() {
    const cache = new NodeCache({ stdTTL: TTL_MS / 1_000, useClones: false, checkperiod: 0 });
    return { get: (key) => cache.get(key), set: (key, value) => cache.set(key, value) };
  },
});
