/** Reads the columns that `ColumnWriter` has written; see there. */
import { CodecError } from '../errors.js';
import { INTEGER_END, POWERS_OF_TEN } from './decimals.js';
import { HAS_NULLS, ROW_NUMBERS_MAX } from './msgpack-column-writer.js';

/** Room for up to so many numbers is kept between columns; for more it is made each time. */
const KEPT_NUMBERS = 4_096;

/** One column, or the columns of some rows, at a time. */
export class ColumnReader {
  /** Where the column that was read last ends. */
  end = 0;
  /** The numbers of each column of rows; an array has one. */
  readonly #kept: Float64Array[] = Array.from({ length: ROW_NUMBERS_MAX }, () => new Float64Array(0));

  /** So many numbers and nulls, in one column. */
  readArray(bytes: Uint8Array, start: number, end: number, length: number): (number | null)[] {
    const head = headAt(bytes, start, end);
    if (head & HAS_NULLS) return this.#readSparse(bytes, start + 1, end, length, head & ~HAS_NULLS);
    const numbers = this.#read(bytes, start + 1, end, length, head, 0);
    const array: number[] = [];
    for (let i = 0; i < length; i++) array.push(numbers[i]!);
    return array;
  }

  /** So many arrays of `width` numbers, 1 to 3, in a column for each place. */
  readRows(bytes: Uint8Array, start: number, end: number, length: number, width: number): number[][] {
    this.end = start;
    const columns: Float64Array[] = [];
    for (let place = 0; place < width; place++) {
      columns.push(this.#read(bytes, this.end + 1, end, length, headAt(bytes, this.end, end), place));
    }
    return rowsOf(columns, length);
  }

  #readSparse(bytes: Uint8Array, start: number, end: number, length: number, head: number): (number | null)[] {
    const count = countPresent(bytes, start, end, length);
    const numbers = this.#read(bytes, start + bitmapBytes(length), end, count, head, 0);
    const array: (number | null)[] = [];
    let taken = 0;
    for (let i = 0; i < length; i++) array.push(isPresent(bytes, start, i) ? numbers[taken++]! : null);
    return array;
  }

  #read(bytes: Uint8Array, start: number, end: number, count: number, head: number, place: number): Float64Array {
    checkColumn(start, end, count, head);
    const numbers = this.#room(count, place);
    const promise = head >>> 4;
    const power = POWERS_OF_TEN[head & 0x0f]!;
    let tail = start + count;
    let before = 0;
    let step = 0;
    for (let i = 0; i < count; i++) {
      const code = bytes[start + i]!;
      let difference: number;
      if (code < 0x80) {
        difference = (code >>> 1) ^ -(code & 1);
      } else if (code < 0xc0) {
        const low = bytes[tail++]!;
        difference = (((code & 0x3f) << 7) | (low >>> 1)) ^ -(low & 1);
      } else {
        const tailBytes = Math.clz32(~code << 24);
        difference = longDifference(bytes, code, tail, tailBytes);
        tail += tailBytes;
      }
      // In this order: what is promised, the sum of the first two, may be past what is exact.
      const integer = before + (step + difference);
      // Tails behind the end are found out last; what they make of the number doesn't matter.
      if (integer >= INTEGER_END || integer <= -INTEGER_END)
        throw new CodecError('column with a number that is too large');
      if (promise > 0) {
        if (promise === 2 && i > 0) step = integer - before;
        before = integer;
      }
      numbers[i] = integer / power;
    }
    if (tail > end) throw new CodecError('message ends inside a column');
    this.end = tail;
    return numbers;
  }

  #room(count: number, place: number): Float64Array {
    const kept = this.#kept[place]!;
    if (count <= kept.length) return kept;
    const numbers = new Float64Array(count > KEPT_NUMBERS ? count : Math.min(KEPT_NUMBERS, 2 * count));
    if (count <= KEPT_NUMBERS) this.#kept[place] = numbers;
    return numbers;
  }
}

/** Where the column of so many numbers and nulls ends, which nobody wants. */
export function arrayEnd(bytes: Uint8Array, start: number, end: number, length: number): number {
  const head = headAt(bytes, start, end);
  if ((head & HAS_NULLS) === 0) return columnEnd(bytes, start + 1, end, length, head);
  const count = countPresent(bytes, start + 1, end, length);
  return columnEnd(bytes, start + 1 + bitmapBytes(length), end, count, head & ~HAS_NULLS);
}

/** The same for the columns of so many arrays of `width` numbers. */
export function rowsEnd(bytes: Uint8Array, start: number, end: number, length: number, width: number): number {
  let at = start;
  for (let place = 0; place < width; place++) {
    at = columnEnd(bytes, at + 1, end, length, headAt(bytes, at, end));
  }
  return at;
}

function columnEnd(bytes: Uint8Array, start: number, end: number, count: number, head: number): number {
  checkColumn(start, end, count, head);
  let tail = start + count;
  for (let at = start; at < start + count; at++) {
    const code = bytes[at]!;
    if (code === 0xff) throw new CodecError('column with a number that is too large');
    tail += code < 0x80 ? 0 : Math.clz32(~code << 24);
  }
  if (tail > end) throw new CodecError('message ends inside a column');
  return tail;
}

/** Each number has a head: so no more are made than there are bytes. */
function checkColumn(start: number, end: number, count: number, head: number): void {
  if (count > end - start) throw new CodecError('message ends inside a column');
  if (head >= 0x30) throw new CodecError(`unknown column ${head}`);
}

/** Of a column with nulls: bytes of the bits that say which of so many are numbers. */
function bitmapBytes(length: number): number {
  return (length + 7) >>> 3;
}

function isPresent(bytes: Uint8Array, start: number, i: number): boolean {
  return ((bytes[start + (i >>> 3)]! >>> (i & 7)) & 1) === 1;
}

function countPresent(bytes: Uint8Array, start: number, end: number, length: number): number {
  const bitmapEnd = start + bitmapBytes(length);
  if (bitmapEnd > end) throw new CodecError('message ends inside a column');
  if ((length & 7) > 0 && bytes[bitmapEnd - 1]! >>> (length & 7) > 0)
    throw new CodecError('column with a number too many');
  let count = 0;
  for (let i = 0; i < length; i++) if (isPresent(bytes, start, i)) count += 1;
  return count;
}

/** Literals have just the room that they need, and are the quickest to make. */
function rowsOf(columns: readonly Float64Array[], length: number): number[][] {
  const [first, second, third] = columns;
  const rows: number[][] = [];
  if (second === undefined) for (let i = 0; i < length; i++) rows.push([first![i]!]);
  else if (third === undefined) for (let i = 0; i < length; i++) rows.push([first![i]!, second[i]!]);
  else for (let i = 0; i < length; i++) rows.push([first![i]!, second[i]!, third[i]!]);
  return rows;
}

function headAt(bytes: Uint8Array, start: number, end: number): number {
  if (start >= end) throw new CodecError('message ends inside a column');
  return bytes[start]!;
}

/** The difference that a head and so many bytes of its tail, two to seven, stand for. */
function longDifference(bytes: Uint8Array, head: number, tail: number, tailBytes: number): number {
  if (tailBytes > 7) throw new CodecError('column with a number that is too large');
  let size = head & (0x7f >>> tailBytes);
  const last = tail + tailBytes - 1;
  for (let i = tail; i < last; i++) size = size * 0x100 + bytes[i]!;
  size = size * 0x80 + (bytes[last]! >>> 1);
  return bytes[last]! % 2 === 0 ? size : -size - 1;
}
