/**
 * Turns the values of one type into what is stored, and back: its codec, and a frame where it needs one. Both ways have two
 * halves: `encode` and `decode` meet the value and run the type's codec, which may be the user's; `finish` and `open` go
 * from the codec's bytes to the stored ones and back, know no value, and may be done by any thread that has the plan.
 */
import { CodecError } from '../errors.js';
import type { FormCodec } from './codec.js';
import type { Compressed, Compression } from './compression.js';
import { type CompressionHead, FORM_BYTES, FORM_FRAME, frame, StreamedFrame, unframe } from './frame.js';

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
  readonly version: number;
  readonly #codec: FormCodec;
  readonly #codecsById: readonly (FormCodec | undefined)[];
  readonly #hasCrc: boolean;
  readonly #compression: Compression | undefined;

  constructor({ codec, codecsById, hasCrc, version = 1, compression }: PackerSetup) {
    this.#codec = codec;
    this.#codecsById = codecsById;
    this.#hasCrc = hasCrc;
    this.#compression = compression;
    this.version = version;
    this.unpackedVersion = version;
  }

  /**
   * What is to be stored for a value, valid until the next call. Throws `ValueError` on what cannot be stored.
   * `besideBytes`: what its item has beside the value, a header and a key; it says in which chunks the item lands.
   */
  pack(value: unknown, besideBytes = 0): Uint8Array {
    // The codec may run the user's code, which may pack other values.
    const bytes = this.encode(value);
    return this.finish(bytes, this.codecId, this.version, besideBytes);
  }

  /** The same for raw bytes. */
  packBytes(bytes: Uint8Array, besideBytes = 0): Uint8Array {
    return this.finish(bytes, FORM_BYTES, this.version, besideBytes);
  }

  /** The frame for raw bytes that come piece by piece, which aren't compressed; undefined if they need none. */
  streamed(): StreamedFrame | undefined {
    return this.#hasCrc ? new StreamedFrame() : undefined;
  }

  /** The id of the codec that `encode` uses. */
  get codecId(): number {
    return this.#codec.id;
  }

  /** What the codec makes of a value, valid until the next call. Throws `ValueError` on what cannot be stored. */
  encode(value: unknown): Uint8Array {
    return this.#codec.encode(value);
  }

  /**
   * What is to be stored for the bytes of a codec, of a value of a version; its form stands in `form` then. Raw bytes have
   * no version.
   */
  finish(bytes: Uint8Array, codec: number, valueVersion: number, besideBytes: number): Uint8Array {
    const version = codec === FORM_BYTES ? 1 : valueVersion;
    const compressed = this.#compression?.shrink(bytes, besideBytes);
    if (compressed !== undefined) return this.#framed(codec, version, compressed);
    const hasCrc = this.#hasCrc;
    const isFramed = hasCrc || version > 1;
    this.form = isFramed ? FORM_FRAME : codec;
    return isFramed ? frame({ codec, hasCrc, version }, bytes) : bytes;
  }

  #framed(codec: number, version: number, { head, bytes }: Compressed): Uint8Array {
    this.form = FORM_FRAME;
    return frame({ codec, hasCrc: this.#hasCrc, version, compression: head }, bytes);
  }

  /**
   * The value of stored bytes, which are private memory that will be overwritten. Undefined for one of a newer version than
   * this packer's, which `unpackedVersion` tells: nothing is known of what is in it. Throws `CodecError`.
   */
  unpack(form: number, source: Uint8Array, start: number, end: number): unknown {
    if (form !== FORM_FRAME) return this.#unpacked(form, 1, source, start, end);
    return this.decode(this.open(form, source, start, end, this.version));
  }

  /**
   * The codec's bytes of stored ones, which are private memory. Those of a version above `newest`, which nobody will look
   * into, stay as they are. Throws `CodecError`.
   */
  open(form: number, source: Uint8Array, start: number, end: number, newest: number): Opened {
    if (form !== FORM_FRAME) return { codec: form, version: 1, bytes: source, start, end };
    const { codec, hasCrc, version, compression, bodyStart } = unframe(source, start, end);
    if (this.#hasCrc && !hasCrc) throw new CodecError('a value has no CRC, though all of its type have one');
    if (compression === undefined || version > newest) return { codec, version, bytes: source, start: bodyStart, end };
    const bytes = this.#expand(compression, source.subarray(bodyStart, end));
    return { codec, version, bytes, start: 0, end: bytes.length };
  }

  #expand(head: CompressionHead, bytes: Uint8Array): Uint8Array {
    if (this.#compression === undefined) throw new CodecError('a value is compressed, of a type that never is');
    return this.#compression.expand(head, bytes);
  }

  /** What `unpack` makes of them. */
  decode({ codec, version, bytes, start, end }: Opened): unknown {
    return this.#unpacked(codec, version, bytes, start, end);
  }

  #unpacked(codec: number, version: number, source: Uint8Array, start: number, end: number): unknown {
    const value = version > this.version ? undefined : this.#decode(codec, source, start, end);
    // Last: the codec may run the user's code, which may unpack other values.
    this.unpackedVersion = codec === FORM_BYTES ? this.version : version;
    return value;
  }

  /** Whether stored bytes are those that somebody gave, and not of a codec's making. Throws `CodecError`. */
  isBytes(form: number, source: Uint8Array, start: number, end: number): boolean {
    return (form === FORM_FRAME ? unframe(source, start, end).codec : form) === FORM_BYTES;
  }

  #decode(id: number, source: Uint8Array, start: number, end: number): unknown {
    // A plain Uint8Array, also of a Buffer.
    if (id === FORM_BYTES) return new Uint8Array(source.subarray(start, end));
    const codec = this.#codecsById[id];
    if (codec === undefined) throw new CodecError(`there is no codec with the id ${id}`);
    return codec.decode(source, start, end);
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
    const raw = head === undefined ? body : compression.expand(head, body);
    const squeezed = compression.squeeze(raw, bytes.length);
    return squeezed && this.#framed(stored.codec, stored.version, squeezed);
  }
}
