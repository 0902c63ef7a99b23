/**
 * Lookups. A reader takes no lock: it notes the sequence of the bucket, finds the entry, copies the value to private
 * memory and asks whether the sequence still stands. Until then nothing that it has read may be believed: every ref,
 * length and hop is checked before it is used. Only a copy that was validated is ever decoded.
 *
 * A hit writes one word at most, in the bucket's lines, and only when it changes: its mark, or, for an
 * entry with an idle time, the tick of its use (by a compare-exchange that covers the ref beside it).
 *
 * A lookup that doesn't get through (the chain is being written all the time, or by a thread that is gone) takes the
 * shard's lock, which repairs what the dead have left. If even that can't be had, it is a miss.
 */
import { checkpoint } from '#atomics';
import { BUCKET, BUCKET_SLOTS, HEADER, SEQUENCE_BUSY, type SeqlockReader, SHARD } from '../../native-free/index.js';
import { GLOBAL_COUNTER } from './causes.js';
import type { Chains } from './chains.js';
import { CONDITION_BROKEN, type Context } from './context.js';
import { expiryOf, NOT_EXPIRED } from './expiry.js';
import { type IndexTable, Place } from './index-table.js';
import {
  FLAG_CHAINED,
  FORM_POINTER,
  flagsOf,
  formOf,
  headerBytes,
  paddedKey,
  WORD_CHAINED_BYTES,
  WORD_GENERATION,
  WORD_SIZES,
  WORD_VALUE_BYTES,
} from './item.js';
import { Key } from './key.js';
import { Landing } from './landing.js';
import { PAYLOAD, PAYLOAD_HEAD_BYTES, type PayloadName, POINTER, POINTER_BYTES } from './references.js';
import { TAG_MASK } from './tag.js';
import type { Uses } from './uses.js';

/** What a lookup is for. Of these only one for more than presence tells the form. */
export const READ_PRESENCE = 0;
export const READ_VALUE = 1;
/** Whether it is there, and the first bytes of its value: as many as a pointer has. */
export const READ_HEAD = 2;

const ATTEMPTS = 16;
/** Attempts at a chained item before it is pinned. */
const CHAINED_ATTEMPTS = 3;
/** Pointers of one key that a lookup follows, each of which another has replaced meanwhile. */
const POINTERS_MAX = 16;
/** More overflow buckets than any chain has; a walk that gets there is lost among reused ones. */
const HOPS_MAX = 1 << 20;

const MISS = 0;
const HIT = 1;
const AGAIN = 2;

export class Reader {
  /** The value of the last hit with READ_VALUE: `length` bytes at `landing.start` of `landing.bytes`. */
  readonly landing: Landing = new Landing();
  length = 0;
  /** Form of that value; 0 for bytes. */
  form = 0;
  /** Payload bytes (key and value) of the last hit. */
  payloadBytes = 0;
  /** Where it was found. */
  readonly place: Place = new Place();
  /** The sequence of its chain at which it was whole; SEQUENCE_BUSY if it was found under the lock. */
  sequence: number = SEQUENCE_BUSY;
  /** What the last pointer names that was followed. */
  get name(): PayloadName {
    return this.#name;
  }
  /** Called for a key whose pointer names a payload that is gone, as `name` says it. Set by the payloads. */
  onDangling: (key: Key) => void = () => {};

  readonly #name = { type: 0, hash: 0, check: 0, serial: 0 };
  readonly #payloadKey: Key;
  readonly #context: Context;
  readonly #index: IndexTable;
  readonly #chains: Chains;
  readonly #uses: Uses;
  readonly #seqlock: SeqlockReader;
  readonly #itemBytesMax: number;

  constructor(
    context: Context,
    index: IndexTable,
    chains: Chains,
    uses: Uses,
    seqlock: SeqlockReader,
    itemBytesMax: number,
  ) {
    this.#context = context;
    this.#index = index;
    this.#chains = chains;
    this.#uses = uses;
    this.#seqlock = seqlock;
    this.#itemBytesMax = itemBytesMax;
    const { meta } = context;
    this.#payloadKey = new Key(meta[HEADER.hashKey0]!, meta[HEADER.hashKey1]!, 8);
  }

