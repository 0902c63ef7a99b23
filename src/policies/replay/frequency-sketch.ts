/**
 * How often objects were asked for of late: a count-min sketch of four rows of four-bit counters (Cormode and Muthukrishnan,
 * "An improved data stream summary", Journal of Algorithms 55(1), 2005) that is halved after every ten requests for each
 * object stored (Einziger, Friedman, Manes, "TinyLFU: a highly efficient cache admission policy", ACM Transactions on
 * Storage 13(4), 2017). State: 8 to 16 bytes an object stored, 16 counters rounded up to a power of two.
 */
import { ceilPower } from '../../../native-free/index.js';

const ROWS = 4;
const COUNTER_MAX = 15;
/** Requests for each object, after which counters are halved. */
const SAMPLE_FACTOR = 10;
const OBJECTS_MIN = 8;
/** Every counter of a word, halved: the bit that comes from the neighbour is masked out. */
const HALVED = 0x77777777;
/** Odd, one a row. */
const MULTIPLIERS = [0x9e3779b1, 0x85ebca77, 0xc2b2ae3d, 0x27d4eb2f] as const;

export class FrequencySketch {
  readonly #seed: number;
  #objects: number;
  /** Row after row, eight counters a word. */
  #words: Int32Array;
  #additions = 0;

  constructor(objects: number, seed: number) {
    this.#seed = Math.imul(seed, 0x2545f491);
    this.#objects = Math.max(OBJECTS_MIN, objects);
    this.#words = new Int32Array(ROWS * this.#rowWords());
  }

  /** Requests in one sample: after as many the counters are halved. */
  get sampleSize(): number {
    return SAMPLE_FACTOR * this.#objects;
  }

  /** Makes place for so many objects. What was counted stays true: each row is laid out as often as it grows. */
  reserve(objects: number): void {
    if (objects <= this.#objects) return;
    const before = this.#words;
    const rowBefore = this.#rowWords();
    this.#objects = ceilPower(objects);
    const row = this.#rowWords();
    if (row === rowBefore) return;
    this.#words = new Int32Array(ROWS * row);
    for (let r = 0; r < ROWS; r++) {
      const counts = before.subarray(r * rowBefore, (r + 1) * rowBefore);
      for (let at = 0; at < row; at += rowBefore) this.#words.set(counts, r * row + at);
    }
  }

  /** 0 to 15; never too low since the last halving, but for counters that are full. */
  estimate(id: number): number {
    let least = COUNTER_MAX;
    for (let row = 0; row < ROWS; row++) {
      const counter = this.#counter(id, row);
      least = Math.min(least, (this.#words[counter >>> 3]! >>> shiftOf(counter)) & COUNTER_MAX);
    }
    return least;
  }

  add(id: number): void {
    let isAdded = false;
    for (let row = 0; row < ROWS; row++) {
      const counter = this.#counter(id, row);
      const shift = shiftOf(counter);
      if (((this.#words[counter >>> 3]! >>> shift) & COUNTER_MAX) === COUNTER_MAX) continue;
      this.#words[counter >>> 3]! += 1 << shift;
      isAdded = true;
    }
    if (!isAdded) return;
    this.#additions += 1;
    if (this.#additions >= this.sampleSize) this.#halve();
  }

  #halve(): void {
    for (let i = 0; i < this.#words.length; i++) this.#words[i] = (this.#words[i]! >>> 1) & HALVED;
    this.#additions >>>= 1;
  }

  #rowWords(): number {
    return ceilPower(this.#objects) / 2;
  }

  #counter(id: number, row: number): number {
    const words = this.#words.length / ROWS;
    let hash = Math.imul((id + 1) ^ this.#seed, MULTIPLIERS[row]!);
    hash = Math.imul(hash ^ (hash >>> 15), 0x2c1b3c6d);
    hash ^= hash >>> 13;
    return row * words * 8 + (hash & (words * 8 - 1));
  }
}

/** Where a counter lies in its word. */
function shiftOf(counter: number): number {
  return (counter & 7) << 2;
}
