/**
 * Makes room. A hand sweeps the buckets of a shard and collects cold entries of all classes as candidates; a class that
 * needs a chunk evicts the one of its own that goes first: of the highest precedence, and of those the coldest. A class
 * that has no candidate, or whose candidates are far warmer, while another has plenty, gets a page of that one instead
 * (page-mover.ts). So memory follows the classes, and the coldest go first.
 *
 * Who may go at all, and at whose cost, is asked of the rules; how cold an entry is, of the policy.
 */
import type { Words } from '#atomics';
import { BUCKET, BUCKET_GRANULES, BUCKET_SLOTS, PRECEDENCES, SHARD, TYPE_WORDS } from '../../native-free/index.js';
import { Candidates, goesBefore, goesFarBefore, orderOf, precedenceOf } from './candidates.js';
import { CAUSE, GLOBAL_COUNTER } from './causes.js';
import type { Chains } from './chains.js';
import type { Context } from './context.js';
import { Donors, PAGE_TRIES_MAX } from './donors.js';
import { NOT_EXPIRED } from './expiry.js';
import type { IndexTable } from './index-table.js';
import type { Items } from './items.js';
import { Occupants } from './occupants.js';
import type { Ownership } from './ownership.js';
import { NO_CLASS, PageMover } from './page-mover.js';
import type { PagePool } from './page-pool.js';
import { type EvictionPolicy, type EvictionRules, NO_TYPE } from './ports.js';
import type { References } from './references.js';
import { Victims } from './victims.js';

/** Buckets that one call may sweep. */
export const SWEEP_BUCKETS_MAX = 64;
/** Calls of a class that leave out a precedence of which a search found none to evict. */
const PAUSE_CALLS = 32;
/** Evictions from one look at what other classes have to give to the next. */
const EVICTIONS_PER_BID = 16;
/** Entries that one section may evict of a type that is over its share. */
const OWN_EVICTIONS_MAX = 16;
/** Entries of a type that are looked at to find a cold one of them. */
const SAMPLE = 8;

export class Evictor {
  readonly #context: Context;
  readonly #index: IndexTable;
  readonly #pages: PagePool;
  readonly #items: Items;
  readonly #policy: EvictionPolicy;
  readonly #rules: EvictionRules;
  readonly #references: References;
  readonly #candidates: Candidates;
  readonly #victims: Victims;
  readonly #donors: Donors;
  readonly #mover: PageMover;
  /** What the sweep looks for: a class, or a type; and for whom. */
  #wantedClass = NO_CLASS;
  #wantedType = -1;
  #forType = NO_TYPE;
  /** By type: whether it is within its reserve, as the search with this number found. */
  readonly #reserved: Int32Array;
  #search = 0;
  /** The entry wanted that goes first of those that the sweep has seen; position 0 for none. */
  #first = 0;
  #firstOrder = 0;
  /** While entries are weighed, those seen, and the weight of the heaviest; SAMPLE otherwise. */
  #seen: number = SAMPLE;
  #heaviest = 0;
  /** Evictions since the last look at what other classes have to give. */
  #evictions = 0;

  constructor(
    context: Context,
    index: IndexTable,
    pages: PagePool,
    items: Items,
    chains: Chains,
    policy: EvictionPolicy,
    rules: EvictionRules,
    ownership: Ownership,
    references: References,
  ) {
    this.#context = context;
    this.#index = index;
    this.#pages = pages;
    this.#items = items;
    this.#policy = policy;
    this.#rules = rules;
    this.#reserved = new Int32Array(context.layout.config.types);
    this.#references = references;
    this.#candidates = new Candidates(context);
    this.#victims = new Victims(context, index, pages, items, this.#candidates, policy, rules, references);
    const occupants = new Occupants(context, index, pages, chains, this.#victims, references);
    this.#donors = new Donors(context, pages, chains, occupants, this.#candidates, policy);
    this.#mover = new PageMover(
      context,
      index,
      pages,
      items,
      occupants,
      ownership,
      this.#victims,
      this.#candidates,
      (shard) => this.#sweepLocked(shard),
    );
  }

