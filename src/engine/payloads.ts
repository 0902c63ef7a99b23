/**
 * Values stored once: takes references for sets, and gives back those of pointers that have left. The protocol, and who may
 * die when, is in native-free/README.md, section 20. A value takes part if it is so large that it pays, and its key so
 * short that the pointer is an item of one chunk; that of a user's entry doesn't, since the user's quota is to count it.
 */
import { KeyHash, OWNER_OWED, OWNER_TAKEN, REFERENCE } from '../../native-free/index.js';
import { CAUSE } from './causes.js';
import type { Chains } from './chains.js';
import type { Context } from './context.js';
import { type IndexTable, Place } from './index-table.js';
import { FLAG_IDLE, headerBytes, paddedKey, valueWord, WORD_SIZES } from './item.js';
import type { Items } from './items.js';
import { Key } from './key.js';
import { READ_VALUE, type Reader } from './reader.js';
import {
  PAYLOAD,
  PAYLOAD_HEAD_BYTES,
  type PayloadName,
  POINTER,
  POINTER_BYTES,
  type References,
} from './references.js';
import type { CopiedEntry } from './rewriter.js';
import { EXISTS, STORED, type Steal, type Writer } from './writer.js';

/** Shorter values are stored by themselves: two entries take more than the value, unless many are equal. */
const SHARED_BYTES_MIN = 128;
/** Bytes of the key of a payload. */
const CONTENT_KEY_BYTES = 8;
/** Bytes that a payload has beside the value: header, key, and its own words. */
export const PAYLOAD_BESIDE_BYTES: number = headerBytes(0) + CONTENT_KEY_BYTES + PAYLOAD_HEAD_BYTES;
/** Times that a set looks for an equal payload, which others store and remove meanwhile. */
const SHARE_TRIES = 8;
const COUNT_MAX = 0x7ffffff0;
/** References that the warden gives back in one call. */
const SLICE = 256;
/** Numbers 1 to 3 are hashes of users and keys. */
const CONTENT_HASH = 4;
const CONTENT_CHECK = 5;
const SALT = 255;
const SCRATCH_BYTES_MIN = 4_096;

/** What a look for an equal payload has found. */
const ABSENT = 0;
const EQUAL = 1;
const OTHER = 2;

const LIFETIME = { deadline: 0, idleTicks: 0 };

export class Payloads {
  /** What is stored in place of the value that was shared last. */
  readonly pointer: Uint8Array = new Uint8Array(POINTER_BYTES);
  /** The shard of the payload that was looked for last. */
  shard = 0;
  /** The first bucket of the chain that the payload shared last was stored in; 0 if it was there. */
  primary = 0;
  readonly #context: Context;
  readonly #index: IndexTable;
  readonly #items: Items;
  readonly #chains: Chains;
  readonly #references: References;
  readonly #reader: Reader;
  readonly #writer: Writer;
  readonly #itemBytesMax: number;
  readonly #pointerWords = new Int32Array(this.pointer.buffer);
  /** Keys of the payload that a set takes, and of the one that is given back meanwhile. */
  readonly #key: Key;
  readonly #releasedKey: Key;
  readonly #place = new Place();
  readonly #hash: KeyHash;
  readonly #check: KeyHash;
  readonly #name = { type: 0, hash: 0, check: 0, serial: 0 };
  /** Number of the shard whose list the warden's next call begins with, and how many of it have been given back in its turn. */
  #cursor = 0;
  #inTurn = 0;
  /** The value as its payload has it. */
  #bytes = new Uint8Array(SCRATCH_BYTES_MIN);

  constructor(
    context: Context,
    index: IndexTable,
    items: Items,
    chains: Chains,
    references: References,
    reader: Reader,
    writer: Writer,
    hashKey: readonly [number, number],
    itemBytesMax: number,
  ) {
    this.#context = context;
    this.#index = index;
    this.#items = items;
    this.#chains = chains;
    this.#references = references;
    this.#reader = reader;
    this.#writer = writer;
    this.#itemBytesMax = itemBytesMax;
    this.#key = new Key(...hashKey, CONTENT_KEY_BYTES);
    this.#releasedKey = new Key(...hashKey, CONTENT_KEY_BYTES);
    const hash = new KeyHash(...hashKey);
    this.#hash = hash.derived(CONTENT_HASH, SALT);
    this.#check = hash.derived(CONTENT_CHECK, SALT);
    references.drain = () => this.drain();
    reader.onDangling = (key) => this.#dropDangling(key);
  }

