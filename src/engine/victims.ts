/**
 * What may be said of the entry in a slot, and the eviction of a single one: how cold it is (asked of the policy),
 * whether it may go and how soon (asked of the rules), whether its time is over. All under the shard's lock.
 */
import { compareExchange, type Words } from '#atomics';
import { BUCKET, BUCKET_GRANULES } from '../../native-free/index.js';
import { type Candidates, goesBefore, orderOf } from './candidates.js';
import { CAUSE } from './causes.js';
import type { Context } from './context.js';
import { expiryOf, NOT_EXPIRED } from './expiry.js';
import { type IndexTable, Place } from './index-table.js';
import { FLAG_CHAINED, FLAG_PINNED, flagsOf, typeOf, WORD_HASH, WORD_SIZES } from './item.js';
import type { Items } from './items.js';
import { type PagePool, pageClass } from './page-pool.js';
import { type EvictionPolicy, type EvictionRules, MARK_MASK, MAY_GO } from './ports.js';
import type { References } from './references.js';
import { TAG_IDLE, typeInTag } from './tag.js';

export class Victims {
  readonly #context: Context;
  readonly #index: IndexTable;
  readonly #pages: PagePool;
  readonly #items: Items;
  readonly #candidates: Candidates;
  readonly #policy: EvictionPolicy;
  readonly #rules: EvictionRules;
  readonly #references: References;
  readonly #place = new Place();

  constructor(
    context: Context,
    index: IndexTable,
    pages: PagePool,
    items: Items,
    candidates: Candidates,
    policy: EvictionPolicy,
    rules: EvictionRules,
    references: References,
  ) {
    this.#context = context;
    this.#index = index;
    this.#pages = pages;
    this.#items = items;
    this.#candidates = candidates;
    this.#policy = policy;
    this.#rules = rules;
    this.#references = references;
  }

  /** The type of an entry; from its slot, if it is one of the first types, without a look at the item. */
  typeAt(words: Words, at: number, slot: number): number {
    const type = typeInTag(words[at + BUCKET.tags + slot]!);
    if (type >= 0) return type;
    const { arena } = this.#context;
    const ref = words[at + BUCKET.refs + slot * 2]!;
    return typeOf(arena.wordsOf(ref)[arena.wordIndex(ref) + WORD_SIZES]!);
  }

  classOf(ref: number): number {
    return pageClass(this.#pages.state(this.#context.layout.pageOf(ref)));
  }

  /** When an entry goes by the policy. */
  rankAt(shard: number, words: Words, at: number, slot: number): number {
    const mark = this.#renewMark(shard, words, at, slot);
    return this.#policy.rank(shard, mark, this.#granulesAt(words, at, slot));
  }

  /** How cold an entry is, whether its turn has come or not, without a word to the policy; 0 if it would stay. */
  coldnessAt(shard: number, words: Words, at: number, slot: number): number {
    const mark = this.#renewMark(shard, words, at, slot);
    return this.#policy.coldness(shard, mark, this.#granulesAt(words, at, slot));
  }

  #granulesAt(words: Words, at: number, slot: number): number {
    return this.#context.classes.granules[this.classOf(words[at + BUCKET.refs + slot * 2]!)]!;
  }

