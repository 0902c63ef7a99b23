/** Recorded traces, read for figures only; where they are not, the benches that need them say so. */
import { existsSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { readTrace } from '../src/cli/trace.js';

export interface Trace {
  readonly name: string;
  /** The key of every request, as a number from 0 to keys.length - 1. */
  readonly requests: Int32Array;
  readonly keys: readonly string[];
  /** By key: the largest size that was seen; 0 where the trace has none. */
  readonly sizes: Int32Array;
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
  const numbers = new Map<string, number>();
  const requests: number[] = [];
  const sizes: number[] = [];
  for await (const block of readTrace(join(folder, `${name}${SUFFIX}`))) {
    for (const { key, sizeBytes } of block) {
      const known = numbers.get(key) ?? numbers.size;
      if (known === numbers.size) numbers.set(key, known);
      requests.push(known);
      sizes[known] = Math.max(sizes[known] ?? 0, sizeBytes ?? 0);
    }
  }
  return { name, requests: Int32Array.from(requests), keys: [...numbers.keys()], sizes: Int32Array.from(sizes) };
}
