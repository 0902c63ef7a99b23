/**
 * An undo journal in shared memory: what makes a critical section survive the death of its thread anywhere.
 *
 *     record:  word 0  entries in use      words 4..7  open sequences (addresses)
 *              word 1  sequences open      words 8..   entries: address, old value
 *
 * Every store to what the lock guards goes through `write`, which first notes the old value; but for numbers that only move forward, as generations do, since a reader
 * may have them from what is undone. `commit` empties the
 * journal by one store. Whoever takes a lock from a thread that is gone calls `recover`: it puts the old values back,
 * last first. Putting back twice changes nothing, so a recovery may itself be killed and begun again by another.
 *
 * Sequences (see seqlock.ts) aren't put back, they only move forward: odd while the section may still be undone,
 * even again after the commit, or after the recovery. So a reader accepts a state only when it can't be undone.
 *
 * An address is a segment number (4 bits) and a word in that segment (28 bits).
 */
import { checkpoint, load, store, type Words } from '#atomics';
import { assert } from './assert.js';

const COUNT = 0;
const OPEN_COUNT = 1;
const OPEN_FIRST = 4;
const OPEN_MAX = 4;
const ENTRIES = 8;
const WORD_MASK = 0x0fffffff;
const SEGMENT_SHIFT = 28;

/** Words of a journal record with room for `entries` stores. */
export function journalWords(entries: number): number {
  return ENTRIES + entries * 2;
}

export class Journal {
  readonly #segments: readonly Words[];
  readonly #meta: Words;
  readonly #capacity: number;
  #base = 0;
  #count = 0;
  #open = 0;

  /** Journal records lie in segment 0, each with room for `capacity` entries. */
  constructor(segments: readonly Words[], capacity: number) {
    this.#segments = segments;
    this.#meta = segments[0]!;
    this.#capacity = capacity;
  }

  /** Begins a transaction on the record at `base`; its lock is held, and the record is empty. */
  begin(base: number): void {
    this.#base = base;
    this.#count = 0;
    this.#open = 0;
  }

  /** Entries that the transaction may still write. */
  get room(): number {
    return this.#capacity - this.#count;
  }

  write(segment: number, index: number, value: number): void {
    const words = this.#segments[segment]!;
    const count = this.#count;
    assert(count < this.#capacity, 'journal full');
    const entry = this.#base + ENTRIES + count * 2;
    this.#meta[entry] = (segment << SEGMENT_SHIFT) | index;
    this.#meta[entry + 1] = words[index]!;
    checkpoint();
    this.#count = count + 1;
    this.#meta[this.#base + COUNT] = count + 1;
    checkpoint();
    words[index] = value;
    checkpoint();
  }

  /** Makes a sequence odd until the commit. Opening one twice in a transaction is fine. */
  open(segment: number, index: number): void {
    const words = this.#segments[segment]!;
    const sequence = load(words, index);
    if ((sequence & 1) !== 0) return;
    assert(this.#open < OPEN_MAX, 'too many sequences open');
    this.#meta[this.#base + OPEN_FIRST + this.#open] = (segment << SEGMENT_SHIFT) | index;
    checkpoint();
    this.#open += 1;
    this.#meta[this.#base + OPEN_COUNT] = this.#open;
    checkpoint();
    store(words, index, (sequence + 1) | 0);
    // On arm64 later plain stores may pass a releasing store, but not an acquiring load behind it.
    load(words, index);
  }

  /** Makes the transaction final, then visible. A new one may follow under the same lock. */
  commit(): void {
    checkpoint();
    // The store that decides: before it a death undoes everything, after it nothing.
    store(this.#meta, this.#base + COUNT, 0);
    this.#count = 0;
    if (this.#open !== 0) this.#closeSequences(this.#open);
    this.#open = 0;
  }

  /** Undoes the transaction in hand; for a section that finds it can't go on. */
  rollback(): void {
    this.recover(this.#base);
  }

  /** Finishes what a thread that is gone, or that abandoned the section, left in the record at `base`. */
  recover(base: number): void {
    this.#base = base;
    for (let i = load(this.#meta, base + COUNT) - 1; i >= 0; i--) {
      const entry = base + ENTRIES + i * 2;
      const address = this.#meta[entry]!;
      this.#segments[address >>> SEGMENT_SHIFT]![address & WORD_MASK] = this.#meta[entry + 1]!;
      checkpoint();
    }
    store(this.#meta, base + COUNT, 0);
    this.#closeSequences(load(this.#meta, base + OPEN_COUNT));
    this.#count = 0;
    this.#open = 0;
  }

  #closeSequences(open: number): void {
    for (let i = 0; i < open; i++) {
      const address = this.#meta[this.#base + OPEN_FIRST + i]!;
      const words = this.#segments[address >>> SEGMENT_SHIFT]!;
      const sequence = load(words, address & WORD_MASK);
      if ((sequence & 1) !== 0) store(words, address & WORD_MASK, (sequence + 1) | 0);
    }
    store(this.#meta, this.#base + OPEN_COUNT, 0);
  }
}
