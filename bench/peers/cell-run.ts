/** Starts the process of a cell, and waits for what it reports. */
import { fork } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';
import type { CellJob, CellReport } from './cell-child.js';

/** A text says why there is no report: a contender may be unable to do what is asked. */
export async function runCell(job: CellJob): Promise<CellReport | string> {
  const execArgv = ['--expose-gc'];
  const child = fork(fileURLToPath(new URL('./cell-child.js', import.meta.url)), [JSON.stringify(job)], { execArgv });
  let report: CellReport | string | undefined;
  child.on('message', (message) => {
    report = message as CellReport | string;
  });
  const [code, signal] = (await once(child, 'exit')) as [number | null, string | null];
  return report ?? `its process ended by ${signal ?? `exit status ${code}`}`;
}
