import { CodecError } from '../errors.js';
import { defineOwn } from './msgpack-reader.js';
import { bytesOfText, KeyReader, type TextBytes, textAt } from './text-reader.js';

/**
 * A strict reader of the CBOR subset that the writer emits: items of known length, text keys, the tags below. As with
 * MessagePack, every length is checked against the end of the message before it is used, nothing else is accepted, and
 * whatever it returns is a copy.
 */

/** Deeper messages are refused: the reader recurses, and a forged message must not exhaust the stack. */
const READ_DEPTH_MAX = 512;

/** Bits of the first byte that say how long the head is, or hold the number itself; the others are the major type. */
const INFO_MASK = 31;
const INFO_BYTE = 24;
const INFO_UINT16 = 25;
const INFO_UINT32 = 26;
const INFO_UINT64 = 27;

const DOUBLE_HEAD = 0xfb;

const TAG_EPOCH = 1;
/** For what has no tag of its own: numbers that only this reader knows. */
export const TAG_ARRAY_BUFFER = 0x56_43_00_01;
export const TAG_DATA_VIEW = 0x56_43_00_02;

interface ViewClass {
  readonly BYTES_PER_ELEMENT: number;
  new (buffer: ArrayBuffer): ArrayBufferView;
}

/** Typed arrays by their tags, those of RFC 8746 for little-endian elements. */
const TYPED_ARRAYS: ReadonlyMap<number, ViewClass> = new Map<number, ViewClass>([
  [64, Uint8Array],
  [68, Uint8ClampedArray],
  [69, Uint16Array],
  [70, Uint32Array],
  [71, BigUint64Array],
  [72, Int8Array],
  [77, Int16Array],
  [78, Int32Array],
  [79, BigInt64Array],
  [85, Float32Array],
  [86, Float64Array],
]);

const SIMPLE: ReadonlyMap<number, boolean | null | undefined> = new Map<number, boolean | null | undefined>([
  [20, false],
  [21, true],
  [22, null],
  [23, undefined],
]);

const NONE = new Uint8Array(0);

/** Reads one message at a time; keeps a key cache, so make one per thread. Runs no user code, hence not re-entered. */
export class CborReader {
  readonly #keys = new KeyReader();
  #source: Uint8Array = NONE;
  #bytes: TextBytes = bytesOfText(NONE);
  #view: DataView = new DataView(NONE.buffer);
  #at = 0;
  #end = 0;
  #depth = 0;

  /** The one value that fills `source[start..end)`; throws `CodecError` when it does not. */
  read(source: Uint8Array, start: number, end: number): unknown {
    if (source !== this.#source || source.byteLength !== this.#bytes.byteLength) this.#attach(source);
    if (!(start >= 0 && start <= end && end <= this.#bytes.length)) throw new CodecError('range outside of the source');
    this.#at = start;
    this.#end = end;
    this.#depth = 0;
    const value = this.#value();
    if (this.#at !== end) throw new CodecError(`${end - this.#at} bytes left over after the value`);
    return value;
  }

  /** Views are made once per source; the source is noted last, since a call may be abandoned at any line. */
  #attach(source: Uint8Array): void {
    this.#source = NONE;
    this.#bytes = bytesOfText(source);
    this.#view = new DataView(source.buffer, source.byteOffset, source.byteLength);
    this.#source = source;
  }

  /** Moves past `length` bytes and returns where they began. */
  #take(length: number): number {
    const from = this.#at;
    if (length > this.#end - from) throw new CodecError('message ends inside a value');
    this.#at = from + length;
    return from;
  }

  #value(): unknown {
    const head = this.#bytes[this.#take(1)]!;
    const info = head & INFO_MASK;
    switch (head >> 5) {
      case 0:
        return info === INFO_UINT64 ? this.#view.getBigUint64(this.#take(8)) : this.#argument(info);
      case 1:
        return info === INFO_UINT64 ? -1n - this.#view.getBigUint64(this.#take(8)) : -1 - this.#argument(info);
      case 2:
        return this.#buffer(this.#argument(info));
      case 3:
        return this.#text(this.#argument(info));
      case 4:
        return this.#array(this.#argument(info));
      case 5:
        return this.#object(this.#argument(info));
      case 6:
        return this.#tagged(this.#argument(info));
      default:
        return this.#simple(info);
    }
  }

  /** The number that a head carries, which is a length, a tag or a value. */
  #argument(info: number): number {
    if (info < INFO_BYTE) return info;
    if (info === INFO_BYTE) return this.#bytes[this.#take(1)]!;
    if (info === INFO_UINT16) return this.#view.getUint16(this.#take(2));
    if (info === INFO_UINT32) return this.#view.getUint32(this.#take(4));
    throw new CodecError(`a head of an item that ends in ${info}`);
  }

  #simple(info: number): number | boolean | null | undefined {
    if (info === INFO_UINT64) return this.#view.getFloat64(this.#take(8));
    if (SIMPLE.has(info)) return SIMPLE.get(info);
    throw new CodecError(`unknown simple value ${info}`);
  }

