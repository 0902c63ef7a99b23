/**
 * Quotas of users. Before a set goes to its shard, its user's usage is held against the limit. A user who would be over
 * it gives up entries of its own, the oldest on its list first, and nobody else's; one who would be over seven eighths
 * of it already lives on its own:
 *
 * - What such a set then needs must be had without an eviction of another's entry: a free chunk or page, or the chunk of
 *   an own entry of the same shard and slab class, which is given up for it first; for a chained item free pages, or those
 *   of own chained entries. If there are none, the set is refused, and nothing has been given up. Room in the share of its
 *   type comes last: own entries of that type make it.
 * - An entry that was used since it was stored, or since it was last looked at, gets a second chance: it goes to the
 *   young end of the list instead, as in Corbató's CLOCK ("A paging experiment with the Multics system", 1968).
 *
 * One lock at a time: the victim is chosen under its user's stripe, and evicted under its shard, if it is still there.
 * Two sets of one user at the same moment may both find room for themselves: usage is exact, the limit may be exceeded
 * by what other threads store for that user meanwhile, until its next set.
 */
import { BUCKET, STRIPE, USER } from '../../native-free/index.js';
import { CAUSE } from './causes.js';
import type { Chains } from './chains.js';
import type { Context } from './context.js';
import { expiryOf, NOT_EXPIRED } from './expiry.js';
import { type IndexTable, Place } from './index-table.js';
import { FLAG_CHAINED, flagsOf, typeOf, WORD_HASH, WORD_SIZES } from './item.js';
import type { Items } from './items.js';
import type { Key } from './key.js';
import { type PagePool, pageClass } from './page-pool.js';
import { MARK_MASK, type QuotaPolicy } from './ports.js';
import { TAG_IDLE } from './tag.js';
import type { User } from './user.js';
import { NONE, type UserTable } from './user-table.js';

/** The set may go on as any other. */
export const ADMITTED = 0;
/** The user is at its quota: the set may go on, with room that costs nobody else anything. */
const AT_QUOTA = 1;
/** The set can't be stored within the user's quota. */
export const OVER_QUOTA = 2;
/** A lock could not be had; nothing has changed. */
export const QUOTA_BUSY = 3;

/** The item is chained: its pieces are of several classes. */
export const NO_CLASS = -1;
/** The item's chunks have been taken already. */
export const TAKEN_CHUNKS = -3;

/** What is searched for on a user's list: its oldest entry; that of a shard and slab class, of those chained, of a type. */
const OLDEST = 0;
const IN_CLASS = 1;
const CHAINED = 2;
const OF_TYPE = 3;

/** Entries that one set may make its user give up; past that it is refused, and its like will get further. */
export const QUOTA_EVICTIONS_MAX = 16_384;
/** Entries that one set may give a second chance. */
const CHANCES_MAX = 16;
/** Of the limit: above it a user's sets cost nobody else anything. Less than 1, since sizes of entries differ. */
const OWN_ROOM_SHARE = 7 / 8;
/** How far a list is searched for an entry of one kind. */
const WALK_MAX = 512;

export interface UserUsage {
  readonly bytes: number;
  readonly limit: number;
  readonly entries: number;
}

export class Quota {
  readonly #context: Context;
  readonly #index: IndexTable;
  readonly #pages: PagePool;
  readonly #items: Items;
  readonly #chains: Chains;
  readonly #table: UserTable;
  readonly #policy: QuotaPolicy;
  readonly #place = new Place();
  #chances = 0;
  /** Granules that the replacement of the key's old entry will give back; 0 once that may have been given up. */
  #credit = 0;
  #keyHash = 0;
  /** What `#look` found: the user's usage and limit in granules, and its oldest entry or the one that was searched for. */
  #granules = 0;
  #limit = 0;
  #entries = 0;
  #victim = 0;
  #victimHash = 0;
  /** Granules of all entries that the search passed and that are of its kind; and whether it came to the list's end. */
  #foundGranules = 0;
  #isSearchWhole = false;

