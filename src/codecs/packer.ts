/** Turns the values of one type into what is stored, and back: its codec, and a frame where it needs one. */
import { CodecError } from '../errors.js';
import type { Codec } from './codec.js';
import { FORM_BYTES, FORM_FRAME, frame, unframe } from './frame.js';

export interface PackerSetup {
  /** The codec of the type. */
  readonly codec: Codec;
  /** Every codec that stored values may have, by id. */
  readonly codecsById: readonly (Codec | undefined)[];
  /** Values carry a CRC. */
  readonly hasCrc: boolean;
}

export class Packer {
  /** The form of what was packed last: see frame.ts. */
  form: number = FORM_BYTES;
  readonly #codec: Codec;
  readonly #codecsById: readonly (Codec | undefined)[];
  readonly #isFramed: boolean;

  constructor({ codec, codecsById, hasCrc }: PackerSetup) {
    this.#codec = codec;
    this.#codecsById = codecsById;
    this.#isFramed = hasCrc;
  }

  /** What is to be stored for a value, valid until the next call. Throws `ValueError` on what cannot be stored. */
  pack(value: unknown): Uint8Array {
    // The codec may run the user's code, which may pack other values.
    const bytes = this.#codec.encode(value);
    return this.#finish(bytes, this.#codec.id);
  }

  /** The same for raw bytes. */
  packBytes(bytes: Uint8Array): Uint8Array {
    return this.#finish(bytes, FORM_BYTES);
  }

  #finish(bytes: Uint8Array, codec: number): Uint8Array {
    this.form = this.#isFramed ? FORM_FRAME : codec;
    return this.#isFramed ? frame({ codec, hasCrc: true }, bytes) : bytes;
  }

  /** The value of stored bytes, which are private memory that will be overwritten. Throws `CodecError`. */
  unpack(form: number, source: Uint8Array, start: number, end: number): unknown {
    if (form !== FORM_FRAME) return this.#decode(form, source, start, end);
    const { codec, bodyStart } = unframe(source, start, end);
    return this.#decode(codec, source, bodyStart, end);
  }

  /** Whether stored bytes are those that somebody gave, and not of a codec's making. Throws `CodecError`. */
  isBytes(form: number, source: Uint8Array, start: number, end: number): boolean {
    return (form === FORM_FRAME ? unframe(source, start, end).codec : form) === FORM_BYTES;
  }

  #decode(id: number, source: Uint8Array, start: number, end: number): unknown {
    if (id === FORM_BYTES) return source.slice(start, end);
    const codec = this.#codecsById[id];
    if (codec === undefined) throw new CodecError(`there is no codec with the id ${id}`);
    return codec.decode(source, start, end);
  }

  /** What is stored, in fewer bytes that `unpack` takes in the same form; undefined if that can't be had. */
  compact(form: number, bytes: Uint8Array): Uint8Array | undefined {
    return this.#codecsById[form]?.compact?.(bytes);
  }
}
