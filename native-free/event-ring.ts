/**
 * A ring of records from all threads to all listeners. Writers take its lock, a leaf of the lock order; readers take
 * none and keep a cursor of their own.
 *
 *     record:  word 0  words in the record      word 3  thread id
 *              word 1  kind, type, cause        word 4  bytes of the key
 *              word 2  bytes                    word 5..  the key
 *
 * `head` and `tail` count words modulo 2^32. A writer moves the tail over what it is going to overwrite before it
 * writes, and the head when the record is whole. So a reader that finds its cursor still at or after the tail once it
 * has copied a record has copied a whole one. A death under the lock leaves at most a tail too far ahead: old records
 * are lost, none is torn, and there is nothing to repair.
 */
import { add, load, store, type Words } from '#atomics';
import { acquire, LOCK_BUSY, release } from './mutex.js';
import type { OwnerTable } from './owners.js';

const HEAD = 1;
const TAIL = 2;
const DROPPED = 3;
const RECORD_HEADER = 5;
const LOCK_WAIT_MS = 20;

/** The ring's lock, two words from its start. */
export const EVENT_RING_LOCK = 14;
/** Words before the ring's data. */
export const EVENT_RING_HEADER = 16;

export interface RingRecord {
  readonly kind: number;
  readonly type: number;
  readonly cause: number;
  readonly bytes: number;
  readonly threadId: number;
  readonly key: Uint8Array;
}

export class EventRing {
  readonly #words: Words;
  readonly #base: number;
  readonly #size: number;

  /** `size` words of data, a power of two, behind the header at `base`. */
  constructor(words: Words, base: number, size: number) {
    this.#words = words;
    this.#base = base;
    this.#size = size;
  }

  get lockIndex(): number {
    return this.#base + EVENT_RING_LOCK;
  }

  /** Where a listener that begins now should read from. */
  get head(): number {
    return load(this.#words, this.#base + HEAD);
  }

  get dropped(): number {
    return load(this.#words, this.#base + DROPPED) >>> 0;
  }

  /** Appends a record, or counts it as dropped: if its key is too long for the ring, or the lock can't be had. */
  append(
    kind: number,
    type: number,
    cause: number,
    bytes: number,
    threadId: number,
    key: Uint8Array,
    keyStart: number,
    keyBytes: number,
    token: number,
    owners: OwnerTable,
  ): void {
    const length = RECORD_HEADER + ((keyBytes + 3) >>> 2);
    if (length > this.#size >>> 2 || acquire(this.#words, this.lockIndex, token, owners, LOCK_WAIT_MS) === LOCK_BUSY) {
      add(this.#words, this.#base + DROPPED, 1);
      return;
    }
    const head = load(this.#words, this.#base + HEAD);
    this.#makeRoom(head, length);
    this.#put(head, length);
    this.#put(head + 1, kind | (type << 8) | (cause << 16));
    this.#put(head + 2, bytes);
    this.#put(head + 3, threadId);
    this.#put(head + 4, keyBytes);
    for (let i = 0; i < keyBytes; i += 4)
      this.#put(head + RECORD_HEADER + (i >>> 2), packWord(key, keyStart, i, keyBytes));
    store(this.#words, this.#base + HEAD, (head + length) | 0);
    release(this.#words, this.lockIndex);
  }

  /**
   * Reads the record at `cursor`. Returns the next cursor; `visit` is not called when there was none, or when the
   * writers have lapped the reader, in which case the records that were lost count as dropped.
   */
  read(cursor: number, visit: (record: RingRecord) => void): number {
    if (cursor === load(this.#words, this.#base + HEAD)) return cursor;
    const tail = load(this.#words, this.#base + TAIL);
    if (((cursor - tail) | 0) < 0) return this.#lapped(tail);
    const length = this.#get(cursor);
    if (length < RECORD_HEADER || length > this.#size >>> 2) return this.#lapped(load(this.#words, this.#base + TAIL));
    const record = this.#copy(cursor, length);
    const after = load(this.#words, this.#base + TAIL);
    if (((cursor - after) | 0) < 0) return this.#lapped(after);
    visit(record);
    return (cursor + length) | 0;
  }

  #copy(cursor: number, length: number): RingRecord {
    const what = this.#get(cursor + 1);
    const keyBytes = Math.min(this.#get(cursor + 4) >>> 0, (length - RECORD_HEADER) * 4);
    const key = new Uint8Array(keyBytes);
    for (let i = 0; i < keyBytes; i++) key[i] = this.#get(cursor + RECORD_HEADER + (i >>> 2)) >>> ((i & 3) * 8);
    return {
      kind: what & 0xff,
      type: (what >>> 8) & 0xff,
      cause: (what >>> 16) & 0xff,
      bytes: this.#get(cursor + 2) >>> 0,
      threadId: this.#get(cursor + 3),
      key,
    };
  }

  #lapped(tail: number): number {
    add(this.#words, this.#base + DROPPED, 1);
    return tail;
  }

  #makeRoom(head: number, length: number): void {
    let tail = load(this.#words, this.#base + TAIL);
    // Each step passes one whole record, of at least RECORD_HEADER words: the loop is bounded by the ring's size.
    while (((head + length - tail) | 0) > this.#size) tail = (tail + Math.max(RECORD_HEADER, this.#get(tail))) | 0;
    store(this.#words, this.#base + TAIL, tail);
    // Keeps the stores of the record behind the new tail on arm64.
    load(this.#words, this.#base + TAIL);
  }

  #get(position: number): number {
    return this.#words[this.#base + EVENT_RING_HEADER + (position & (this.#size - 1))]!;
  }

  #put(position: number, value: number): void {
    this.#words[this.#base + EVENT_RING_HEADER + (position & (this.#size - 1))] = value;
  }
}

function packWord(bytes: Uint8Array, start: number, offset: number, length: number): number {
  let word = 0;
  for (let i = 0; i < 4 && offset + i < length; i++) word |= bytes[start + offset + i]! << (i * 8);
  return word;
}
