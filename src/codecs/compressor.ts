/** What compresses stored values: by name in the options, by id in the frames of values. */

export const COMPRESSOR_NAMES = ['zlib', 'brotli', 'lz4', 'zstd'] as const;
export type CompressorName = (typeof COMPRESSOR_NAMES)[number];

/** How hard to try. All four are 0 for a compressor that knows one way only. */
export interface Levels {
  readonly least: number;
  readonly most: number;
  /** Where nobody has said. */
  readonly usual: number;
  /** Where bytes are dear: more than this costs much and gains next to nothing. */
  readonly hard: number;
}

/** An instance belongs to one thread: it may keep memory between calls. None runs the user's code. */
export interface Compressor {
  readonly name: CompressorName;
  /** 1..15, stored with every compressed value. */
  readonly id: number;
  readonly levels: Levels;
  /**
   * How hard to try where a dictionary makes small values worth compressing: what it costs to load hides the work. Undefined:
   * it takes no dictionary.
   */
  readonly dictionaryLevel?: number | undefined;
  /** Most bytes that one compressed byte can stand for; Infinity where the format sets no bound. */
  readonly ratioMax: number;
  /** In memory of its own. `dictionary`: bytes that count as if they stood before these; needed to decompress them, too. */
  compress(bytes: Uint8Array, level: number, dictionary?: Uint8Array): Uint8Array;
  /**
   * What was compressed, in memory of its own, if that is exactly `rawBytes` long; else `CodecError`. Takes no more memory
   * than that, nor much more than the stream really yields.
   */
  decompress(bytes: Uint8Array, rawBytes: number, dictionary?: Uint8Array): Uint8Array;
}
