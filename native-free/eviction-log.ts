/**
 * The last evictions of a shard: a ring of records of a fixed size.
 *
 *     log:     word 0  records ever written, modulo 2^32      16..  records
 *     record:  word 0  its number, from 1                    word 4  ticks since the last use
 *              word 1  tick                                   word 5..15  the first bytes of the key
 *              word 2  key bytes (16), type (8), cause (8)
 *              word 3  bytes of key and value
 *
 * Written under the shard's lock, without journal; read under none. The number is written first, and the count last:
 * a reader that finds the number that it expects before and after its copy has copied a whole record, and looks for no
 * number that isn't counted. A death leaves at most a record that isn't, which the next writer begins anew.
 */
import { checkpoint, load, store, type Words } from '#atomics';
import type { SeqlockReader } from './seqlock.js';

const HEADER_WORDS = 16;
const RECORD_WORDS = 16;
const RECORD = { number: 0, tick: 1, what: 2, bytes: 3, age: 4, key: 5 } as const;

/** Bytes of a key that a record keeps. */
export const LOGGED_KEY_BYTES: number = (RECORD_WORDS - RECORD.key) * 4;

/** Words of a log with so many records. */
export function evictionLogWords(records: number): number {
  return HEADER_WORDS + records * RECORD_WORDS;
}

export interface LoggedEviction {
  readonly tick: number;
  readonly type: number;
  readonly cause: number;
  /** Bytes of the key and the value. */
  readonly bytes: number;
  readonly ageTicks: number;
  readonly keyBytes: number;
  /** The first bytes of the key, LOGGED_KEY_BYTES at most. */
  readonly key: Uint8Array;
}

export class EvictionLog {
  readonly #words: Words;
  readonly #records: number;
  readonly #seqlock: SeqlockReader;

  /** Logs in `words`, with room for `records` each. */
  constructor(words: Words, records: number, seqlock: SeqlockReader) {
    this.#words = words;
    this.#records = records;
    this.#seqlock = seqlock;
  }

  /** Appends to the log at `base`. The key stands in `source` at `keyAt`. Under the lock that guards the log. */
  appendLocked(
    base: number,
    tick: number,
    ageTicks: number,
    type: number,
    cause: number,
    bytes: number,
    keyBytes: number,
    source: Words,
    keyAt: number,
  ): void {
    const words = this.#words;
    const number = (words[base]! + 1) | 0;
    const at = this.#at(base, number);
    store(words, at + RECORD.number, number);
    // Keeps the stores of the record behind it on arm64.
    load(words, at + RECORD.number);
    words[at + RECORD.tick] = tick;
    words[at + RECORD.what] = keyBytes | (type << 16) | (cause << 24);
    words[at + RECORD.bytes] = bytes;
    checkpoint();
    words[at + RECORD.age] = ageTicks;
    const keyWords = (Math.min(keyBytes, LOGGED_KEY_BYTES) + 3) >>> 2;
    for (let i = 0; i < keyWords; i++) words[at + RECORD.key + i] = source[keyAt + i]!;
    store(words, base, number);
  }

  /** The whole records of the log at `base`, newest first. Those that are overwritten meanwhile are left out. */
  *newestFirst(base: number): Generator<LoggedEviction, void, undefined> {
    const newest = load(this.#words, base);
    for (let i = 0; i < this.#records; i++) {
      const record = this.#read(base, (newest - i) | 0);
      if (record !== undefined) yield record;
    }
  }

  #at(base: number, number: number): number {
    return base + HEADER_WORDS + ((number >>> 0) % this.#records) * RECORD_WORDS;
  }

  #read(base: number, number: number): LoggedEviction | undefined {
    const at = this.#at(base, number);
    if (number === 0 || load(this.#words, at + RECORD.number) !== number) return undefined;
    const copy = new Int32Array(RECORD_WORDS);
    for (let i = 0; i < RECORD_WORDS; i++) copy[i] = this.#words[at + i]!;
    checkpoint();
    if (!this.#seqlock.isValid(this.#words, at + RECORD.number, number)) return undefined;
    const what = copy[RECORD.what]!;
    const keyBytes = what & 0xffff;
    const key = new Uint8Array(copy.buffer, RECORD.key * 4, Math.min(keyBytes, LOGGED_KEY_BYTES));
    return {
      tick: copy[RECORD.tick]!,
      type: (what >>> 16) & 0xff,
      cause: what >>> 24,
      bytes: copy[RECORD.bytes]! >>> 0,
      ageTicks: copy[RECORD.age]!,
      keyBytes,
      key,
    };
  }
}
