/**
 * Writes trees of plain data in the shaped form: MessagePack, in which objects of a shape that all threads know are its
 * number and their values, and short strings are one text, so that it takes one call to write and one to read them.
 *
 *     0      0xc1, the mark                      1, 2  bytes of the text (14 bits), bit 14: it isn't ASCII
 *     3..    the value                           then  the text, in UTF-8
 *
 * In the value: 0x80 to 0x8f and a byte are a shape's number in 12 bits, 0xc1 and three bytes one in 24; its values
 * follow. 0xa0 to 0xbf, and 0xd9 with a byte, take so many UTF-16 code units from the text. 0xda and 0xdb are strings in
 * place. Extension 0x01 is a Date, its milliseconds as a double. 0xca and a byte are a number of few decimals: bits 0 to 3 how
 * many, bits 4 to 6 in how many bytes its digits follow as an integer, bit 7 the sign. 0xdc and a count are an array of
 * numbers in a column (`msgpack-column-writer.ts`), 0xde, a count and a byte are so many arrays, each of as many numbers as the byte
 * says, in a column for each place. A count is a byte, or four with the first bit set. All else is as in MessagePack.
 */
import { decimalsOf, POWERS_OF_TEN } from './decimals.js';
import { ColumnWriter, ROW_NUMBERS_MAX } from './msgpack-column-writer.js';
import { BINARY_CODES } from './msgpack-extensions.js';
import { isInt64, isPlainLeaf, isWellFormed, TREE_DEPTH_MAX } from './msgpack-tree.js';
import { SHAPE_KEYS_MAX, type Shape, type ShapeNode, type Shapes } from './shapes.js';

const SHAPED_MARK = 0xc1;
export const SHAPED_HEAD_BYTES = 3;
export const TEXT_IS_UTF8 = 0x4000;
export const TEXT_BYTES_MASK = 0x3fff;

/** Longer strings stand in place. So does all that the text has no room for: a string may keep all of it in memory. */
const SHORT_MAX = 64;
const TEXT_LENGTH_MAX = 4_096;
/** Up to this many objects a scan of an array is cheaper than a Set. */
const LIST_MAX = 32;
/** Longer strings are measured before they are written, not given room for the worst case. */
const GUESSED_MAX = 4_096;
const BUFFER_BYTES = 8_192;
/** Room that every token and number has, once it has been asked for. */
const TOKEN_BYTES = 16;
/** Less is no shorter in columns. */
const COLUMN_NUMBERS_MIN = 4;
const COLUMN_ROWS_MIN = 3;

type TextWriter = Buffer & { utf8Write(text: string, at: number): number };

export class MsgpackWriter {
  readonly #shapes: Shapes;
  #buffer: TextWriter = Buffer.allocUnsafeSlow(BUFFER_BYTES) as TextWriter;
  #view: DataView = new DataView(this.#buffer.buffer);
  #at = 0;
  #depth = 0;
  #text = '';
  #list: object[] = [];
  #set: Set<object> | undefined;
  readonly #column = new ColumnWriter();

  constructor(shapes: Shapes) {
    this.#shapes = shapes;
  }

  /**
   * The bytes of a value, valid until the next call; undefined if it is no tree of plain data as `isPlainTree` means it. Getters
   * run the user's code, which must not come here again: one writer for each call under way.
   */
  write(value: object): Uint8Array | undefined {
    this.#begin();
    const isWhole = !inheritsKeys() && this.#message(value);
    this.#forget();
    return isWhole ? this.#buffer.subarray(0, this.#at) : undefined;
  }

  /** The same for several values, each in memory of its own; undefined, too, if an object is in two of them. */
  writeApart(values: readonly unknown[]): Uint8Array[] | undefined {
    this.#begin();
    const messages: Uint8Array[] = [];
    let isWhole = !inheritsKeys();
    for (let i = 0; isWhole && i < values.length; i++) {
      isWhole = this.#message(values[i]);
      messages.push(Buffer.from(this.#buffer.subarray(0, this.#at)));
    }
    this.#forget();
    return isWhole ? messages : undefined;
  }

  #begin(): void {
    this.#shapes.tidy();
    this.#forget();
  }

  /** Nothing of a value is kept. */
  #forget(): void {
    this.#list.length = 0;
    this.#set = undefined;
  }

