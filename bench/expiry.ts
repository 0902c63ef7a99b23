/**
 * What expiry costs, and what it leaves: dead bytes over traces with TTLs, a million entries whose TTLs are spread over
 * a minute, and a million that end within a second beside another thread's gets.
 */
import { setTimeout as pause } from 'node:timers/promises';
import { SWEEP_ROUND_MS, sweepSlice } from '../src/cache/sweep.js';
import { Random } from '../src/cli/random.js';
import { createCache } from '../src/index.js';
import { loadTimedTrace, replayExpiry } from './expiry-trace.js';
import { percent, table, verdict } from './figures.js';
import { Histogram } from './histogram.js';
import type { BenchOptions } from './options.js';
import { traceNames } from './traces.js';
import { WhiteBox } from './white-box.js';

const PREFIX = 'synth-twitter';
/** The trace's own time, and faster: at the last, its TTLs of a minute are less than a tick. */
const SPEEDS = [1, 100, 1_000, 10_000];
const DEAD_SHARE_MAX = 0.02;
const CPU_SHARE_MAX = 0.05;
const SLICE_MS_MAX = 1;
const ENTRIES = 1_000_000;
const SPREAD_MS = 60_000;
const SAMPLE_MS = 250;
const VALUE_BYTES = 64;

const BURST_MS = 1_000;
/** The million are stored within this time before they end. */
const STORE_MS = 15_000;
const CONTROL_MS = 2_000;
const CLEAN_MS_MAX = 60_000;
const LIVE = 100_000;
const GETS_PER_LOOK = 1_000;
const STALL_MS_MAX = 2;

const MS_COLUMNS = ['p50', 'p99', 'p99.9', 'longest, ms'];

export async function runExpiry(options: BenchOptions): Promise<void> {
  await runTraces(options);
  await runMinute();
  await runBurst();
}

async function runTraces(options: BenchOptions): Promise<void> {
  const names = traceNames(options.traces).filter((name) => name.startsWith(PREFIX) && name.includes(options.only));
  if (names.length === 0) return;
  const rows = [['trace', 'speed', 'expired', 'dead, mean', 'most', 'of a core', 'slice p99.9', 'longest, ms']];
  let isReached = true;
  for (const name of names) {
    const requests = await loadTimedTrace(options.traces, name);
    for (const speed of SPEEDS) {
      const { expirations, deadShare, deadShareMax, cpuShare, slices } = replayExpiry(requests, speed);
      isReached &&= speed !== 1 || (deadShare <= DEAD_SHARE_MAX && cpuShare <= CPU_SHARE_MAX);
      const shares = [deadShare, deadShareMax, cpuShare].map((share) => percent(share, 4));
      rows.push([name, `${speed} x`, String(expirations), ...shares, ...slices.row().slice(2)]);
    }
  }
  process.stdout.write(table(rows));
  process.stdout.write(`  dead at most 2 % for 5 % of a core, at 1 x: ${verdict(isReached)}\n`);
}

/** In real time, with the warden's slices in this thread, where they can be timed. */
async function runMinute(): Promise<void> {
  const box = new WhiteBox(2 ** 28);
  const { sweeper } = box.store;
  const random = new Random(1);
  const value = new Uint8Array(VALUE_BYTES);
  const endsMs = Float64Array.from({ length: ENTRIES }, () => random.next() * SPREAD_MS);
  for (const [i, endMs] of endsMs.entries()) box.set(`key ${i}`, value, endMs);
  endsMs.sort();
  const slices = new Histogram();
  const startMs = performance.now();
  const clockMs = box.clock.now();
  let [live, dead, all, sampledMs] = [0, 0, 0, 0];
  for (let atMs = 0; atMs < SPREAD_MS; atMs = performance.now() - startMs) {
    box.clock.set(clockMs + atMs);
    const beginMs = performance.now();
    sweepSlice(sweeper, () => performance.now());
    slices.add(performance.now() - beginMs);
    if (atMs - sampledMs >= SAMPLE_MS) {
      sampledMs = atMs;
      while (live < ENTRIES && endsMs[live]! <= atMs) live++;
      dead += box.entries - (ENTRIES - live);
      all += box.entries;
    }
    await pause(SWEEP_ROUND_MS);
  }
  const cpuShare = slices.sumMs / SPREAD_MS;
  process.stdout.write(`\n  ${ENTRIES} entries that end within a minute, in real time; slices:\n`);
  process.stdout.write(table([MS_COLUMNS, slices.row()]));
  const figures = `dead ${percent(dead / all)} in the mean, to reach 2 %; ${percent(cpuShare)} of a core, to reach 5 %`;
  const isReached = dead / all <= DEAD_SHARE_MAX && cpuShare <= CPU_SHARE_MAX && slices.quantile(0.999) <= SLICE_MS_MAX;
  process.stdout.write(`  ${figures}; slice p99.9 to reach 1 ms: ${verdict(isReached)}\n`);
}

/** With the real warden; the gets are this thread's, on entries that stay. */
async function runBurst(): Promise<void> {
  await using cache = await createCache({ capacity: '512mb' });
  const random = new Random(2);
  const value = new Uint8Array(VALUE_BYTES);
  for (let i = 0; i < LIVE; i++) cache.setBytes(`live ${i}`, value);
  const burstMs = performance.now() + STORE_MS;
  for (let i = 0; i < ENTRIES; i++) {
    const ttl = burstMs + random.next() * BURST_MS - performance.now();
    if (ttl <= 0) throw new Error(`${i} of ${ENTRIES} entries were stored in ${STORE_MS} ms: the machine is too slow`);
    cache.setBytes(`key ${i}`, value, { ttl });
  }
  const getUntil = (isOver: () => boolean): Histogram => {
    const histogram = new Histogram();
    while (!isOver()) {
      for (let i = 0; i < GETS_PER_LOOK; i++) {
        const key = `live ${Math.floor(random.next() * LIVE)}`;
        const startMs = performance.now();
        cache.getBytes(key);
        histogram.add(performance.now() - startMs);
      }
    }
    return histogram;
  };
  getUntil(() => performance.now() >= burstMs - CONTROL_MS);
  const control = getUntil(() => performance.now() >= burstMs);
  const during = getUntil(() => performance.now() >= burstMs + BURST_MS);
  const left = cache.stats().entries - LIVE;
  const behind = getUntil(() => cache.stats().entries <= LIVE || performance.now() > burstMs + CLEAN_MS_MAX);
  const cleanMs = performance.now() - burstMs;
  process.stdout.write(`\n  ${ENTRIES} entries that end within a second; gets of another thread:\n`);
  const rows = [['', 'gets', ...MS_COLUMNS]];
  for (const [name, histogram] of Object.entries({
    before: control,
    'that second': during,
    'until all are gone': behind,
  })) {
    rows.push([name, String(histogram.count), ...histogram.row()]);
  }
  process.stdout.write(table(rows));
  const stall = Math.max(during.quantile(0.999), behind.quantile(0.999));
  process.stdout.write(
    `  ${left} left behind that second, all gone after ${(cleanMs / 1_000).toFixed(1)} s; ` +
      `p99.9 to reach ${STALL_MS_MAX} ms: ${verdict(stall <= STALL_MS_MAX)}\n`,
  );
}
