/** A process for one point: fills a cache, has its threads work on it, and reports times and memory. */
import { once } from 'node:events';
import { Worker } from 'node:worker_threads';
import { type CacheStats, createCache } from '../../src/index.js';
import { quantile } from '../figures.js';
import type { GrowthThreadData } from './growth-thread.js';
import { OPERATIONS, type Operation, Operations } from './operations.js';
import type { Point } from './plan.js';

export interface Times {
  readonly p50Ns: number;
  readonly p99Ns: number;
}

export interface GrowthReport {
  readonly times: Readonly<Record<Operation, Times>>;
  /** What the process takes beyond one without a cache. */
  readonly rssBytes: number;
  readonly heapBytes: number;
  readonly overheadBytes: number;
}

/** Of each operation in each thread; the first ones are thrown away. */
const SAMPLES = 100_000;
const WARM_UP = 20_000;
const SEED = 0x9e3779b9;

/** Used, less keys, values and rounding to chunks: headers, index, tables, logs. */
function overheadOf(stats: CacheStats): number {
  const requested = stats.classes.reduce((sum, { bytesRequested }) => sum + bytesRequested, 0);
  return (requested - stats.bytesPayload + stats.bytesIndex + stats.bytesMetadata) / stats.entries;
}

function timesOf(lanes: readonly Float64Array[]): Times {
  const all = new Float64Array(lanes.length * (SAMPLES - WARM_UP));
  for (const [i, lane] of lanes.entries()) all.set(lane.subarray(WARM_UP), i * (SAMPLES - WARM_UP));
  all.sort();
  return { p50Ns: quantile(all, 0.5), p99Ns: quantile(all, 0.99) };
}

async function run({ entries, threads, capacityMb }: Point): Promise<GrowthReport> {
  globalThis.gc!();
  const rssBefore = process.memoryUsage().rss;
  await using cache = await createCache({ capacity: capacityMb * 2 ** 20, pressure: false });
  new Operations(cache, entries, SEED).fill();
  globalThis.gc!();
  const { rss, heapUsed } = process.memoryUsage();
  const stats = cache.stats();
  if (stats.entries !== entries) throw new Error(`${stats.entries} of ${entries} entries are left`);
  const lanes = Array.from({ length: threads }, () => new Float64Array(new SharedArrayBuffer(SAMPLES * 8)));
  const workers = lanes.map((ns, i) => {
    const workerData: GrowthThreadData = { handle: cache.handle, entries, seed: Math.imul(SEED, i + 1), ns };
    return new Worker(new URL('./growth-thread.js', import.meta.url), { workerData, execArgv: [] });
  });
  await Promise.all(workers.map((worker) => once(worker, 'message')));
  const times: Partial<Record<Operation, Times>> = {};
  for (const operation of OPERATIONS) {
    const done = workers.map((worker) => once(worker, 'message'));
    for (const worker of workers) worker.postMessage(operation);
    await Promise.all(done);
    times[operation] = timesOf(lanes);
  }
  await Promise.all(workers.map((worker) => worker.terminate()));
  return {
    times: times as Record<Operation, Times>,
    rssBytes: rss - rssBefore,
    heapBytes: heapUsed,
    overheadBytes: overheadOf(stats),
  };
}

process.send!(await run(JSON.parse(process.argv[2]!) as Point));
process.disconnect();