  #message(value: unknown): boolean {
    this.#at = SHAPED_HEAD_BYTES;
    this.#depth = 0;
    this.#text = '';
    return this.#value(value) && this.#end();
  }

  /** Writes the text and the head. */
  #end(): boolean {
    const text = this.#text;
    this.#reserve(text.length * 3);
    const bytes = this.#buffer.utf8Write(text, this.#at);
    const isAscii = bytes === text.length;
    // Halves of a pair in two strings next to each other make a whole one here, and are parted again by the reader.
    if (!isAscii && !isWellFormed(text)) return false;
    this.#buffer[0] = SHAPED_MARK;
    this.#view.setUint16(1, isAscii ? bytes : bytes | TEXT_IS_UTF8);
    this.#at += bytes;
    return true;
  }

  /** Makes room for so many bytes behind what is written. */
  #reserve(bytes: number): void {
    const needed = this.#at + bytes + TOKEN_BYTES;
    if (needed <= this.#buffer.length) return;
    const buffer = Buffer.allocUnsafeSlow(Math.max(needed, this.#buffer.length * 2)) as TextWriter;
    buffer.set(this.#buffer.subarray(0, this.#at));
    const view = new DataView(buffer.buffer);
    this.#buffer = buffer;
    this.#view = view;
  }

  /** False for what this form doesn't keep; so do all that follow. */
  #value(value: unknown): boolean {
    switch (typeof value) {
      case 'string':
        return this.#string(value);
      case 'number':
        return this.#number(value);
      case 'object':
        return value === null ? this.#byte(0xc0) : this.#object(value);
      case 'boolean':
        return this.#byte(value ? 0xc3 : 0xc2);
      case 'undefined':
        return this.#extension(0xd4, 0x00) && this.#byte(0);
      case 'bigint':
        return this.#bigInt(value);
      default:
        return false;
    }
  }

  #byte(byte: number): true {
    if (this.#at + TOKEN_BYTES > this.#buffer.length) this.#reserve(0);
    this.#buffer[this.#at++] = byte;
    return true;
  }

  #string(text: string): boolean {
    const { length } = text;
    if (length > SHORT_MAX) return this.#longString(text);
    if (this.#text.length + length > TEXT_LENGTH_MAX) return this.#asciiInPlace(text) || this.#longString(text);
    this.#text += text;
    if (length < 0x20) return this.#byte(0xa0 | length);
    return this.#byte(0xd9) && this.#byte(length);
  }

  /** Without a call, for a short string; false, and nothing is written, if it isn't ASCII. */
  #asciiInPlace(text: string): boolean {
    const { length } = text;
    this.#reserve(length);
    const buffer = this.#buffer;
    const start = this.#at + 3;
    for (let i = 0; i < length; i++) {
      const unit = text.charCodeAt(i);
      if (unit >= 0x80) return false;
      buffer[start + i] = unit;
    }
    buffer[start - 3] = 0xda;
    buffer[start - 2] = 0;
    buffer[start - 1] = length;
    this.#at = start + length;
    return true;
  }

  #longString(text: string): boolean {
    this.#reserve(text.length > GUESSED_MAX ? Buffer.byteLength(text) : text.length * 3);
    const head = text.length * 3 < 2 ** 16 ? 3 : 5;
    const bytes = this.#buffer.utf8Write(text, this.#at + head);
    if (head === 3) {
      this.#buffer[this.#at] = 0xda;
      this.#view.setUint16(this.#at + 1, bytes);
    } else {
      this.#buffer[this.#at] = 0xdb;
      this.#view.setUint32(this.#at + 1, bytes);
    }
    this.#at += head + bytes;
    return bytes === text.length || isWellFormed(text);
  }

  #number(value: number): boolean {
    if (this.#at + TOKEN_BYTES > this.#buffer.length) this.#reserve(0);
    if (value >>> 0 === value) return value === 0 && 1 / value < 0 ? false : this.#unsigned(value);
    if ((value | 0) === value) return this.#negative(value);
    const decimals = decimalsOf(value);
    if (decimals >= 0) return this.#decimal(value, decimals);
    this.#buffer[this.#at] = 0xcb;
    this.#view.setFloat64(this.#at + 1, value);
    this.#at += 9;
    return true;
  }

  #unsigned(value: number): true {
    const buffer = this.#buffer;
    const at = this.#at;
    if (value < 0x80) {
      buffer[at] = value;
      this.#at = at + 1;
    } else if (value < 0x100) {
      buffer[at] = 0xcc;
      buffer[at + 1] = value;
      this.#at = at + 2;
    } else if (value < 0x10000) {
      buffer[at] = 0xcd;
      buffer[at + 1] = value >>> 8;
      buffer[at + 2] = value;
      this.#at = at + 3;
    } else {
      buffer[at] = 0xce;
      this.#view.setUint32(at + 1, value);
      this.#at = at + 5;
    }
    return true;
  }

  #negative(value: number): true {
    const at = this.#at;
    if (value >= -0x20) {
      this.#buffer[at] = value + 0x100;
      this.#at = at + 1;
    } else if (value >= -0x8000) {
      this.#buffer[at] = 0xd1;
      this.#view.setInt16(at + 1, value);
      this.#at = at + 3;
    } else {
      this.#buffer[at] = 0xd2;
      this.#view.setInt32(at + 1, value);
      this.#at = at + 5;
    }
    return true;
  }

  #decimal(value: number, decimals: number): true {
    const digits = Math.abs(Math.round(value * POWERS_OF_TEN[decimals]!));
    const high = Math.floor(digits / 2 ** 32);
    const length = high === 0 ? 4 - (Math.clz32(digits) >>> 3) : 8 - (Math.clz32(high) >>> 3);
    const buffer = this.#buffer;
    let at = this.#at;
    buffer[at++] = 0xca;
    buffer[at++] = (value < 0 ? 0x80 : 0) | (length << 4) | decimals;
    for (let shift = 8 * (length - 5); shift >= 0; shift -= 8) buffer[at++] = high >>> shift;
    for (let shift = 8 * Math.min(3, length - 1); shift >= 0; shift -= 8) buffer[at++] = digits >>> shift;
    this.#at = at;
    return true;
  }

  #bigInt(value: bigint): boolean {
    if (!isInt64(value)) return false;
    this.#byte(value < 0n ? 0xd3 : 0xcf);
    this.#view.setBigInt64(this.#at, BigInt.asIntN(64, value));
    this.#at += 8;
    return true;
  }

  #object(value: object): boolean {
    if (this.#depth > TREE_DEPTH_MAX || !this.#isFirstSight(value)) return false;
    const prototype: unknown = Object.getPrototypeOf(value);
    this.#depth += 1;
    let isWhole: boolean;
    if (prototype === Array.prototype) isWhole = Array.isArray(value) && this.#array(value);
    else if (prototype === Object.prototype || prototype === null) isWhole = this.#record(value);
    else isWhole = this.#leaf(value, prototype);
    this.#depth -= 1;
    return isWhole;
  }

  #isFirstSight(value: object): boolean {
    if (this.#set !== undefined) {
      const { size } = this.#set;
      this.#set.add(value);
      return this.#set.size !== size;
    }
    if (this.#list.includes(value)) return false;
    if (this.#list.push(value) > LIST_MAX) this.#set = new Set(this.#list);
    return true;
  }

  #array(array: readonly unknown[]): boolean {
    const { length } = array;
    const isWholeInColumns = this.#columns(array);
    if (isWholeInColumns !== undefined) return isWholeInColumns && array.length === length;
    if (length < 0x10) this.#byte(0x90 | length);
    else this.#head(0xdd, length);
    for (let i = 0; i < length; i++) {
      const element = array[i];
      if (element === undefined && !(i in array)) return false;
      if (!this.#value(element)) return false;
    }
    // A getter may have changed it.
    return array.length === length;
  }

  /** Writes an array as columns; undefined, and nothing is written, if it is none for them. */
  #columns(array: readonly unknown[]): boolean | undefined {
    const first = array[0];
    if (typeof first === 'number' || first === null) return this.#numbers(array);
    return isRow(first) ? this.#rows(array, first.length) : undefined;
  }

  #numbers(array: readonly unknown[]): true | undefined {
    const { length } = array;
    if (length < COLUMN_NUMBERS_MIN || areBytes(array)) return undefined;
    if (!this.#column.takeNumbers(array, length, COLUMN_NUMBERS_MIN) || !this.#column.scale()) return undefined;
    this.#byte(0xdc);
    this.#count(length);
    this.#endColumn();
    return true;
  }

  #rows(array: readonly unknown[], width: number): boolean | undefined {
    const { length } = array;
    if (length < COLUMN_ROWS_MIN || !areRows(array, width)) return undefined;
    const start = this.#at;
    this.#byte(0xde);
    this.#count(length);
    this.#byte(width);
    for (let place = 0; place < width; place++) {
      if (!this.#column.takeFromRows(array, length, place) || !this.#column.scale()) {
        this.#at = start;
        return undefined;
      }
      this.#endColumn();
    }
    for (let i = 0; i < length; i++) if (!this.#isFirstSight(array[i]!)) return false;
    return true;
  }

  #endColumn(): void {
    const column = this.#column;
    this.#reserve(column.bytesMax);
    this.#at = column.write(this.#buffer, this.#at);
  }

  /** A length in a byte, or in four of which the first begins with a one. */
  #count(length: number): void {
    if (length < 0x80) {
      this.#byte(length);
    } else {
      this.#reserve(0);
      this.#view.setUint32(this.#at, 0x8000_0000 + length);
      this.#at += 4;
    }
  }

  /** A token and a length in four bytes. */
  #head(token: number, length: number): true {
    this.#byte(token);
    this.#view.setUint32(this.#at, length);
    this.#at += 4;
    return true;
  }

  #record(object: object): boolean {
    const shapes = this.#shapes;
    let node: ShapeNode | undefined = shapes.root;
    let size = 0;
    // Keys are enumerated and not listed: V8 then also knows where each value lies.
    for (const key in object) {
      size += 1;
      if (node !== undefined) node = size > SHAPE_KEYS_MAX ? undefined : shapes.next(node, key);
    }
    const shape = node && (node.shape ?? shapes.learn(node, Object.keys(object)));
    return shape === undefined ? this.#map(object, size) : this.#shaped(object, shape);
  }

  #shaped(object: object, shape: Shape): boolean {
    const { id, keys } = shape;
    if (id < 0x1000) {
      this.#byte(0x80 | (id >>> 8));
      this.#byte(id);
    } else {
      this.#byte(0xc1);
      this.#byte(id >>> 16);
      this.#byte(id >>> 8);
      this.#byte(id);
    }
    const properties = object as Readonly<Record<string, unknown>>;
    let i = 0;
    for (const key in properties) {
      // A getter may have changed the object.
      if (key !== keys[i] || !this.#value(properties[key])) return false;
      i += 1;
    }
    return i === keys.length;
  }

  #map(object: object, size: number): boolean {
    this.#head(0xdf, size);
    const properties = object as Readonly<Record<string, unknown>>;
    let i = 0;
    for (const key in properties) {
      if (!this.#string(key) || !this.#value(properties[key])) return false;
      i += 1;
    }
    return i === size;
  }

  /** Dates and binary data. */
  #leaf(value: object, prototype: unknown): boolean {
    if (!isPlainLeaf(value, prototype)) return false;
    if (prototype === Date.prototype) return this.#extension(0xd7, 0x01) && this.#double((value as Date).getTime());
    const bytes = ArrayBuffer.isView(value)
      ? new Uint8Array(value.buffer, value.byteOffset, value.byteLength)
      : new Uint8Array(value as ArrayBuffer);
    const code = BINARY_CODES.get(prototype);
    if (code === undefined) this.#head(0xc6, bytes.length);
    else this.#head(0xc9, bytes.length + 1) && this.#byte(0x74) && this.#byte(code);
    this.#reserve(bytes.length);
    this.#buffer.set(bytes, this.#at);
    this.#at += bytes.length;
    return true;
  }

  #extension(token: number, type: number): true {
    return this.#byte(token) && this.#byte(type);
  }

  #double(value: number): true {
    this.#reserve(0);
    this.#view.setFloat64(this.#at, value);
    this.#at += 8;
    return true;
  }
}

/** Whether each element takes a byte as it is: null, and the smallest integers. */
function areBytes(array: readonly unknown[]): boolean {
  for (let i = 0; i < array.length; i++) {
    const element = array[i];
    if (element === null) continue;
    if (typeof element !== 'number' || (element | 0) !== element || element < -0x20 || element >= 0x80) return false;
  }
  return true;
}

/** Whether each element is an array that may be a row, so long. */
function areRows(array: readonly unknown[], width: number): array is readonly (readonly unknown[])[] {
  for (let i = 0; i < array.length; i++) {
    const row = array[i];
    if (!isRow(row) || row.length !== width) return false;
  }
  return true;
}

/** An array that may be a row of columns, by its class, its length and its first element. */
function isRow(value: unknown): value is readonly unknown[] {
  if (!Array.isArray(value) || Object.getPrototypeOf(value) !== Array.prototype) return false;
  return value.length > 0 && value.length <= ROW_NUMBERS_MAX && typeof value[0] === 'number';
}

/** Somebody has given all objects an enumerable property: enumerating keys would take it for each object's own. */
function inheritsKeys(): boolean {
  for (const _ in {}) return true;
  return false;
}
