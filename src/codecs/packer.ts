/**
 * Turns the values of one type into what is stored, and back: its codec, and a frame where it needs one. Both ways have two
 * halves: `encode` and `decode` meet the value and run the type's codec, which may be the user's; `finish` and `open` go
 * from the codec's bytes to the stored ones and back, know no value, and may be done by any thread that has the plan.
 */
import { CodecError } from '../errors.js';
import type { FormCodec } from './codec.js';
import type { Compressed, Compression } from './compression.js';
import { fixedView } from './fixed-view.js';
import { type CompressionHead, FORM_BYTES, FORM_FRAME, FORM_PARTS, frame, StreamedFrame, unframe } from './frame.js';
import { decodeWanted, LazyParts, type LazySetup, type Wanted } from './lazy.js';

export interface PackerSetup {
  /** The codec of the type. */
  readonly codec: FormCodec;
  /** Every codec that stored values may have, by id. */
  readonly codecsById: readonly (FormCodec | undefined)[];
  /** Values carry a CRC. */
  readonly hasCrc: boolean;
  /** The version of values packed now; 1 if not given. */
  readonly version?: number;
  /** Of a type whose values are compressed, some or all. */
  readonly compression?: Compression | undefined;
  /** Of a type whose values have heavy properties, which are decoded when they are read. */
  readonly lazy?: Pick<LazySetup, 'names' | 'onUnreadable'> | undefined;
}

/** The codec's bytes within what was stored: `bytes[start..end)`. */
export interface Opened {
  /** 0 for raw bytes. */
  readonly codec: number;
  readonly version: number;
  readonly bytes: Uint8Array;
  readonly start: number;
  readonly end: number;
}

export class Packer {
  /** The form of what was packed last: see frame.ts. */
  form: number = FORM_BYTES;
  /** The version of what was unpacked last. Bytes have none: they count as of this packer's. */
  unpackedVersion: number;
  /** Who made what was encoded last: a codec by its id, or FORM_PARTS. */
  encodedForm: number;
  readonly version: number;
  readonly #codec: FormCodec;
  readonly #codecsById: readonly (FormCodec | undefined)[];
  readonly #hasCrc: boolean;
  readonly #compression: Compression | undefined;
  readonly #lazy: LazyParts | undefined;

  constructor({ codec, codecsById, hasCrc, version = 1, compression, lazy }: PackerSetup) {
    this.#codec = codec;
    this.#codecsById = codecsById;
    this.#hasCrc = hasCrc;
    this.#compression = compression;
    this.version = version;
    this.unpackedVersion = version;
    this.encodedForm = codec.id;
    this.#lazy = lazy && new LazyParts({ ...lazy, codec, compression });
  }

  /**
   * What is to be stored for a value, valid until the next call. Throws `ValueError` on what cannot be stored.
   * `besideBytes`: what its item has beside the value, a header and a key; it says in which chunks the item lands.
   */
  pack(value: unknown, besideBytes = 0): Uint8Array {
    // The codec may run the user's code, which may pack other values.
    const bytes = this.encode(value);
    return this.finish(bytes, this.encodedForm, this.version, besideBytes);
  }

  /** The same for raw bytes. */
  packBytes(bytes: Uint8Array, besideBytes = 0): Uint8Array {
    return this.finish(fixedView(bytes), FORM_BYTES, this.version, besideBytes);
  }

  /** The frame for raw bytes that come piece by piece, which aren't compressed; undefined if they need none. */
  streamed(): StreamedFrame | undefined {
    return this.#hasCrc ? new StreamedFrame() : undefined;
  }

  /**
   * What the codec makes of a value, valid until the next call; `encodedForm` says in which form that is. Throws
   * `ValueError` on what cannot be stored.
   */
  encode(value: unknown): Uint8Array {
    const parts = this.#lazy?.encode(value);
    const bytes = parts ?? this.#codec.encode(value);
    // Last, as below.
    this.encodedForm = parts === undefined ? this.#codec.id : FORM_PARTS;
    return bytes;
  }

  /**
   * What is to be stored for what was encoded, in the form that it has, of a value of a version; its form stands in `form`
   * then. Raw bytes have no version.
   */
  finish(bytes: Uint8Array, encodedForm: number, valueVersion: number, besideBytes: number): Uint8Array {
    if (encodedForm === FORM_PARTS)
      return this.#enframed(this.#parts().shrink(bytes, besideBytes), FORM_PARTS, valueVersion);
    const version = encodedForm === FORM_BYTES ? 1 : valueVersion;
    const compressed = this.#compression?.shrink(bytes, besideBytes);
    if (compressed !== undefined) return this.#framed(encodedForm, version, compressed);
    return this.#enframed(bytes, encodedForm, version);
  }

