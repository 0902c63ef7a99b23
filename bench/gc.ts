/** Longest GC pause and heap with a million entries, each cache in a process of its own, under each Node that is named. */
import { fork } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';
import { summarize, table, verdict } from './figures.js';
import type { GcReport } from './gc-child.js';
import type { BenchOptions } from './options.js';

const CACHES = ['velocache', 'lru-cache'] as const;
const ROUNDS_MAX = 3;
const HEAP_MB_MAX = 64;
const PAUSE_SHARE_MAX = 1 / 20;

/** Each cell is velocache's figure and lru-cache's. */
const HEAD = [
  ['1000000 objects', 'longest pause, ms', 'share', 'once filled, ms', 'collections', 'all pauses, ms'],
  ['heap, MiB', 'RSS, MiB', ''],
].flat();

export async function runGc({ nodes, rounds }: BenchOptions): Promise<void> {
  const rows = [HEAD];
  for (const node of nodes) rows.push(rowOf(await measure(node, Math.min(rounds, ROUNDS_MAX))));
  process.stdout.write(table(rows));
  process.stdout.write(
    `  ${CACHES.join(' / ')}; to reach: a share of ${PAUSE_SHARE_MAX}, ` +
      `and of ${CACHES[0]} a heap of ${HEAP_MB_MAX} MiB\n`,
  );
}

/** By cache, round by round. */
async function measure(node: string, rounds: number): Promise<readonly GcReport[][]> {
  const reports = CACHES.map((): GcReport[] => []);
  for (let round = 0; round < rounds; round++) {
    for (const [i, name] of CACHES.entries()) reports[i]!.push(await runChild(node, name));
  }
  return reports;
}

type Figure = Exclude<keyof GcReport, 'version'>;

function rowOf(reports: readonly GcReport[][]): string[] {
  const medians = (figure: Figure): number[] =>
    reports.map((rounds) => summarize(rounds.map((report) => report[figure])).median);
  const cell = (figure: Figure, digits: number): string =>
    medians(figure)
      .map((value) => value.toFixed(digits))
      .join(' / ');
  const [own, other] = medians('longestPauseMs') as [number, number];
  const [heapMb] = medians('heapMb') as [number];
  const isReached = own / other <= PAUSE_SHARE_MAX && heapMb <= HEAP_MB_MAX;
  const pauses = [cell('longestPauseMs', 1), (own / other).toFixed(3), cell('longestSteadyMs', 1)];
  const sums = [cell('collections', 0), cell('pausesMs', 0), cell('heapMb', 1), cell('rssMb', 0)];
  return [reports[0]![0]!.version, ...pauses, ...sums, verdict(isReached)];
}

async function runChild(execPath: string, name: string): Promise<GcReport> {
  const execArgv = ['--expose-gc', '--max-old-space-size=8192'];
  const child = fork(fileURLToPath(new URL('./gc-child.js', import.meta.url)), [name], { execArgv, execPath });
  let report: GcReport | undefined;
  child.on('message', (message) => {
    report = message as GcReport;
  });
  // A path without a binary ends in an error.
  const [code, signal] = (await once(child, 'exit')) as [number | null, string | null];
  if (report === undefined) throw new Error(`${execPath} with ${name} ended by ${signal ?? `exit status ${code}`}`);
  return report;
}
