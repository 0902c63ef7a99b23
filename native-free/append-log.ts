/**
 * Records of bytes that all threads append and read. What is in the log never changes and never goes; when there is no
 * room left, nothing more is taken.
 *
 *     log:     word 0, 1  lock                   16..  the records, one behind the other
 *              word 2     records in the log     last  where record 0 begins; before it record 1, and so on
 *     record:  word 0     bytes (24), kind (8)
 *              word 1..   the bytes
 *
 * Writers take the lock, a leaf of the lock order; readers take none. The count is stored last, and everything else
 * follows from the records that it counts. So a death under the lock leaves words that nobody looks at, which the next
 * writer overwrites: there is nothing to repair.
 */
import { checkpoint, load, store, type Words } from '#atomics';
import { alignUp } from './bits.js';
import { acquire, isHeldBy, LOCK_BUSY, release } from './mutex.js';
import type { OwnerTable } from './owners.js';

const LOCK = 0;
const COUNT = 2;
const HEADER_WORDS = 16;
const KIND_SHIFT = 24;
const BYTES_MASK = 0xffffff;
const LOCK_WAIT_MS = 20;

/** What `append` returns instead of a number: no room, and there won't be any. */
export const LOG_FULL = -1;
/** The lock could not be had within its bound; to be tried again, or done without. */
export const LOG_BUSY = -2;
/** The log has records that the caller has not seen: one of them may be what it was about to append. */
export const LOG_MOVED = -3;

/** What the records of the log are for. */
export const RECORD_KIND = { shape: 1, dictionary: 2 } as const;

/** What a record of so many bytes takes of the log, its head and its place in the table included. */
export function recordBytes(bytes: number): number {
  return 8 + alignUp(bytes, 4);
}

/** Bytes of a log without records. */
export const LOG_HEADER_BYTES: number = HEADER_WORDS * 4;

/** Where the log lies, and who appends. */
export interface AppendLogSetup {
  readonly words: Words;
  /** Its first word, and how many it has in all: 0 for a log that takes nothing. */
  readonly base: number;
  readonly size: number;
  readonly token: number;
  readonly owners: OwnerTable;
}

export class AppendLog {
  /** This thread has the lock, or is about to: within `append`, or left by one that was abandoned. */
  isHeld = false;
  readonly #words: Words;
  readonly #bytes: Uint8Array<SharedArrayBuffer>;
  readonly #base: number;
  readonly #size: number;
  readonly #token: number;
  readonly #owners: OwnerTable;

  constructor({ words, base, size, token, owners }: AppendLogSetup) {
    this.#words = words;
    this.#bytes = new Uint8Array(words.buffer, words.byteOffset, words.byteLength);
    this.#base = base;
    this.#size = size;
    this.#token = token;
    this.#owners = owners;
  }

  /** Records in the log. They are numbered from 0. */
  get count(): number {
    return this.#size === 0 ? 0 : load(this.#words, this.#base + COUNT);
  }

  /** Bytes that records can take, their heads and the table of their places included. */
  get bytesTotal(): number {
    return Math.max(0, this.#size - HEADER_WORDS) * 4;
  }

  /** Bytes of those that are taken. */
  get bytesUsed(): number {
    const { count } = this;
    return (this.#endOf(count) - this.#base - HEADER_WORDS + count) * 4;
  }

  /** The kind of record `number`, which is in the log. */
  kindOf(number: number): number {
    return this.#words[this.#at(number)]! >>> KIND_SHIFT;
  }

  /** A copy of the bytes of record `number`, which is in the log. */
  read(number: number): Uint8Array {
    const at = this.#at(number);
    const copy = new Uint8Array(this.#words[at]! & BYTES_MASK);
    copy.set(this.#bytes.subarray((at + 1) * 4, (at + 1) * 4 + copy.length));
    return copy;
  }

  /**
   * Appends a record of `kind`, 1 to 255, if the log has `seen` records: so of two threads that append the same at once,
   * one gets to see the other's first. Returns its number, or LOG_FULL, LOG_BUSY, LOG_MOVED.
   */
  append(kind: number, bytes: Uint8Array, seen: number): number {
    if (this.count !== seen) return LOG_MOVED;
    if (!this.#hasRoom(seen, bytes.length)) return LOG_FULL;
    this.isHeld = true;
    const lock = this.#base + LOCK;
    if (acquire(this.#words, lock, this.#token, this.#owners, LOCK_WAIT_MS) === LOCK_BUSY) {
      this.isHeld = false;
      return LOG_BUSY;
    }
    const isNext = this.count === seen;
    if (isNext) this.#appendLocked(kind, bytes, seen);
    release(this.#words, lock);
    this.isHeld = false;
    return isNext ? seen : LOG_MOVED;
  }

  #appendLocked(kind: number, bytes: Uint8Array, number: number): void {
    const at = this.#endOf(number);
    this.#words[at] = (kind << KIND_SHIFT) | bytes.length;
    checkpoint();
    this.#bytes.set(bytes, (at + 1) * 4);
    checkpoint();
    this.#words[this.#placeOf(number)] = at - this.#base;
    store(this.#words, this.#base + COUNT, number + 1);
  }

  #hasRoom(count: number, bytes: number): boolean {
    if (bytes > BYTES_MASK || this.#size === 0) return false;
    return this.#endOf(count) + 1 + ((bytes + 3) >>> 2) <= this.#placeOf(count);
  }

  /** The word that says where a record begins. */
  #placeOf(number: number): number {
    return this.#base + this.#size - 1 - number;
  }

  #at(number: number): number {
    return this.#base + this.#words[this.#placeOf(number)]!;
  }

  /** Where the last of so many records ends. */
  #endOf(count: number): number {
    if (count === 0) return this.#base + HEADER_WORDS;
    const at = this.#at(count - 1);
    return at + 1 + (((this.#words[at]! & BYTES_MASK) + 3) >>> 2);
  }

  /** Lets go of the lock that an append of this thread has left when it was abandoned. */
  letGo(): void {
    if (this.isHeld && isHeldBy(this.#words, this.#base + LOCK, this.#token)) release(this.#words, this.#base + LOCK);
    this.isHeld = false;
  }

  /** One sentence for each record that is not where the one before it ends, or has no kind, and for what doesn't fit. */
  problems(): string[] {
    const { count } = this;
    const sentences: string[] = [];
    if (this.#size === 0) return sentences;
    if (count < 0 || count > this.bytesTotal / 8) return [`${count} records are more than there is room for`];
    for (let number = 0; number < count; number++) {
      const expected = this.#endOf(number) - this.#base;
      const found = this.#words[this.#placeOf(number)]!;
      if (found !== expected) return [...sentences, `record ${number} begins at ${found} instead of ${expected}`];
      if (this.kindOf(number) === 0) sentences.push(`record ${number} has no kind`);
    }
    if (this.#endOf(count) > this.#placeOf(count - 1))
      sentences.push('the records reach into the table of their places');
    return sentences;
  }
}
