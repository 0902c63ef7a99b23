/**
 * Moves past a value of a message without making it, for `MsgpackReader`, as strictly: lengths are checked before they are used, and
 * what is no message of the writers' ends in a `CodecError`.
 */
import { CodecError } from '../errors.js';
import { arrayEnd, rowsEnd } from './msgpack-column-reader.js';
import { ROW_NUMBERS_MAX } from './msgpack-column-writer.js';
import type { Shapes } from './shapes.js';

/** Bytes behind the tokens 0xca to 0xd8: numbers, and extensions of a fixed size with their type. */
const FIXED_BYTES: readonly number[] = [4, 8, 1, 2, 4, 8, 1, 2, 4, 8, 2, 3, 5, 9, 17];

export class MsgpackSkipper {
  /** Where the value skipped last ended, and how many UTF-16 code units of the text belong to it. */
  at = 0;
  units = 0;
  readonly #shapes: Shapes | undefined;
  #bytes: Uint8Array = new Uint8Array(0);
  #end = 0;
  #isShaped = false;

  constructor(shapes: Shapes | undefined) {
    this.#shapes = shapes;
  }

  /** Skips the value at `at` in `bytes`, which ends before `end`. Throws `CodecError`. */
  skip(bytes: Uint8Array, at: number, end: number, isShaped: boolean): void {
    this.#bytes = bytes;
    this.#end = end;
    this.#isShaped = isShaped;
    this.at = at;
    this.units = 0;
    // Values still to be skipped: each takes a byte at least.
    for (let left = 1; left > 0; left--) {
      if (left > end - this.at) throw new CodecError('message ends inside a value');
      left += this.#token(bytes[this.at++]!);
    }
  }

  /** Moves past a token and what belongs to it; returns how many values it announces. */
  #token(token: number): number {
    if (token < 0x80 || token >= 0xe0) return 0;
    if (token < 0x90)
      return this.#isShaped ? this.#record(((token & 0x0f) << 8) | this.#number(1)) : (token & 0x0f) * 2;
    if (token < 0xa0) return token & 0x0f;
    if (token < 0xc0) return this.#text(token & 0x1f, this.#isShaped);
    if (token === 0xca && this.#isShaped) return this.#pass((this.#number(1) >>> 4) & 7);
    if (token >= 0xca && token <= 0xd8) return this.#pass(FIXED_BYTES[token - 0xca]!);
    return this.#tagged(token);
  }

  #tagged(token: number): number {
    if (token === 0xc1 && this.#isShaped) return this.#record(this.#number(3));
    if (token === 0xc1) throw new CodecError('0xc1 inside a message');
    if (token <= 0xc3) return 0;
    if (token <= 0xc6) return this.#pass(this.#length(token - 0xc4));
    if (token <= 0xc9) return this.#pass(1 + this.#length(token - 0xc7));
    if (token <= 0xdb) return this.#text(this.#length(token - 0xd9), this.#isShaped && token === 0xd9);
    if (token === 0xdc && this.#isShaped) return this.#numbers();
    if (token === 0xde && this.#isShaped) return this.#rows();
    if (token <= 0xdd) return this.#length(token - 0xdb);
    return this.#length(token - 0xdd) * 2;
  }

  #record(id: number): number {
    const shape = this.#shapes?.byId(id);
    if (shape === undefined) throw new CodecError(`no shape has the number ${id}`);
    return shape.keys.length;
  }

  #numbers(): 0 {
    const length = this.#count();
    this.at = arrayEnd(this.#bytes, this.at, this.#end, length);
    return 0;
  }

  #rows(): 0 {
    const length = this.#count();
    const width = this.#number(1);
    if (width < 1 || width > ROW_NUMBERS_MAX) throw new CodecError(`rows of ${width} numbers`);
    this.at = rowsEnd(this.#bytes, this.at, this.#end, length, width);
    return 0;
  }

  /** A length in a byte, or in four of which the first begins with a one. */
  #count(): number {
    const first = this.#number(1);
    return first < 0x80 ? first : (first - 0x80) * 0x100_0000 + this.#number(3);
  }

  #text(length: number, isShort: boolean): number {
    if (!isShort) return this.#pass(length);
    this.units += length;
    return 0;
  }

  /** A length field of 1, 2 or 4 bytes; `width` is its binary logarithm. */
  #length(width: number): number {
    return this.#number(1 << width);
  }

  #number(bytes: number): number {
    const from = this.at;
    this.#pass(bytes);
    let number = 0;
    for (let at = from; at < from + bytes; at++) number = number * 0x100 + this.#bytes[at]!;
    return number;
  }

  #pass(bytes: number): 0 {
    if (bytes > this.#end - this.at) throw new CodecError('message ends inside a value');
    this.at += bytes;
    return 0;
  }
}
