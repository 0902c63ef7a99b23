/**
 * velocache and other caches side by side. In every round each contender gets its turn at each test, so what else
 * the machine does meets all of them; a figure is the median over the rounds, a ratio the median of the rounds' ratios.
 * tinybench takes the samples: an operation is far shorter than any timer, so a sample is the mean of a slice.
 */
import { Bench } from 'tinybench';
import { short, summarize, table, verdict } from '../figures.js';
import type { BenchOptions } from '../options.js';
import type { Kind, Setup } from './contender.js';
import { CONTENDERS } from './contenders.js';
import { isRedisThere } from './redis.js';
import { Team, THREADS_MAX } from './team.js';

const OWN = 'velocache';
const EMPTY = 'empty loop';
const OPERATIONS = ['get', 'set'] as const;
type Operation = (typeof OPERATIONS)[number];

/** Ratios to reach: over lmdb, by operation; and of the empty loop's scaling. */
const OVER_LMDB = { get: 3, set: 2 } as const;
const SCALING = 0.9;
/** Rounds before those that count. */
const WARMUPS = 3;

/** Nanoseconds of an operation, one for each round. */
type Samples = Map<string, number[]>;

export async function runPeers(options: BenchOptions): Promise<void> {
  const hasRedis = isRedisThere();
  if (!hasRedis) process.stdout.write('  redis is left out: there is no redis-server on the PATH\n');
  const chosen = CONTENDERS.filter(
    ({ name }) => (name !== 'redis' || hasRedis) && (name === OWN || name === EMPTY || name.includes(options.only)),
  );
  for (const items of options.items) {
    for (const kind of ['bytes', 'objects'] as const) await runKind({ items, kind }, chosen, options);
  }
}

async function runKind(setup: Setup, chosen: typeof CONTENDERS, options: BenchOptions): Promise<void> {
  const teams: Team[] = [];
  try {
    for (const contender of chosen) teams.push(await Team.start(contender, setup));
    report(setup, teams, await measure(teams, options), options.rounds);
  } finally {
    for (const team of teams) await team.stop();
  }
}

function label(team: string, operation: Operation, threads: number): string {
  return `${operation} ${threads} ${team}`;
}

/** Whether a test makes sense for a contender. */
function takesPart(team: Team, operation: Operation): boolean {
  return team.name !== EMPTY || operation === 'get';
}

async function measure(teams: readonly Team[], { rounds, sliceMs }: BenchOptions): Promise<Samples> {
  const samples: Samples = new Map();
  const bench = new Bench({ iterations: 1, time: 0, warmup: false, throws: true });
  for (const operation of OPERATIONS) {
    for (const team of teams.filter((candidate) => takesPart(candidate, operation))) {
      for (let threads = 1; threads <= THREADS_MAX; threads++) {
        const sample = async () => ({ overriddenDuration: 1 / (await team.rate(operation, threads, sliceMs)) });
        bench.add(label(team.name, operation, threads), sample, { async: true });
        samples.set(label(team.name, operation, threads), []);
      }
    }
  }
  // The first rounds only warm up: it takes many thousand operations until all code is compiled.
  for (let round = -WARMUPS; round < rounds; round++) {
    for (const task of bench.tasks) {
      task.reset();
      await task.run();
      const { result } = task;
      if (result.state === 'completed' && round >= 0) samples.get(task.name)!.push(result.latency.p50 * 1e6);
    }
  }
  return samples;
}

function report(setup: Setup, teams: readonly Team[], samples: Samples, rounds: number): void {
  const what = setup.kind === 'bytes' ? '137 bytes' : 'small objects';
  process.stdout.write(`\n  ${what}, ${setup.items} items, uniform keys, ${rounds} rounds\n`);
  const rows = [['', 'threads', 'ops/s', 'ns/op', 'p25-p75', `${OWN} is faster by`]];
  for (const operation of OPERATIONS) {
    for (let threads = 1; threads <= THREADS_MAX; threads++) {
      for (const team of teams.filter((candidate) => takesPart(candidate, operation) && candidate.name !== EMPTY)) {
        rows.push(row(samples, team.name, operation, threads));
      }
    }
  }
  process.stdout.write(table(rows));
  for (const team of teams) if (team.misses > 0) process.stdout.write(`  ${team.name} missed ${team.misses} times\n`);
  for (const line of figures(setup.kind, teams, samples)) process.stdout.write(`  ${line}\n`);
}

function row(samples: Samples, team: string, operation: Operation, threads: number): string[] {
  const { median, p25, p75 } = summarize(samples.get(label(team, operation, threads))!);
  const ratio = team === OWN ? '' : `${ratioOver(samples, team, operation, threads).toFixed(2)} x`;
  const spread = `${p25.toFixed(0)}-${p75.toFixed(0)}`;
  return [`${operation} ${team}`, String(threads), short(1e9 / median), median.toFixed(0), spread, ratio];
}

/** How many times as fast as a peer: the median of the rounds' ratios. */
function ratioOver(samples: Samples, peer: string, operation: Operation, threads: number): number {
  return medianRatio(samples.get(label(peer, operation, threads))!, samples.get(label(OWN, operation, threads))!);
}

function medianRatio(above: readonly number[], below: readonly number[]): number {
  return summarize(above.map((value, round) => value / below[round]!)).median;
}

function figures(kind: Kind, teams: readonly Team[], samples: Samples): string[] {
  const lines: string[] = [];
  const has = (name: string): boolean => teams.some((team) => team.name === name);
  if (kind === 'bytes' && has('lmdb')) {
    for (const operation of OPERATIONS) {
      const ratio = ratioOver(samples, 'lmdb', operation, 1);
      const to = OVER_LMDB[operation];
      lines.push(`${operation} over lmdb, 1 thread: ${ratio.toFixed(2)} x, to reach ${to} x: ${verdict(ratio >= to)}`);
    }
  }
  const scaling = (name: string): number[] =>
    samples.get(label(name, 'get', 1))!.map((one, round) => one / samples.get(label(name, 'get', 2))![round]!);
  const [own, empty] = [scaling(OWN), scaling(EMPTY)];
  const share = medianRatio(own, empty);
  const parts = `${summarize(own).median.toFixed(2)} x, an empty loop's ${summarize(empty).median.toFixed(2)} x`;
  lines.push(
    `gets from 1 to 2 threads: ${parts}; of it ${share.toFixed(2)}, to reach ${SCALING}: ${verdict(share >= SCALING)}`,
  );
  return lines;
}
