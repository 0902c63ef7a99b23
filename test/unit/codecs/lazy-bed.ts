/** Packers of a type with heavy properties, whose decoding is counted. */
import type { FormCodec } from '../../../src/codecs/codec.js';
import type { CodecName } from '../../../src/codecs/codecs.js';
import { Compression } from '../../../src/codecs/compression.js';
import type { CompressorName } from '../../../src/codecs/compressor.js';
import { createCompressors } from '../../../src/codecs/compressors.js';
import { FORM_FRAME, FORM_PARTS } from '../../../src/codecs/frame.js';
import { Packer } from '../../../src/codecs/packer.js';
import type { CodecError } from '../../../src/errors.js';
import { codecNamed } from './support.js';

type LazyCodec = CodecName | 'shapes';
export const LAZY_CODECS = ['shapes', 'msgpack', 'json', 'cbor', 'structured'] as const;

/** No value of more bytes is compressed. */
export const ITEM_BYTES_MAX = 200_000;

export interface LazyOptions {
  readonly names?: readonly string[];
  readonly codec?: LazyCodec;
  readonly hasCrc?: boolean;
  readonly version?: number;
  readonly compressor?: CompressorName | undefined;
  /** A bed whose codec, and so the shapes that it knows, this one has, too. */
  readonly beside?: LazyBed;
}

export interface LazyBed {
  readonly packer: Packer;
  /** The codec itself, which counts nothing. */
  readonly inner: FormCodec;
  /** Messages that were decoded, and compressed ones that were expanded. */
  decodes: number;
  expansions: number;
  readonly unreadable: CodecError[];
}

export function lazyBed(options: LazyOptions = {}): LazyBed {
  const { names = ['geometry', 'series'], codec: name = 'shapes', hasCrc = false, version = 1, compressor } = options;
  const inner = options.beside?.inner ?? codecNamed(name);
  const unreadable: CodecError[] = [];
  const codec = Object.create(inner, {
    encode: { value: inner.encode.bind(inner) },
    ...(inner.encodeApart && { encodeApart: { value: inner.encodeApart.bind(inner) } }),
    decode: {
      value: (...range: Parameters<FormCodec['decode']>) => {
        bed.decodes += 1;
        return inner.decode(...range);
      },
    },
    ...(inner.decodeFields && {
      decodeFields: {
        value: (...range: Parameters<NonNullable<FormCodec['decodeFields']>>) => {
          bed.decodes += 1;
          return inner.decodeFields!(...range);
        },
      },
    }),
  }) as FormCodec;
  const codecsById: (FormCodec | undefined)[] = [];
  codecsById[codec.id] = codec;
  const compression = compressor && compressionBy(compressor, () => (bed.expansions += 1));
  const lazy = { names, onUnreadable: (error: CodecError) => void unreadable.push(error) };
  const packer = new Packer({ codec, codecsById, hasCrc, version, compression, lazy });
  const bed: LazyBed = { packer, inner, decodes: 0, expansions: 0, unreadable };
  return bed;
}

function compressionBy(name: CompressorName, onExpansion: () => void): Compression {
  return new Compression({
    plan: { with: name, above: 200, atSet: true },
    compressors: createCompressors(),
    itemBytesMax: ITEM_BYTES_MAX,
    chunkBytesOf: (itemBytes) => itemBytes,
    pressure: () => 0,
    tally: { compressed: () => {}, unpaid: () => {}, decompressed: onExpansion },
    now: () => performance.now(),
  });
}

/** What is stored for a value, in memory that later calls leave alone. */
export interface Stored {
  readonly form: number;
  readonly bytes: Uint8Array;
  readonly isInParts: boolean;
}

export function stored({ packer }: LazyBed, value: unknown): Stored {
  const bytes = Uint8Array.from(packer.pack(value));
  const { form } = packer;
  const codec = form === FORM_FRAME ? bytes[0]! & 7 : form;
  return { form, bytes, isInParts: codec === FORM_PARTS };
}

/** Unpacks from the middle of scratch memory, as the engine does, and then wipes that. */
export function unpacked(
  { packer }: LazyBed,
  { form, bytes }: Pick<Stored, 'form' | 'bytes'>,
  names?: string[],
): unknown {
  const scratch = new Uint8Array(bytes.length + 24).fill(0xa5);
  scratch.set(bytes, 8);
  const value = packer.unpack(form, scratch, 8, 8 + bytes.length, names && new Set(names));
  scratch.fill(0xff);
  return value;
}