  /** Looks a key up; true for a hit. `renew`: the read counts as a use of the entry. */
  read(key: Key, want: number, renew: boolean): boolean {
    const payloadType = this.#context.layout.payloadTypeOf(key.type);
    if (payloadType < 0) return this.#readEntry(key, want, renew);
    return this.#readShared(key, payloadType, want === READ_VALUE ? READ_VALUE : READ_HEAD, renew);
  }

  /**
   * The same in a type that stores equal values once: what a pointer names is looked up as well. A pointer that has changed
   * meanwhile is followed anew; one that hasn't, and names nothing, is a miss.
   */
  #readShared(key: Key, payloadType: number, want: number, renew: boolean): boolean {
    for (let followed = 0; followed < POINTERS_MAX; followed++) {
      if (!this.#readEntry(key, want, renew)) return false;
      if (this.form !== FORM_POINTER) return true;
      if (this.#isFollowed(payloadType) && followed > 0) {
        this.onDangling(key);
        return false;
      }
      if (this.#follow(key, want, renew)) return true;
    }
    this.#context.countGlobal(GLOBAL_COUNTER.readerFallbacks, 1);
    return false;
  }

  /** Takes what the pointer names that was read; true if that is what the last one did. */
  #isFollowed(payloadType: number): boolean {
    const { landing } = this;
    const name = this.#name;
    const hash = landing.wordAt(POINTER.hash);
    const check = landing.wordAt(POINTER.check);
    const serial = landing.wordAt(POINTER.serial);
    const isSame = name.type === payloadType && name.hash === hash && name.check === check && name.serial === serial;
    name.type = payloadType;
    name.hash = hash;
    name.check = check;
    name.serial = serial;
    return isSame;
  }

  /** Reads the payload that the pointer names; false if it is gone. */
  #follow(key: Key, want: number, renew: boolean): boolean {
    const { type, hash, check, serial } = this.name;
    const length = this.landing.wordAt(POINTER.length);
    this.#payloadKey.prepareWords(hash, check, type);
    if (!this.#readEntry(this.#payloadKey, want, renew)) return false;
    if (this.landing.wordAt(PAYLOAD.serial) !== serial) return false;
    this.landing.start += PAYLOAD_HEAD_BYTES;
    this.length = length;
    this.payloadBytes = key.byteLength + length;
    return true;
  }