  /** In a frame, where it takes one: parts always do, since an item's header has no form for them. */
  #enframed(bytes: Uint8Array, codec: number, version: number): Uint8Array {
    const hasCrc = this.#hasCrc;
    const isFramed = hasCrc || version > 1 || codec === FORM_PARTS;
    this.form = isFramed ? FORM_FRAME : codec;
    return isFramed ? frame({ codec, hasCrc, version }, bytes) : bytes;
  }

  #framed(codec: number, version: number, { head, bytes }: Compressed): Uint8Array {
    this.form = FORM_FRAME;
    return frame({ codec, hasCrc: this.#hasCrc, version, compression: head }, bytes);
  }

  /**
   * The value of stored bytes, which are private memory that will be overwritten. Undefined for one of a newer version than
   * this packer's, which `unpackedVersion` tells: nothing is known of what is in it. With `names`, properties that are not
   * among them may be left out; one of an older version is whole all the same. Throws `CodecError`.
   */
  unpack(form: number, source: Uint8Array, start: number, end: number, names?: ReadonlySet<string>): unknown {
    return this.#unpack(form, source, start, end, names ?? 'lazily');
  }

  /** The same with nothing left to be decoded later. */
  unpackWhole(form: number, source: Uint8Array, start: number, end: number): unknown {
    return this.#unpack(form, source, start, end, 'whole');
  }

  #unpack(form: number, source: Uint8Array, start: number, end: number, wanted: Wanted): unknown {
    if (form !== FORM_FRAME) return this.#unpacked(form, 1, source, start, end, wanted);
    const { codec, version, bytes, start: from, end: to } = this.#unframed(source, start, end, this.version);
    return this.#unpacked(codec, version, bytes, from, to, wanted);
  }

  /**
   * The codec's bytes of stored ones, which are private memory; parts are all decompressed. Those of a version above `newest`,
   * which nobody will look into, stay as they are. Throws `CodecError`.
   */
  open(form: number, source: Uint8Array, start: number, end: number, newest: number): Opened {
    const opened =
      form === FORM_FRAME
        ? this.#unframed(source, start, end, newest)
        : { codec: form, version: 1, bytes: source, start, end };
    if (opened.codec !== FORM_PARTS || opened.version > newest) return opened;
    const bytes = this.#parts().expand(opened.bytes, opened.start, opened.end);
    return bytes === undefined ? opened : { ...opened, bytes, start: 0, end: bytes.length };
  }

  #unframed(source: Uint8Array, start: number, end: number, newest: number): Opened {
    const { codec, hasCrc, version, compression, bodyStart } = unframe(source, start, end);
    if (this.#hasCrc && !hasCrc) throw new CodecError('a value has no CRC, though all of its type have one');
    if (codec === FORM_PARTS && compression !== undefined) throw new CodecError('parts are compressed one by one');
    if (compression === undefined || version > newest) return { codec, version, bytes: source, start: bodyStart, end };
    const bytes = this.#expand(compression, source.subarray(bodyStart, end));
    return { codec, version, bytes, start: 0, end: bytes.length };
  }

  #parts(): LazyParts {
    if (this.#lazy === undefined) throw new CodecError('a value is in parts, of a type without any');
    return this.#lazy;
  }

  #expand(head: CompressionHead, bytes: Uint8Array): Uint8Array {
    if (this.#compression === undefined) throw new CodecError('a value is compressed, of a type that never is');
    return this.#compression.expand(head, bytes);
  }

  /** What `unpack` makes of them. */
  decode({ codec, version, bytes, start, end }: Opened): unknown {
    return this.#unpacked(codec, version, bytes, start, end, 'lazily');
  }

  #unpacked(codec: number, version: number, source: Uint8Array, start: number, end: number, wanted: Wanted): unknown {
    // What is to be migrated is no user's value yet.
    const due = version < this.version ? 'whole' : wanted;
    const value = version > this.version ? undefined : this.#decode(codec, source, start, end, due);
    // Last: the codec may run the user's code, which may unpack other values.
    this.unpackedVersion = codec === FORM_BYTES ? this.version : version;
    return value;
  }

  /** Whether stored bytes are those that somebody gave, and not of a codec's making. Throws `CodecError`. */
  isBytes(form: number, source: Uint8Array, start: number, end: number): boolean {
    return (form === FORM_FRAME ? unframe(source, start, end).codec : form) === FORM_BYTES;
  }

  #decode(id: number, source: Uint8Array, start: number, end: number, wanted: Wanted): unknown {
    // A plain Uint8Array, also of a Buffer.
    if (id === FORM_BYTES) return new Uint8Array(source.subarray(start, end));
    if (id === FORM_PARTS) return this.#parts().decode(source, start, end, wanted);
    const codec = this.#codecsById[id];
    if (codec === undefined) throw new CodecError(`there is no codec with the id ${id}`);
    return decodeWanted(codec, source, start, end, typeof wanted === 'object' ? wanted : undefined);
  }

  /**
   * What is stored, in fewer bytes; undefined if that can't be had. As after `pack`, `form` is theirs. Throws
   * `CodecError`.
   */
  compact(form: number, bytes: Uint8Array): Uint8Array | undefined {
    const compression = this.#compression;
    if (compression === undefined) return undefined;
    const isFramed = form === FORM_FRAME;
    const stored = isFramed ? unframe(bytes, 0, bytes.length) : { codec: form, version: 1, bodyStart: 0 };
    const head = 'compression' in stored ? stored.compression : undefined;
    if (head?.isHard === true) return undefined;
    const body = bytes.subarray(stored.bodyStart);
    if (stored.codec === FORM_PARTS) return this.#compactParts(body, stored.version);
    const raw = head === undefined ? body : compression.expand(head, body);
    const squeezed = compression.squeeze(raw, bytes.length);
    return squeezed && this.#framed(stored.codec, stored.version, squeezed);
  }

  #compactParts(bytes: Uint8Array, version: number): Uint8Array | undefined {
    const compacted = this.#parts().compact(bytes);
    return compacted && this.#enframed(compacted, FORM_PARTS, version);
  }
}
