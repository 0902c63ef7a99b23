/**
 * Chooses the page that is emptied when one is needed: of a few, the one whose entries are coldest, as a sample of each
 * tells. So a class that has one page, of what is read all the time, doesn't lose it for being next in turn.
 */
import { BUCKET, BUCKET_GRANULES, CLASS_MAX, RING_ENTRIES, SHARD } from '../../native-free/index.js';
import type { Candidates } from './candidates.js';
import type { Chains } from './chains.js';
import type { Context } from './context.js';
import type { Occupants } from './occupants.js';
import { type PagePool, pageClass } from './page-pool.js';
import type { EvictionPolicy } from './ports.js';

/** A class with at least this many candidates has a page to give. */
const SURPLUS = RING_ENTRIES / 2;
/** Pages in turn that are compared. */
const LOOKS = 4;
/** Pages that one call may try to empty before it gives up. */
export const PAGE_TRIES_MAX = 8;
/** The last page of a class must be colder by so many times what makes two pages differ: nothing on it can be moved. */
const LAST_PAGE = 4;
const NO_PAGE = -1;
const NO_RING = -1;

export class Donors {
  readonly #context: Context;
  readonly #pages: PagePool;
  readonly #chains: Chains;
  readonly #occupants: Occupants;
  readonly #candidates: Candidates;
  readonly #policy: EvictionPolicy;
  /** The coldest page so far. */
  #page: number = NO_PAGE;
  #coldness = 0;
  /** Pages chosen by this call so far. Made ahead: nothing is allocated under a lock. */
  readonly #tried = new Int32Array(PAGE_TRIES_MAX);
  #tries = 0;
  /** By class: pages of the shard, as the call began. A page that it frees ends the call. */
  readonly #pagesOf = new Int32Array(CLASS_MAX);

  constructor(
    context: Context,
    pages: PagePool,
    chains: Chains,
    occupants: Occupants,
    candidates: Candidates,
    policy: EvictionPolicy,
  ) {
    this.#context = context;
    this.#pages = pages;
    this.#chains = chains;
    this.#occupants = occupants;
    this.#candidates = candidates;
    this.#policy = policy;
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

  /** Begins the tries of one call: a page isn't chosen twice in it, since what stopped one try would stop the next. */
  beginLocked(shard: number): void {
    this.#tries = 0;
    this.#pagesOf.fill(0);
    for (let page = 0; page < this.#context.layout.pages; page++) {
      const state = this.#pages.state(page);
      if (this.#pages.holdsItemsOf(state, shard)) this.#pagesOf[pageClass(state)]! += 1;
    }
  }

  /**
   * The coldest of the page of a candidate of the class with the most of them, `forClass` aside, and of a few pages in turn; -1
   * if there is none. Where others have candidates to spare, a page of `forClass` itself isn't given: that of the candidate is, unless
   * half of what lies there would stay, may not go, or is far less willing to, or it is the last page of its class or one of pointers.
   */
  pageLocked(shard: number, forClass: number, forType: number): number {
    const { layout, meta } = this.#context;
    this.#page = NO_PAGE;
    const classId = this.surplusClass(shard, forClass);
    const ring = classId < 0 ? NO_RING : this.#candidates.ofClass(shard, classId);
    const candidatePage = this.#candidatePageLocked(shard, ring);
    if (candidatePage !== NO_PAGE) this.#compareLocked(shard, candidatePage, forType);
    const candidateColdness = this.#coldness;
    const isDear = candidatePage !== NO_PAGE && (this.#occupants.hasPointers || this.#isAlone(candidatePage));
    // Pages that were taken at about the same time lie side by side, so those in turn are far apart.
    const stretch = Math.ceil(layout.pages / LOOKS);
    const cursor = meta[shard + SHARD.pageCursor]!;
    for (let look = 0; look < LOOKS; look++) {
      const page = this.#nextLocked(shard, cursor + look * stretch, stretch);
      if (page !== NO_PAGE) this.#compareLocked(shard, page, forType);
      if (look === 0) meta[shard + SHARD.pageCursor] = (page === NO_PAGE ? cursor + stretch : page + 1) % layout.pages;
    }
    let page = this.#page;
    if (classId >= 0 && page !== NO_PAGE && pageClass(this.#pages.state(page)) === forClass) {
      const isWilling = candidatePage !== NO_PAGE && candidateColdness * 2 >= this.#coldness;
      page = isWilling && !isDear ? candidatePage : NO_PAGE;
    }
    if (candidatePage !== NO_PAGE && page !== candidatePage) {
      this.#candidates.note(ring, this.#candidates.position, this.#candidates.order);
    }
    if (page !== NO_PAGE) this.#tried[this.#tries++] = page;
    return page;
  }

  /** Takes the first candidate off a ring, and says on what page it lies, if that may be emptied. */
  #candidatePageLocked(shard: number, ring: number): number {
    if (ring === NO_RING || !this.#candidates.take(ring, 0)) return NO_PAGE;
    const page = this.#pageAt(this.#candidates.position);
    return page !== NO_PAGE && this.#mayBeEmptied(shard, page) ? page : NO_PAGE;
  }

  /** Takes a page for the one to be emptied if it is colder than the one taken before. */
  #compareLocked(shard: number, page: number, forType: number): void {
    const own = this.#occupants.coldnessLocked(shard, page, forType);
    const coldness = own > 0 && this.#isAlone(page) ? Math.max(0, own - LAST_PAGE * this.#policy.tolerance) : own;
    if (this.#page !== NO_PAGE && coldness <= this.#coldness) return;
    this.#page = page;
    this.#coldness = coldness;
  }

  /** Whether the shard has no other page of the class. */
  #isAlone(page: number): boolean {
    return this.#pagesOf[pageClass(this.#pages.state(page))] === 1;
  }

  /** The first of so many pages that may be emptied. */
  #nextLocked(shard: number, start: number, pages: number): number {
    for (let i = 0; i < pages; i++) {
      const page = (start + i) % this.#context.layout.pages;
      if (this.#mayBeEmptied(shard, page)) return page;
    }
    return NO_PAGE;
  }

  /** The page of the entry at a position of the index; NO_PAGE if there is none. */
  #pageAt(position: number): number {
    const { arena, layout } = this.#context;
    const bucket = position & -BUCKET_GRANULES;
    const slot = position & (BUCKET_GRANULES - 1);
    const ref = arena.wordsOf(bucket)[arena.wordIndex(bucket) + BUCKET.refs + slot * 2]!;
    return ref === 0 ? NO_PAGE : layout.pageOf(ref);
  }

  #mayBeEmptied(shard: number, page: number): boolean {
    for (let i = 0; i < this.#tries; i++) if (this.#tried[i] === page) return false;
    return this.#pages.holdsItemsOf(this.#pages.state(page), shard) && !this.#chains.isOfStreamLocked(page);
  }
}
