/**
 * The index: linear hashing (Litwin, "Linear hashing: a new tool for file and table addressing", 1980) over buckets of
 * two cache lines. It grows by splitting one bucket at a time and never shrinks; index pages stay index pages.
 *
 *     word 0       sequence of the chain (in its first bucket)      tag word: hash (8), type (3), idle (1), mark (20)
 *     word 1       overflow bucket, 0 for none                      time:     deadline, or last access if idle
 *     2..11        tag words      12..31 refs and times, in pairs
 *
 * The slots of a chain are dense: all before the last entry are taken. Slots are the ground truth of the shard; a ref
 * of 0 marks an empty one. Readers write marks (in tag words) and, for idle entries, times: by compare-exchange, so
 * a late one finds another word and does nothing, or (a mark) does what is harmless.
 *
 * > Why a late renewal of a time can't hit another entry: it compares and exchanges ref and time in one, and replaces a
 * > last access by a later tick that was read before the lookup was validated. An entry that was moved into the slot
 * > meanwhile has a chunk, and so a ref, of its own. One that was stored since in the very same chunk has a deadline, which
 * > lies in the future, or a last access that is not before that tick: neither is the time that is expected.
 */

import type { Words } from '#atomics';
import { assert, BUCKET, BUCKET_GRANULES, BUCKET_SLOTS, SHARD } from '../../native-free/index.js';
import type { Chains } from './chains.js';
import type { Context } from './context.js';
import type { Key } from './key.js';
import { PAGE_INDEX, type PagePool } from './page-pool.js';
import { TAG_MASK } from './tag.js';

/** Buckets that every shard begins with. */
export const BUCKETS_AT_START = 8;
/** A shard splits a bucket when it holds more entries per bucket than this. */
const LOAD_MAX = 7;
/** Above this, and with no free page, the index takes one from the items. */
const LOAD_STARVED = 9;
/** A chain with more entries is not split: its journal would overflow. Only entries of one hash value make such. */
const SPLIT_ENTRIES_MAX = 120;

/** A place in the index: what `locate` and `place` answer, reused by the next call. */
export class Place {
  /** First bucket of the chain: its sequence guards the whole chain. */
  primary = 0;
  bucket = 0;
  slot = 0;
  /** The item found there, or 0. */
  ref = 0;
}

export class IndexTable {
  readonly #context: Context;
  readonly #pages: PagePool;
  readonly #bucketShift: number;
  /** Entries of the chain that is being split: tag, ref, time each. */
  readonly #moving = new Int32Array(SPLIT_ENTRIES_MAX * 3);

  constructor(context: Context, pages: PagePool) {
    this.#context = context;
    this.#pages = pages;
    this.#bucketShift = Math.log2(context.layout.bucketsPerPage);
  }

  /** Number of the bucket that `hash` has in an index of `count` buckets. */
  bucketNumber(hash: number, count: number): number {
    const bits = hash >>> this.#context.shardShift;
    // One less than the power of two at or above the count, which is at least BUCKETS_AT_START.
    const mask = -1 >>> Math.clz32(count - 1);
    const number = bits & mask;
    return number < count ? number : bits & (mask >>> 1);
  }

