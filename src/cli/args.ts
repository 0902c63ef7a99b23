import { availableParallelism } from 'node:os';
import { parseArgs } from 'node:util';
import { CliError, messageOf } from './errors.js';

const KB = 1_024;
const UNIT_BYTES: Readonly<Record<string, number>> = { '': 1, kb: KB, mb: KB ** 2, gb: KB ** 3 };
const CAPACITY_BYTES_DEFAULT = 256 * KB ** 2;
const CAPACITY_BYTES_MIN = 8 * KB ** 2;
const CAPACITY_BYTES_MAX = 16 * KB ** 3;
const THREADS_MAX = 64;
const SECONDS_DEFAULT = 10;
const SECONDS_MAX = 3_600;
const SEED_MAX = 2 ** 32 - 1;

const HELP = `Usage: velocache <command> [options]

Commands:
  demo    run a realistic load, or a recorded trace, on one cache shared by all threads

Options:
  --help  show this help; "velocache <command> --help" shows a command's own
`;

const DEMO_HELP: string = `Usage: velocache demo [options]

Puts the load of a cycling dashboard's back end (sessions, routes, weather, statistics, LLM answers) on one cache that
the main thread and the worker threads share, checks what they read, and reports. Ctrl-C ends it early, with a report.

Options:
  --trace FILE      replay a trace instead: time_s,key,size_bytes,ttl_s,op per line, plain or gzip, in the trace's time
  --threads N       worker threads, 1 to ${THREADS_MAX} (default: one per core, at least 2)
  --capacity SIZE   of the cache, 8mb to 16gb (default: 256mb)
  --seconds N       of load, above 0 and at most ${SECONDS_MAX} (default: ${SECONDS_DEFAULT}); a trace may end sooner
  --seed N          of keys and values, 0 to ${SEED_MAX} (default: 1)
  --json            print the report as one JSON object and nothing else
  --help            show this help

Exit status: 0, 1 if the cache was found wrong or a thread died, 2 if an option or the trace can't be used.
`;

export interface DemoOptions {
  readonly threads: number;
  readonly capacityBytes: number;
  readonly seconds: number;
  readonly seed: number;
  readonly json: boolean;
  readonly trace: string | undefined;
}

type CommandLine =
  | { readonly command: 'help'; readonly text: string }
  | { readonly command: 'demo'; readonly options: DemoOptions };

/** Reads what stands after the program's name. Throws a CliError of one line for anything that can't be used. */
export function parseCommandLine(args: readonly string[]): CommandLine {
  const [command, ...rest] = args;
  if (command === undefined) throw new CliError('no command given; see velocache --help');
  if (command === '--help' || command === '-h') return { command: 'help', text: HELP };
  if (command !== 'demo') throw new CliError(`unknown command or option "${command}"; see velocache --help`);
  return parseDemo(rest);
}

function parseDemo(args: string[]): CommandLine {
  const values = readFlags(args);
  if (values.help === true) return { command: 'help', text: DEMO_HELP };
  if (values.trace === '') throw new CliError('--trace needs the name of a file');
  return {
    command: 'demo',
    options: {
      threads: parseWhole('--threads', values.threads, defaultThreads(), 1, THREADS_MAX),
      capacityBytes: parseCapacity(values.capacity),
      seconds: parseSeconds(values.seconds),
      seed: parseWhole('--seed', values.seed, 1, 0, SEED_MAX),
      json: values.json === true,
      trace: values.trace,
    },
  };
}

interface Flags {
  trace?: string | undefined;
  threads?: string | undefined;
  capacity?: string | undefined;
  seconds?: string | undefined;
  seed?: string | undefined;
  json?: boolean | undefined;
  help?: boolean | undefined;
}

function readFlags(args: string[]): Flags {
  try {
    return parseArgs({
      args,
      strict: true,
      allowPositionals: false,
      options: {
        trace: { type: 'string' },
        threads: { type: 'string' },
        capacity: { type: 'string' },
        seconds: { type: 'string' },
        seed: { type: 'string' },
        json: { type: 'boolean' },
        help: { type: 'boolean', short: 'h' },
      },
    }).values;
  } catch (error) {
    // Node's message goes on with advice for positional arguments, which this command doesn't take.
    const [complaint = ''] = messageOf(error).split(/\.?\n|\. /);
    throw new CliError(`${complaint}; see velocache demo --help`);
  }
}

/** One worker a core, and two where there is one core: a cache of one thread would show nothing of sharing. */
function defaultThreads(): number {
  return Math.min(THREADS_MAX, Math.max(2, availableParallelism()));
}

function parseWhole(flag: string, text: string | undefined, fallback: number, min: number, max: number): number {
  if (text === undefined) return fallback;
  const value = Number(text);
  if (/^\d+$/.test(text) && value >= min && value <= max) return value;
  throw new CliError(`${flag} "${text}" is not a whole number from ${min} to ${max}`);
}

function parseSeconds(text: string | undefined): number {
  if (text === undefined) return SECONDS_DEFAULT;
  const value = Number(text);
  if (/^\d+(\.\d+)?$/.test(text) && value > 0 && value <= SECONDS_MAX) return value;
  throw new CliError(`--seconds "${text}" is not a number above 0 and at most ${SECONDS_MAX}`);
}

function parseCapacity(text: string | undefined): number {
  if (text === undefined) return CAPACITY_BYTES_DEFAULT;
  const [, digits, unit = ''] = /^(\d+(?:\.\d+)?)(kb|mb|gb)?$/.exec(text) ?? [];
  if (digits === undefined) throw new CliError(`--capacity "${text}" is not a size such as 64mb or 1gb`);
  const bytes = Math.floor(Number(digits) * (UNIT_BYTES[unit] ?? 1));
  if (bytes >= CAPACITY_BYTES_MIN && bytes <= CAPACITY_BYTES_MAX) return bytes;
  throw new CliError(`--capacity "${text}" is not from 8mb to 16gb`);
}