  /** The mark of an entry, not too old. Of one with an idle time, whose reads leave its mark alone, it is brought up to date. */
  #renewMark(shard: number, words: Words, at: number, slot: number): number {
    const tag = words[at + BUCKET.tags + slot]!;
    const isIdle = (tag & TAG_IDLE) !== 0;
    const mark = isIdle
      ? this.#policy.touchAt(shard, tag & MARK_MASK, words[at + BUCKET.times + slot * 2]!)
      : this.#policy.refresh(shard, tag & MARK_MASK);
    if (mark !== (tag & MARK_MASK)) compareExchange(words, at + BUCKET.tags + slot, tag, (tag & ~MARK_MASK) | mark);
    return mark;
  }

  /** How soon the entries of an entry's type go; 0 for not at all. */
  precedenceAt(words: Words, at: number, slot: number): number {
    return this.#rules.precedence(this.typeAt(words, at, slot));
  }

  /** When an entry goes, compared with others. */
  orderAt(shard: number, words: Words, at: number, slot: number): number {
    const precedence = this.precedenceAt(words, at, slot);
    return orderOf(precedence, this.rankAt(shard, words, at, slot), this.#policy.drift(shard));
  }

  /** The cause for which the entry of a slot is over, and may be removed now, or NOT_EXPIRED. */
  expiryAt(shard: number, words: Words, at: number, slot: number): number {
    const { arena, clock } = this.#context;
    const ref = words[at + BUCKET.refs + slot * 2]!;
    const cause = expiryOf(clock, words, at, slot, arena.wordsOf(ref), arena.wordIndex(ref));
    return cause !== NOT_EXPIRED && this.#references.isHeldLocked(shard, ref) ? NOT_EXPIRED : cause;
  }

  /** Whether an entry may go now to make room for a type. */
  mayGo(shard: number, words: Words, at: number, slot: number, forType: number): boolean {
    const type = this.typeAt(words, at, slot);
    if (this.#rules.precedence(type) === 0 || this.#rules.isReserved(type, forType)) return false;
    return !this.#isHeld(shard, words[at + BUCKET.refs + slot * 2]!);
  }

  /** Whether an entry must stay now, however cold it is. */
  #isHeld(shard: number, ref: number): boolean {
    return this.isPinned(ref) || this.#references.isHeldLocked(shard, ref);
  }

  /** Whether an entry is among the coldest of those of its precedence. */
  isCold(shard: number, words: Words, at: number, slot: number): boolean {
    const precedence = this.precedenceAt(words, at, slot);
    return this.#candidates.isColdAt(shard, precedence, this.rankAt(shard, words, at, slot));
  }

  isPinned(ref: number): boolean {
    const { arena } = this.#context;
    const flags = flagsOf(arena.wordsOf(ref)[arena.wordIndex(ref) + WORD_SIZES]!);
    return (flags & FLAG_CHAINED) !== 0 && (flags & FLAG_PINNED) !== 0;
  }

  /** Evicts the candidate of a class that goes first, if there is one of that precedence. True if the class has room then. */
  evictCandidate(shard: number, classId: number, forType: number, precedence: number): boolean {
    const candidates = this.#candidates;
    while (candidates.take(candidates.ofClass(shard, classId), precedence)) {
      const isGone = this.evictAt(shard, candidates.position, candidates.order, classId, forType);
      if (isGone && this.#pages.hasRoomLocked(shard, classId)) return true;
    }
    return false;
  }

  /**
   * Evicts the entry at a position that was noted with an order, if there is one of the class that may go, and that
   * hasn't been used since. True if it is gone; a chained item may consist of other classes only.
   * `isLast`: there is no other to go, so the policy isn't asked.
   */
  evictAt(
    shard: number,
    position: number,
    order: number,
    classId: number,
    forType: number,
    isLast: boolean = false,
  ): boolean {
    const { arena } = this.#context;
    const bucket = position & -BUCKET_GRANULES;
    const slot = position & (BUCKET_GRANULES - 1);
    const words = arena.wordsOf(bucket);
    const at = arena.wordIndex(bucket);
    const ref = words[at + BUCKET.refs + slot * 2]!;
    if (ref === 0 || this.classOf(ref) !== classId || !this.mayGo(shard, words, at, slot, forType)) return false;
    if (goesBefore(order, this.orderAt(shard, words, at, slot))) return false;
    if (!isLast && !this.#isCondemned(shard, words, at, slot)) return false;
    this.evictSlot(shard, bucket, slot, CAUSE.size);
    return true;
  }

  /** Whether the policy lets an entry go whose rank is that of one that goes; if not, it stays with another mark. */
  #isCondemned(shard: number, words: Words, at: number, slot: number): boolean {
    const { arena } = this.#context;
    const tag = words[at + BUCKET.tags + slot]!;
    const ref = words[at + BUCKET.refs + slot * 2]!;
    const mark = this.#policy.judge(shard, tag & MARK_MASK, arena.wordsOf(ref)[arena.wordIndex(ref) + WORD_HASH]!);
    if (mark === MAY_GO) return true;
    compareExchange(words, at + BUCKET.tags + slot, tag, (tag & ~MARK_MASK) | mark);
    return false;
  }

  /** Evicts the entry at a noted position, if there is one of the type that hasn't been used since. */
  evictOwnAt(shard: number, position: number, order: number, type: number): boolean {
    if (!this.isStillAt(shard, position, order, type)) return false;
    const { arena } = this.#context;
    const bucket = position & -BUCKET_GRANULES;
    const slot = position & (BUCKET_GRANULES - 1);
    if (!this.#isCondemned(shard, arena.wordsOf(bucket), arena.wordIndex(bucket), slot)) return false;
    this.evictSlot(shard, bucket, slot, CAUSE.share);
    return true;
  }

  /** Whether there is an entry of the type at a noted position that hasn't been used since, and may go. */
  isStillAt(shard: number, position: number, order: number, type: number): boolean {
    const { arena } = this.#context;
    const bucket = position & -BUCKET_GRANULES;
    const slot = position & (BUCKET_GRANULES - 1);
    const words = arena.wordsOf(bucket);
    const at = arena.wordIndex(bucket);
    const ref = words[at + BUCKET.refs + slot * 2]!;
    if (ref === 0 || this.typeAt(words, at, slot) !== type || this.#isHeld(shard, ref)) return false;
    return !goesBefore(order, this.orderAt(shard, words, at, slot));
  }

  /** Evicts the entry of a slot; the policy hears of it. */
  evictSlot(shard: number, bucket: number, slot: number, cause: number): void {
    const { arena } = this.#context;
    const words = arena.wordsOf(bucket);
    const at = arena.wordIndex(bucket);
    const ref = words[at + BUCKET.refs + slot * 2]!;
    const hash = arena.wordsOf(ref)[arena.wordIndex(ref) + WORD_HASH]!;
    this.#policy.forget(shard, words[at + BUCKET.tags + slot]! & MARK_MASK, hash);
    this.removeAt(shard, bucket, slot, cause);
  }

  /** Removes the entry of a slot that isn't empty. */
  removeAt(shard: number, bucket: number, slot: number, cause: number): void {
    const { arena } = this.#context;
    const place = this.#place;
    place.bucket = bucket;
    place.slot = slot;
    place.ref = arena.wordsOf(bucket)[arena.wordIndex(bucket) + BUCKET.refs + slot * 2]!;
    const hash = arena.wordsOf(place.ref)[arena.wordIndex(place.ref) + WORD_HASH]!;
    place.primary = this.#index.primaryLocked(shard, hash);
    this.#items.removeLocked(shard, place, cause);
  }
}
