import { CodecError } from '../errors.js';
import { INTEGER_END, POWERS_OF_TEN } from './decimals.js';
import { ColumnReader } from './msgpack-column-reader.js';
import { ROW_NUMBERS_MAX } from './msgpack-column-writer.js';
import { readBinary, readTimestamp } from './msgpack-extensions.js';
import { MsgpackSkipper } from './msgpack-skip.js';
import { SHAPED_HEAD_BYTES, TEXT_BYTES_MASK, TEXT_IS_UTF8 } from './msgpack-writer.js';
import type { Shape, Shapes } from './shapes.js';
import { bytesOfText, KeyReader, type TextBytes, textAt } from './text-reader.js';

/**
 * A strict reader of the MessagePack subset that the writers emit, and of the shaped form (see `msgpack-writer.ts`). It differs from a general reader in three ways:
 * every length is checked against the end of the message before it is used, so memory stays proportional to the
 * bytes; nothing outside the subset is accepted (no record definitions, no code generation, no custom extensions);
 * and whatever it returns is a copy.
 */

/** Deeper messages are refused: the reader recurses, and a forged message must not exhaust the stack. */
const READ_DEPTH_MAX = 512;

const EXT_UNDEFINED = 0x00;
const EXT_DATE = 0x01;
const EXT_BINARY = 0x74;
const EXT_TIMESTAMP = 0xff;

const EMPTY: TextBytes = bytesOfText(new Uint8Array(0));

/** Reads one message at a time; keeps a key cache, so make one per thread. Runs no user code, hence not re-entered. */
export class MsgpackReader {
  readonly #keys = new KeyReader();
  #source: Uint8Array = EMPTY;
  #bytes: TextBytes = EMPTY;
  #view: DataView = new DataView(EMPTY.buffer, 0, 0);
  #at = 0;
  #end = 0;
  #depth = 0;
  readonly #shapes: Shapes | undefined;
  readonly #skipper: MsgpackSkipper;
  /** Of the shaped form: its short strings, and how many code units of them have been taken. */
  #isShaped = false;
  #short = '';
  #taken = 0;
  readonly #columns = new ColumnReader();

  constructor(shapes?: Shapes) {
    this.#shapes = shapes;
    this.#skipper = new MsgpackSkipper(shapes);
  }

  /**
   * The one value that fills `source[start..end)`; throws `CodecError` when it does not. With `names`, an object has only those of its
   * properties; the others are passed over.
   */
  read(source: Uint8Array, start: number, end: number, names?: ReadonlySet<string>): unknown {
    this.#open(source, start, end);
    return this.#whole(names);
  }

