/**
 * Empties a page of a slab class, so that another class can have it: entries that are cold and may go are evicted, the
 * others are moved to chunks of their class elsewhere, if need be in the place of colder ones, the warmer half of them first: what
 * can be found elsewhere within bounds may not be enough for all. It always ends: each chunk is moved, evicted, or stops it. It ends
 * early where what is evicted has freed a whole page by itself, as a chained item may, or the last entry of another page.
 */
import { BUCKET, copyBytes, SHARD } from '../../native-free/index.js';
import { type Candidates, goesBefore, precedenceOf } from './candidates.js';
import { CAUSE, GLOBAL_COUNTER } from './causes.js';
import type { Context } from './context.js';
import { NOT_EXPIRED } from './expiry.js';
import { type IndexTable, Place } from './index-table.js';
import { FLAG_CHAINED, FLAG_OWNED, flagsOf, WORD_NEXT, WORD_SIZES } from './item.js';
import type { Items } from './items.js';
import type { Occupants } from './occupants.js';
import type { Ownership } from './ownership.js';
import { type PagePool, pageClass } from './page-pool.js';
import type { Victims } from './victims.js';

/** In place of a class. */
export const NO_CLASS: number = -1;

/** Buckets that may be swept for what is colder elsewhere, while one page is emptied. */
const SWEEPS_PER_PAGE = 64;
/** In place of a bound of coldness. */
const ALL: number = Number.POSITIVE_INFINITY;

export class PageMover {
  readonly #context: Context;
  readonly #index: IndexTable;
  readonly #pages: PagePool;
  readonly #items: Items;
  readonly #occupants: Occupants;
  readonly #ownership: Ownership;
  readonly #victims: Victims;
  readonly #candidates: Candidates;
  readonly #sweep: (shard: number) => void;
  readonly #place = new Place();
  /** Buckets that may still be swept for the page in hand. */
  #sweeps = 0;
  /** Pages given to the pool when the page in hand was begun. */
  #given = 0;

  constructor(
    context: Context,
    index: IndexTable,
    pages: PagePool,
    items: Items,
    occupants: Occupants,
    ownership: Ownership,
    victims: Victims,
    candidates: Candidates,
    sweep: (shard: number) => void,
  ) {
    this.#context = context;
    this.#index = index;
    this.#pages = pages;
    this.#items = items;
    this.#occupants = occupants;
    this.#ownership = ownership;
    this.#victims = victims;
    this.#candidates = candidates;
    this.#sweep = sweep;
  }