  /** Whether a value of so many bytes under a key takes part. */
  isShared(key: Key, valueBytes: number): boolean {
    if (this.#context.layout.payloadTypeOf(key.type) < 0 || valueBytes < SHARED_BYTES_MIN) return false;
    const pointerBytes = headerBytes(FLAG_IDLE) + paddedKey(key.byteLength) + POINTER_BYTES;
    if (pointerBytes > this.#context.classes.singleBytesMax) return false;
    return valueBytes + CONTENT_KEY_BYTES + PAYLOAD_HEAD_BYTES <= this.#itemBytesMax;
  }

  /**
   * Takes a reference to a payload with these bytes and this form, which is stored if there is none. False if that can't be:
   * the value is to be stored by itself then. What was taken is to be published, or let go of.
   */
  share(type: number, bytes: Uint8Array, form: number, steal: Steal): boolean {
    this.primary = 0;
    // Left by an operation before, which could not have a lock.
    if (this.#context.meta[this.#references.taken] !== 0) return false;
    this.#prepare(this.#context.layout.payloadTypeOf(type), bytes, form);
    for (let i = 0; i < SHARE_TRIES; i++) {
      const found = this.#find(bytes.length, form);
      if (found === OTHER) return false;
      const outcome = found === EQUAL ? this.#take() : this.#store(bytes.length, form, steal);
      if (outcome === STORED) {
        this.#point(bytes.length);
        return true;
      }
      if (outcome !== EXISTS) return false;
    }
    return false;
  }

  #prepare(type: number, bytes: Uint8Array, form: number): void {
    const { length } = bytes;
    const room = PAYLOAD_HEAD_BYTES + ((length + 3) & ~3);
    if (room > this.#bytes.length) this.#bytes = new Uint8Array(Math.max(room, this.#bytes.length * 2));
    this.#bytes.set(bytes, PAYLOAD_HEAD_BYTES);
    this.#bytes.fill(0, PAYLOAD_HEAD_BYTES + length, room);
    const words = new Int32Array(this.#bytes.buffer, PAYLOAD_HEAD_BYTES, (length + 3) >>> 2);
    this.#name.type = type;
    this.#name.hash = this.#hash.hash(words, length, form);
    this.#name.check = this.#check.hash(words, length, form);
    this.#key.prepareWords(this.#name.hash, this.#name.check, type);
    this.shard = this.#context.shardOf(this.#key.hash);
  }

  /** Looks for the payload, under no lock; all of its bytes are compared. */
  #find(length: number, form: number): number {
    const reader = this.#reader;
    if (!reader.read(this.#key, READ_VALUE, true)) return ABSENT;
    if (reader.form !== form || reader.length !== length + PAYLOAD_HEAD_BYTES) return OTHER;
    const { bytes, start } = reader.landing;
    const found = bytes.subarray(start + PAYLOAD_HEAD_BYTES, start + reader.length);
    if (Buffer.compare(found, this.#bytes.subarray(PAYLOAD_HEAD_BYTES, reader.length)) !== 0) return OTHER;
    this.#name.serial = reader.landing.wordAt(PAYLOAD.serial);
    return EQUAL;
  }

  /** Takes a reference to the payload that was found: STORED, EXISTS if it is gone, or another outcome of a set. */
  #take(): number {
    // What was given back meanwhile may have been in another.
    const shard = this.#context.shardOf(this.#key.hash);
    this.shard = shard;
    if (!this.#context.enter(shard)) return ABSENT;
    const count = this.#findLocked(shard, this.#key, this.#name.serial) ? this.#count() : 0;
    if (count > 0 && count < COUNT_MAX) {
      this.#setCountLocked(count + 1);
      this.#references.takeLocked(this.#name);
      this.#context.journal.commit();
    }
    this.#context.leave(shard);
    if (count >= COUNT_MAX) return ABSENT;
    return count > 0 ? STORED : EXISTS;
  }

  #store(length: number, form: number, steal: Steal): number {
    const value = this.#bytes.subarray(0, PAYLOAD_HEAD_BYTES + length);
    value.fill(0, 0, PAYLOAD_HEAD_BYTES);
    value[0] = 1;
    const outcome = this.#writer.setPayload(this.#key, value, form, LIFETIME, this.#name, steal);
    if (outcome === STORED) this.primary = this.#writer.primary;
    return outcome;
  }

  /** Finds the payload of a key and serial; its place is `#place` then. */
  #findLocked(shard: number, key: Key, serial: number): boolean {
    const place = this.#place;
    place.primary = this.#index.primaryLocked(shard, key.hash);
    if (!this.#index.findLocked(place, key, this.#chains)) return false;
    return this.#context.arena.wordsOf(place.ref)[this.#headAt() + PAYLOAD.serial] === serial;
  }

  /** Index of the first of a payload's own words. */
  #headAt(): number {
    const { arena } = this.#context;
    const { ref } = this.#place;
    const at = arena.wordIndex(ref);
    return at + valueWord(arena.wordsOf(ref)[at + WORD_SIZES]!);
  }

  #count(): number {
    return this.#context.arena.wordsOf(this.#place.ref)[this.#headAt() + PAYLOAD.count]!;
  }

  #setCountLocked(count: number): void {
    const { arena, journal } = this.#context;
    journal.write(arena.segmentOf(this.#place.ref), this.#headAt() + PAYLOAD.count, count);
  }

  #point(length: number): void {
    this.#pointerWords[POINTER.hash] = this.#name.hash;
    this.#pointerWords[POINTER.check] = this.#name.check;
    this.#pointerWords[POINTER.serial] = this.#name.serial;
    this.#pointerWords[POINTER.length] = length;
  }

  /** Behind each operation: gives back what it has taken and not published, and what pointers that left have left behind. */
  settle(): void {
    const { taken } = this.#references;
    if (this.#context.meta[taken] !== 0 && !this.#giveBack(taken)) return;
    if (this.#references.isOwing) this.drain();
    // A reference that was published is this thread's no more, which the publishing, within a transaction, can't say.
    if (this.#context.holdsIntents) this.#context.recountIntents();
  }

  /** Gives back what this thread owes, then what the shards owe that it has noted. False if a lock can't be had. */
  drain(): boolean {
    const references = this.#references;
    if (!this.#giveBackOwed()) return false;
    for (let shard = references.takeNoted(); shard >= 0; shard = references.takeNoted()) {
      if (this.#drainShard(shard, this.#context.layout.references.capacity) >= 0) continue;
      references.note(shard);
      return false;
    }
    return true;
  }

  #giveBackOwed(): boolean {
    const { owed } = this.#references;
    return this.#context.meta[owed] === 0 || this.#giveBack(owed);
  }

  /**
   * Gives back up to `most` references of a list; none need be more than it has room for, since what others add meanwhile they
   * see to. Returns how many, -1 if a lock can't be had.
   */
  #drainShard(shard: number, most: number): number {
    let given = 0;
    for (; given < most && this.#references.countOf(shard) > 0; given++) {
      this.shard = shard;
      if (!this.#context.enter(shard)) return -1;
      this.#references.fetchLocked(shard);
      this.#context.leave(shard);
      if (!this.#giveBackOwed()) return -1;
    }
    return given;
  }

  /**
   * For the warden: gives back what the lists of all shards have, of threads that have died or could not do so, a slice with
   * each call. The next one goes on where this one has ended.
   */
  drainSlice(): void {
    const { references, config } = this.#context.layout;
    if (references.words === 0) return;
    // What its own sweep has left is on the lists as well.
    this.#references.forgetNoted();
    if (!this.#giveBackOwed()) return;
    for (let i = 0, left = SLICE; i < config.shards && left > 0; i++) {
      const most = Math.min(left, references.capacity - this.#inTurn);
      const given = this.#drainShard(this.#context.layout.shard(this.#cursor), most);
      left -= given;
      this.#inTurn += given;
      if (left === 0 && this.#inTurn < references.capacity) return;
      this.#cursor = (this.#cursor + 1) % config.shards;
      this.#inTurn = 0;
      if (given < 0) return;
    }
  }

  /**
   * Gives back what an owner slot holds, its thread being dead, or this one outside any operation. False behind a lock; for what
   * is this thread's own none is waited for, since every operation begins with this, of whatever shard.
   */
  settleSlot(slot: number): boolean {
    const { arena, meta } = this.#context;
    const record = arena.owners.record(slot);
    const waits = slot !== this.#context.slot;
    return [record + OWNER_TAKEN, record + OWNER_OWED].every((at) => meta[at] === 0 || this.#giveBack(at, waits));
  }

  /** Gives back the reference in a record: its own transaction. False if the payload's shard can't be had. */
  #giveBack(record: number, waits = true): boolean {
    const { type, hash, check, serial } = this.#references.nameAt(record);
    this.#releasedKey.prepareWords(hash, check, type);
    const shard = this.#context.shardOf(this.#releasedKey.hash);
    this.shard = shard;
    if (!(waits ? this.#context.enter(shard) : this.#context.tryEnter(shard))) return false;
    this.#context.write(record + REFERENCE.type, 0);
    const count = this.#findLocked(shard, this.#releasedKey, serial) ? this.#count() : 0;
    if (count === 1) {
      this.#items.removeLocked(shard, this.#place, CAUSE.explicit);
    } else {
      if (count > 1) this.#setCountLocked(count - 1);
      this.#context.journal.commit();
    }
    this.#context.leave(shard);
    if (this.#context.isMine(record)) this.#context.recountIntents();
    return true;
  }

  /**
   * Removes the pointer that the reader has found to name a payload that it could not read, if that is gone and the key still has
   * it. What is gone once stays so: no other payload ever has its serial.
   */
  #dropDangling(key: Key): void {
    if (!this.#isGone(this.#reader.name)) return;
    const { shard, isSame } = this.#dangling(key);
    if (!this.#references.enter(shard)) return;
    const place = this.#place;
    place.primary = this.#index.primaryLocked(shard, key.hash);
    if (this.#index.findLocked(place, key, this.#chains) && isSame(place.ref))
      this.#items.removeLocked(shard, place, CAUSE.size);
    this.#context.leave(shard);
    this.settle();
  }

  /** Under the lock of the payload's shard: a reader that can't get through there doesn't know. */
  #isGone({ type, hash, check, serial }: PayloadName): boolean {
    this.#releasedKey.prepareWords(hash, check, type);
    const shard = this.#context.shardOf(this.#releasedKey.hash);
    this.shard = shard;
    if (!this.#context.enter(shard)) return false;
    const isThere = this.#findLocked(shard, this.#releasedKey, serial);
    this.#context.leave(shard);
    return !isThere;
  }

  #dangling(key: Key): { shard: number; isSame: (ref: number) => boolean } {
    const { arena } = this.#context;
    const { name } = this.#reader;
    const isSame = (ref: number): boolean => {
      const words = arena.wordsOf(ref);
      const at = arena.wordIndex(ref);
      const sizes = words[at + WORD_SIZES]!;
      if (!this.#references.isPointer(sizes)) return false;
      const value = at + valueWord(sizes);
      return isNamed(words, value, name);
    };
    return { shard: this.#context.shardOf(key.hash), isSame };
  }

  /** An entry that was copied, with its value in place of a pointer to it; undefined if that is gone. */
  followed(entry: CopiedEntry, key: Key): CopiedEntry | undefined {
    const reader = this.#reader;
    if (!reader.read(key, READ_VALUE, false)) return undefined;
    return { ...entry, form: reader.form, start: reader.landing.start, length: reader.length };
  }
}

/** Whether the value of a pointer at word `at` names a payload. */
function isNamed(words: Int32Array, at: number, { hash, check, serial }: PayloadName): boolean {
  return (
    words[at + POINTER.hash] === hash && words[at + POINTER.check] === check && words[at + POINTER.serial] === serial
  );
}