  /** The same for a message in the shaped form, from its mark on. */
  readShaped(source: Uint8Array, start: number, end: number, names?: ReadonlySet<string>): unknown {
    this.#open(source, start, end);
    const head = this.#view.getUint16(this.#take(SHAPED_HEAD_BYTES) + 1);
    const textBytes = head & TEXT_BYTES_MASK;
    if (textBytes > end - this.#at) throw new CodecError('message ends inside its text');
    this.#end = end - textBytes;
    const bytes = this.#bytes;
    this.#short = head & TEXT_IS_UTF8 ? bytes.utf8Slice(this.#end, end) : bytes.latin1Slice(this.#end, end);
    this.#isShaped = true;
    const value = this.#whole(names);
    if (this.#taken !== this.#short.length) throw new CodecError('text left over after the value');
    this.#short = '';
    return value;
  }

  #open(source: Uint8Array, start: number, end: number): void {
    if (source !== this.#source || source.byteLength !== this.#bytes.byteLength) this.#attach(source);
    if (!(start >= 0 && start <= end && end <= this.#bytes.length)) throw new CodecError('range outside of the source');
    this.#at = start;
    this.#end = end;
    this.#depth = 0;
    this.#taken = 0;
    this.#isShaped = false;
  }

  #whole(names: ReadonlySet<string> | undefined): unknown {
    const value = names === undefined ? this.#value() : this.#fields(names);
    if (this.#at !== this.#end) throw new CodecError(`${this.#end - this.#at} bytes left over after the value`);
    return value;
  }

  /** Views are made once per source, because decoding goes through the same scratch memory again and again. */
  #attach(source: Uint8Array): void {
    // Last, and none till then: a call may be abandoned at any line (a full stack, a time-out of vm), and the next one
    // must not go by views of two sources.
    this.#source = EMPTY;
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

  /** A token may be read behind the end: then the message doesn't end where it should, which is found out last. */
  #value(): unknown {
    const token = this.#bytes[this.#at++];
    if (token === undefined) throw new CodecError('message ends inside a value');
    if (token < 0x80) return token;
    if (token < 0x90) return this.#isShaped ? this.#record(this.#id(token & 0x0f)) : this.#object(token & 0x0f);
    if (token < 0xa0) return this.#array(token & 0x0f);
    if (token < 0xc0) return this.#isShaped ? this.#shortText(token & 0x1f) : this.#text(token & 0x1f);
    if (token >= 0xe0) return token - 0x100;
    if (token >= 0xca && token <= 0xd3) return this.#number(token);
    return this.#tagged(token);
  }

  #tagged(token: number): unknown {
    if (token === 0xc1 && this.#isShaped) return this.#record(this.#longId());
    if (token <= 0xc3) return constant(token);
    if (token <= 0xc6) return this.#buffer(this.#length(token - 0xc4));
    if (token <= 0xc9) return this.#extension(this.#length(token - 0xc7));
    if (token <= 0xd8) return this.#extension(1 << (token - 0xd4));
    if (token === 0xd9 && this.#isShaped) return this.#shortText(this.#length(0));
    if (token <= 0xdb) return this.#text(this.#length(token - 0xd9));
    if (token === 0xdc && this.#isShaped) return this.#numbers();
    if (token === 0xde && this.#isShaped) return this.#rows();
    if (token <= 0xdd) return this.#array(this.#length(token - 0xdb));
    return this.#object(this.#length(token - 0xdd));
  }

  #number(token: number): number | bigint {
    switch (token) {
      case 0xca:
        return this.#isShaped ? this.#decimal() : this.#view.getFloat32(this.#take(4));
      case 0xcb:
        return this.#view.getFloat64(this.#take(8));
      case 0xcc:
        return this.#bytes[this.#take(1)]!;
      case 0xcd:
        return this.#view.getUint16(this.#take(2));
      case 0xce:
        return this.#view.getUint32(this.#take(4));
      case 0xcf:
        return this.#view.getBigUint64(this.#take(8));
      case 0xd0:
        return this.#view.getInt8(this.#take(1));
      case 0xd1:
        return this.#view.getInt16(this.#take(2));
      case 0xd2:
        return this.#view.getInt32(this.#take(4));
      default:
        return this.#view.getBigInt64(this.#take(8));
    }
  }

  #decimal(): number {
    const head = this.#bytes[this.#take(1)]!;
    const length = (head >>> 4) & 7;
    const from = this.#take(length);
    let digits = 0;
    for (let i = 0; i < length; i++) digits = digits * 0x100 + this.#bytes[from + i]!;
    if (digits === 0 || digits >= INTEGER_END) throw new CodecError('a number of few decimals is too large, or 0');
    return (head < 0x80 ? digits : -digits) / POWERS_OF_TEN[head & 0x0f]!;
  }

  /** An array of numbers and nulls. */
  #numbers(): (number | null)[] {
    const length = this.#count();
    const array = this.#columns.readArray(this.#bytes, this.#at, this.#end, length);
    this.#at = this.#columns.end;
    return array;
  }

  /** Arrays of numbers, equally long ones. */
  #rows(): number[][] {
    const length = this.#count();
    const width = this.#bytes[this.#take(1)]!;
    if (width < 1 || width > ROW_NUMBERS_MAX) throw new CodecError(`rows of ${width} numbers`);
    const rows = this.#columns.readRows(this.#bytes, this.#at, this.#end, length, width);
    this.#at = this.#columns.end;
    return rows;
  }

  /** A length in a byte, or in four of which the first begins with a one. */
  #count(): number {
    const from = this.#take(1);
    const first = this.#bytes[from]!;
    if (first < 0x80) return first;
    this.#take(3);
    return this.#view.getUint32(from) - 0x8000_0000;
  }

  /** A length field of 1, 2 or 4 bytes; `width` is its binary logarithm. */
  #length(width: number): number {
    if (width === 0) return this.#bytes[this.#take(1)]!;
    return width === 1 ? this.#view.getUint16(this.#take(2)) : this.#view.getUint32(this.#take(4));
  }

  #array(length: number): unknown[] {
    this.#enter(length);
    if (length === 2) return this.#pair();
    // Grown by push: reserving the stated length would let nested headers claim memory that no byte backs.
    const array: unknown[] = [];
    for (let i = 0; i < length; i++) array.push(this.#value());
    this.#depth--;
    return array;
  }

