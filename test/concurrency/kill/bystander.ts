/**
 * A thread that is attached and idle. The first of a round creates the cache, and so owns its warden; when it is
 * ended, another must start the next warden by itself.
 */
import { parentPort, workerData } from 'node:worker_threads';
import { attachCache, type CacheHandle, createCache } from 'velocache';
import { type KillTypes, OPTIONS } from './keys.js';

const { handle } = workerData as { handle: CacheHandle<KillTypes> | undefined };
const cache = handle === undefined ? await createCache<KillTypes>(OPTIONS) : attachCache(handle);
parentPort?.on('message', () => {});
parentPort?.postMessage(cache.handle);
