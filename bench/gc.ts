/** Longest GC pause and heap with a million entries, each cache in a process of its own. */
import { fork } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';
import { summarize, table, verdict } from './figures.js';
import type { GcReport } from './gc-child.js';
import type { BenchOptions } from './options.js';

const CACHES = ['velocache', 'lru-cache'] as const;
const ROUNDS = 3;
const HEAP_MB_MAX = 64;
const PAUSE_SHARE_MAX = 1 / 20;

export async function runGc(_options: BenchOptions): Promise<void> {
  const reports = CACHES.map((): GcReport[] => []);
  for (let round = 0; round < ROUNDS; round++) {
    for (const [i, name] of CACHES.entries()) reports[i]!.push(await runChild(name));
  }
  const median = (cache: number, field: keyof GcReport): number =>
    summarize(reports[cache]!.map((report) => report[field])).median;
  const rows = [['1000000 objects', 'longest pause, ms', 'once filled, ms', 'collections', 'heap, MiB', 'RSS, MiB']];
  for (const [i, name] of CACHES.entries()) {
    const ms = (field: keyof GcReport): string => median(i, field).toFixed(1);
    const whole = (field: keyof GcReport): string => median(i, field).toFixed(0);
    rows.push([name, ms('longestPauseMs'), ms('longestSteadyMs'), whole('collections'), ms('heapMb'), whole('rssMb')]);
  }
  process.stdout.write(table(rows));
  const share = median(0, 'longestPauseMs') / median(1, 'longestPauseMs');
  const heap = median(0, 'heapMb');
  const isReached = share <= PAUSE_SHARE_MAX && heap <= HEAP_MB_MAX;
  process.stdout.write(
    `  longest pause ${share.toFixed(3)} of lru-cache's, to reach 0.05; heap ${heap.toFixed(0)} MiB, ` +
      `to reach ${HEAP_MB_MAX}: ${verdict(isReached)}\n`,
  );
}

async function runChild(name: string): Promise<GcReport> {
  const execArgv = ['--expose-gc', '--max-old-space-size=8192'];
  const child = fork(fileURLToPath(new URL('./gc-child.js', import.meta.url)), [name], { execArgv });
  const [report] = (await once(child, 'message')) as [GcReport];
  await once(child, 'exit');
  return report;
}