  /** Coordinates, for the most part: a literal has just the room that it needs. */
  #pair(): unknown[] {
    const pair = [this.#value(), this.#value()];
    this.#depth--;
    return pair;
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

  /** Those properties of an object; any other value whole. */
  #fields(names: ReadonlySet<string>): unknown {
    const token = this.#bytes[this.#at] ?? 0;
    const isShort = token >= 0x80 && token < 0x90;
    if (this.#isShaped && (isShort || token === 0xc1)) {
      this.#at += 1;
      const { keys } = this.#shapeOf(isShort ? this.#id(token & 0x0f) : this.#longId());
      return this.#wanted(keys.length, names, (i) => keys[i]!);
    }
    const isObject = isShort || (token === 0xde && !this.#isShaped) || token === 0xdf;
    if (!isObject) return this.#value();
    this.#at += 1;
    return this.#wanted(isShort ? token & 0x0f : this.#length(token - 0xdd), names, () => this.#key());
  }

  #wanted(size: number, names: ReadonlySet<string>, keyAt: (i: number) => string): Record<string, unknown> {
    this.#enter(size);
    const object: Record<string, unknown> = {};
    for (let i = 0; i < size; i++) {
      const key = keyAt(i);
      if (!names.has(key)) this.#skip();
      else if (key === '__proto__') defineOwn(object, key, this.#value());
      else object[key] = this.#value();
    }
    this.#depth--;
    return object;
  }

  #skip(): void {
    const skipper = this.#skipper;
    skipper.skip(this.#bytes, this.#at, this.#end, this.#isShaped);
    this.#at = skipper.at;
    this.#taken += skipper.units;
  }

  /** A shape's number: four bits of a token, and the byte behind it. */
  #id(high: number): number {
    return (high << 8) | this.#bytes[this.#take(1)]!;
  }

  #longId(): number {
    return (this.#id(0) << 16) | this.#view.getUint16(this.#take(2));
  }

  #shapeOf(id: number): Shape {
    const shape = this.#shapes?.byId(id);
    if (shape === undefined) throw new CodecError(`no shape has the number ${id}`);
    return shape;
  }

  #record(id: number): Record<string, unknown> {
    const { keys } = this.#shapeOf(id);
    this.#enter(keys.length);
    const object: Record<string, unknown> = {};
    for (let i = 0; i < keys.length; i++) object[keys[i]!] = this.#value();
    this.#depth--;
    return object;
  }

  #shortText(length: number): string {
    const from = this.#taken;
    const to = from + length;
    if (to > this.#short.length) throw new CodecError('message has less text than it says');
    this.#taken = to;
    return this.#short.slice(from, to);
  }

  #enter(bytesMin: number): void {
    if (bytesMin > this.#end - this.#at) throw new CodecError('message ends inside a value');
    if (++this.#depth > READ_DEPTH_MAX) throw new CodecError(`nested deeper than ${READ_DEPTH_MAX}`);
  }

  #key(): string {
    const token = this.#bytes[this.#take(1)]!;
    if (token >= 0xa0 && token < 0xc0) {
      const length = token & 0x1f;
      return this.#isShaped ? this.#shortText(length) : this.#keys.key(this.#bytes, this.#take(length), length);
    }
    if (token === 0xd9 && this.#isShaped) return this.#shortText(this.#length(0));
    if (token >= 0xd9 && token <= 0xdb) return this.#text(this.#length(token - 0xd9));
    throw new CodecError('object key is not a string');
  }

  #text(length: number): string {
    return textAt(this.#bytes, this.#take(length), length);
  }

  /** MessagePack's bin type stands for Buffer; the other binary kinds are extensions. */
  #buffer(length: number): Buffer {
    const from = this.#take(length);
    const copy = Buffer.allocUnsafeSlow(length);
    this.#bytes.copy(copy, 0, from, this.#at);
    return copy;
  }

  #extension(length: number): unknown {
    const type = this.#bytes[this.#take(1)]!;
    const from = this.#take(length);
    if (type === EXT_UNDEFINED) return undefined;
    if (type === EXT_DATE && length === 8) return new Date(this.#view.getFloat64(from));
    if (type === EXT_TIMESTAMP) return readTimestamp(this.#view, from, length);
    if (type === EXT_BINARY) return readBinary(this.#bytes, from, length);
    throw new CodecError(`unknown extension ${type}`);
  }
}

function constant(token: number): null | boolean {
  if (token === 0xc0) return null;
  if (token === 0xc1) throw new CodecError('0xc1 inside a message');
  return token === 0xc3;
}

/** An own property whatever its name: plain assignment to `__proto__` would change the prototype instead. */
export function defineOwn(target: object, key: string, value: unknown): void {
  Object.defineProperty(target, key, { value, writable: true, enumerable: true, configurable: true });
}