  #array(length: number): unknown[] {
    this.#enter(length);
    // Grown by push: reserving the stated length would let nested headers claim memory that no byte backs.
    const array: unknown[] = [];
    for (let i = 0; i < length; i++) array.push(this.#value());
    this.#depth--;
    return array;
  }

  #object(size: number): Record<string, unknown> {
    this.#enter(size * 2);
    const object: Record<string, unknown> = {};
    for (let i = 0; i < size; i++) {
      const key = this.#key();
      if (key === '__proto__') defineOwn(object, key, this.#value());
      else object[key] = this.#value();
    }
    this.#depth--;
    return object;
  }

  #enter(bytesMin: number): void {
    if (bytesMin > this.#end - this.#at) throw new CodecError('message ends inside a value');
    if (++this.#depth > READ_DEPTH_MAX) throw new CodecError(`nested deeper than ${READ_DEPTH_MAX}`);
  }

  #key(): string {
    const head = this.#bytes[this.#take(1)]!;
    if (head >> 5 !== 3) throw new CodecError('object key is not a string');
    const length = this.#argument(head & INFO_MASK);
    return this.#keys.key(this.#bytes, this.#take(length), length);
  }

  #text(length: number): string {
    return textAt(this.#bytes, this.#take(length), length);
  }

  /** A byte string without a tag stands for Buffer. */
  #buffer(length: number): Buffer {
    return Buffer.from(this.#bytesOfString(length));
  }

  #bytesOfString(length: number): ArrayBuffer {
    const from = this.#take(length);
    const buffer = new ArrayBuffer(length);
    new Uint8Array(buffer).set(this.#bytes.subarray(from, this.#at));
    return buffer;
  }

  #tagged(tag: number): unknown {
    if (tag === TAG_EPOCH) return this.#date();
    const head = this.#bytes[this.#take(1)]!;
    if (head >> 5 !== 2) throw new CodecError(`what tag ${tag} stands for is no byte string`);
    const buffer = this.#bytesOfString(this.#argument(head & INFO_MASK));
    if (tag === TAG_ARRAY_BUFFER) return buffer;
    if (tag === TAG_DATA_VIEW) return new DataView(buffer);
    const viewClass = TYPED_ARRAYS.get(tag);
    if (viewClass === undefined) throw new CodecError(`unknown tag ${tag}`);
    if (buffer.byteLength % viewClass.BYTES_PER_ELEMENT !== 0) throw new CodecError('binary value cut mid-element');
    return new viewClass(buffer);
  }

  /** Seconds, whole or as a double, whose fraction is exact to half a millisecond in any date. */
  #date(): Date {
    const head = this.#bytes[this.#take(1)]!;
    const isDouble = head === DOUBLE_HEAD;
    if (!isDouble && head >> 5 !== 0) throw new CodecError('a date that is no number');
    const seconds = isDouble ? this.#view.getFloat64(this.#take(8)) : this.#argument(head & INFO_MASK);
    const whole = Math.trunc(seconds);
    return new Date(whole * 1000 + Math.round((seconds - whole) * 1000));
  }
}
