/**
 * velocache and other caches side by side. First the figures to reach: in every round each contender gets its turn at each test, so
 * what else the machine does meets all of them; a figure is the median over the rounds, a ratio the median of the rounds' ratios.
 * tinybench takes the samples: an operation is far shorter than any timer, so a sample is the mean of a slice. Then workloads, and
 * hit ratios at equal memory, for which each contender has a process of its own.
 */
import { Bench } from 'tinybench';
import { short, summarize, table, verdict } from '../figures.js';
import type { BenchOptions } from '../options.js';
import type { Contender, Kind, Setup } from './contender.js';
import { contendersHere, EMPTY, NEAR, NEAR_PEER, OWN } from './contenders.js';
import { runHits } from './hits.js';
import { Team } from './team.js';
import { VALUE_BYTES } from './values.js';
import { runWorkloads } from './workloads.js';

const THREADS_MAX = 2;
/** Each with its share of gets. The mix asks how gets scale beside sets, which nobody else is measured by. */
const OPERATIONS = { get: 1, set: 0, mix: 0.95 } as const;
type Operation = keyof typeof OPERATIONS;
const SHOWN = ['get', 'set'] as const;

/** Ratios to reach: over peers, by operation; and of the empty loop's scaling. */
const OVER_PEERS = [
  { peer: 'lmdb', kind: 'bytes', operation: 'get', to: 4 },
  { peer: 'lmdb', kind: 'bytes', operation: 'set', to: 3 },
  { peer: 'lmdb', kind: 'objects', operation: 'get', to: 3 },
  { peer: 'redis, pipelined', kind: 'bytes', operation: 'get', to: 20 },
  { peer: 'redis, pipelined', kind: 'bytes', operation: 'set', to: 20 },
] as const;
/** Over lru-cache, on so many hot objects. */
const OVER_NEAR_PEER = 1;
const HOT_ITEMS = 1_000;
const SCALING = { get: 0.95, mix: 0.85 } as const;
/** Rounds before those that count. */
const WARMUPS = 3;

/** Nanoseconds of an operation, one for each round. */
type Samples = Map<string, number[]>;

/** `--workload table` and `hits` choose the first and the last part alone, `near` the near cache; other words are for the workloads' names. */
export async function runPeers(options: BenchOptions): Promise<void> {
  const contenders = contendersHere(options.only);
  const { workload } = options;
  if (workload === '' || workload === 'table') await runTable(contenders, options);
  if (workload === '' || workload === 'table' || workload === 'near') await runNear(options);
  if (!['table', 'near', 'hits'].includes(workload)) await runWorkloads(contenders, options);
  if (workload === '' || workload === 'hits') await runHits(contenders, options);
}

async function runTable(contenders: readonly Contender[], options: BenchOptions): Promise<void> {
  for (const items of options.items) {
    for (const kind of ['bytes', 'objects'] as const) {
      await runKind({ items, kind, valueBytes: VALUE_BYTES, keys: 'uniform', values: 'pooled' }, contenders, options);
    }
  }
}

/** The near cache on hot objects, in turn with a cache on the heap. */
async function runNear({ rounds, sliceMs }: BenchOptions): Promise<void> {
  const hot = {
    items: HOT_ITEMS,
    kind: 'objects',
    valueBytes: VALUE_BYTES,
    keys: 'uniform',
    values: 'pooled',
  } as const;
  const ns = new Map([NEAR, NEAR_PEER].map(({ name }) => [name, [] as number[]]));
  const teams: Team[] = [];
  try {
    for (const contender of [NEAR, NEAR_PEER]) teams.push(await Team.start(contender, hot, 1));
    for (let round = -WARMUPS; round < rounds; round++) {
      for (const team of teams) {
        const rate = await team.rate(1, 1, sliceMs);
        if (round >= 0) ns.get(team.name)!.push(1e6 / rate);
      }
    }
  } finally {
    for (const team of teams) await team.stop();
  }
  reportNear(ns);
}

function reportNear(ns: ReadonlyMap<string, readonly number[]>): void {
  const rows = [['', 'ops/s', 'ns/op', 'p25-p75']];
  for (const [name, samples] of ns) {
    const { median, p25, p75 } = summarize(samples);
    rows.push([`get ${name}`, short(1e9 / median), median.toFixed(0), `${p25.toFixed(0)}-${p75.toFixed(0)}`]);
  }
  const ratio = medianRatio(ns.get(NEAR_PEER.name)!, ns.get(NEAR.name)!);
  const word = verdict(ratio >= OVER_NEAR_PEER);
  process.stdout.write(`\n  ${HOT_ITEMS} hot objects, 1 thread\n${table(rows)}`);
  process.stdout.write(`  over ${NEAR_PEER.name}: ${ratio.toFixed(2)} x, to reach ${OVER_NEAR_PEER} x: ${word}\n`);
}

async function runKind(setup: Setup, contenders: readonly Contender[], options: BenchOptions): Promise<void> {
  const teams: Team[] = [];
  try {
    for (const contender of contenders) teams.push(await Team.start(contender, setup, THREADS_MAX));
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
  if (operation === 'mix') return team.name === OWN || team.name === EMPTY;
  return team.name !== EMPTY || operation === 'get';
}

async function measure(teams: readonly Team[], { rounds, sliceMs }: BenchOptions): Promise<Samples> {
  const samples: Samples = new Map();
  const bench = new Bench({ iterations: 1, time: 0, warmup: false, throws: true });
  for (const [operation, reads] of Object.entries(OPERATIONS) as [Operation, number][]) {
    for (const team of teams.filter((candidate) => takesPart(candidate, operation))) {
      for (let threads = 1; threads <= THREADS_MAX; threads++) {
        const sample = async () => ({ overriddenDuration: 1 / (await team.rate(reads, threads, sliceMs)) });
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
  for (const operation of SHOWN) {
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
  for (const { peer, operation, to } of OVER_PEERS.filter((figure) => figure.kind === kind)) {
    if (!teams.some((team) => team.name === peer)) continue;
    const ratio = ratioOver(samples, peer, operation, 1);
    lines.push(`${operation} over ${peer}, 1 thread: ${ratio.toFixed(2)} x, to reach ${to} x: ${verdict(ratio >= to)}`);
  }
  return lines.concat(scaling(samples, 'get', 'gets'), scaling(samples, 'mix', '95 % gets, 5 % sets'));
}

function scaling(samples: Samples, operation: keyof typeof SCALING, what: string): string {
  const [own, empty] = [OWN, EMPTY].map((name) => {
    const two = samples.get(label(name, operation, 2))!;
    return samples.get(label(name, operation, 1))!.map((one, round) => one / two[round]!);
  }) as [number[], number[]];
  const share = medianRatio(own, empty);
  const to = SCALING[operation];
  return (
    `${what} from 1 to 2 threads: ${summarize(own).median.toFixed(2)} x, an empty loop's ${summarize(empty).median.toFixed(2)} x; ` +
    `of it ${share.toFixed(2)}, to reach ${to}: ${verdict(share >= to)}`
  );
}