  bucketRef(shard: number, number: number): number {
    const { meta, layout } = this.#context;
    const page = meta[shard + layout.directoryOffset + (number >>> this.#bucketShift)]! - 1;
    return layout.pageRef(page) + (number & (layout.bucketsPerPage - 1)) * BUCKET_GRANULES;
  }

  /** The first bucket of the chain for a hash. Under the shard's lock. */
  primaryLocked(shard: number, hash: number): number {
    return this.bucketRef(shard, this.bucketNumber(hash, this.#context.meta[shard + SHARD.bucketCount]!));
  }

  /** Finds the slot that holds the chunk `ref` of an item with this hash; false if none does. */
  locateRefLocked(shard: number, hash: number, ref: number, place: Place): boolean {
    place.primary = this.primaryLocked(shard, hash);
    for (let bucket = place.primary; bucket !== 0; bucket = this.overflowOf(bucket)) {
      const words = this.#context.arena.wordsOf(bucket);
      const at = this.#context.arena.wordIndex(bucket);
      for (let slot = 0; slot < BUCKET_SLOTS; slot++) {
        if (words[at + BUCKET.refs + slot * 2] !== ref) continue;
        place.bucket = bucket;
        place.slot = slot;
        place.ref = ref;
        return true;
      }
    }
    return false;
  }

  /** Finds the key's entry in the chain that begins at `place.primary`; false if it has none. Under the shard's lock. */
  findLocked(place: Place, key: Key, chains: Chains): boolean {
    for (let bucket = place.primary; bucket !== 0; bucket = this.overflowOf(bucket)) {
      const words = this.#context.arena.wordsOf(bucket);
      const at = this.#context.arena.wordIndex(bucket);
      for (let slot = 0; slot < BUCKET_SLOTS; slot++) {
        if (((words[at + BUCKET.tags + slot]! ^ key.tag) & TAG_MASK) !== 0) continue;
        const ref = words[at + BUCKET.refs + slot * 2]!;
        if (ref === 0 || !chains.holdsKey(ref, key)) continue;
        place.bucket = bucket;
        place.slot = slot;
        place.ref = ref;
        return true;
      }
    }
    return false;
  }

  /** Whether an insert into the chain needs an overflow bucket. */
  isFullLocked(primary: number): boolean {
    let last = primary;
    for (let next = this.overflowOf(last); next !== 0; next = this.overflowOf(last)) last = next;
    return this.#firstEmpty(last) === BUCKET_SLOTS;
  }

  overflowOf(bucket: number): number {
    return this.#context.arena.wordsOf(bucket)[this.#context.arena.wordIndex(bucket) + BUCKET.overflow]!;
  }

  /** Makes the chain's sequence odd until the commit. */
  openLocked(primary: number): void {
    const { arena, journal } = this.#context;
    journal.open(arena.segmentOf(primary), arena.wordIndex(primary) + BUCKET.sequence);
  }

  /** Writes a slot. The chain's sequence is open. */
  writeSlotLocked(bucket: number, slot: number, tag: number, ref: number, time: number): void {
    const { arena, journal } = this.#context;
    const segment = arena.segmentOf(bucket);
    const at = arena.wordIndex(bucket);
    journal.write(segment, at + BUCKET.tags + slot, tag);
    journal.write(segment, at + BUCKET.refs + slot * 2, ref);
    journal.write(segment, at + BUCKET.times + slot * 2, time);
  }

  /**
   * Adds an entry to a chain whose sequence is open. Returns its position, a bucket's ref whose low bits are 0 and a slot;
   * 0 if it needs an overflow bucket and there is none.
   */
  insertLocked(shard: number, primary: number, tag: number, ref: number, time: number): number {
    let bucket = primary;
    for (let next = this.overflowOf(bucket); next !== 0; next = this.overflowOf(bucket)) bucket = next;
    let slot = this.#firstEmpty(bucket);
    if (slot === BUCKET_SLOTS) {
      const overflow = this.#takeOverflowLocked(shard);
      if (overflow === 0) return 0;
      const { arena, journal } = this.#context;
      journal.write(arena.segmentOf(bucket), arena.wordIndex(bucket) + BUCKET.overflow, overflow);
      bucket = overflow;
      slot = 0;
    }
    this.writeSlotLocked(bucket, slot, tag, ref, time);
    return bucket | slot;
  }

  /** Removes the entry of a slot from a chain whose sequence is open: the last entry of the chain takes its place. */
  removeLocked(shard: number, primary: number, bucket: number, slot: number): void {
    let last = primary;
    let before = 0;
    for (let next = this.overflowOf(last); next !== 0; next = this.overflowOf(last)) {
      before = last;
      last = next;
    }
    const lastSlot = this.#firstEmpty(last) - 1;
    const words = this.#context.arena.wordsOf(last);
    const at = this.#context.arena.wordIndex(last);
    if (last !== bucket || lastSlot !== slot) {
      const tag = words[at + BUCKET.tags + lastSlot]!;
      const ref = words[at + BUCKET.refs + lastSlot * 2]!;
      this.writeSlotLocked(bucket, slot, tag, ref, words[at + BUCKET.times + lastSlot * 2]!);
    }
    this.writeSlotLocked(last, lastSlot, 0, 0, 0);
    if (lastSlot === 0 && before !== 0) this.#dropOverflowLocked(shard, before, last);
  }

  /** Entries in the last bucket of a chain, and so where the next goes; BUCKET_SLOTS if it is full. */
  #firstEmpty(bucket: number): number {
    const words: Words = this.#context.arena.wordsOf(bucket);
    const at = this.#context.arena.wordIndex(bucket) + BUCKET.refs;
    let slot = 0;
    while (slot < BUCKET_SLOTS && words[at + slot * 2] !== 0) slot++;
    return slot;
  }

  #takeOverflowLocked(shard: number): number {
    const bucket = this.#context.meta[shard + SHARD.overflowFree]!;
    if (bucket !== 0) {
      const { arena, journal } = this.#context;
      this.#context.write(shard + SHARD.overflowFree, this.overflowOf(bucket));
      journal.write(arena.segmentOf(bucket), arena.wordIndex(bucket) + BUCKET.overflow, 0);
    }
    return bucket;
  }

  #dropOverflowLocked(shard: number, before: number, bucket: number): void {
    const { arena, journal, meta } = this.#context;
    journal.write(arena.segmentOf(before), arena.wordIndex(before) + BUCKET.overflow, 0);
    const free = meta[shard + SHARD.overflowFree]!;
    journal.write(arena.segmentOf(bucket), arena.wordIndex(bucket) + BUCKET.overflow, free);
    this.#context.write(shard + SHARD.overflowFree, bucket);
  }

  /** Sees to it that an insert finds an overflow bucket. Its own transaction; false if no page can be had. */
  ensureOverflowLocked(shard: number): boolean {
    const { arena, layout, journal, meta } = this.#context;
    if (meta[shard + SHARD.overflowFree] !== 0) return true;
    const page = this.#pages.acquireLocked(shard, PAGE_INDEX, 0);
    if (page < 0) return false;
    const first = layout.pageRef(page);
    this.#clearPage(page);
    // Nobody can see the page yet: its links need no journal.
    for (let i = 0; i < layout.bucketsPerPage - 1; i++) {
      const bucket = first + i * BUCKET_GRANULES;
      arena.wordsOf(bucket)[arena.wordIndex(bucket) + BUCKET.overflow] = bucket + BUCKET_GRANULES;
    }
    this.#context.write(shard + SHARD.overflowFree, first);
    journal.commit();
    return true;
  }

  #clearPage(page: number): void {
    const { arena, layout } = this.#context;
    const ref = layout.pageRef(page);
    const at = arena.wordIndex(ref);
    arena.wordsOf(ref).fill(0, at, at + layout.pageGranules * 2);
  }

