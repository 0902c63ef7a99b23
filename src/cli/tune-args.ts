/** The command line of `velocache tune`. */
import type { Favour } from '../policies/replay/policy.js';
import { CliError } from './errors.js';
import { parseFavour, parseSizeFlag, readFlags, textOf } from './flags.js';

export const TUNE_HELP: string = `Usage: velocache tune TRACE --capacity SIZE [options]

Proposes options for a cache of SIZE (1mb to 16gb) from recorded requests, and says what each gains in a replay. A TRACE
has time_s,key,size_bytes,ttl_s,op per line, plain or gzip; it is a file, not a pipe, and read once for each trial.

  slab     minChunk and growthFactor, from the sizes: those that lose least to rounding, each replayed on the engine
  policy   each that the engine has, replayed on it
  types    shares of the capacity, where keys begin with a type, as session:42 does: replayed with the types apart,
           by the policy alone, without TTLs

Options:
  --favour WHAT   objects or bytes: which hit ratio to raise (default: objects)
  --json          print one JSON object and nothing else
  --help          show this help

Exit status: 0, 1 if the cache was found wrong or a thread died, 2 if an option or the trace can't be used.
`;

export interface TuneOptions {
  readonly file: string;
  readonly capacityBytes: number;
  readonly favour: Favour;
  readonly json: boolean;
}

/** Undefined if help was asked for. */
export function parseTune(args: readonly string[]): TuneOptions | undefined {
  const flags = readFlags('tune', args, { text: ['capacity', 'favour'], bare: ['json'], files: true });
  if (flags.values['help'] === true) return undefined;
  const [file, another] = flags.files;
  if (file === undefined) throw new CliError('no trace given; see velocache tune --help');
  if (another !== undefined) throw new CliError(`unexpected argument "${another}": tune takes one trace`);
  const capacity = textOf(flags, 'capacity');
  if (capacity === undefined) throw new CliError('tune needs --capacity SIZE');
  return {
    file,
    capacityBytes: parseSizeFlag('--capacity', capacity, ['1mb', '16gb']),
    favour: parseFavour(textOf(flags, 'favour')),
    json: flags.values['json'] === true,
  };
}
