/**
 * Makes room. A hand sweeps the buckets of a shard and collects cold entries of all classes in small rings; a class
 * that needs a chunk evicts the oldest of its ring. A class that has no cold entry, while another has plenty, gets a
 * page of that one instead: the page is emptied, its cold entries are evicted, its others are moved to chunks that
 * cold entries of their class make free. So memory follows the classes, and the coldest go first.
 *
 * Rings, the hand and the threshold are hints: what they say is checked against the index before it is used, so they
 * need no journal and no repair.
 */
import { BUCKET, BUCKET_GRANULES, BUCKET_SLOTS, RING_ENTRIES, RING_WORDS, SHARD } from '../../native-free/index.js';
import { CAUSE, GLOBAL_COUNTER } from './causes.js';
import type { Chains } from './chains.js';
import type { Context } from './context.js';
import { expiryOf, NOT_EXPIRED } from './expiry.js';
import { type IndexTable, Place, STAMP_MASK, TAG_IDLE } from './index-table.js';
import { FLAG_CHAINED, FLAG_CONTINUATION, FLAG_PINNED, flagsOf, WORD_HASH, WORD_NEXT, WORD_SIZES } from './item.js';
import type { Items } from './items.js';
import { type PagePool, pageClass } from './page-pool.js';
import type { EvictionPolicy } from './ports.js';

/** Buckets that one call may sweep for a class that has no candidate. */
const SWEEP_BUCKETS_MAX = 64;
/** A class with at least this many candidates has a page to give. */
const SURPLUS = RING_ENTRIES / 2;
/** Pages that one call may try to empty before it gives up. */
const PAGE_TRIES_MAX = 8;

export class Evictor {
  readonly #context: Context;
  readonly #index: IndexTable;
  readonly #pages: PagePool;
  readonly #items: Items;
  readonly #chains: Chains;
  readonly #policy: EvictionPolicy;
  readonly #place = new Place();
  readonly #moving = new Place();
  /** The oldest entry of the wanted class that the sweep has seen, and its age; position 0 for none. */
  #oldest = 0;
  #oldestAge = 0;

  constructor(
    context: Context,
    index: IndexTable,
    pages: PagePool,
    items: Items,
    chains: Chains,
    policy: EvictionPolicy,
  ) {
    this.#context = context;
    this.#index = index;
    this.#pages = pages;
    this.#items = items;
    this.#chains = chains;
    this.#policy = policy;
  }

