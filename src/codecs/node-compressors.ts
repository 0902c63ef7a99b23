/** The compressors of Node itself: DEFLATE without a header, Brotli, and Zstandard where it is there. They keep no state. */
import * as nodeZlib from 'node:zlib';
import { CodecError } from '../errors.js';
import type { Compressor } from './compressor.js';

/** A forged length makes nobody take more than this before the stream has yielded it. */
const CHUNK_BYTES_MAX = 2 ** 18;
const CHUNK_BYTES_MIN = 64;
/** DEFLATE yields 258 bytes for two bits at most. */
const DEFLATE_RATIO_MAX = 1_032;

const BROTLI_WINDOW_MIN = 10;
const BROTLI_WINDOW_MAX = 22;

const { constants } = nodeZlib;

interface Bounds {
  readonly maxOutputLength: number;
  readonly chunkSize: number;
  readonly dictionary?: Uint8Array;
}

/** A compressor whose stream ends where `rawBytes` do, and nowhere else. */
function fromNode(
  about: Omit<Compressor, 'decompress'>,
  decompress: (bytes: Uint8Array, bounds: Bounds) => Uint8Array,
): Compressor {
  return {
    ...about,
    decompress: (bytes, rawBytes, dictionary) => exactly(about.name, rawBytes, bytes, dictionary, decompress),
  };
}

function exactly(
  name: string,
  rawBytes: number,
  bytes: Uint8Array,
  dictionary: Uint8Array | undefined,
  decompress: (bytes: Uint8Array, bounds: Bounds) => Uint8Array,
): Uint8Array {
  const chunkSize = Math.max(CHUNK_BYTES_MIN, Math.min(CHUNK_BYTES_MAX, rawBytes));
  let raw: Uint8Array;
  try {
    raw = decompress(bytes, { maxOutputLength: rawBytes, chunkSize, ...given(dictionary) });
  } catch (cause) {
    throw new CodecError(`${name} cannot decompress these bytes`, { cause });
  }
  if (raw.length === rawBytes) return raw;
  throw new CodecError(`${name} yields ${raw.length} bytes where there were ${rawBytes}`);
}

/** No `dictionary: undefined`, which Node doesn't take. */
function given(dictionary: Uint8Array | undefined): { readonly dictionary?: Uint8Array } {
  return dictionary === undefined ? {} : { dictionary };
}

export const zlib: Compressor = fromNode(
  {
    name: 'zlib',
    id: 1,
    levels: { least: 1, most: 9, usual: 4, hard: 9 },
    ratioMax: DEFLATE_RATIO_MAX,
    dictionaryLevel: 6,
    compress: (bytes, level, dictionary) => nodeZlib.deflateRawSync(bytes, { level, ...given(dictionary) }),
  },
  nodeZlib.inflateRawSync,
);

export const brotli: Compressor = fromNode(
  {
    name: 'brotli',
    id: 2,
    levels: { least: 0, most: 11, usual: 4, hard: 5 },
    ratioMax: Number.POSITIVE_INFINITY,
    compress: (bytes, level) =>
      nodeZlib.brotliCompressSync(bytes, {
        params: {
          [constants.BROTLI_PARAM_QUALITY]: level,
          // Its tables follow from these: for a small value they cost more than the work.
          [constants.BROTLI_PARAM_SIZE_HINT]: bytes.length,
          [constants.BROTLI_PARAM_LGWIN]: windowFor(bytes.length),
        },
      }),
  },
  nodeZlib.brotliDecompressSync,
);

/** Logarithm of the least window that a value of so many bytes fits. */
function windowFor(bytes: number): number {
  return Math.max(BROTLI_WINDOW_MIN, Math.min(BROTLI_WINDOW_MAX, 32 - Math.clz32(bytes + 16)));
}

/** What types of Node 20 don't know. */
interface ZstdOptions {
  readonly params: Record<number, number>;
  readonly dictionary?: Uint8Array;
}
const { zstdCompressSync, zstdDecompressSync } = nodeZlib as {
  readonly zstdCompressSync?: (bytes: Uint8Array, options: ZstdOptions) => Uint8Array;
  readonly zstdDecompressSync?: (bytes: Uint8Array, bounds: Bounds) => Uint8Array;
};
const { ZSTD_c_compressionLevel: ZSTD_LEVEL = 0 } = constants as { readonly ZSTD_c_compressionLevel?: number };

/** The first Nodes with Zstandard ignore dictionaries. */
function takesDictionary(compress: (bytes: Uint8Array, options: ZstdOptions) => Uint8Array): boolean {
  const bytes = Uint8Array.from({ length: 64 }, (_, i) => (i * 151) & 0xff);
  return compress(bytes, { params: {}, dictionary: bytes }).length < compress(bytes, { params: {} }).length;
}

/** Undefined on a Node without it. */
export const zstd: Compressor | undefined =
  zstdCompressSync &&
  zstdDecompressSync &&
  fromNode(
    {
      name: 'zstd',
      id: 4,
      levels: { least: 1, most: 19, usual: 3, hard: 9 },
      ratioMax: Number.POSITIVE_INFINITY,
      dictionaryLevel: takesDictionary(zstdCompressSync) ? 6 : undefined,
      compress: (bytes, level, dictionary) =>
        zstdCompressSync(bytes, { params: { [ZSTD_LEVEL]: level }, ...given(dictionary) }),
    },
    zstdDecompressSync,
  );

/** The versions of Node that have Zstandard. */
export const ZSTD_NODES = 'Node 22.15, 23.8 or later';
