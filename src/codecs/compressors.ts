import type { Compressor, CompressorName } from './compressor.js';
import { Lz4Compressor } from './lz4.js';
import { brotli, zlib, zstd } from './node-compressors.js';

/** Those that this version of Node has, for the calling thread. */
export function createCompressors(): ReadonlyMap<CompressorName, Compressor> {
  const compressors = [zlib, brotli, new Lz4Compressor(), ...(zstd === undefined ? [] : [zstd])];
  return new Map(compressors.map((compressor) => [compressor.name, compressor]));
}
