/**
 * Chooses the page that is emptied when one is needed: of a few, the one whose entries are coldest, as a sample of each
 * tells. So a class that has one page, of what is read all the time, doesn't lose it for being next in turn.
 */
import { BUCKET, BUCKET_GRANULES, RING_ENTRIES, SHARD } from '../../native-free/index.js';
import type { Candidates } from './candidates.js';
import type { Chains } from './chains.js';
import type { Context } from './context.js';
import type { Occupants } from './occupants.js';
import { type PagePool, pageClass } from './page-pool.js';

/** A class with at least this many candidates has a page to give. */
const SURPLUS = RING_ENTRIES / 2;
const NO_PAGE = -1;

export class Donors {
  readonly #context: Context;
  readonly #pages: PagePool;
  readonly #chains: Chains;
  readonly #occupants: Occupants;
  readonly #candidates: Candidates;
  /** The coldest page so far. */
  #page: number = NO_PAGE;
  #coldness = 0;

  constructor(context: Context, pages: PagePool, chains: Chains, occupants: Occupants, candidates: Candidates) {
    this.#context = context;
    this.#pages = pages;
    this.#chains = chains;
    this.#occupants = occupants;
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

  /**
   * The coldest of the page of a candidate of the class with the most of them, `forClass` aside, and of so many pages in turn;
   * -1 if there is none, or if it is of `forClass` although others have candidates to spare: theirs are warmer then.
   */
  pageLocked(shard: number, forClass: number, forType: number, looks: number): number {
    const { layout, meta } = this.#context;
    this.#page = NO_PAGE;
    const classId = this.surplusClass(shard, forClass);
    if (classId >= 0 && this.#candidates.take(this.#candidates.ofClass(shard, classId), 0)) {
      const page = this.#pageAt(this.#candidates.position);
      if (page !== NO_PAGE && this.#mayBeEmptied(shard, page)) this.#compareLocked(shard, page, forType);
    }
    // Pages that were taken at about the same time lie side by side, so those in turn are far apart.
    const stretch = Math.ceil(layout.pages / looks);
    const cursor = meta[shard + SHARD.pageCursor]!;
    for (let look = 0; look < looks; look++) {
      const page = this.#nextLocked(shard, cursor + look * stretch, stretch);
      if (page !== NO_PAGE) this.#compareLocked(shard, page, forType);
      if (look === 0) meta[shard + SHARD.pageCursor] = (page === NO_PAGE ? cursor + stretch : page + 1) % layout.pages;
    }
    const isOwn = classId >= 0 && this.#page !== NO_PAGE && pageClass(this.#pages.state(this.#page)) === forClass;
    return isOwn ? NO_PAGE : this.#page;
  }

  /** Takes a page for the one to be emptied if it is colder than the one taken before. */
  #compareLocked(shard: number, page: number, forType: number): void {
    const coldness = this.#occupants.coldnessLocked(shard, page, forType);
    if (this.#page !== NO_PAGE && coldness <= this.#coldness) return;
    this.#page = page;
    this.#coldness = coldness;
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
    return this.#pages.holdsItemsOf(this.#pages.state(page), shard) && !this.#chains.isOfStreamLocked(page);
  }
}