  /** Sees to it that the class has a free chunk, evicting if it must. False if nothing of the shard may go. */
  makeRoomLocked(shard: number, classId: number): boolean {
    if (this.#pages.hasRoomLocked(shard, classId)) return true;
    if (this.#pages.reclaimEmptyLocked(shard) && this.#pages.hasRoomLocked(shard, classId)) return true;
    if (this.#evictCandidateLocked(shard, classId)) return true;
    this.#oldest = 0;
    for (let i = 0; i < SWEEP_BUCKETS_MAX; i++) {
      this.#sweepLocked(shard, classId);
      if (this.#pages.hasRoomLocked(shard, classId)) return true;
      if (this.#evictCandidateLocked(shard, classId)) return true;
    }
    if (this.#surplusClass(shard, classId) >= 0 && this.reclaimPageLocked(shard)) {
      if (this.#pages.hasRoomLocked(shard, classId)) return true;
    }
    if (this.#oldest !== 0 && this.#evictAtLocked(shard, this.#oldest, classId)) return true;
    return this.reclaimPageLocked(shard) && this.#pages.hasRoomLocked(shard, classId);
  }

  /** Sweeps the bucket under the hand: removes what has expired, notes what is cold. */
  #sweepLocked(shard: number, classId: number): void {
    const { meta } = this.#context;
    const count = meta[shard + SHARD.bucketCount]!;
    const number = meta[shard + SHARD.hand]! % count;
    meta[shard + SHARD.hand] = (number + 1) % count;
    const primary = this.#index.bucketRef(shard, number);
    for (let bucket = primary; bucket !== 0; bucket = this.#index.overflowOf(bucket)) {
      if (!this.#sweepBucketLocked(shard, primary, bucket, classId)) return;
    }
  }

  /** False if it removed an entry: another has taken the slot, or the bucket has left the chain. */
  #sweepBucketLocked(shard: number, primary: number, bucket: number, classId: number): boolean {
    const { arena } = this.#context;
    const words = arena.wordsOf(bucket);
    const at = arena.wordIndex(bucket);
    for (let slot = 0; slot < BUCKET_SLOTS; slot++) {
      const ref = words[at + BUCKET.refs + slot * 2]!;
      if (ref === 0) return true;
      const tag = words[at + BUCKET.tags + slot]!;
      const time = words[at + BUCKET.times + slot * 2]!;
      if (time !== 0) {
        const cause = expiryOf(this.#context.clock, tag, time, arena.wordsOf(ref), arena.wordIndex(ref));
        if (cause !== NOT_EXPIRED) {
          this.#removeLocked(shard, primary, bucket, slot, ref, cause);
          return false;
        }
      }
      this.#noteLocked(shard, bucket | slot, this.#ageLocked(shard, tag, time), this.#classOf(ref), classId);
    }
    return true;
  }

  #ageLocked(shard: number, tag: number, time: number): number {
    const age = this.#policy.age(shard, tag & STAMP_MASK);
    return (tag & TAG_IDLE) === 0 ? age : Math.min(age, this.#policy.ageOfTick(shard, time));
  }

  #classOf(ref: number): number {
    return pageClass(this.#pages.state(this.#context.layout.pageOf(ref)));
  }

  /** Puts a cold entry on the ring of its class. A position is a bucket's ref, whose low bits are 0, and a slot. */
  #noteLocked(shard: number, position: number, age: number, classOfEntry: number, wanted: number): void {
    if (classOfEntry === wanted && (this.#oldest === 0 || age > this.#oldestAge)) {
      this.#oldest = position;
      this.#oldestAge = age;
    }
    if (!this.#policy.isCold(shard, age)) return;
    const { meta } = this.#context;
    const ring = this.#ring(shard, classOfEntry);
    const count = meta[ring]!;
    if (count >= RING_ENTRIES) return;
    meta[ring + 1 + count * 2] = position;
    // Ages of different moments compare by when they began.
    meta[ring + 2 + count * 2] = age - this.#policy.current(shard);
    meta[ring] = count + 1;
  }

  #ring(shard: number, classId: number): number {
    return shard + this.#context.layout.ringsOffset + classId * RING_WORDS;
  }

  /** Evicts the oldest candidate of the class that still is one. */
  #evictCandidateLocked(shard: number, classId: number): boolean {
    const ring = this.#ring(shard, classId);
    while (this.#context.meta[ring]! > 0) {
      if (this.#evictAtLocked(shard, this.#takeOldest(ring), classId)) return true;
    }
    return false;
  }

  #takeOldest(ring: number): number {
    const { meta } = this.#context;
    const last = meta[ring]! - 1;
    let oldest = last;
    for (let i = 0; i < last; i++) if (meta[ring + 2 + i * 2]! > meta[ring + 2 + oldest * 2]!) oldest = i;
    const position = meta[ring + 1 + oldest * 2]!;
    meta[ring + 1 + oldest * 2] = meta[ring + 1 + last * 2]!;
    meta[ring + 2 + oldest * 2] = meta[ring + 2 + last * 2]!;
    meta[ring] = last;
    return position;
  }

  /**
   * Evicts the entry at a position that was noted earlier, if there is one of the class now and it isn't fresh. True
   * if the class has room then; a chained item may consist of other classes only.
   */
  #evictAtLocked(shard: number, position: number, classId: number): boolean {
    const { arena } = this.#context;
    const bucket = position & ~(BUCKET_GRANULES - 1);
    const slot = position & (BUCKET_GRANULES - 1);
    const words = arena.wordsOf(bucket);
    const at = arena.wordIndex(bucket);
    const ref = words[at + BUCKET.refs + slot * 2]!;
    if (ref === 0 || this.#classOf(ref) !== classId) return false;
    if (this.#isPinned(ref)) return false;
    const age = this.#ageLocked(shard, words[at + BUCKET.tags + slot]!, words[at + BUCKET.times + slot * 2]!);
    if (age === 0 && position !== this.#oldest) return false;
    const primary = this.#index.primaryLocked(shard, arena.wordsOf(ref)[arena.wordIndex(ref) + WORD_HASH]!);
    this.#removeLocked(shard, primary, bucket, slot, ref, CAUSE.size);
    return this.#pages.hasRoomLocked(shard, classId);
  }

  #isPinned(ref: number): boolean {
    const { arena } = this.#context;
    const flags = flagsOf(arena.wordsOf(ref)[arena.wordIndex(ref) + WORD_SIZES]!);
    return (flags & FLAG_CHAINED) !== 0 && (flags & FLAG_PINNED) !== 0;
  }

  #removeLocked(shard: number, primary: number, bucket: number, slot: number, ref: number, cause: number): void {
    const place = this.#place;
    place.primary = primary;
    place.bucket = bucket;
    place.slot = slot;
    place.ref = ref;
    this.#items.removeLocked(shard, place, cause);
  }

  /** Evicts the oldest entry of a chain, for an insert that finds neither an empty slot nor an overflow bucket. */
  evictFromChainLocked(shard: number, primary: number): boolean {
    const { arena } = this.#context;
    let oldest = 0;
    let oldestAge = -1;
    for (let bucket = primary; bucket !== 0; bucket = this.#index.overflowOf(bucket)) {
      const words = arena.wordsOf(bucket);
      const at = arena.wordIndex(bucket);
      for (let slot = 0; slot < BUCKET_SLOTS && words[at + BUCKET.refs + slot * 2] !== 0; slot++) {
        const age = this.#ageLocked(shard, words[at + BUCKET.tags + slot]!, words[at + BUCKET.times + slot * 2]!);
        if (age <= oldestAge) continue;
        oldest = bucket | slot;
        oldestAge = age;
      }
    }
    if (oldest === 0) return false;
    const bucket = oldest & ~(BUCKET_GRANULES - 1);
    const slot = oldest & (BUCKET_GRANULES - 1);
    const ref = arena.wordsOf(bucket)[arena.wordIndex(bucket) + BUCKET.refs + slot * 2]!;
    this.#removeLocked(shard, primary, bucket, slot, ref, CAUSE.size);
    return true;
  }

  /** A class other than `classId` with candidates to spare, the one with the most; -1 if none has. */
  #surplusClass(shard: number, classId: number): number {
    let best = -1;
    let most = SURPLUS - 1;
    for (let id = 0; id < this.#context.classes.count; id++) {
      const candidates = this.#context.meta[this.#ring(shard, id)]!;
      if (id === classId || candidates <= most) continue;
      best = id;
      most = candidates;
    }
    return best;
  }

  /** Empties a page of the shard and gives it to the pool. False if none of the pages tried could be emptied. */
  reclaimPageLocked(shard: number): boolean {
    for (let i = 0; i < PAGE_TRIES_MAX; i++) {
      const page = this.#donorLocked(shard);
      if (page < 0) return false;
      this.#pages.beginDrainLocked(shard, page);
      this.#emptyPageLocked(shard, page);
      if (!this.#pages.endDrainLocked(shard)) continue;
      this.#context.countGlobal(GLOBAL_COUNTER.pagesMoved, 1);
      return true;
    }
    return false;
  }

  /** The page of a candidate of the class with the most of them; without candidates, the next page in turn. */
  #donorLocked(shard: number): number {
    const { arena, layout, meta } = this.#context;
    const classId = this.#surplusClass(shard, -1);
    if (classId >= 0) {
      const ring = this.#ring(shard, classId);
      const position = this.#takeOldest(ring);
      const bucket = position & ~(BUCKET_GRANULES - 1);
      const ref =
        arena.wordsOf(bucket)[arena.wordIndex(bucket) + BUCKET.refs + (position & (BUCKET_GRANULES - 1)) * 2]!;
      const page = ref === 0 ? -1 : layout.pageOf(ref);
      if (page >= 0 && this.#pages.holdsItemsOf(this.#pages.state(page), shard)) return page;
    }
    const start = meta[shard + SHARD.pageCursor]!;
    for (let i = 0; i < layout.pages; i++) {
      const page = (start + i) % layout.pages;
      if (!this.#pages.holdsItemsOf(this.#pages.state(page), shard)) continue;
      meta[shard + SHARD.pageCursor] = (page + 1) % layout.pages;
      return page;
    }
    return -1;
  }

  /** Moves or evicts everything on a page that is being drained; stops at what is not in the index: it is in flight. */
  #emptyPageLocked(shard: number, page: number): void {
    const { classes, layout } = this.#context;
    const classId = pageClass(this.#pages.state(page));
    const chunks = classes.chunksPerPage[classId]!;
    for (let chunk = 0; chunk < chunks; chunk++) {
      if (!this.#pages.isUsed(page, chunk)) continue;
      const ref = layout.pageRef(page) + chunk * classes.granules[classId]!;
      if (!this.#relocateLocked(shard, ref, classId)) return;
    }
  }

  /** Moves the chunk at `ref` out of the page that is being drained, or evicts its item. False if neither may be. */
  #relocateLocked(shard: number, ref: number, classId: number): boolean {
    const place = this.#moving;
    if (!this.#findOwnerLocked(shard, ref, place)) return false;
    if (this.#isPinned(place.ref)) return false;
    const { arena } = this.#context;
    const words = arena.wordsOf(place.bucket);
    const at = arena.wordIndex(place.bucket);
    const tag = words[at + BUCKET.tags + place.slot]!;
    const time = words[at + BUCKET.times + place.slot * 2]!;
    const cause = time === 0 ? NOT_EXPIRED : this.#expiryOf(place.ref, tag, time);
    let goes = cause !== NOT_EXPIRED || this.#policy.isCold(shard, this.#ageLocked(shard, tag, time));
    if (!goes) {
      goes = !this.#hasTargetLocked(shard, classId);
      // Making room may have moved slots about, or evicted the item itself.
      if (!this.#findOwnerLocked(shard, ref, place)) return true;
    }
    if (goes) this.#items.removeLocked(shard, place, cause === NOT_EXPIRED ? CAUSE.size : cause);
    else this.#moveLocked(shard, ref, classId, place);
    return true;
  }

  #expiryOf(ref: number, tag: number, time: number): number {
    return expiryOf(
      this.#context.clock,
      tag,
      time,
      this.#context.arena.wordsOf(ref),
      this.#context.arena.wordIndex(ref),
    );
  }

  /** Whether the class has a chunk elsewhere, or a cold entry that makes one free. */
  #hasTargetLocked(shard: number, classId: number): boolean {
    if (this.#context.meta[shard + SHARD.partial + classId] !== 0) return true;
    const ring = this.#ring(shard, classId);
    while (this.#context.meta[ring]! > 0) {
      if (!this.#evictAtLocked(shard, this.#takeOldest(ring), classId)) continue;
      if (this.#context.meta[shard + SHARD.partial + classId] !== 0) return true;
    }
    return false;
  }

  /** Finds the entry that the chunk at `ref` belongs to, as its head or as a later piece. */
  #findOwnerLocked(shard: number, ref: number, place: Place): boolean {
    const { arena } = this.#context;
    const hash = arena.wordsOf(ref)[arena.wordIndex(ref) + WORD_HASH]!;
    if (this.#index.locateRefLocked(shard, hash, ref, place)) return true;
    if ((flagsOf(arena.wordsOf(ref)[arena.wordIndex(ref) + WORD_SIZES]!) & FLAG_CONTINUATION) === 0) return false;
    for (let bucket = place.primary; bucket !== 0; bucket = this.#index.overflowOf(bucket)) {
      const words = arena.wordsOf(bucket);
      const at = arena.wordIndex(bucket);
      for (let slot = 0; slot < BUCKET_SLOTS && words[at + BUCKET.refs + slot * 2] !== 0; slot++) {
        const head = words[at + BUCKET.refs + slot * 2]!;
        if (this.#predecessorOf(head, ref) === 0) continue;
        place.bucket = bucket;
        place.slot = slot;
        place.ref = head;
        return true;
      }
    }
    return false;
  }

  /** The chunk before `ref` in the chain that begins at `head`, or 0. */
  #predecessorOf(head: number, ref: number): number {
    const { arena } = this.#context;
    if ((flagsOf(arena.wordsOf(head)[arena.wordIndex(head) + WORD_SIZES]!) & FLAG_CHAINED) === 0) return 0;
    for (let chunk = head; chunk !== 0; ) {
      const next = this.#chains.nextOf(chunk);
      if (next === ref) return chunk;
      chunk = next;
    }
    return 0;
  }

  /** Moves a chunk to another page of its class: one transaction. */
  #moveLocked(shard: number, ref: number, classId: number, place: Place): void {
    const { arena, journal, classes } = this.#context;
    const target = this.#pages.allocateLocked(shard, classId);
    const from = arena.wordIndex(ref);
    const to = arena.wordIndex(target);
    const source = arena.wordsOf(ref);
    const words = arena.wordsOf(target);
    for (let i = 0, count = classes.granules[classId]! * 2; i < count; i++) words[to + i] = source[from + i]!;
    this.#index.openLocked(place.primary);
    let head = place.ref;
    if (place.ref === ref) {
      const at = arena.wordIndex(place.bucket) + place.slot * 2 + BUCKET.refs;
      journal.write(arena.segmentOf(place.bucket), at, target);
      head = target;
    } else {
      const before = this.#predecessorOf(place.ref, ref);
      journal.write(arena.segmentOf(before), arena.wordIndex(before) + WORD_NEXT, target);
    }
    const flags = flagsOf(arena.wordsOf(head)[arena.wordIndex(head) + WORD_SIZES]!);
    if ((flags & FLAG_CHAINED) !== 0) this.#items.renewGenerationLocked(shard, head);
    this.#pages.freeLocked(shard, ref);
    journal.commit();
    this.#pages.finishRelease();
    this.#context.countGlobal(GLOBAL_COUNTER.itemsMoved, 1);
  }
}
