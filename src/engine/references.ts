/**
 * References to payloads, as native-free/README.md has them in section 20: each is held by a pointer, by the list of a
 * shard, or by a thread, and goes from one to the other in a transaction of the shard. Here is what needs only the words;
 * payloads.ts does what needs the payloads.
 */
import { checkpoint } from '#atomics';
import { OWNER_OWED, OWNER_TAKEN, POINTERS, REFERENCE } from '../../native-free/index.js';
import type { Context } from './context.js';
import { FORM_POINTER, flagsOf, formOf, typeOf, valueWord, WORD_SIZES } from './item.js';

/** Words of a pointer's value: content key, serial, bytes that were stored. Its bytes in all. */
export const POINTER = { hash: 0, check: 1, serial: 2, length: 3 } as const;
export const POINTER_BYTES = 16;
/** Words before the bytes of a payload: its references, and what tells it from others of its key. Their bytes in all. */
export const PAYLOAD = { count: 0, serial: 1 } as const;
export const PAYLOAD_HEAD_BYTES = 8;

/** Places of a list that evictions leave free, for operations that must remove a pointer. */
const PLACES_KEPT = 1;
/** How often an operation has a full list drained before it gives up. */
const ENTER_TRIES = 3;

/** What names a payload. */
export interface PayloadName {
  /** Of the payload. */
  readonly type: number;
  readonly hash: number;
  readonly check: number;
  readonly serial: number;
}

export class References {
  /** Index of the reference that this thread has taken, and of the one that it has to give back. */
  readonly taken: number;
  readonly owed: number;
  /** Gives back what this thread owes, and what the shards owe that it noted; false if it couldn't. Set by the payloads. */
  drain: () => boolean = () => true;
  /** Some shard's list has got references by this thread that it has not looked after since. */
  isOwing = false;
  readonly #context: Context;
  readonly #capacity: number;
  readonly #owing: Uint8Array;

  constructor(context: Context) {
    const { layout, arena, slot } = context;
    this.#context = context;
    this.#capacity = layout.references.capacity;
    this.#owing = new Uint8Array(layout.config.shards);
    this.taken = arena.owners.record(slot) + OWNER_TAKEN;
    this.owed = arena.owners.record(slot) + OWNER_OWED;
  }

