/** What storing large texts does to the event loop and heap of the thread that does it, by the pool and in place. */
import { fork } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';
import { percent, table, verdict } from './figures.js';
import type { LoopReport } from './loop-child.js';
import type { BenchOptions } from './options.js';

const MODES = ['pool', 'in place'] as const;
const SECONDS = 8;
const P99_MS_MAX = 5;
const HEAP_MB_MAX = 64;

export async function runLoop(_options: BenchOptions): Promise<void> {
  const reports: LoopReport[] = [];
  for (const mode of MODES) reports.push(await runChild(mode));
  const rows = [
    ['50 sets of 500 KB, 2000 gets a second', 'sets', 'by workers', 'p50, ms', 'p99, ms', 'longest, ms', 'heap, MiB'],
  ];
  for (const [i, { sets, tasks, p50Ms, p99Ms, maxMs, heapMb }] of reports.entries()) {
    const times = [p50Ms, p99Ms, maxMs].map((ms) => ms.toFixed(2));
    rows.push([MODES[i]!, String(sets), percent(tasks / sets, 0), ...times, heapMb.toFixed(1)]);
  }
  process.stdout.write(table(rows));
  const [{ p99Ms, heapMb, storedShare }] = reports as [LoopReport];
  process.stdout.write(`  a text is stored in ${percent(storedShare, 1)} of its bytes\n`);
  const isReached = p99Ms < P99_MS_MAX && heapMb < HEAP_MB_MAX;
  process.stdout.write(
    `  event-loop delay under ${P99_MS_MAX} ms, heap under ${HEAP_MB_MAX} MiB: ${verdict(isReached)}\n`,
  );
}

async function runChild(mode: string): Promise<LoopReport> {
  const execArgv = ['--expose-gc'];
  const child = fork(fileURLToPath(new URL('./loop-child.js', import.meta.url)), [mode, String(SECONDS)], { execArgv });
  // Both at once: the two may come in one turn of the loop.
  const [[report]] = (await Promise.all([once(child, 'message'), once(child, 'exit')])) as [[LoopReport], unknown];
  return report;
}
