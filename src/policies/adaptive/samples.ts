/**
 * Uses of a sample of the keys, reported by the threads to the warden: a ring in shared memory, all of it hints. Keys are
 * sampled by their hash, so all uses of a key are seen or none (Waldspurger et al., "SHARDS", FAST '15). A report that a
 * late or dead thread leaves unwritten is read as that of a lap before; one that the warden is too slow for is lost.
 */
import { add, load, store, type Words } from '#atomics';
import { eighthsOf } from './ranks.js';

const HEAD = 0;
const SHIFT = 1;
const FIRST = 16;
const RECORD_WORDS = 2;
/** A record's second word: the clock of the key's shard (20 bits), and the size as an eighth of an octave. */
const NOW_BITS = 20;
export const NOW_MASK: number = (1 << NOW_BITS) - 1;

/** Words of a ring of so many records. */
export function sampleWords(records: number): number {
  return FIRST + records * RECORD_WORDS;
}

export class Samples {
  readonly #words: Words;
  readonly #start: number;
  readonly #mask: number;

  /** A ring of `records`, a power of two, from word `start` on. */
  constructor(words: Words, start: number, records: number) {
    this.#words = words;
    this.#start = start;
    this.#mask = records - 1;
  }

  /** Reports a use, if the key is of the sample. `now`: the clock of its shard. */
  report(hash: number, now: number, bytes: number): void {
    const shift = this.#words[this.#start + SHIFT]!;
    if (!isSampled(hash, shift)) return;
    const record = this.#start + FIRST + (add(this.#words, this.#start + HEAD, 1) & this.#mask) * RECORD_WORDS;
    this.#words[record] = hash;
    this.#words[record + 1] = (now & NOW_MASK) | (eighthsOf(bytes) << NOW_BITS);
  }

  /** One key in 2^shift is sampled from now on. */
  setShift(shift: number): void {
    store(this.#words, this.#start + SHIFT, shift);
  }

  /** How many reports there have been, modulo 2^32. */
  get head(): number {
    return load(this.#words, this.#start + HEAD);
  }

  /** Hands on up to `most` reports from number `from` on; those that are overwritten are left out. Returns where to go on. */
  read(from: number, most: number, take: (hash: number, now: number, size8: number) => void): number {
    const { head } = this;
    // A little behind the oldest, which may be overwritten right now.
    const kept = this.#mask - (this.#mask >>> 3);
    const first = ((head - from) | 0) > kept ? (head - kept) | 0 : from;
    const count = Math.min(most, Math.max(0, (head - first) | 0));
    for (let i = 0; i < count; i++) {
      const record = this.#start + FIRST + ((first + i) & this.#mask) * RECORD_WORDS;
      const word = this.#words[record + 1]!;
      take(this.#words[record]!, word & NOW_MASK, word >>> NOW_BITS);
    }
    return (first + count) | 0;
  }
}

/** Whether a key is among the one in 2^shift that are sampled. */
export function isSampled(hash: number, shift: number): boolean {
  return shift === 0 || hash >>> (32 - shift) === 0;
}
