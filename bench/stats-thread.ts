/** Calls stats() as often as it is told. */
import { parentPort, workerData } from 'node:worker_threads';
import { attachCache, type CacheHandle } from '../src/index.js';

export interface StatsThreadData {
  readonly handle: CacheHandle<Record<string, unknown>>;
  /** Calls a second; -1 ends the thread. */
  readonly rate: Int32Array<SharedArrayBuffer>;
  /** How many calls there were, then how long each took, in ms: the first CALL_MS_SAMPLES of them. */
  readonly calls: Float64Array<SharedArrayBuffer>;
}

export const CALL_MS_SAMPLES = 10_000;

async function run({ handle, rate, calls }: StatsThreadData): Promise<void> {
  const cache = attachCache(handle);
  parentPort?.postMessage('ready');
  for (let perSecond = 0; perSecond >= 0; perSecond = Atomics.load(rate, 0)) {
    Atomics.wait(rate, 0, perSecond, perSecond === 0 ? 1_000 : 1_000 / perSecond);
    if (Atomics.load(rate, 0) <= 0) continue;
    const startMs = performance.now();
    cache.stats();
    if (calls[0]! < CALL_MS_SAMPLES) calls[1 + calls[0]!] = performance.now() - startMs;
    calls[0]! += 1;
  }
  await cache.close();
}

if (parentPort !== null) await run(workerData as StatsThreadData);
