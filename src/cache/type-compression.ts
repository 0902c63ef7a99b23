/** What the compression of a type needs of its cache: chunk sizes, the level of pressure, counters, a clock. */
import { HEADER } from '../../native-free/index.js';
import { Compression, type CompressionPlan, type CompressionTally } from '../codecs/compression.js';
import type { Compressor, CompressorName } from '../codecs/compressor.js';
import { type Dictionaries, TypeDictionaries } from '../codecs/dictionaries.js';
import { TYPE_COUNTER } from '../engine/causes.js';
import { itemChunkBytes } from '../engine/rounding.js';
import type { Member } from './member.js';

/** Undefined for a type whose values are never compressed. */
export function compressionOf(
  plan: CompressionPlan | undefined,
  member: Member,
  typeId: number,
  compressors: ReadonlyMap<CompressorName, Compressor>,
  itemBytesMax: number,
  dictionaries: Dictionaries | undefined,
): Compression | undefined {
  if (plan === undefined) return undefined;
  const { context } = member.store;
  // A part of a value may be decompressed behind the thread's `close`: its counters may be another's by then.
  const count = (counter: number, delta: number): void => {
    if (member.isOpen) context.count(typeId, counter, delta);
  };
  return new Compression({
    plan,
    compressors,
    itemBytesMax,
    chunkBytesOf: (itemBytes) => itemChunkBytes(context.classes, itemBytes),
    pressure: () => context.meta[HEADER.level]!,
    tally: tallyOf(count),
    dictionaries: dictionaries && {
      shelf: new TypeDictionaries(dictionaries, typeId),
      spent: (ms) => count(TYPE_COUNTER.compressMs, ms),
    },
    now: () => performance.now(),
  });
}

function tallyOf(count: (counter: number, delta: number) => void): CompressionTally {
  return {
    compressed: (rawBytes, bytes, ms) => {
      count(TYPE_COUNTER.compressed, 1);
      count(TYPE_COUNTER.bytesRaw, rawBytes);
      count(TYPE_COUNTER.bytesCompressed, bytes);
      count(TYPE_COUNTER.compressMs, ms);
    },
    unpaid: (ms) => {
      count(TYPE_COUNTER.unpaid, 1);
      count(TYPE_COUNTER.compressMs, ms);
    },
    decompressed: (ms) => {
      count(TYPE_COUNTER.decompressed, 1);
      count(TYPE_COUNTER.decompressMs, ms);
    },
  };
}