  constructor(
    context: Context,
    index: IndexTable,
    pages: PagePool,
    items: Items,
    chains: Chains,
    table: UserTable,
    policy: QuotaPolicy,
  ) {
    this.#context = context;
    this.#index = index;
    this.#pages = pages;
    this.#items = items;
    this.#chains = chains;
    this.#table = table;
    this.#policy = policy;
  }

  /**
   * Whether an item of so many granules may take room at the cost of others: ADMITTED, AT_QUOTA, OVER_QUOTA or QUOTA_BUSY.
   * Gives up nothing. Under no lock of a stripe. `key`: whose entry it will replace, if that is the user's.
   */
  foresee(user: User, granules: number, key?: Key): number {
    if (!this.#look(user)) return QUOTA_BUSY;
    if (granules > this.#limit) return OVER_QUOTA;
    if (this.#granules + granules <= this.#limit * OWN_ROOM_SHARE) return ADMITTED;
    if (key === undefined) return AT_QUOTA;
    const shard = this.#context.shardOf(key.hash);
    if (!this.#context.enter(shard)) return QUOTA_BUSY;
    this.#credit = this.#creditLocked(shard, key, user);
    this.#context.leave(shard);
    return this.#granules + granules - this.#credit <= this.#limit * OWN_ROOM_SHARE ? ADMITTED : AT_QUOTA;
  }

  /** Sees to it that an item of so many granules is within the user's quota. Under no lock. */
  admit(key: Key, user: User, granules: number, classId: number): number {
    const foreseen = this.foresee(user, granules, key);
    if (foreseen !== AT_QUOTA) return foreseen;
    const shard = this.#context.shardOf(key.hash);
    if (!this.#context.enter(shard)) return QUOTA_BUSY;
    const hasRoom = classId === TAKEN_CHUNKS || (classId !== NO_CLASS && this.#pages.findsRoomLocked(shard, classId));
    this.#context.leave(shard);
    this.#chances = CHANCES_MAX;
    this.#keyHash = key.hash;
    if (!hasRoom) {
      const found =
        classId === NO_CLASS ? this.#giveUpPages(user, granules) : this.#giveUpInClass(user, shard, classId);
      if (found !== AT_QUOTA) return found;
    }
    return this.#giveUpTo(user, granules);
  }

  /**
   * Sees to it that so many granules of pages are free, giving up chained entries. OVER_QUOTA, with nothing given up, if
   * the user's are not enough.
   */
  #giveUpPages(user: User, granules: number): number {
    const { pageGranules } = this.#context.layout;
    const pages = Math.ceil(granules / pageGranules);
    if (!this.#look(user, CHAINED)) return QUOTA_BUSY;
    if (this.#pages.countFree() + Math.floor(this.#foundGranules / pageGranules) < pages) return OVER_QUOTA;
    for (let i = 0; i < WALK_MAX && this.#pages.countFree() < pages; i++) {
      if (!this.giveUpChained(user)) return OVER_QUOTA;
    }
    return AT_QUOTA;
  }

  /** Granules of the key's old entry, if it is the same user's: a replacement gives them back. */
  #creditLocked(shard: number, key: Key, user: User): number {
    const place = this.#place;
    place.primary = this.#index.primaryLocked(shard, key.hash);
    if (!this.#index.findLocked(place, key, this.#chains) || !this.#table.isOf(place.ref, user)) return 0;
    return this.#items.granulesAt(place.ref);
  }

  /** Gives up an entry of the shard and class, for its chunk. AT_QUOTA if it did, OVER_QUOTA if there is none. */
  #giveUpInClass(user: User, shard: number, classId: number): number {
    for (let i = 0; i < CHANCES_MAX * 2; i++) {
      if (!this.#look(user, IN_CLASS, shard, classId)) return QUOTA_BUSY;
      if (this.#victim === 0) return OVER_QUOTA;
      const outcome = this.#evict(user);
      if (outcome === QUOTA_BUSY || outcome === AT_QUOTA) return outcome;
    }
    return OVER_QUOTA;
  }

  /** Gives up the user's oldest entries until `granules` more are within the limit. */
  #giveUpTo(user: User, granules: number): number {
    for (let i = 0; i < QUOTA_EVICTIONS_MAX; i++) {
      if (!this.#look(user)) return QUOTA_BUSY;
      if (this.#granules + granules - this.#credit <= this.#limit) return AT_QUOTA;
      if (this.#victim === 0) return OVER_QUOTA;
      if (this.#evict(user) === QUOTA_BUSY) return QUOTA_BUSY;
    }
    return OVER_QUOTA;
  }

  /**
   * Gives up the user's oldest entry of a type, which is to give up so many granules, for the set that was admitted last. AT_QUOTA if
   * it did; OVER_QUOTA, with nothing given up, if the user's entries of the type are not enough; QUOTA_BUSY.
   */
  giveUpOfType(user: User, type: number, granules: number): number {
    for (let i = 0; i < CHANCES_MAX * 2; i++) {
      if (!this.#look(user, OF_TYPE, type)) return QUOTA_BUSY;
      if (this.#victim === 0 || (this.#isSearchWhole && this.#foundGranules < granules)) return OVER_QUOTA;
      const outcome = this.#evict(user);
      if (outcome !== ADMITTED) return outcome;
    }
    return OVER_QUOTA;
  }

  /** Gives up the user's oldest chained entry, for the pages of another. False if it has none, or a lock can't be had. */
  giveUpChained(user: User): boolean {
    for (let i = 0; i < CHANCES_MAX * 2; i++) {
      if (!this.#look(user, CHAINED) || this.#victim === 0) return false;
      const outcome = this.#evict(user);
      if (outcome === AT_QUOTA) return true;
      if (outcome === QUOTA_BUSY) return false;
    }
    return false;
  }

  /**
   * Looks at the user's account, and for a victim: the oldest entry, or the oldest of a kind: IN_CLASS of a shard and class, CHAINED
   * of any shard, OF_TYPE of a type. False if the stripe's lock can't be had.
   */
  #look(user: User, kind: number = OLDEST, of: number = NONE, classId: number = NO_CLASS): boolean {
    const table = this.#table;
    const tick = this.#context.clock.coarse();
    if (!table.enter(table.region.stripeOf(user.hash0))) return false;
    const record = table.findLocked(user.hash0, user.hash1);
    this.#granules = record === NONE ? 0 : table.get(record, USER.granules);
    this.#entries = record === NONE ? 0 : table.get(record, USER.entries);
    const activity = this.#policy.active(record === NONE ? 0 : table.get(record, USER.activity), tick);
    this.#limit = this.#policy.limit(user.shareGranules, activity, tick);
    this.#victim = 0;
    this.#foundGranules = 0;
    if (record !== NONE) this.#chooseLocked(record, kind, of, classId);
    table.leave();
    return true;
  }

  #chooseLocked(record: number, kind: number, of: number, classId: number): void {
    if (kind === OLDEST) this.#victim = this.#table.get(record, USER.oldest);
    else if (kind === IN_CLASS) this.#victim = this.#searchLocked(record, of, classId);
    else this.#victim = this.#sumLocked(record, kind, of);
    if (this.#victim === 0) return;
    const { arena } = this.#context;
    this.#victimHash = arena.wordsOf(this.#victim)[arena.wordIndex(this.#victim) + WORD_HASH]!;
  }

  /** An entry on a list can't leave its page, so the page's state stands still enough. */
  #searchLocked(record: number, shard: number, classId: number): number {
    const { layout } = this.#context;
    let ref = this.#table.get(record, USER.oldest);
    for (let i = 0; i < WALK_MAX && ref !== 0; i++) {
      const state = this.#pages.state(layout.pageOf(ref));
      if (this.#pages.holdsItemsOf(state, shard) && pageClass(state) === classId) return ref;
      ref = this.#table.younger(ref);
    }
    return 0;
  }

  /** The oldest entry that is CHAINED or OF_TYPE; sums up all of them. */
  #sumLocked(record: number, kind: number, type: number): number {
    const { arena } = this.#context;
    let oldest = 0;
    let ref = this.#table.get(record, USER.oldest);
    for (let i = 0; i < WALK_MAX && ref !== 0; i++) {
      const sizes = arena.wordsOf(ref)[arena.wordIndex(ref) + WORD_SIZES]!;
      // What the set replaces gives its room back anyway.
      const isOfKind =
        kind === OF_TYPE
          ? typeOf(sizes) === type && arena.wordsOf(ref)[arena.wordIndex(ref) + WORD_HASH] !== this.#keyHash
          : (flagsOf(sizes) & FLAG_CHAINED) !== 0;
      if (isOfKind) {
        oldest ||= ref;
        this.#foundGranules += this.#items.granulesAt(ref);
      }
      ref = this.#table.younger(ref);
    }
    this.#isSearchWhole = ref === 0;
    return oldest;
  }

  /** AT_QUOTA if the victim is gone by this; ADMITTED if it has got a second chance, or was no longer there. */
  #evict(user: User): number {
    const shard = this.#context.shardOf(this.#victimHash);
    if (!this.#context.enter(shard)) return QUOTA_BUSY;
    const outcome = this.#evictLocked(shard, user);
    this.#context.leave(shard);
    return outcome;
  }

  #evictLocked(shard: number, user: User): number {
    const place = this.#place;
    const ref = this.#victim;
    if (!this.#index.locateRefLocked(shard, this.#victimHash, ref, place)) return ADMITTED;
    // The chunk may hold another entry by now.
    if (!this.#table.isOf(ref, user)) return ADMITTED;
    const { arena, clock } = this.#context;
    const words = arena.wordsOf(place.bucket);
    const at = arena.wordIndex(place.bucket);
    const cause = expiryOf(clock, words, at, place.slot, arena.wordsOf(ref), arena.wordIndex(ref));
    const tag = words[at + BUCKET.tags + place.slot]!;
    const time = words[at + BUCKET.times + place.slot * 2]!;
    if (cause === NOT_EXPIRED && this.#chances > 0 && this.#renewLocked(ref, markOf(tag, time))) return ADMITTED;
    this.#items.removeLocked(shard, place, cause === NOT_EXPIRED ? CAUSE.quota : cause);
    if (this.#victimHash === this.#keyHash) this.#credit = 0;
    return AT_QUOTA;
  }

  /** A second chance, for an entry that was used since the list last heard of it. */
  #renewLocked(ref: number, mark: number): boolean {
    const table = this.#table;
    if (table.mark(ref) === mark) return false;
    const record = table.ownerOf(ref);
    if (!table.enter(table.region.stripeOfRecord(record))) return false;
    this.#chances -= 1;
    table.setMark(ref, mark);
    table.renewLocked(record, ref);
    table.leave();
    return true;
  }

  /** What the user has and may have; undefined for a user without entries, false if the lock can't be had. */
  usage(user: User): UserUsage | undefined | false {
    if (!this.#look(user)) return false;
    if (this.#entries === 0) return undefined;
    return { bytes: this.#granules * 8, limit: this.#limit * 8, entries: this.#entries };
  }

  /** Users with entries, and the bytes of their chunks. */
  totals(): { active: number; bytes: number } {
    return { active: this.#table.sum(STRIPE.active), bytes: this.#table.sum(STRIPE.granules) * 8 };
  }
}

/** The last use of an entry as its slot tells it: a tick for one with an idle time, or else the policy's mark. */
export function markOf(tag: number, time: number): number {
  return (tag & TAG_IDLE) === 0 ? tag & MARK_MASK : time;
}