  #readEntry(key: Key, want: number, renew: boolean): boolean {
    const shard = this.#context.shardOf(key.hash);
    try {
      const outcome = this.#readUnlocked(shard, key, want, renew);
      if (outcome !== AGAIN) return outcome === HIT;
    } catch (error) {
      // A ref that leads out of the arena: what it is worth is seen under the lock.
      if (!(error instanceof TypeError)) throw error;
    }
    this.#context.countGlobal(GLOBAL_COUNTER.readerFallbacks, 1);
    try {
      return this.#readLocked(shard, key, want, renew);
    } catch (error) {
      if (!(error instanceof TypeError)) throw error;
      // Under the lock nothing moves: the shard is broken. It is emptied, and the key is not in it.
      this.#context.meta[shard + SHARD.condition] = CONDITION_BROKEN;
      this.#context.repairAbandoned();
      return false;
    }
  }

  #readUnlocked(shard: number, key: Key, want: number, renew: boolean): number {
    let chainedFailures = 0;
    for (let attempt = 0; attempt < ATTEMPTS; attempt++) {
      const outcome = this.#attempt(shard, key, want, renew);
      if (outcome !== AGAIN) return outcome;
      if (this.place.ref !== 0 && this.#isChained(this.place.ref) && ++chainedFailures >= CHAINED_ATTEMPTS) break;
    }
    return AGAIN;
  }

  #attempt(shard: number, key: Key, want: number, renew: boolean): number {
    const { meta, arena } = this.#context;
    const { place } = this;
    const count = meta[shard + SHARD.bucketCount]!;
    const primary = this.#index.bucketRef(shard, this.#index.bucketNumber(key.hash, count));
    const words = arena.wordsOf(primary);
    const at = arena.wordIndex(primary);
    place.ref = 0;
    const sequence = this.#seqlock.begin(words, at);
    if (sequence === SEQUENCE_BUSY) return AGAIN;
    if (!this.#find(primary, key)) {
      // A split since may have moved the key to a bucket that `count` doesn't reach.
      const isMiss = this.#seqlock.isValid(words, at, sequence) && meta[shard + SHARD.bucketCount] === count;
      return isMiss ? MISS : AGAIN;
    }
    // Stops for tests: everything from here to the validation may change under the reader's eyes.
    checkpoint();
    const { bucket, slot, ref } = place;
    const slots = arena.wordsOf(bucket);
    const slotsAt = arena.wordIndex(bucket);
    const tag = slots[slotsAt + BUCKET.tags + slot]!;
    // Before the validation: what is stored behind it is stored no earlier than this tick.
    const tick = renew ? this.#uses.tickOf(tag) : 0;
    const item = arena.wordsOf(ref);
    const itemAt = arena.wordIndex(ref);
    const isOver = expiryOf(this.#context.clock, slots, slotsAt, slot, item, itemAt) !== NOT_EXPIRED;
    const flags = flagsOf(item[itemAt + WORD_SIZES]!);
    const length = valueBytesAt(item, itemAt, flags);
    const isChained = (flags & FLAG_CHAINED) !== 0 && want === READ_VALUE;
    checkpoint();
    const isWhole = isOver || isChained || this.#copy(key, want, item, itemAt, flags, length);
    const generation = item[itemAt + WORD_GENERATION]!;
    if (!this.#seqlock.isValid(words, at, sequence) || !isWhole) return AGAIN;
    if (isOver) return MISS;
    this.sequence = sequence;
    // The header was whole, so the length that it had may be trusted with an allocation.
    if (isChained && !this.#copyChained(shard, key, item, itemAt, flags, length, generation)) return AGAIN;
    if (renew) this.#uses.note(shard, bucket, slot, tag, ref, tick, key.hash, this.payloadBytes);
    return HIT;
  }

  /** Finds the entry of a key in a chain, under no lock: what it finds must be validated. */
  #find(primary: number, key: Key): boolean {
    const { arena, layout } = this.#context;
    const { place } = this;
    const wanted = key.tag;
    let bucket = primary;
    for (let hop = 0; hop < HOPS_MAX; hop++) {
      checkpoint();
      const words = arena.wordsOf(bucket);
      const at = arena.wordIndex(bucket);
      for (let slot = 0; slot < BUCKET_SLOTS; slot++) {
        if (((words[at + BUCKET.tags + slot]! ^ wanted) & TAG_MASK) !== 0) continue;
        const ref = words[at + BUCKET.refs + slot * 2]!;
        checkpoint();
        if (ref < layout.pagesStart || !this.#chains.holdsKey(ref, key)) continue;
        place.primary = primary;
        place.bucket = bucket;
        place.slot = slot;
        place.ref = ref;
        return true;
      }
      bucket = words[at + BUCKET.overflow]!;
      if (bucket === 0) return false;
    }
    return false;
  }

  /** Copies the value to private memory. False if the flags and the length can't be those of a whole item. */
  #copy(key: Key, want: number, words: Int32Array, at: number, flags: number, length: number): boolean {
    const isChained = (flags & FLAG_CHAINED) !== 0;
    const stream = paddedKey(key.byteLength);
    const header = headerBytes(flags);
    const bound = isChained ? this.#itemBytesMax : this.#context.classes.singleBytesMax - header - stream;
    if (length < 0 || length > bound) return false;
    this.payloadBytes = key.byteLength + length;
    if (want === READ_PRESENCE) return true;
    this.length = length;
    this.form = formOf(flags);
    const copied = want === READ_HEAD ? Math.min(length, POINTER_BYTES) : length;
    if (this.form === 0) this.landing.forUser(copied);
    else this.landing.forScratch(copied);
    const { ref } = this.place;
    if (isChained) return this.#chains.copyOut(ref, stream, copied, this.landing.bytes, this.landing.start);
    const start = at + ((header + stream) >>> 2);
    if (start * 4 + copied > words.length * 4) return false;
    this.landing.copyFrom(words, this.#context.arena.bytesOf(ref), start, copied);
    return true;
  }

  /**
   * Copies a chained item. The bucket's sequence need not stand still that long: the copy is whole if the index holds
   * the same item behind it, with the generation that was validated before it, as `length` was.
   */
  #copyChained(
    shard: number,
    key: Key,
    words: Int32Array,
    at: number,
    flags: number,
    length: number,
    generation: number,
  ): boolean {
    const { arena, meta } = this.#context;
    const { ref } = this.place;
    checkpoint();
    if (!this.#copy(key, READ_VALUE, words, at, flags, length)) return false;
    const count = meta[shard + SHARD.bucketCount]!;
    const primary = this.#index.bucketRef(shard, this.#index.bucketNumber(key.hash, count));
    const buckets = arena.wordsOf(primary);
    const bucketAt = arena.wordIndex(primary);
    const sequence = this.#seqlock.begin(buckets, bucketAt);
    if (sequence === SEQUENCE_BUSY || !this.#find(primary, key) || this.place.ref !== ref) return false;
    // An item of one chunk has its key or value where a chained one has its generation: it may look like the same.
    const isSame = this.#isChained(ref) && words[at + WORD_GENERATION] === generation;
    this.sequence = sequence;
    return this.#seqlock.isValid(buckets, bucketAt, sequence) && isSame;
  }

  #isChained(ref: number): boolean {
    const { arena } = this.#context;
    return (flagsOf(arena.wordsOf(ref)[arena.wordIndex(ref) + WORD_SIZES]!) & FLAG_CHAINED) !== 0;
  }

  /** The same lookup under the shard's lock. A miss if the lock can't be had. */
  #readLocked(shard: number, key: Key, want: number, renew: boolean): boolean {
    this.sequence = SEQUENCE_BUSY;
    if (!this.#context.enter(shard)) return false;
    const { arena } = this.#context;
    const { place } = this;
    place.ref = 0;
    if (!this.#find(this.#index.primaryLocked(shard, key.hash), key)) return this.#leave(shard, false);
    const { bucket, slot, ref } = place;
    const slots = arena.wordsOf(bucket);
    const slotsAt = arena.wordIndex(bucket);
    const tag = slots[slotsAt + BUCKET.tags + slot]!;
    const item = arena.wordsOf(place.ref);
    const at = arena.wordIndex(place.ref);
    if (expiryOf(this.#context.clock, slots, slotsAt, slot, item, at) !== NOT_EXPIRED) return this.#leave(shard, false);
    const tick = renew ? this.#uses.tickOf(tag) : 0;
    const flags = flagsOf(item[at + WORD_SIZES]!);
    const length = valueBytesAt(item, at, flags);
    const payloadBytes = key.byteLength + length;
    if (renew) this.#uses.note(shard, bucket, slot, tag, ref, tick, key.hash, payloadBytes);
    if ((flags & FLAG_CHAINED) !== 0 && want === READ_VALUE)
      return this.#readPinned(shard, key, item, at, flags, length);
    return this.#leave(shard, this.#copy(key, want, item, at, flags, length));
  }

  #leave(shard: number, isHit: boolean): boolean {
    this.#context.leave(shard);
    return isHit;
  }

  /** Copies a chained item under a pin, outside the section. */
  #readPinned(shard: number, key: Key, item: Int32Array, at: number, flags: number, length: number): boolean {
    const intent = this.#chains.pinLocked(shard, this.place.ref);
    this.#context.leave(shard);
    if (intent === 0) return false;
    const isHit = this.#copy(key, READ_VALUE, item, at, flags, length);
    // A pin that can't be let go of now is let go of by this thread's next operation.
    if (this.#context.enter(shard)) {
      this.#chains.unpinLocked(shard, intent);
      this.#context.leave(shard);
    }
    return isHit;
  }
}

function valueBytesAt(words: Int32Array, at: number, flags: number): number {
  return words[at + ((flags & FLAG_CHAINED) === 0 ? WORD_VALUE_BYTES : WORD_CHAINED_BYTES)]!;
}