  isPointer(sizes: number): boolean {
    if (this.#capacity === 0 || formOf(flagsOf(sizes)) !== FORM_POINTER) return false;
    return this.#context.layout.payloadTypeOf(typeOf(sizes)) >= 0;
  }

  /** Bytes of the value of an item that has `valueBytes` by itself: those that a pointer stands for. */
  bytesOf(ref: number, sizes: number, valueBytes: number): number {
    if (!this.isPointer(sizes)) return valueBytes;
    const { arena } = this.#context;
    return arena.wordsOf(ref)[arena.wordIndex(ref) + valueWord(sizes) + POINTER.length]!;
  }

  /** Whether the entry at `ref` is a pointer that may not be evicted now, since the list has no room for its reference. */
  isHeldLocked(shard: number, ref: number): boolean {
    if (!this.isFull(shard)) return false;
    const { arena } = this.#context;
    return this.isPointer(arena.wordsOf(ref)[arena.wordIndex(ref) + WORD_SIZES]!);
  }

  /** Whether a shard's list has no room but for operations that must remove a pointer. */
  isFull(shard: number): boolean {
    return this.#capacity !== 0 && this.countOf(shard) >= this.#capacity - PLACES_KEPT;
  }

  /** References on a shard's list. */
  countOf(shard: number): number {
    return this.#context.meta[this.#context.layout.references.releases(shard)]!;
  }

  /** Opens a section in which an operation may remove one pointer, whatever else it evicts. False as behind a lock. */
  enter(shard: number): boolean {
    for (let i = 0; i < ENTER_TRIES; i++) {
      if (!this.#context.enter(shard)) return false;
      if (this.hasRoomLocked(shard)) return true;
      this.#context.leave(shard);
      this.note(shard);
      if (!this.drain()) return false;
    }
    return false;
  }

  /**
   * Closes a section that had to make room, and gives back what evictions have left. True if the list has held up evictions in it
   * and doesn't any more: then it may be worth while to begin again.
   */
  leave(shard: number): boolean {
    const wasFull = this.isFull(shard);
    this.#context.leave(shard);
    if (wasFull) this.note(shard);
    return (!this.isOwing || this.drain()) && wasFull;
  }

  /** Whether one more pointer may leave the shard. */
  hasRoomLocked(shard: number): boolean {
    if (this.#capacity === 0) return true;
    return this.#context.meta[this.owed] === 0 || this.countOf(shard) < this.#capacity;
  }

  /** Has the shard's list looked after with the next draining. */
  note(shard: number): void {
    this.#owing[this.#numberOf(shard)] = 1;
    this.isOwing = true;
  }

  /** Has no list looked after but those that are noted from now on. */
  forgetNoted(): void {
    this.#owing.fill(0);
    this.isOwing = false;
  }

  /** A shard that was noted, which is forgotten; -1 if none is left. */
  takeNoted(): number {
    const number = this.#owing.indexOf(1);
    if (number >= 0) this.#owing[number] = 0;
    else this.isOwing = false;
    return number < 0 ? -1 : this.#context.layout.shard(number);
  }

  #numberOf(shard: number): number {
    const { layout } = this.#context;
    return (shard - layout.shards) / layout.shardWords;
  }

  /** This thread takes a reference, in the transaction in hand. */
  takeLocked({ type, hash, check, serial }: PayloadName): void {
    this.#context.holdsIntents = true;
    this.#fill(this.taken, hash, check, serial);
    this.#context.write(this.taken + REFERENCE.type, type + 1);
  }

  /** A pointer to what this thread has taken goes into the index, in the transaction in hand. */
  publishLocked(shard: number, ref: number, sizes: number): void {
    this.#context.write(this.taken + REFERENCE.type, 0);
    this.#sumLocked(shard, ref, sizes, 1);
  }

  /** A pointer leaves the index, in the transaction in hand. */
  releaseLocked(shard: number, ref: number, sizes: number): void {
    this.#sumLocked(shard, ref, sizes, -1);
    const { arena, layout, meta } = this.#context;
    const words = arena.wordsOf(ref);
    const at = arena.wordIndex(ref) + valueWord(sizes);
    const type = layout.payloadTypeOf(typeOf(sizes)) + 1;
    this.note(shard);
    let record = this.owed;
    if (meta[record] === 0) {
      this.#context.holdsIntents = true;
    } else {
      const releases = layout.references.releases(shard);
      const count = meta[releases]!;
      record = layout.references.record(shard, count);
      this.#context.write(releases, count + 1);
    }
    this.#fill(record, words[at + POINTER.hash]!, words[at + POINTER.check]!, words[at + POINTER.serial]!);
    if (record === this.owed) this.#context.write(record + REFERENCE.type, type);
    else meta[record + REFERENCE.type] = type;
  }

  /** These three mean nothing until the transaction is committed in which the type, or the count of the list, is written. */
  #fill(record: number, hash: number, check: number, serial: number): void {
    const { meta } = this.#context;
    meta[record + REFERENCE.hash] = hash;
    checkpoint();
    meta[record + REFERENCE.check] = check;
    meta[record + REFERENCE.serial] = serial;
    checkpoint();
  }

  /** Moves the last reference of a shard's list to this thread, which owes none. Its own transaction; false if there is none. */
  fetchLocked(shard: number): boolean {
    const { layout, meta } = this.#context;
    const releases = layout.references.releases(shard);
    const count = meta[releases]!;
    if (count === 0) return false;
    const record = layout.references.record(shard, count - 1);
    this.#context.holdsIntents = true;
    this.#fill(
      this.owed,
      meta[record + REFERENCE.hash]!,
      meta[record + REFERENCE.check]!,
      meta[record + REFERENCE.serial]!,
    );
    this.#context.write(releases, count - 1);
    this.#context.write(this.owed + REFERENCE.type, meta[record + REFERENCE.type]!);
    this.#context.journal.commit();
    return true;
  }

  /** The reference in a record; of type -1 for none. */
  nameAt(record: number): PayloadName {
    const { meta } = this.#context;
    return {
      type: meta[record + REFERENCE.type]! - 1,
      hash: meta[record + REFERENCE.hash]!,
      check: meta[record + REFERENCE.check]!,
      serial: meta[record + REFERENCE.serial]!,
    };
  }

  #sumLocked(shard: number, ref: number, sizes: number, sign: number): void {
    const { layout, meta } = this.#context;
    const length = this.bytesOf(ref, sizes, POINTER_BYTES);
    const place = layout.payloadTypeOf(typeOf(sizes)) - layout.typesDeclared;
    const sums = layout.references.sums(shard, place);
    this.#context.write(sums + POINTERS.entries, meta[sums + POINTERS.entries]! + sign);
    const low = (meta[sums + POINTERS.bytesLow]! >>> 0) + sign * length;
    this.#context.write(sums + POINTERS.bytesLow, low | 0);
    const carry = Math.floor(low / 0x1_0000_0000);
    if (carry !== 0) this.#context.write(sums + POINTERS.bytesHigh, meta[sums + POINTERS.bytesHigh]! + carry);
  }

  /** For a shard that is emptied: what it owes goes with its entries. Outside any transaction. */
  resetLocked(shard: number): void {
    const { references, config } = this.#context.layout;
    if (references.words === 0) return;
    const { meta } = this.#context;
    meta[references.releases(shard)] = 0;
    for (let place = 0; place < (config.dedupes ?? []).length; place++)
      meta.fill(0, references.sums(shard, place), references.sums(shard, place + 1));
  }
}
