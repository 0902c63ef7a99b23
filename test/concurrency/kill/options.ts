/** The command line of the kill run. */
import { cpus } from 'node:os';
import { parseArgs } from 'node:util';
import type { SeriesPlan } from './series.js';

export interface RunOptions {
  readonly kills: number;
  readonly seed: number;
  /** Busy threads, survivors and victims together; undefined: both phases. */
  readonly threads: number | undefined;
  readonly oversubscribed: boolean;
  /** How many of the kills exhaust a heap. */
  readonly heapKills: number;
  readonly json: boolean;
}

export const USAGE = `usage: npm run test:kills -- [options]
  --kills N          kills in all (10000)
  --seed N           seed of the schedule (random)
  --threads N        one phase with N busy threads instead of the two phases
  --oversubscribed   only the phase with more busy threads than cores
  --heap-kills N     exhausted heaps among them (1 in 50)
  --json             the report as one JSON object on standard output`;

const FLAGS = {
  kills: { type: 'string' },
  seed: { type: 'string' },
  threads: { type: 'string' },
  oversubscribed: { type: 'boolean' },
  'heap-kills': { type: 'string' },
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
    json: values.json === true,
  };
}

function count(name: string, text: string | undefined, fallback: number): number {
  if (text === undefined) return fallback;
  const value = Number(text);
  if (!Number.isInteger(value) || value < 0) throw new Error(`--${name} is ${text}: must be a whole number`);
  return value;
}

/** Kills on one cache, before its accounts are checked and the next is made. */
const BATCH_KILLS = 250;

/** Small batches: V8 may end the process at any of these deaths. */
export const HEAP_SERIES: SeriesPlan = {
  name: 'heap exhausted',
  victims: 2,
  survivors: 1,
  heapOnly: true,
  batchKills: 25,
};

export function seriesOf(options: RunOptions): SeriesPlan[] {
  const cores = Math.max(2, cpus().length);
  const of = (name: string, victims: number, survivors: number): SeriesPlan => {
    return { name, victims, survivors, heapOnly: false, batchKills: BATCH_KILLS };
  };
  if (options.threads !== undefined) {
    const survivors = Math.min(6, Math.max(1, options.threads >> 1));
    return [of(`${options.threads} threads`, Math.min(10, options.threads - survivors), survivors)];
  }
  const over = of('oversubscribed', Math.min(8, cores * 2), Math.min(4, cores));
  if (options.oversubscribed) return [over];
  return [of('no more threads than cores', Math.min(8, cores >> 1), Math.min(6, cores >> 1)), over];
}