  /**
   * Moves or evicts, for a type, everything on a page that is being drained. Stops at what is not in the index, which
   * is in flight, and at what may neither go nor be moved.
   */
  emptyLocked(shard: number, page: number, forType: number): void {
    this.#sweeps = SWEEPS_PER_PAGE;
    this.#given = this.#pages.given;
    const mean = this.#occupants.coldnessLocked(shard, page, forType);
    if (mean >= 0 && this.#relocateAllLocked(shard, page, forType, mean))
      this.#relocateAllLocked(shard, page, forType, ALL);
  }

  /** Whether the shard has given a page to the pool since the page in hand was begun, but for this page itself. */
  get hasFreed(): boolean {
    return this.#pages.given !== this.#given;
  }

  /**
   * Goes through the chunks of a page, all or those below a bound of coldness. What is below a bound is moved if there is room or
   * something colder elsewhere, and stays if not. False if one stops it, or a page has been freed by the way.
   */
  #relocateAllLocked(shard: number, page: number, forType: number, bound: number): boolean {
    const { classes, layout } = this.#context;
    const classId = pageClass(this.#pages.state(page));
    const chunks = classes.chunksPerPage[classId]!;
    for (let chunk = 0; chunk < chunks; chunk++) {
      if (!this.#pages.isUsed(page, chunk)) continue;
      const ref = layout.pageRef(page) + chunk * classes.granules[classId]!;
      if (!this.#relocateLocked(shard, ref, classId, forType, bound) || this.hasFreed) return false;
    }
    return true;
  }

  /**
   * Moves the chunk at `ref` out of the page that is being drained, removes its item if that is over, or, without a bound of
   * coldness, evicts it. False if none of this may be done.
   */
  #relocateLocked(shard: number, ref: number, classId: number, forType: number, bound: number): boolean {
    const place = this.#place;
    if (!this.#occupants.findLocked(shard, ref, place)) return false;
    if (this.#victims.isPinned(place.ref)) return false;
    const { arena } = this.#context;
    const words = arena.wordsOf(place.bucket);
    const at = arena.wordIndex(place.bucket);
    const cause = this.#victims.expiryAt(shard, words, at, place.slot);
    if (cause !== NOT_EXPIRED) {
      this.#items.removeLocked(shard, place, cause);
      return true;
    }
    const mayGo = this.#victims.mayGo(shard, words, at, place.slot, forType);
    const coldness = mayGo ? this.#occupants.coldnessOf(shard, words, at, place.slot) : 0;
    if (coldness >= bound) return true;
    let goes = bound === ALL && mayGo && this.#victims.isCold(shard, words, at, place.slot);
    if (!goes) {
      const order = this.#victims.orderAt(shard, words, at, place.slot);
      const canMove = this.#hasTargetLocked(shard, classId, forType, mayGo, coldness > 0, order);
      if (this.hasFreed) return false;
      // Making room may have moved slots about, or evicted the item itself.
      if (!this.#occupants.findLocked(shard, ref, place)) return true;
      if (!canMove && bound !== ALL) return true;
      if (!canMove && !this.#mayGo(shard, place, forType)) return false;
      goes = !canMove;
    }
    if (goes) this.#victims.evictSlot(shard, place.bucket, place.slot, CAUSE.size);
    else this.#moveLocked(shard, ref, classId, place);
    return true;
  }

  #mayGo(shard: number, { bucket, slot }: Place, forType: number): boolean {
    const { arena } = this.#context;
    return this.#victims.mayGo(shard, arena.wordsOf(bucket), arena.wordIndex(bucket), slot, forType);
  }

  /**
   * Whether the class has a chunk elsewhere, or a candidate that makes one free for an entry of this order: any, if the entry may not
   * go; one of no less precedence, if it would stay by the policy; else one that goes before it.
   */
  #hasTargetLocked(
    shard: number,
    classId: number,
    forType: number,
    mayGo: boolean,
    wouldGo: boolean,
    order: number,
  ): boolean {
    const candidates = this.#candidates;
    const partial = shard + SHARD.partial + classId;
    const ring = candidates.ofClass(shard, classId);
    while (this.#context.meta[partial] === 0 && !this.hasFreed) {
      if (candidates.count(ring) > 0 && this.#givesWay(candidates.firstOrder(ring), mayGo, wouldGo, order)) {
        // Those on the page that is being drained make no room here, but less to move.
        candidates.take(ring, 0);
        this.#victims.evictAt(shard, candidates.position, candidates.order, classId, forType);
      } else if (this.#sweeps > 0) {
        this.#sweeps -= 1;
        this.#sweep(shard);
      } else {
        return false;
      }
    }
    return this.#context.meta[partial] !== 0;
  }

  #givesWay(candidate: number, mayGo: boolean, wouldGo: boolean, order: number): boolean {
    if (!mayGo) return true;
    return wouldGo ? goesBefore(candidate, order) : precedenceOf(candidate) >= precedenceOf(order);
  }

  /** Moves a chunk to another page of its class: one transaction. */
  #moveLocked(shard: number, ref: number, classId: number, place: Place): void {
    const { arena, journal, classes } = this.#context;
    const target = this.#pages.allocateLocked(shard, classId);
    const from = arena.wordIndex(ref) * 4;
    const chunk = arena.bytesOf(ref).subarray(from, from + classes.bytes[classId]!);
    copyBytes(arena.bytesOf(target), arena.wordIndex(target) * 4, chunk);
    this.#index.openLocked(place.primary);
    const head = place.ref === ref ? target : place.ref;
    const flags = flagsOf(arena.wordsOf(head)[arena.wordIndex(head) + WORD_SIZES]!);
    if ((flags & FLAG_CHAINED) !== 0) this.#items.renewGenerationLocked(shard, head);
    if (head === target) {
      const at = arena.wordIndex(place.bucket) + place.slot * 2 + BUCKET.refs;
      journal.write(arena.segmentOf(place.bucket), at, target);
    } else {
      const before = this.#occupants.predecessorOf(head, ref);
      journal.write(arena.segmentOf(before), arena.wordIndex(before) + WORD_NEXT, target);
    }
    if (head === target && (flags & FLAG_OWNED) !== 0) this.#ownership.noteMoveLocked(shard, ref, target);
    this.#pages.freeLocked(shard, ref);
    this.#items.commitLocked(shard);
    this.#pages.finishRelease();
    this.#context.countGlobal(GLOBAL_COUNTER.itemsMoved, 1);
  }
}
