/**
 * What reading the statistics costs others: gets of this thread while another calls stats() some times a second, the
 * rates in turn in each round. Times are those of this thread on a core, where the system tells. A ratio is the median
 * over the rounds of that to the same round's gets without any.
 */
import { once } from 'node:events';
import { Worker } from 'node:worker_threads';
import { createCache } from '../src/index.js';
import { percent, summarize, table, verdict } from './figures.js';
import type { BenchOptions } from './options.js';
import { CALL_MS_SAMPLES, type StatsThreadData } from './stats-thread.js';
import { threadMs } from './thread-time.js';

const RATES = [0, 10, 100];
const ITEMS = 500_000;
const CAPACITY = '256mb';
const VALUE_BYTES = 137;
/** Slices of a figure: at 10 calls a second a short one would see none. */
const SLICES = 10;
const GETS_PER_LOOK = 128;
const WARM_UPS = 2;
const SLOWED_MAX = 0.01;

export async function runStats({ rounds, sliceMs }: BenchOptions): Promise<void> {
  const types = Object.fromEntries(Array.from({ length: 5 }, (_, i) => [`type${i}`, {}]));
  await using cache = await createCache<Record<string, unknown>>({ capacity: CAPACITY, types });
  const value = new Uint8Array(VALUE_BYTES);
  const keys = Array.from({ length: ITEMS }, (_, i) => `user:session:${i}`);
  for (const key of keys) cache.setBytes(key, value);
  const rate = new Int32Array(new SharedArrayBuffer(4));
  const calls = new Float64Array(new SharedArrayBuffer((1 + CALL_MS_SAMPLES) * 8));
  const workerData: StatsThreadData = { handle: cache.handle, rate, calls };
  const worker = new Worker(new URL('./stats-thread.js', import.meta.url), { workerData });
  await once(worker, 'message');
  let item = 1;
  const measure = (): number => {
    let gets = 0;
    const startMs = performance.now();
    const startThreadMs = threadMs();
    while (performance.now() - startMs < sliceMs * SLICES) {
      for (let i = 0; i < GETS_PER_LOOK; i++) {
        item = (Math.imul(item, 1_103_515_245) + 12_345) & 0x7fffffff;
        cache.getBytes(keys[item % ITEMS]!);
      }
      gets += GETS_PER_LOOK;
    }
    return ((threadMs() - startThreadMs) * 1e6) / gets;
  };
  const samples = RATES.map((): number[] => []);
  for (let round = -WARM_UPS; round < rounds; round++) {
    for (const [i, perSecond] of RATES.entries()) {
      Atomics.store(rate, 0, perSecond);
      Atomics.notify(rate, 0);
      const ns = measure();
      if (round >= 0) samples[i]!.push(ns);
    }
  }
  Atomics.store(rate, 0, -1);
  Atomics.notify(rate, 0);
  await once(worker, 'exit');
  report(samples, calls);
}

function report(samples: readonly number[][], calls: Float64Array): void {
  const rows = [['stats() a second', 'ns/get', 'p25-p75', 'against none', 'p25-p75']];
  let worst = 0;
  for (const [i, perSecond] of RATES.entries()) {
    const time = summarize(samples[i]!);
    const ratio = summarize(samples[i]!.map((ns, round) => ns / samples[0]![round]! - 1));
    worst = Math.max(worst, ratio.median);
    const spread = `${time.p25.toFixed(0)}-${time.p75.toFixed(0)}`;
    rows.push([
      String(perSecond),
      time.median.toFixed(0),
      spread,
      percent(ratio.median),
      `${percent(ratio.p25)}-${percent(ratio.p75)}`,
    ]);
  }
  process.stdout.write(table(rows));
  const callMs = summarize([...calls.subarray(1, 1 + Math.min(calls[0]!, CALL_MS_SAMPLES))]);
  process.stdout.write(
    `  a call takes ${callMs.median.toFixed(3)} ms (${callMs.p25.toFixed(3)}-${callMs.p75.toFixed(3)}), ${ITEMS} items, ${CAPACITY}\n`,
  );
  process.stdout.write(`  gets slower by ${percent(worst)}, to reach 1 %: ${verdict(worst <= SLOWED_MAX)}\n`);
}
