/**
 * A column: numbers as integers over one power of ten, each as the difference from what the ones before it promise, so that
 * most take a byte or two.
 *
 *     0      bits 0-3: decimals; bits 4-5: what is promised; bit 6: there are nulls; bit 7: 0
 *     then   with nulls: a bit for each element, from the lowest of a byte up, that says whether it is a number
 *     then   a byte for each number, its head; behind all heads, what doesn't fit in them, the tails
 *
 * Promised is nothing (0), the number before (1), or that and as much more as it was more than its own (2); the first
 * number's is 0, the second's the first. A difference d is 2d, or −2d − 1 if it is negative. As many ones as a head begins with, so many bytes are in
 * its tail, the highest first; behind a 0 the rest of the head are the highest bits.
 *
 * The numbers lie in parts, and not each as a whole, because what compresses the message then finds the heads, which resemble
 * each other, together, and the noise of the tails apart.
 */
import { INTEGER_END, POWERS_OF_TEN } from './decimals.js';

export const HAS_NULLS = 0x40;
/** Longer rows aren't written by columns. */
export const ROW_NUMBERS_MAX = 3;
/** Bytes that a number takes at most, its head and its tail. */
const NUMBER_BYTES_MAX = 8;

/** Differences below this are exact, and so are differences of those. */
const DIFFERENCE_END = 2 ** 50;
/** Numbers by which it is decided what to promise. */
const SAMPLE = 64;
/** Room for up to so many numbers is kept between columns; for more it is made each time. */
const KEPT_NUMBERS = 4_096;

/** One column at a time: `take…`, then `scale`, then `write`. */
export class ColumnWriter {
  #numbers = new Float64Array(0);
  #integers = new Float64Array(0);
  #elements = 0;
  #count = 0;
  #decimals = 0;
  /** Where elements are null; empty if none is. */
  readonly #nulls: number[] = [];
  #least = 0;
  #most = 0;

  /** Takes over an array so long, of at least so many numbers, and nulls; false if it is none. */
  takeNumbers(array: readonly unknown[], length: number, numbersMin: number): boolean {
    this.#begin(length);
    const numbers = this.#numbers;
    for (let i = 0; i < this.#elements; i++) {
      const element = array[i];
      if (typeof element === 'number') numbers[this.#count++] = element;
      else if (element === null) this.#nulls.push(i);
      else return false;
    }
    return this.#count >= numbersMin;
  }

  /** Takes over one number of each of so many rows; false if one is none. */
  takeFromRows(rows: readonly (readonly unknown[])[], length: number, place: number): boolean {
    this.#begin(length);
    const numbers = this.#numbers;
    for (let i = 0; i < this.#elements; i++) {
      // Shorter than it was, or gone, if a getter has changed it.
      const element = rows[i]?.[place];
      if (typeof element !== 'number') return false;
      numbers[i] = element;
    }
    this.#count = this.#elements;
    return true;
  }

  #begin(elements: number): void {
    const kept = this.#numbers.length;
    if (elements > kept || kept > KEPT_NUMBERS) {
      const room = elements > KEPT_NUMBERS ? elements : Math.min(KEPT_NUMBERS, 2 * elements);
      this.#numbers = new Float64Array(room);
      this.#integers = new Float64Array(room);
    }
    this.#elements = elements;
    this.#count = 0;
    this.#nulls.length = 0;
  }

