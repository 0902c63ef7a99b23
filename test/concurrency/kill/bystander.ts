/**
 * A thread that is attached and idle. The first of a round creates the cache, and so owns its warden; when it is
 * ended, another must start the next warden by itself.
 */
import { parentPort, workerData } from 'node:worker_threads';
import { attachCache, type Cache, type CacheHandle, createCache } from 'velocache';
import { bytesOf } from '../support/stamped.js';
import {
  FIRST_NOISE,
  functionsFor,
  type KillTypes,
  keyOf,
  NOISE_KEYS,
  OPTIONS,
  RESERVED_KEYS,
  reservedBytes,
} from './keys.js';

const { handle } = workerData as { handle: CacheHandle<KillTypes> | undefined };
const cache = handle === undefined ? await createCache<KillTypes>(OPTIONS) : attachCache(handle, functionsFor(handle));
if (handle === undefined) {
  storeReserved(cache);
  fillUp(cache);
}
parentPort?.on('message', () => {});
parentPort?.postMessage(cache.handle);

function storeReserved(empty: Cache<KillTypes>): void {
  for (const keyId of RESERVED_KEYS) {
    const stamp = { keyId, writer: 0, seq: 1, bornMs: 0, ttlMs: 0 };
    empty.type('reserved').setBytes(keyOf(keyId), bytesOf(stamp, reservedBytes(keyId)));
  }
}

/** Stores values of all sizes until entries are evicted: from the first operation on there is no free page. */
function fillUp(full: Cache<KillTypes>): void {
  for (let i = 0; full.stats().removals.size === 0; i = (i + 1) % (NOISE_KEYS / 1_000)) {
    for (let j = 0; j < 1_000; j++) {
      const keyId = FIRST_NOISE + i * 1_000 + j;
      const stamp = { keyId, writer: 0, seq: 1, bornMs: 0, ttlMs: 0 };
      full.setBytes(keyOf(keyId), bytesOf(stamp, 24 + ((j * 7_919) % 2_000)));
    }
  }
}
