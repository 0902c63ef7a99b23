/**
 * Whether hit ratios depend on the number of threads: recorded traces on the engine by each policy, replayed by one thread and
 * by eight, in turn. The trace's time moves once in some requests, among which the threads race: moment by moment, most would
 * come one by one. Each cache hashes by a key of its own, so runs of one kind differ as well: medians, and how far runs of one
 * thread lie apart. Only traces with sizes, each in a cache of a tenth of its bytes, in whole megabytes.
 */
import { join } from 'node:path';
import { type EngineOutcome, replayOnEngine } from '../src/cli/replay-engine.js';
import { ENGINE_POLICIES, type EnginePolicy } from '../src/policies/engine-policies.js';
import { percent, points, summarize, table, verdict } from './figures.js';
import type { BenchOptions } from './options.js';
import { loadTrace, type Trace, traceNames } from './traces.js';

const FEW = 1;
const MANY = 8;
/** Rounds of each kind, as runs of one kind lie up to a point apart; more for a short trace. */
const ROUNDS_MIN = 9;
const ROUNDS_MAX = 15;
const REQUESTS_IN_ALL = 200_000;
/** Requests that the threads share out before any goes on. */
const STEP_REQUESTS = 64;
/** Difference in hit ratio to stay within. */
const WITHIN = 0.003;
const CAPACITY_PART = 10;
const CAPACITY_MIN = 2 ** 20;
/** Smaller traces would fit in the smallest cache, or nearly. */
const TRACE_BYTES_MIN = 2 ** 23;

export async function runThreads(options: BenchOptions): Promise<void> {
  const policies = ENGINE_POLICIES.filter((name) => options.policies.length === 0 || options.policies.includes(name));
  let worst = -1;
  for (const name of traceNames(options.traces).filter((candidate) => candidate.includes(options.only))) {
    const trace = await loadTrace(options.traces, name);
    const capacityBytes = capacityOf(trace);
    if (capacityBytes === 0) continue;
    const rows = [['trace', 'capacity', 'policy', `${FEW} thread`, `${MANY} threads`, 'difference', 'runs apart by']];
    for (const policy of policies) {
      const rounds = Math.min(ROUNDS_MAX, Math.max(ROUNDS_MIN, Math.ceil(REQUESTS_IN_ALL / trace.sizes.length)));
      const { few, many } = await compare(join(options.traces, `${name}.csv.gz`), policy, capacityBytes, rounds);
      const difference = summarize(many).median - summarize(few).median;
      worst = Math.max(worst, Math.abs(difference));
      rows.push([
        name,
        `${capacityBytes / 2 ** 20} MB`,
        policy,
        percent(summarize(few).median),
        percent(summarize(many).median),
        points(difference),
        points(Math.max(...few) - Math.min(...few)),
      ]);
    }
    process.stdout.write(table(rows));
  }
  if (worst < 0) return;
  process.stdout.write(
    `  largest difference ${points(worst)} points, to reach ${points(WITHIN)}: ${verdict(worst <= WITHIN)}\n`,
  );
}

/** 0 for a trace that is too small, or has no sizes. */
function capacityOf({ sizes }: Trace): number {
  const bytes = sizes.reduce((sum, size) => sum + size, 0);
  if (bytes < TRACE_BYTES_MIN) return 0;
  return Math.max(1, Math.round(bytes / CAPACITY_PART / CAPACITY_MIN)) * CAPACITY_MIN;
}

async function compare(
  file: string,
  policy: EnginePolicy,
  capacityBytes: number,
  rounds: number,
): Promise<{ few: number[]; many: number[] }> {
  const few: number[] = [];
  const many: number[] = [];
  for (let round = 0; round < rounds; round++) {
    few.push(await hitRatio(file, policy, capacityBytes, FEW));
    many.push(await hitRatio(file, policy, capacityBytes, MANY));
  }
  return { few, many };
}

async function hitRatio(file: string, policy: EnginePolicy, capacityBytes: number, threads: number): Promise<number> {
  const setup = { capacityBytes, policy, favour: 'objects' } as const;
  const outcome: EngineOutcome = await replayOnEngine(file, setup, threads, STEP_REQUESTS);
  return outcome.hits / outcome.requests;
}
