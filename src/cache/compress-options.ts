/** The option `compress` of a type, checked and resolved. */
import { recordBytes } from '../../native-free/index.js';
import type { CompressionPlan } from '../codecs/compression.js';
import { COMPRESSOR_NAMES, type CompressorName } from '../codecs/compressor.js';
import { createCompressors } from '../codecs/compressors.js';
import { dictionaryRecordBytes } from '../codecs/dictionaries.js';
import { ZSTD_NODES } from '../codecs/node-compressors.js';
import { OptionError } from '../errors.js';
import { parseSize, type Size } from './units.js';

export interface CompressOptions {
  /** Values that pack to more bytes than this are compressed: 0 to 1 GiB. Default: '10kb'. */
  readonly above?: Size;
  /**
   * 'auto' learns from the values which compressor pays, if any, and at which level; 'none' compresses nothing. 'zstd' needs
   * Node 22.15, 23.8 or later. Default: 'auto'.
   */
  readonly with?: 'auto' | CompressorName | 'none';
  /**
   * How hard to try, whatever the pressure: zlib 1 to 9, brotli 0 to 11, zstd 1 to 19; the others have none. Default: 4, 4
   * and 3, and while pressure is high or critical 9, 5 and 9.
   */
  readonly level?: number;
  /**
   * Whether values are compressed with dictionaries, which are learned from the type's values and shared by all threads; then
   * values below `above`, too, are compressed where that takes smaller chunks. A size, 1 to 32 KiB, is that of a dictionary;
   * `true` is '16kb'. In small caches with many such types they are smaller. By zlib or zstd; with another `with` only
   * values up to `above` have them, and are compressed by zlib. Default: false.
   */
  readonly dictionary?: boolean | Size;
}

export const COMPRESS_OPTIONS: readonly string[] = ['above', 'with', 'level', 'dictionary'];

const NAMES = ['auto', ...COMPRESSOR_NAMES, 'none'];
const ABOVE_DEFAULT = '10kb';
const ABOVE_MAX = 2 ** 30;
const DICTIONARY_DEFAULT = '16kb';
const DICTIONARY_BYTES_MIN = 2 ** 10;
/** The window of zlib: what lies further back it can't refer to. */
const DICTIONARY_BYTES_MAX = 2 ** 15;
/** Dictionaries that a type may get in the cache's life. */
const DICTIONARIES_MAX = 4;
/** What a record has beside its bytes, rounded up to words. */
const BESIDE_BYTES = 16;
/** All dictionaries of all types take this part of the capacity at most. */
const DICTIONARY_SHARE = 32;

/** What is compressed where only the share of a type calls for it. */
const FOR_OVERFLOW: CompressOptions = { with: 'zlib' };

/** Undefined for a type that is never compressed. `forOverflow`: it is when it has its share. Names have been checked. */
export function resolveCompress(
  where: string,
  options: CompressOptions | undefined,
  forOverflow: boolean,
): CompressionPlan | undefined {
  if (options === undefined && !forOverflow) return undefined;
  const given = options ?? FOR_OVERFLOW;
  const above = parseSize(`${where}.above`, given.above ?? ABOVE_DEFAULT, 0, ABOVE_MAX);
  const { with: name = 'auto', level } = given;
  const dictionary = resolveDictionary(`${where}.dictionary`, given.dictionary);
  if (!NAMES.includes(name)) throw new OptionError(`${where}.with`, name, `must be one of ${NAMES.join(', ')}`);
  if (name === 'none') {
    if (level !== undefined) throw new OptionError(`${where}.level`, level, "has no use with 'none'");
    if (forOverflow) throw new OptionError(`${where}.with`, name, "contradicts overflow 'compress'");
    if (dictionary !== undefined)
      throw new OptionError(`${where}.dictionary`, given.dictionary, "has no use with 'none'");
    return undefined;
  }
  checkLevel(where, name, level);
  return {
    with: name,
    above,
    ...(level !== undefined && { level }),
    atSet: options !== undefined,
    ...(dictionary !== undefined && { dictionary }),
  };
}

function resolveDictionary(where: string, given: boolean | Size = false): CompressionPlan['dictionary'] {
  if (given === false) return undefined;
  const size = given === true ? DICTIONARY_DEFAULT : given;
  const bytes = parseSize(where, size, DICTIONARY_BYTES_MIN, DICTIONARY_BYTES_MAX);
  return { bytes, most: DICTIONARIES_MAX };
}

/**
 * The plan of one of so many types with dictionaries in a cache of that capacity: smaller and fewer ones, so that all of them
 * keep within their part, but at least two.
 */
export function fitDictionary(
  where: string,
  plan: CompressionPlan,
  types: number,
  capacityBytes: number,
): CompressionPlan {
  if (plan.dictionary === undefined) return plan;
  const room = Math.floor(capacityBytes / DICTIONARY_SHARE / types);
  const bytes = Math.min(plan.dictionary.bytes, Math.floor(room / 2) - BESIDE_BYTES);
  if (bytes < DICTIONARY_BYTES_MIN) {
    const bound = `leaves less than 1 KiB to each: ${types} types have 1/${DICTIONARY_SHARE} of the capacity for them`;
    throw new OptionError(`${where}.compress.dictionary`, plan.dictionary.bytes, bound);
  }
  return {
    ...plan,
    dictionary: { bytes, most: Math.min(DICTIONARIES_MAX, Math.floor(room / (bytes + BESIDE_BYTES))) },
  };
}

/** What the dictionaries of a type take of the log at most. */
export function dictionaryLogBytes(plan: CompressionPlan['dictionary']): number {
  return plan === undefined ? 0 : plan.most * recordBytes(dictionaryRecordBytes(plan.bytes));
}

function checkLevel(where: string, name: 'auto' | CompressorName, level: number | undefined): void {
  if (name === 'auto') {
    if (level !== undefined) throw new OptionError(`${where}.level`, level, "has no use with 'auto', which chooses it");
    return;
  }
  const compressor = createCompressors().get(name);
  if (compressor === undefined)
    throw new OptionError(`${where}.with`, name, `needs ${ZSTD_NODES}, this is ${process.version}`);
  if (level === undefined) return;
  const { least, most } = compressor.levels;
  if (least === most) throw new OptionError(`${where}.level`, level, `has no use with '${name}'`);
  if (!Number.isInteger(level) || level < least || level > most)
    throw new OptionError(`${where}.level`, level, `must be a whole number from ${least} to ${most}`);
}