  /** Finds the fewest decimals that all numbers can do with; false if there are none, or one number is −0. */
  scale(): boolean {
    const numbers = this.#numbers;
    const integers = this.#integers;
    let decimals = 0;
    let power = 1;
    /** The numbers before this one were scaled by less. */
    let raisedAt = 0;
    this.#least = 0;
    this.#most = 0;
    for (let i = 0; i < this.#count; i++) {
      const number = numbers[i]!;
      let integer = Math.round(number * power);
      while (integer / power !== number) {
        decimals += 1;
        if (decimals === POWERS_OF_TEN.length) return false;
        power = POWERS_OF_TEN[decimals]!;
        integer = Math.round(number * power);
        raisedAt = i;
      }
      if (integer === 0 && 1 / number < 0) return false;
      integers[i] = integer;
      if (integer < this.#least) this.#least = integer;
      else if (integer > this.#most) this.#most = integer;
    }
    this.#decimals = decimals;
    return this.#rescale(raisedAt, power) && -this.#least < INTEGER_END && this.#most < INTEGER_END;
  }

  #rescale(end: number, power: number): boolean {
    for (let i = 0; i < end; i++) {
      const integer = Math.round(this.#numbers[i]! * power);
      if (integer / power !== this.#numbers[i]) return false;
      this.#integers[i] = integer;
      if (integer < this.#least) this.#least = integer;
      else if (integer > this.#most) this.#most = integer;
    }
    return true;
  }

  /** Bytes that `write` takes at most. */
  get bytesMax(): number {
    return 1 + this.#elements + this.#count * NUMBER_BYTES_MAX;
  }

  /** Writes the column, and returns where it ends. */
  write(buffer: Uint8Array, start: number): number {
    const promise = this.#promise();
    const hasNulls = this.#nulls.length > 0;
    buffer[start] = this.#decimals | (promise << 4) | (hasNulls ? HAS_NULLS : 0);
    return this.#writeNumbers(buffer, hasNulls ? this.#writePresence(buffer, start + 1) : start + 1, promise);
  }

  #writePresence(buffer: Uint8Array, start: number): number {
    const end = start + ((this.#elements + 7) >>> 3);
    buffer.fill(0xff, start, end);
    for (const i of this.#nulls) buffer[start + (i >>> 3)]! &= ~(1 << (i & 7));
    const unused = -this.#elements & 7;
    buffer[end - 1]! &= 0xff >>> unused;
    return end;
  }

  #writeNumbers(buffer: Uint8Array, start: number, promise: number): number {
    const integers = this.#integers;
    const count = this.#count;
    let tail = start + count;
    let before = 0;
    let step = 0;
    for (let i = 0; i < count; i++) {
      const integer = integers[i]!;
      const difference = integer - before - step;
      if (promise === 2 && i > 0) step = integer - before;
      if (promise > 0) before = integer;
      const sign = difference < 0 ? 1 : 0;
      const size = sign === 0 ? difference : -difference - 1;
      if (size < 0x40) {
        buffer[start + i] = (size << 1) | sign;
      } else if (size < 0x2000) {
        buffer[start + i] = 0x80 | (size >>> 7);
        buffer[tail++] = (size << 1) | sign;
      } else {
        tail = writeLong(buffer, start + i, tail, size, sign);
      }
    }
    return tail;
  }

  /** What makes the differences shortest, as far as a sample tells. */
  #promise(): number {
    if (!this.#areDifferencesExact()) return 0;
    const integers = this.#integers;
    const every = Math.max(1, Math.floor(this.#count / SAMPLE));
    let [none, same, more] = [0, 0, 0];
    for (let i = 1; i < this.#count; i += every) {
      const step = integers[i]! - integers[i - 1]!;
      none += bitsOf(integers[i]!);
      same += bitsOf(step);
      more += bitsOf(i > 1 ? step - integers[i - 1]! + integers[i - 2]! : step);
    }
    if (more < same && more < none) return 2;
    return same < none ? 1 : 0;
  }
  #areDifferencesExact(): boolean {
    if (this.#most < DIFFERENCE_END && -this.#least < DIFFERENCE_END) return true;
    const integers = this.#integers;
    for (let i = 1; i < this.#count; i++) {
      if (Math.abs(integers[i]! - integers[i - 1]!) >= DIFFERENCE_END) return false;
    }
    return true;
  }
}

function bitsOf(integer: number): number {
  const size = Math.abs(integer);
  return size < 2 ** 32 ? 32 - Math.clz32(size) : 64 - Math.clz32(size / 2 ** 32);
}

/** A difference of 14 bits and more, beside the sign; returns where its tail ends. */
function writeLong(buffer: Uint8Array, head: number, tail: number, size: number, sign: number): number {
  let tailBytes = 2;
  while (size >= 2 ** (6 + 7 * tailBytes)) tailBytes += 1;
  const high = Math.floor(size / 2 ** 31);
  const low = (size << 1) | sign;
  buffer[head] = (0xff00 >> tailBytes) | byteOf(high, low, tailBytes);
  for (let place = 0; place < tailBytes; place++) buffer[tail + tailBytes - 1 - place] = byteOf(high, low, place);
  return tail + tailBytes;
}

/** The byte at a place of 64 bits, the lowest at 0. */
function byteOf(high: number, low: number, place: number): number {
  return (place < 4 ? low >>> (8 * place) : high >>> (8 * (place - 4))) & 0xff;
}
