/** The command line of the kill run. */
import { cpus } from 'node:os';
import { parseArgs } from 'node:util';

export interface RunOptions {
  readonly kills: number;
  readonly seed: number;
  /** Busy threads, survivors and victims together; undefined: both phases. */
  readonly threads: number | undefined;
  readonly oversubscribed: boolean;
  /** Share of the kills that exhaust a heap, each batch in a child process. */
  readonly heapKills: number;
  /** This is such a child process. */
  readonly isHeapChild: boolean;
  readonly json: boolean;
}

export const USAGE = `usage: npm run test:kills -- [options]
  --kills N          kills in all (10000)
  --seed N           seed of the schedule (random)
  --threads N        one phase with N busy threads instead of the two phases
  --oversubscribed   only the phase with more busy threads than cores
  --heap-kills N     exhausted heaps among them, in child processes (1 in 50)
  --json             the report as one JSON object on standard output`;

const FLAGS = {
  kills: { type: 'string' },
  seed: { type: 'string' },
  threads: { type: 'string' },
  oversubscribed: { type: 'boolean' },
  'heap-kills': { type: 'string' },
  'heap-child': { type: 'boolean' },
  json: { type: 'boolean' },
  help: { type: 'boolean' },
} as const;

/** Throws an error with one clear line for what isn't an option. `undefined`: the usage is asked for. */
export function parseOptions(args: string[]): RunOptions | undefined {
  const { values } = parseArgs({ args, options: FLAGS, strict: true });
  if (values.help === true) return undefined;
  const kills = count('kills', values.kills, 10_000);
  return {
    kills,
    seed: count('seed', values.seed, Math.floor(Math.random() * 2 ** 31)),
    threads: values.threads === undefined ? undefined : Math.max(2, count('threads', values.threads, 2)),
    oversubscribed: values.oversubscribed === true,
    heapKills: count('heap-kills', values['heap-kills'], Math.floor(kills / 50)),
    isHeapChild: values['heap-child'] === true,
    json: values.json === true,
  };
}

function count(name: string, text: string | undefined, fallback: number): number {
  if (text === undefined) return fallback;
  const value = Number(text);
  if (!Number.isInteger(value) || value < 0) throw new Error(`--${name} is ${text}: must be a whole number`);
  return value;
}

/** How many victims and survivors are busy at a time. */
export interface Phase {
  readonly name: string;
  readonly victims: number;
  readonly survivors: number;
}

export function phasesOf(options: RunOptions): Phase[] {
  const cores = Math.max(2, cpus().length);
  const fitting = { name: 'no more threads than cores', victims: Math.max(1, cores >> 1), survivors: cores >> 1 };
  const over = { name: 'oversubscribed', victims: Math.min(8, cores * 2), survivors: Math.min(4, cores) };
  if (options.threads !== undefined) {
    const survivors = Math.min(6, Math.max(1, options.threads >> 1));
    return [{ name: `${options.threads} threads`, victims: Math.min(10, options.threads - survivors), survivors }];
  }
  if (options.oversubscribed) return [over];
  return [{ ...fitting, victims: Math.min(8, fitting.victims), survivors: Math.min(6, fitting.survivors) }, over];
}