  /** Whether the next insert should be followed by a split. */
  isLoadedLocked(shard: number): boolean {
    const { meta } = this.#context;
    return meta[shard + SHARD.itemCount]! > meta[shard + SHARD.bucketCount]! * LOAD_MAX;
  }

  /** Whether the index is so loaded that a page of items should make way for it. */
  isStarvedLocked(shard: number): boolean {
    const { meta } = this.#context;
    return meta[shard + SHARD.itemCount]! > meta[shard + SHARD.bucketCount]! * LOAD_STARVED;
  }

  /** Sees to it that the bucket that a split would make has a page. Its own transaction; false if none can be had. */
  ensureDirectoryLocked(shard: number): boolean {
    const { layout, journal, meta } = this.#context;
    const entry = meta[shard + SHARD.bucketCount]! >>> this.#bucketShift;
    if (entry < meta[shard + SHARD.directoryUsed]!) return true;
    if (entry >= layout.directoryEntries) return false;
    const page = this.#pages.acquireLocked(shard, PAGE_INDEX, 0);
    if (page < 0) return false;
    this.#clearPage(page);
    this.#context.write(shard + layout.directoryOffset + entry, page + 1);
    this.#context.write(shard + SHARD.directoryUsed, entry + 1);
    journal.commit();
    return true;
  }

