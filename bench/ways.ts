/** Ways to store the values of a type: formats, alone and with compressors, and what `veloTypes` does. */
import { resolveOptions } from '../src/cache/options.js';
import { veloTypes } from '../src/cache/velo-types.js';
import type { Codec, FormCodec } from '../src/codecs/codec.js';
import { CODEC_NAMES, createCodecs } from '../src/codecs/codecs.js';
import { Compression, type CompressionPlan } from '../src/codecs/compression.js';
import { createCompressors } from '../src/codecs/compressors.js';
import { Dictionaries, TypeDictionaries } from '../src/codecs/dictionaries.js';
import { DictionaryTrainer, Samples } from '../src/codecs/dictionary-trainer.js';
import { OwnCodec } from '../src/codecs/own-codec.js';
import { Packer } from '../src/codecs/packer.js';
import { protobuf } from '../src/codecs/protobuf.js';
import type { ShapeLog } from '../src/codecs/shapes.js';
import { besideBytes, itemChunkBytes } from '../src/engine/rounding.js';
import { SizeClasses } from '../src/engine/size-classes.js';
import { messagesOf } from './messages.js';
import type { Payloads } from './payloads.js';

const CAPACITY = '256mb';
const KEY_BYTES = 20;
/** What a learner takes for a dictionary that is not the first. */
const SAMPLE_BYTES = 2 ** 12;
const SAMPLES = 32;
const DICTIONARY_BYTES = 2 ** 14;
const PROTOBUF = 'protobuf';

const PLAN = resolveOptions({ capacity: CAPACITY, types: veloTypes() });
const CLASSES = new SizeClasses(PLAN.arena.pageBytes, PLAN.arena.chunkBytesMin, PLAN.growthFactor);
/** Beside a value, in an item whose type has an idle time. */
export const BESIDE_BYTES: number = besideBytes(KEY_BYTES, true, false);
export const chunkBytesOf = (itemBytes: number): number => itemChunkBytes(CLASSES, itemBytes);

export interface Way {
  readonly format: string;
  readonly compressor: string;
  readonly packer: Packer;
  /** The values as the format takes them. */
  readonly values: readonly unknown[];
}

/** Every format alone, by zlib and by zlib with a dictionary; the default one by every compressor, and as `veloTypes` has it. */
export function waysOf(payloads: Payloads, above: number): Way[] {
  // The values are objects, which `raw` doesn't take.
  const builtIn = CODEC_NAMES.filter((name) => name !== 'raw').flatMap((name) => {
    return waysOfFormat(name, createCodecs(new HeapLog()).get(name)!, payloads, above);
  });
  const { values, others } = payloads;
  const { type, messages } = messagesOf([...values, ...others]);
  const typed = { ...payloads, values: messages.slice(0, values.length), others: messages.slice(values.length) };
  return [...builtIn, ...waysOfFormat(PROTOBUF, new OwnCodec(PROTOBUF, protobuf(type) as Codec), typed, above)];
}

function waysOfFormat(format: string, codec: FormCodec, payloads: Payloads, above: number): Way[] {
  const codecsById: (FormCodec | undefined)[] = [];
  codecsById[codec.id] = codec;
  const samples = samplesOf(codec, payloads);
  const way = (compressor: string, plan: CompressionPlan | undefined): Way => {
    const compression = plan && compressionOf(plan, samples);
    const packer = new Packer({ codec, codecsById, hasCrc: false, compression });
    return { format, compressor, packer, values: payloads.values };
  };
  const all = format === 'msgpack' ? ([...createCompressors().keys(), 'auto'] as const) : (['zlib'] as const);
  const plain = all.map((name) => way(name, { with: name, above, atSet: true }));
  const dictionary = { bytes: DICTIONARY_BYTES, most: 1 };
  const withDictionary = all
    .filter((name) => name !== 'auto' && createCompressors().get(name)!.dictionaryLevel !== undefined)
    .map((name) => way(`${name} + dictionary`, { with: name, above, atSet: true, dictionary }));
  const preset = PLAN.types.find(({ name }) => name === payloads.type)?.compression;
  const asPreset = format === 'msgpack' ? [way('as veloTypes', preset)] : [];
  return [way('none', undefined), ...plain, ...withDictionary, ...asPreset];
}

/** The starts of values that are not measured, as the codec packs them once it knows their shapes. */
function samplesOf(codec: FormCodec, { others }: Payloads): Samples {
  for (const value of [...others, ...others]) codec.encode(value);
  const samples = new Samples(DICTIONARY_BYTES * SAMPLES);
  for (const value of others) if (!samples.isFull) samples.add(codec.encode(value).subarray(0, SAMPLE_BYTES));
  return samples;
}

function compressionOf(plan: CompressionPlan, samples: Samples): Compression {
  const shelf = new TypeDictionaries(new Dictionaries(new HeapLog()), 0);
  if (plan.dictionary !== undefined) shelf.append(trained(samples, plan.dictionary.bytes), 0);
  const most = shelf.count;
  return new Compression({
    // It learns no more while it is measured.
    plan: plan.dictionary === undefined ? plan : { ...plan, dictionary: { ...plan.dictionary, most } },
    compressors: createCompressors(),
    itemBytesMax: PLAN.itemBytesMax,
    chunkBytesOf,
    pressure: () => 0,
    tally: { compressed: () => {}, unpaid: () => {}, decompressed: () => {} },
    dictionaries: { shelf, spent: () => {} },
    now: () => performance.now(),
  });
}

function trained(samples: Samples, bytes: number): Uint8Array {
  const trainer = new DictionaryTrainer(samples, bytes);
  for (;;) {
    const dictionary = trainer.step();
    if (dictionary !== undefined) return dictionary;
  }
}

/** The log of a cache without other threads. */
class HeapLog implements ShapeLog {
  readonly bytesTotal = PLAN.arena.logBytes! - PLAN.dictionaryLogBytes;
  readonly #records: { readonly kind: number; readonly bytes: Uint8Array }[] = [];

  get count(): number {
    return this.#records.length;
  }

  kindOf(number: number): number {
    return this.#records[number]!.kind;
  }

  read(number: number): Uint8Array {
    return this.#records[number]!.bytes;
  }

  append(kind: number, bytes: Uint8Array): number {
    return this.#records.push({ kind, bytes: Uint8Array.from(bytes) }) - 1;
  }
}
