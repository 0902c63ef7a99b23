/** Durations and sizes as users write them. */
import { SPAN_MS_MAX } from '../../native-free/index.js';
import { OptionError } from '../errors.js';

/** Milliseconds, or a number and a unit without a space: '500ms', '1.5s', '10m', '2h', '7d'. */
export type Duration = number | string;
/** Bytes, or a number and a unit: '64kb', '256mb', '2gb', powers of 1,024. */
export type Size = number | string;

const DURATION = /^(\d+(?:\.\d+)?)(ms|s|m|h|d)$/;
const UNIT_MS: Readonly<Record<string, number>> = { ms: 1, s: 1_000, m: 60_000, h: 3_600_000, d: 86_400_000 };
const SIZE = /^(\d+(?:\.\d+)?)(kb|mb|gb)$/;
const UNIT_BYTES: Readonly<Record<string, number>> = { kb: 2 ** 10, mb: 2 ** 20, gb: 2 ** 30 };

/** Milliseconds of a duration; 0 stands for Infinity, which is no bound. */
export function parseDuration(option: string, value: Duration): number {
  if (value === Number.POSITIVE_INFINITY) return 0;
  const ms = typeof value === 'string' ? parse(value, DURATION, UNIT_MS) : value;
  if (typeof ms === 'number' && ms > 0 && ms <= SPAN_MS_MAX) return ms;
  throw new OptionError(option, value, "must be milliseconds above 0, or like '10m', up to 248 days, or Infinity");
}

/** Whole bytes of a size between the bounds. */
export function parseSize(option: string, value: Size, min: number, max: number): number {
  const bytes = typeof value === 'string' ? parse(value, SIZE, UNIT_BYTES) : value;
  if (typeof bytes === 'number' && bytes >= min && bytes <= max) return Math.floor(bytes);
  throw new OptionError(option, value, `must be bytes, or like '64mb', from ${min} to ${max} bytes`);
}

function parse(text: string, form: RegExp, units: Readonly<Record<string, number>>): number {
  const match = form.exec(text);
  return match === null ? Number.NaN : Number(match[1]) * units[match[2]!]!;
}