  /**
   * Sees to it that the class has a free chunk for an entry of a type, evicting if it must. False if nothing of the
   * shard may go for it.
   */
  makeRoomLocked(shard: number, classId: number, forType: number): boolean {
    if (this.#pages.findsRoomLocked(shard, classId)) return true;
    if (this.#takesFromOthers(forType) && this.#makeRoomLocked(shard, classId, NO_TYPE)) return true;
    return this.#makeRoomLocked(shard, classId, forType);
  }

  /** Whether a type must be given room at the cost of others, before it gives up an entry of its own for it. */
  #takesFromOthers(forType: number): boolean {
    return forType !== NO_TYPE && this.#rules.isReserved(forType, NO_TYPE);
  }

  #makeRoomLocked(shard: number, classId: number, forType: number): boolean {
    const ring = this.#candidates.ofClass(shard, classId);
    this.#seek(classId, NO_TYPE, forType);
    if (this.#isOutbid(shard, classId, ring) && this.#emptyPageLocked(shard, forType, classId)) {
      if (this.#pages.hasRoomLocked(shard, classId)) return true;
    }
    const ceiling = this.#candidates.ceiling(ring);
    let precedence = this.#precedenceBelow(shard, ceiling) || this.#precedenceBelow(shard, PRECEDENCES);
    while (precedence > 0) {
      if (this.#evictOfLocked(shard, classId, forType, precedence)) return true;
      const next = this.#precedenceBelow(shard, precedence);
      // Before others that are less willing to go, even one that isn't cold.
      if (next > 0 && precedenceOf(this.#firstOrder) >= precedence && this.#evictFirstLocked(shard, classId, forType))
        return true;
      if (next > 0) this.#candidates.setCeiling(ring, precedence, PAUSE_CALLS);
      precedence = next;
    }
    if (this.#donors.surplusClass(shard, classId) >= 0 && this.#emptyPageLocked(shard, forType, classId)) {
      if (this.#pages.hasRoomLocked(shard, classId)) return true;
    }
    if (this.#evictFirstLocked(shard, classId, forType)) return true;
    // Also what was freed on pages that could not be emptied makes room.
    this.#emptyPageLocked(shard, forType);
    return this.#pages.hasRoomLocked(shard, classId);
  }

  /**
   * Whether another class has candidates to spare that go long before this one's: then a page of that one makes room. Asked
   * once in a while, since a page costs as much as many evictions.
   */
  #isOutbid(shard: number, classId: number, ring: number): boolean {
    this.#evictions = (this.#evictions + 1) % EVICTIONS_PER_BID;
    if (this.#evictions !== 0 || this.#candidates.count(ring) === 0) return false;
    const other = this.#donors.surplusClass(shard, classId);
    if (other < 0) return false;
    const bid = this.#candidates.firstOrder(this.#candidates.ofClass(shard, other));
    return goesFarBefore(bid, this.#candidates.firstOrder(ring), this.#policy.tolerance);
  }

  #evictFirstLocked(shard: number, classId: number, forType: number): boolean {
    if (this.#first === 0) return false;
    const isGone = this.#victims.evictAt(shard, this.#first, this.#firstOrder, classId, forType, true);
    return isGone && this.#pages.hasRoomLocked(shard, classId);
  }

  /** Evicts a cold entry of a class and precedence. False if none turned up among the buckets that one call sweeps. */
  #evictOfLocked(shard: number, classId: number, forType: number, precedence: number): boolean {
    if (this.#victims.evictCandidate(shard, classId, forType, precedence)) return true;
    for (let i = 0; i < SWEEP_BUCKETS_MAX; i++) {
      this.#sweepLocked(shard);
      if (this.#pages.hasRoomLocked(shard, classId)) return true;
      if (this.#victims.evictCandidate(shard, classId, forType, precedence)) return true;
    }
    return false;
  }

  /** The highest precedence below a bound of the types that have entries in the shard; 0 if there is none. */
  #precedenceBelow(shard: number, bound: number): number {
    const { meta, layout } = this.#context;
    let highest = 0;
    for (let type = 0; type < layout.config.types; type++) {
      if (meta[shard + layout.typesOffset + type * TYPE_WORDS]! <= 0) continue;
      const precedence = this.#rules.precedence(type);
      if (precedence < bound && precedence > highest) highest = precedence;
    }
    return highest;
  }

  #seek(classId: number, type: number, forType: number): void {
    this.#wantedClass = classId;
    this.#wantedType = type;
    this.#forType = forType;
    this.#first = 0;
    this.#seen = SAMPLE;
    this.#search = (this.#search + 1) & 0x3fffffff;
  }

  /** The answer of the rules, asked once a search: it may take a sum over all shards. */
  #isReserved(type: number): boolean {
    if (this.#reserved[type]! >> 1 !== this.#search) {
      this.#reserved[type] = (this.#search << 1) | (this.#rules.isReserved(type, this.#forType) ? 1 : 0);
    }
    return (this.#reserved[type]! & 1) !== 0;
  }

  /** Sweeps the bucket under the hand: removes what has expired, notes what is cold. */
  #sweepLocked(shard: number): void {
    const { meta } = this.#context;
    const count = meta[shard + SHARD.bucketCount]!;
    const number = meta[shard + SHARD.hand]! % count;
    meta[shard + SHARD.hand] = (number + 1) % count;
    const primary = this.#index.bucketRef(shard, number);
    for (let bucket = primary; bucket !== 0; bucket = this.#index.overflowOf(bucket)) {
      if (!this.#sweepBucketLocked(shard, bucket)) return;
    }
  }

  /** False if it removed an entry: another has taken the slot, or the bucket has left the chain. */
  #sweepBucketLocked(shard: number, bucket: number): boolean {
    const { arena } = this.#context;
    const words = arena.wordsOf(bucket);
    const at = arena.wordIndex(bucket);
    for (let slot = 0; slot < BUCKET_SLOTS; slot++) {
      const ref = words[at + BUCKET.refs + slot * 2]!;
      if (ref === 0) return true;
      const cause = this.#victims.expiryAt(shard, words, at, slot);
      if (cause !== NOT_EXPIRED) {
        this.#victims.removeAt(shard, bucket, slot, cause);
        return false;
      }
      this.#lookLocked(shard, bucket | slot, words, at, slot);
    }
    return true;
  }

  /** A newcomer may be what goes next: it need not wait for the hand. Whether it is reserved is asked of a cold one only. */
  offerLocked(shard: number, position: number): void {
    const { arena } = this.#context;
    const bucket = position & -BUCKET_GRANULES;
    const slot = position & (BUCKET_GRANULES - 1);
    const words = arena.wordsOf(bucket);
    const at = arena.wordIndex(bucket);
    const type = this.#victims.typeAt(words, at, slot);
    const rank = this.#victims.rankAt(shard, words, at, slot);
    const precedence = this.#rules.precedence(type);
    const order = orderOf(precedence, rank, this.#policy.drift(shard));
    const isCold = precedence > 0 && this.#candidates.isColdAt(shard, precedence, rank);
    if (isCold && !this.#rules.isReserved(type, NO_TYPE)) {
      const classId = this.#victims.classOf(words[at + BUCKET.refs + slot * 2]!);
      this.#candidates.note(this.#candidates.ofClass(shard, classId), position, order);
    }
    if (this.#rules.isLimited(type)) this.#noteOfTypeLocked(shard, type, position, rank, order);
  }

  /** Notes an entry where it is wanted. */
  #lookLocked(shard: number, position: number, words: Words, at: number, slot: number): void {
    const ref = words[at + BUCKET.refs + slot * 2]!;
    if (this.#references.isHeldLocked(shard, ref)) return;
    const type = this.#victims.typeAt(words, at, slot);
    const precedence = this.#rules.precedence(type);
    const isLimited = this.#rules.isLimited(type);
    const mayGo = precedence > 0 && !this.#isReserved(type);
    if (!mayGo && !isLimited) return;
    const classId = this.#victims.classOf(ref);
    const rank = this.#victims.rankAt(shard, words, at, slot);
    const order = orderOf(precedence, rank, this.#policy.drift(shard));
    const isWanted = classId === this.#wantedClass ? mayGo : type === this.#wantedType;
    if (isWanted && (this.#seen < SAMPLE ? this.#isHeavier(ref, rank) : this.#goesFirst(order))) {
      this.#first = position;
      this.#firstOrder = order;
    }
    if (mayGo && this.#candidates.isColdAt(shard, precedence, rank)) {
      this.#candidates.note(this.#candidates.ofClass(shard, classId), position, order);
    }
    if (isLimited) this.#noteOfTypeLocked(shard, type, position, rank, order);
  }

  /** Notes an entry of a limited type among the candidates of the type, if it is cold. */
  #noteOfTypeLocked(shard: number, type: number, position: number, rank: number, order: number): void {
    if (!this.#candidates.isColdIn(shard, type, rank)) return;
    this.#candidates.note(this.#candidates.ofType(shard, type), position, order);
  }

  #goesFirst(order: number): boolean {
    return this.#first === 0 || goesBefore(order, this.#firstOrder);
  }

  /** Whether an entry has more bytes for its rank than those weighed before it. */
  #isHeavier(ref: number, rank: number): boolean {
    const weight = this.#items.granulesAt(ref) * (rank + 1);
    const isHeavier = weight > this.#heaviest;
    this.#seen += 1;
    this.#heaviest = Math.max(this.#heaviest, weight);
    return isHeavier;
  }

  /**
   * Evicts entries of a type that is over its share, coldest first, until so many granules are free or the section has
   * done its part. Returns the granules freed: 0 if none was found among the buckets that one call may sweep.
   */
  evictOwnLocked(shard: number, type: number, granules: number): number {
    const { meta, layout } = this.#context;
    const counts = shard + layout.typesOffset + type * TYPE_WORDS;
    const before = meta[counts + 1]!;
    for (let i = 0; i < OWN_EVICTIONS_MAX && before - meta[counts + 1]! < granules; i++) {
      if (meta[counts]! === 0 || !this.#evictOneLocked(shard, type)) break;
    }
    return before - meta[counts + 1]!;
  }

  /** Whether the shard holds no entry of a type. Under no lock. */
  isEmptyOf(shard: number, type: number): boolean {
    const { meta, layout } = this.#context;
    return meta[shard + layout.typesOffset + type * TYPE_WORDS] === 0;
  }

  #evictOneLocked(shard: number, type: number): boolean {
    const candidates = this.#candidates;
    this.#seek(NO_CLASS, type, type);
    for (let i = 0; i < SWEEP_BUCKETS_MAX; i++) {
      while (candidates.take(candidates.ofType(shard, type), 0)) {
        if (this.#victims.evictOwnAt(shard, candidates.position, candidates.order, type)) return true;
      }
      this.#sweepLocked(shard);
    }
    return this.#first !== 0 && this.#victims.evictOwnAt(shard, this.#first, this.#firstOrder, type);
  }

  /**
   * The position of a cold and large entry of a type, to be made smaller: of the next few under the hand, the one that
   * holds most bytes for its rank. So what is small already is left alone, and not only those about to go are reached.
   * 0 if there is none.
   */
  coldLocked(shard: number, type: number): number {
    this.#seek(NO_CLASS, type, type);
    this.#seen = 0;
    this.#heaviest = 0;
    for (let i = 0; i < SWEEP_BUCKETS_MAX && this.#seen < SAMPLE; i++) this.#sweepLocked(shard);
    const isFound = this.#first !== 0 && this.#victims.isStillAt(shard, this.#first, this.#firstOrder, type);
    return isFound ? this.#first : 0;
  }

  /** Evicts the entry of a chain that goes first, for an insert that finds neither an empty slot nor an overflow bucket. */
  evictFromChainLocked(shard: number, primary: number, forType: number): boolean {
    if (this.#takesFromOthers(forType) && this.#evictFirstOfChainLocked(shard, primary, NO_TYPE)) return true;
    return this.#evictFirstOfChainLocked(shard, primary, forType);
  }

  #evictFirstOfChainLocked(shard: number, primary: number, forType: number): boolean {
    const { arena } = this.#context;
    let first = 0;
    let firstOrder = 0;
    for (let bucket = primary; bucket !== 0; bucket = this.#index.overflowOf(bucket)) {
      const words = arena.wordsOf(bucket);
      const at = arena.wordIndex(bucket);
      for (let slot = 0; slot < BUCKET_SLOTS && words[at + BUCKET.refs + slot * 2] !== 0; slot++) {
        if (!this.#victims.mayGo(shard, words, at, slot, forType)) continue;
        const order = this.#victims.orderAt(shard, words, at, slot);
        if (first !== 0 && !goesBefore(order, firstOrder)) continue;
        first = bucket | slot;
        firstOrder = order;
      }
    }
    if (first === 0) return false;
    this.#victims.evictSlot(shard, first & -BUCKET_GRANULES, first & (BUCKET_GRANULES - 1), CAUSE.size);
    return true;
  }

  /** Empties a page of the shard for a type, if none is empty, and gives it to the pool. False if none could be emptied. */
  reclaimPageLocked(shard: number, forType: number): boolean {
    this.#seek(NO_CLASS, NO_TYPE, NO_TYPE);
    if (this.#takesFromOthers(forType) && this.#emptyPageLocked(shard, NO_TYPE)) return true;
    this.#seek(NO_CLASS, NO_TYPE, forType);
    return this.#emptyPageLocked(shard, forType);
  }

  /** The same, but that while others have candidates to spare `forClass` keeps its pages. */
  #emptyPageLocked(shard: number, forType: number, forClass: number = NO_CLASS): boolean {
    if (this.#pages.reclaimEmptyLocked(shard, this.#context.classes.count)) return true;
    this.#donors.beginLocked(shard);
    for (let i = 0; i < PAGE_TRIES_MAX; i++) {
      const page = this.#donors.pageLocked(shard, forClass, forType);
      if (page < 0) return false;
      this.#pages.beginDrainLocked(shard, page);
      this.#mover.emptyLocked(shard, page, forType);
      const hasFreed = this.#mover.hasFreed;
      if (!this.#pages.endDrainLocked(shard) && !hasFreed) continue;
      this.#context.countGlobal(GLOBAL_COUNTER.pagesMoved, 1);
      return true;
    }
    return false;
  }
}
