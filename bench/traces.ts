/** Recorded traces, read for figures only; where they are not, the benches that need them say so. */
import { existsSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { loadNumberedTrace, type NumberedTrace } from '../src/cli/numbered-trace.js';

export interface Trace extends NumberedTrace {
  readonly name: string;
}

const SUFFIX = '.csv.gz';

/** Names of the traces in a folder; none, and a line that says so, if there is no such folder. */
export function traceNames(folder: string): string[] {
  if (!existsSync(folder)) {
    process.stdout.write(`  left out: there are no traces in ${folder} (see --traces)\n`);
    return [];
  }
  const names = readdirSync(folder).filter((name) => name.endsWith(SUFFIX));
  return names.map((name) => name.slice(0, -SUFFIX.length)).toSorted();
}

export async function loadTrace(folder: string, name: string): Promise<Trace> {
  return { name, ...(await loadNumberedTrace(join(folder, `${name}${SUFFIX}`))) };
}
