/** The option `compress` of a type, checked and resolved. */
import type { CompressionPlan } from '../codecs/compression.js';
import { COMPRESSOR_NAMES, type CompressorName } from '../codecs/compressor.js';
import { createCompressors } from '../codecs/compressors.js';
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
}

export const COMPRESS_OPTIONS: readonly string[] = ['above', 'with', 'level'];

const NAMES = ['auto', ...COMPRESSOR_NAMES, 'none'];
const ABOVE_DEFAULT = '10kb';
const ABOVE_MAX = 2 ** 30;

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
  if (!NAMES.includes(name)) throw new OptionError(`${where}.with`, name, `must be one of ${NAMES.join(', ')}`);
  if (name === 'none') {
    if (level !== undefined) throw new OptionError(`${where}.level`, level, "has no use with 'none'");
    if (forOverflow) throw new OptionError(`${where}.with`, name, "contradicts overflow 'compress'");
    return undefined;
  }
  checkLevel(where, name, level);
  return { with: name, above, ...(level !== undefined && { level }), atSet: options !== undefined };
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