  /**
   * Splits the next bucket. Its own transaction; the directory has a page for the new bucket, and overflow buckets for
   * both halves are those of the old chain. False if the chain is too long to be split.
   */
  splitLocked(shard: number, hashOf: (ref: number) => number): boolean {
    const { meta, journal } = this.#context;
    const count = meta[shard + SHARD.bucketCount]!;
    const source = this.bucketRef(shard, count - (0x80000000 >>> Math.clz32(count)));
    const target = this.bucketRef(shard, count);
    const entries = this.#gather(source);
    if (entries < 0) return false;
    this.openLocked(source);
    this.openLocked(target);
    this.#context.write(shard + SHARD.bucketCount, count + 1);
    this.#emptyChainLocked(shard, source);
    for (let i = 0; i < entries; i++) {
      const ref = this.#moving[i * 3 + 1]!;
      const moves = this.bucketNumber(hashOf(ref), count + 1) === count;
      const tag = this.#moving[i * 3]!;
      // Two dense chains never need more overflow buckets than the old one had, and those are free now.
      const position = this.insertLocked(shard, moves ? target : source, tag, ref, this.#moving[i * 3 + 2]!);
      assert(position !== 0, 'a split ran out of overflow buckets');
    }
    journal.commit();
    return true;
  }

  #gather(primary: number): number {
    let entries = 0;
    for (let bucket = primary; bucket !== 0; bucket = this.overflowOf(bucket)) {
      const words = this.#context.arena.wordsOf(bucket);
      const at = this.#context.arena.wordIndex(bucket);
      for (let slot = 0; slot < BUCKET_SLOTS && words[at + BUCKET.refs + slot * 2] !== 0; slot++) {
        if (entries === SPLIT_ENTRIES_MAX) return -1;
        this.#moving[entries * 3] = words[at + BUCKET.tags + slot]!;
        this.#moving[entries * 3 + 1] = words[at + BUCKET.refs + slot * 2]!;
        this.#moving[entries * 3 + 2] = words[at + BUCKET.times + slot * 2]!;
        entries++;
      }
    }
    return entries;
  }

  #emptyChainLocked(shard: number, primary: number): void {
    const { arena, journal } = this.#context;
    let bucket = primary;
    while (bucket !== 0) {
      const next = this.overflowOf(bucket);
      const words = arena.wordsOf(bucket);
      const at = arena.wordIndex(bucket);
      for (let slot = 0; slot < BUCKET_SLOTS && words[at + BUCKET.refs + slot * 2] !== 0; slot++) {
        this.writeSlotLocked(bucket, slot, 0, 0, 0);
      }
      if (bucket === primary) journal.write(arena.segmentOf(bucket), at + BUCKET.overflow, 0);
      else this.#freeOverflowLocked(shard, bucket);
      bucket = next;
    }
  }

  #freeOverflowLocked(shard: number, bucket: number): void {
    const { arena, journal, meta } = this.#context;
    const free = meta[shard + SHARD.overflowFree]!;
    journal.write(arena.segmentOf(bucket), arena.wordIndex(bucket) + BUCKET.overflow, free);
    this.#context.write(shard + SHARD.overflowFree, bucket);
  }
}
