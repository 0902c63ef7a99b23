import { availableParallelism } from 'node:os';
import { CliError } from './errors.js';
import { parseSizeFlag, parseWhole, readFlags, textOf } from './flags.js';
import { parseReplay, REPLAY_HELP, type ReplayOptions } from './replay-args.js';
import { parseTune, TUNE_HELP, type TuneOptions } from './tune-args.js';

const THREADS_MAX = 64;
const SECONDS_DEFAULT = 10;
const SECONDS_MAX = 3_600;
const SEED_MAX = 2 ** 32 - 1;

const HELP = `Usage: velocache <command> [options]

Commands:
  demo    run a realistic load, or a recorded trace, on one cache shared by all threads
  replay  replay recorded traces, and tell the hit ratio of each policy
  tune    propose options for a cache from a recorded trace, and measure what each gains
  doctor  tell what this machine and way of starting Node hold back, huge pages above all

Options:
  --help  show this help; "velocache <command> --help" shows a command's own
`;

const DEMO_HELP: string = `Usage: velocache demo [options]

Puts the load of a cycling dashboard's back end (sessions, routes, weather, statistics, LLM answers) on one cache that
the main thread and the worker threads share, checks what they read, and reports. Large values are loaded, packed and
compressed by a pool of one more worker for each of these threads. Ctrl-C ends it early, with a report.

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

const DOCTOR_HELP = `Usage: velocache doctor [options]

Looks at cores, memory, the version of Node and huge pages, as this process gets them, and tells what to change.

Options:
  --json            print the findings as one JSON object and nothing else
  --help            show this help
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
  | { readonly command: 'demo'; readonly options: DemoOptions }
  | { readonly command: 'replay'; readonly options: ReplayOptions }
  | { readonly command: 'tune'; readonly options: TuneOptions }
  | { readonly command: 'doctor'; readonly options: { readonly json: boolean } };

/** Reads what stands after the program's name. Throws a CliError of one line for anything that can't be used. */
export function parseCommandLine(args: readonly string[]): CommandLine {
  const [command, ...rest] = args;
  switch (command) {
    case undefined:
      throw new CliError('no command given; see velocache --help');
    case '--help':
    case '-h':
      return { command: 'help', text: HELP };
    case 'demo':
      return orHelp(DEMO_HELP, 'demo', parseDemo(rest));
    case 'replay':
      return orHelp(REPLAY_HELP, 'replay', parseReplay(rest));
    case 'tune':
      return orHelp(TUNE_HELP, 'tune', parseTune(rest));
    case 'doctor':
      return orHelp(DOCTOR_HELP, 'doctor', parseDoctor(rest));
    default:
      throw new CliError(`unknown command or option "${command}"; see velocache --help`);
  }
}

/** A command whose options are undefined was asked for its help. */
function orHelp<C extends string, T>(
  text: string,
  command: C,
  options: T | undefined,
): { readonly command: 'help'; readonly text: string } | { readonly command: C; readonly options: T } {
  return options === undefined ? { command: 'help', text } : { command, options };
}

function parseDemo(args: readonly string[]): DemoOptions | undefined {
  const flags = readFlags('demo', args, {
    text: ['trace', 'threads', 'capacity', 'seconds', 'seed'],
    bare: ['json'],
    files: false,
  });
  if (flags.values['help'] === true) return undefined;
  const trace = textOf(flags, 'trace');
  if (trace === '') throw new CliError('--trace needs the name of a file');
  return {
    threads: parseWhole('--threads', textOf(flags, 'threads'), defaultThreads(), 1, THREADS_MAX),
    capacityBytes: parseSizeFlag('--capacity', textOf(flags, 'capacity') ?? '256mb', ['8mb', '16gb']),
    seconds: parseSeconds(textOf(flags, 'seconds')),
    seed: parseWhole('--seed', textOf(flags, 'seed'), 1, 0, SEED_MAX),
    json: flags.values['json'] === true,
    trace,
  };
}

function parseDoctor(args: readonly string[]): { readonly json: boolean } | undefined {
  const { values } = readFlags('doctor', args, { text: [], bare: ['json'], files: false });
  return values['help'] === true ? undefined : { json: values['json'] === true };
}

/** One worker a core, and two where there is one core: a cache of one thread would show nothing of sharing. */
function defaultThreads(): number {
  return Math.min(THREADS_MAX, Math.max(2, availableParallelism()));
}

function parseSeconds(text: string | undefined): number {
  if (text === undefined) return SECONDS_DEFAULT;
  const value = Number(text);
  if (/^\d+(\.\d+)?$/.test(text) && value > 0 && value <= SECONDS_MAX) return value;
  throw new CliError(`--seconds "${text}" is not a number above 0 and at most ${SECONDS_MAX}`);
}
