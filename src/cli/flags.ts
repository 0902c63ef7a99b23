/** Reads flags. Every complaint is a CliError of one line. */
import { type ParseArgsConfig, parseArgs } from 'node:util';
import type { Favour } from '../policies/replay/policy.js';
import { CliError, messageOf } from './errors.js';

const KB = 1_024;
const UNIT_BYTES: Readonly<Record<string, number>> = { '': 1, kb: KB, mb: KB ** 2, gb: KB ** 3 };

interface Flags {
  readonly values: Readonly<Record<string, string | boolean | undefined>>;
  readonly files: readonly string[];
}

/** `text` of flags that take a value, `bare` of those that don't. With `files`, other arguments are files. */
export function readFlags(
  command: string,
  args: readonly string[],
  { text, bare, files }: { text: readonly string[]; bare: readonly string[]; files: boolean },
): Flags {
  const options: NonNullable<ParseArgsConfig['options']> = { help: { type: 'boolean', short: 'h' } };
  for (const name of text) options[name] = { type: 'string' };
  for (const name of bare) options[name] = { type: 'boolean' };
  try {
    const { values, positionals } = parseArgs({ args: [...args], strict: true, allowPositionals: files, options });
    return { values: values as Flags['values'], files: positionals };
  } catch (error) {
    // Node's message goes on with advice for positional arguments.
    const [complaint = ''] = messageOf(error).split(/\.?\n|\. /);
    throw new CliError(`${complaint}; see velocache ${command} --help`);
  }
}

/** A value that was given as text; undefined if the flag wasn't given. */
export function textOf({ values }: Flags, name: string): string | undefined {
  const value = values[name];
  return typeof value === 'string' ? value : undefined;
}

export function parseWhole(flag: string, text: string | undefined, fallback: number, min: number, max: number): number {
  if (text === undefined) return fallback;
  const value = Number(text);
  if (/^\d+$/.test(text) && value >= min && value <= max) return value;
  throw new CliError(`${flag} "${text}" is not a whole number from ${min} to ${max}`);
}

/** `bounds` are sizes in words: least and most. */
export function parseSizeFlag(flag: string, text: string, bounds: readonly [string, string]): number {
  const bytes = bytesOf(text);
  if (bytes === undefined) throw new CliError(`${flag} "${text}" is not a size such as 64mb or 1gb`);
  if (bytes >= bytesOf(bounds[0])! && bytes <= bytesOf(bounds[1])!) return bytes;
  throw new CliError(`${flag} "${text}" is not from ${bounds[0]} to ${bounds[1]}`);
}

export function parseFavour(text: string | undefined): Favour {
  if (text === undefined || text === 'objects' || text === 'bytes') return text ?? 'objects';
  throw new CliError(`--favour "${text}" is not objects or bytes`);
}

function bytesOf(text: string): number | undefined {
  const [, digits, unit = ''] = /^(\d+(?:\.\d+)?)(kb|mb|gb)?$/.exec(text) ?? [];
  return digits === undefined ? undefined : Math.floor(Number(digits) * UNIT_BYTES[unit]!);
}
