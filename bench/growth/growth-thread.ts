/** One of several threads that work on one cache at once. */
import { parentPort, workerData } from 'node:worker_threads';
import { attachCache, type CacheHandle } from '../../src/index.js';
import { type Operation, Operations } from './operations.js';

export interface GrowthThreadData {
  readonly handle: CacheHandle<{ default: unknown }>;
  readonly entries: number;
  readonly seed: number;
  /** Shared: where the times go. */
  readonly ns: Float64Array;
}

const { handle, entries, seed, ns } = workerData as GrowthThreadData;
const operations = new Operations(attachCache(handle), entries, seed);
parentPort!.on('message', (operation: Operation) => {
  operations.time(operation, ns);
  parentPort!.postMessage('done');
});
parentPort!.postMessage('ready');
