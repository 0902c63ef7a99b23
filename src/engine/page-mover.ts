/**
 * Empties a page of a slab class, so that another class can have it: entries that are cold and may go are evicted, the
 * others are moved to chunks of their class elsewhere. It always ends: each chunk is moved, evicted, or stops it.
 */
import { BUCKET, BUCKET_GRANULES, BUCKET_SLOTS, RING_ENTRIES, SHARD } from '../../native-free/index.js';
import type { Candidates } from './candidates.js';
import { CAUSE, GLOBAL_COUNTER } from './causes.js';
import type { Chains } from './chains.js';
import type { Context } from './context.js';
import { NOT_EXPIRED } from './expiry.js';
import { type IndexTable, Place } from './index-table.js';
import { FLAG_CHAINED, FLAG_CONTINUATION, FLAG_OWNED, flagsOf, WORD_HASH, WORD_NEXT, WORD_SIZES } from './item.js';
import type { Items } from './items.js';
import type { Ownership } from './ownership.js';
import { type PagePool, pageClass } from './page-pool.js';
import type { Victims } from './victims.js';

/** In place of a class. */
export const NO_CLASS: number = -1;

/** A class with at least this many candidates has a page to give. */
const SURPLUS = RING_ENTRIES / 2;

export class PageMover {
  readonly #context: Context;
  readonly #index: IndexTable;
  readonly #pages: PagePool;
  readonly #items: Items;
  readonly #chains: Chains;
  readonly #ownership: Ownership;
  readonly #victims: Victims;
  readonly #candidates: Candidates;
  readonly #place = new Place();

  constructor(
    context: Context,
    index: IndexTable,
    pages: PagePool,
    items: Items,
    chains: Chains,
    ownership: Ownership,
    victims: Victims,
    candidates: Candidates,
  ) {
    this.#context = context;
    this.#index = index;
    this.#pages = pages;
    this.#items = items;
    this.#chains = chains;
    this.#ownership = ownership;
    this.#victims = victims;
    this.#candidates = candidates;
  }

  /** A class other than `classId` with candidates to spare, the one with the most; -1 if none has. */
  surplusClass(shard: number, classId: number): number {
    let best = -1;
    let most = SURPLUS - 1;
    for (let id = 0; id < this.#context.classes.count; id++) {
      const count = this.#candidates.count(this.#candidates.ofClass(shard, id));
      if (id === classId || count <= most) continue;
      best = id;
      most = count;
    }
    return best;
  }

  /** The page of a candidate of the class with the most of them, `forClass` aside; without candidates, the next page in turn. */
  donorLocked(shard: number, forClass: number): number {
    const { layout, meta } = this.#context;
    const classId = this.surplusClass(shard, forClass);
    if (classId >= 0 && this.#candidates.take(this.#candidates.ofClass(shard, classId), 0)) {
      const page = this.#pageAt(this.#candidates.position);
      if (page >= 0 && this.#mayBeEmptied(shard, page)) return page;
    }
    const start = meta[shard + SHARD.pageCursor]!;
    for (let i = 0; i < layout.pages; i++) {
      const page = (start + i) % layout.pages;
      if (!this.#mayBeEmptied(shard, page)) continue;
      meta[shard + SHARD.pageCursor] = (page + 1) % layout.pages;
      return page;
    }
    return -1;
  }

  /** The page of the entry at a position of the index; -1 if there is none. */
  #pageAt(position: number): number {
    const { arena, layout } = this.#context;
    const bucket = position & -BUCKET_GRANULES;
    const slot = position & (BUCKET_GRANULES - 1);
    const ref = arena.wordsOf(bucket)[arena.wordIndex(bucket) + BUCKET.refs + slot * 2]!;
    return ref === 0 ? -1 : layout.pageOf(ref);
  }

  #mayBeEmptied(shard: number, page: number): boolean {
    return this.#pages.holdsItemsOf(this.#pages.state(page), shard) && !this.#chains.isOfStreamLocked(page);
  }

  /**
   * Moves or evicts, for a type, everything on a page that is being drained. Stops at what is not in the index, which
   * is in flight, and at what may neither go nor be moved.
   */
  emptyLocked(shard: number, page: number, forType: number): void {
    const { classes, layout } = this.#context;
    const classId = pageClass(this.#pages.state(page));
    const chunks = classes.chunksPerPage[classId]!;
    for (let chunk = 0; chunk < chunks; chunk++) {
      if (!this.#pages.isUsed(page, chunk)) continue;
      const ref = layout.pageRef(page) + chunk * classes.granules[classId]!;
      if (!this.#relocateLocked(shard, ref, classId, forType)) return;
    }
  }

  /** Moves the chunk at `ref` out of the page that is being drained, or evicts its item. False if neither may be. */
  #relocateLocked(shard: number, ref: number, classId: number, forType: number): boolean {
    const place = this.#place;
    if (!this.#findOwnerLocked(shard, ref, place)) return false;
    if (this.#victims.isPinned(place.ref)) return false;
    const { arena } = this.#context;
    const words = arena.wordsOf(place.bucket);
    const at = arena.wordIndex(place.bucket);
    const cause = this.#victims.expiryAt(shard, words, at, place.slot);
    const mayGo = this.#mayGo(shard, place, forType);
    let goes = cause !== NOT_EXPIRED || (mayGo && this.#victims.isCold(shard, words, at, place.slot));
    if (!goes) {
      const canMove = this.#hasTargetLocked(shard, classId, forType);
      // Making room may have moved slots about, or evicted the item itself.
      if (!this.#findOwnerLocked(shard, ref, place)) return true;
      if (!canMove && !this.#mayGo(shard, place, forType)) return false;
      goes = !canMove;
    }
    if (goes && cause === NOT_EXPIRED) this.#victims.evictSlot(shard, place.bucket, place.slot, CAUSE.size);
    else if (goes) this.#items.removeLocked(shard, place, cause);
    else this.#moveLocked(shard, ref, classId, place);
    return true;
  }

  #mayGo(shard: number, { bucket, slot }: Place, forType: number): boolean {
    const { arena } = this.#context;
    return this.#victims.mayGo(shard, arena.wordsOf(bucket), arena.wordIndex(bucket), slot, forType);
  }

  /** Whether the class has a chunk elsewhere, or a cold entry that makes one free. */
  #hasTargetLocked(shard: number, classId: number, forType: number): boolean {
    const partial = shard + SHARD.partial + classId;
    if (this.#context.meta[partial] !== 0) return true;
    const ring = this.#candidates.ofClass(shard, classId);
    // Also evicts candidates on the page that is being drained: those make no room here, but less to move.
    while (this.#candidates.count(ring) > 0) {
      this.#victims.evictCandidate(shard, classId, forType, 0);
      if (this.#context.meta[partial] !== 0) return true;
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
    if (head === target && (flags & FLAG_OWNED) !== 0) this.#ownership.noteMoveLocked(shard, ref, target);
    this.#pages.freeLocked(shard, ref);
    this.#items.commitLocked(shard);
    this.#pages.finishRelease();
    this.#context.countGlobal(GLOBAL_COUNTER.itemsMoved, 1);
  }
}
