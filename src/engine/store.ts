/** One thread's engine on an arena: bytes in, bytes out. Puts the parts together; holds no state of its own. */
import { store as storeWord, type Words } from '#atomics';
import {
  type Arena,
  assert,
  BUCKET,
  BUCKET_SLOTS,
  Counters,
  EventRing,
  EvictionLog,
  HEADER,
  InvariantError,
  type LoggedEviction,
  OWNER_SLOTS,
  SeqlockReader,
  SHARD,
  type SharedClock,
} from '../../native-free/index.js';
import { CAUSE } from './causes.js';
import { Chains } from './chains.js';
import { CONDITION_BROKEN, Context, LOCK_WAIT_MS } from './context.js';
import { type Draft, Drafts } from './drafts.js';
import { latestEvictions } from './evictions.js';
import { Evictor } from './evictor.js';
import { type Flight, Flights } from './flights.js';
import { type Hold, Holds } from './holds.js';
import { BUCKETS_AT_START, IndexTable, Place } from './index-table.js';
import { FORM_POINTER, typeOf, WORD_SIZES } from './item.js';
import { Items } from './items.js';
import { Key } from './key.js';
import { Ownership, SECTION_BUSY } from './ownership.js';
import { PAGE_INDEX, PagePool } from './page-pool.js';
import { Payloads } from './payloads.js';
import { type EvictionPolicy, type EvictionRules, NO_TYPE, type QuotaPolicy } from './ports.js';
import { Proofs } from './proofs.js';
import { Quota, type UserUsage } from './quota.js';
import { READ_PRESENCE, Reader } from './reader.js';
import { Rebuild } from './rebuild.js';
import { Recovery } from './recovery.js';
import { ReferenceAudit } from './reference-audit.js';
import { References } from './references.js';
import { ANY_SIZE, type CopiedEntry, Rewriter } from './rewriter.js';
import { Scanner } from './scanner.js';
import { Shares } from './shares.js';
import type { SizeClasses } from './size-classes.js';
import { collectStats, type EngineStats } from './statistics.js';
import { Survey } from './survey.js';
import { Sweeper } from './sweeper.js';
import { User } from './user.js';
import { UserTable } from './user-table.js';
import { Uses } from './uses.js';
import { Verifier } from './verifier.js';
import { BUSY, type Lifetime, Writer } from './writer.js';

/** Buckets that one section of a clearing goes through. */
const CLEAR_BUCKETS = 16;
/** Times that such a section is left for a full list of releases. */
const CLEAR_DRAINS_MAX = 1_024;

export interface StoreOptions {
  readonly arena: Arena;
  readonly classes: SizeClasses;
  readonly clock: SharedClock;
  /** The owner slot that this thread has claimed, and its thread id. */
  readonly slot: number;
  readonly threadId: number;
  /** Bound on the key and value bytes of an item. */
  readonly itemBytesMax: number;
  /** The machine may reorder loads. */
  readonly weakMemory: boolean;
  readonly policy: EvictionPolicy;
  readonly rules: EvictionRules;
  readonly quotas: QuotaPolicy;
  /** How long to wait for a shard; for a thread that others wait for, less than LOCK_WAIT_MS, the default. */
  readonly lockWaitMs?: number;
}

export class SharedStore {
  readonly context: Context;
  readonly key: Key;
  /** The user of the next set, if it has one. */
  readonly user: User;
  readonly reader: Reader;
  readonly proofs: Proofs;
  readonly sweeper: Sweeper;
  readonly scanner: Scanner;
  readonly recovery: Recovery;
  readonly events: EventRing;
  readonly survey: Survey;
  readonly flights: Flights;
  readonly #index: IndexTable;
  readonly #pages: PagePool;
  readonly #items: Items;
  readonly #policy: EvictionPolicy;
  readonly #evictions: EvictionLog;
  readonly #writer: Writer;
  readonly #rewriter: Rewriter;
  readonly #verifier: Verifier;
  readonly #quota: Quota;
  readonly #drafts: Drafts;
  readonly #holds: Holds;
  readonly #references: References;
  readonly #payloads: Payloads;
  readonly #place = new Place();
  readonly #steal = (shard: number, type: number): boolean => this.#stealFor(shard, type);
  #stealCursor = 0;
  #trimCursor = 0;

  constructor(options: StoreOptions) {
    const { arena, classes, clock, slot, threadId, policy, rules, quotas } = options;
    const { layout, meta } = arena;
    const counters = new Counters(arena.buffers[0]!, layout.counters * 4, layout.countersPerStripe, OWNER_SLOTS, slot);
    const context = new Context(arena, classes, clock, counters, slot, threadId, options.lockWaitMs ?? LOCK_WAIT_MS);
    const seqlock = new SeqlockReader(meta, arena.owners.fence(slot), options.weakMemory);
    this.context = context;
    this.#policy = policy;
    this.key = new Key(meta[HEADER.hashKey0]!, meta[HEADER.hashKey1]!);
    this.user = new User(meta[HEADER.hashKey0]!, meta[HEADER.hashKey1]!);
    this.flights = new Flights(context);
    const users = new UserTable(context, quotas);
    const ownership = new Ownership(context, users);
    this.#references = new References(context);
    this.#pages = new PagePool(context);
    const chains = new Chains(context, this.#pages);
    this.#index = new IndexTable(context, this.#pages);
    this.#evictions = new EvictionLog(meta, layout.config.evictionRecords, seqlock);
    this.#items = new Items(
      context,
      this.#index,
      this.#pages,
      chains,
      ownership,
      this.#references,
      policy,
      this.#evictions,
    );
    const evictor = new Evictor(
      context,
      this.#index,
      this.#pages,
      this.#items,
      chains,
      policy,
      rules,
      ownership,
      this.#references,
    );
    const shares = new Shares(context, evictor, rules, this.#references);
    this.#quota = new Quota(context, this.#index, this.#pages, this.#items, chains, users, quotas);
    const uses = new Uses(context, policy);
    this.reader = new Reader(context, this.#index, chains, uses, seqlock, options.itemBytesMax);
    this.proofs = new Proofs(context, this.reader, seqlock, uses);
    this.#writer = new Writer(
      context,
      this.#index,
      this.#pages,
      this.#items,
      chains,
      evictor,
      shares,
      policy,
      ownership,
      this.#quota,
      this.flights,
      this.#references,
    );
    this.#rewriter = new Rewriter(
      context,
      this.#index,
      this.#pages,
      this.#items,
      chains,
      evictor,
      shares,
      ownership,
      users,
      this.#writer,
      this.#references,
      this.reader.landing,
    );
    this.#drafts = new Drafts(context, chains, this.#writer, shares, this.#quota, options.itemBytesMax);
    this.#holds = new Holds(context, this.#index, this.#items, chains);
    this.#payloads = new Payloads(
      context,
      this.#index,
      this.#items,
      chains,
      this.#references,
      this.reader,
      this.#writer,
      [meta[HEADER.hashKey0]!, meta[HEADER.hashKey1]!],
      options.itemBytesMax,
    );
    this.sweeper = new Sweeper(context, this.#index, this.#items, seqlock, this.#references, this.#payloads);
    this.scanner = new Scanner(context, this.#index, chains);
    const rebuild = new Rebuild(
      context,
      this.#index,
      this.#pages,
      chains,
      this.#items,
      ownership,
      this.flights,
      this.#references,
    );
    this.recovery = new Recovery(
      context,
      this.#pages,
      chains,
      this.#items,
      ownership,
      this.flights,
      this.#payloads,
      (shard) => rebuild.emptyLocked(shard),
    );
    this.#verifier = new Verifier(
      context,
      this.#index,
      this.#pages,
      this.#items,
      chains,
      users,
      this.key,
      this.flights,
      new ReferenceAudit(context, this.#references),
    );
    this.survey = new Survey(context);
    this.events = new EventRing(meta, layout.events, layout.config.eventWords);
  }

  /** Gives every shard its first buckets. Once, by the thread that created the arena, before any other sees it. */
  format(): void {
    const { layout, meta } = this.context;
    this.#policy.format();
    this.context.createdMs[0] = this.context.clock.nowMs();
    storeWord(meta, HEADER.pageReleases, 1);
    for (let i = 0; i < layout.config.shards; i++) {
      const shard = layout.shard(i);
      assert(this.context.enter(shard), 'a new arena is locked');
      const page = this.#pages.acquireLocked(shard, PAGE_INDEX, 0);
      assert(page >= 0, 'an arena too small for its shards');
      meta[shard + layout.directoryOffset] = page + 1;
      meta[shard + SHARD.directoryUsed] = 1;
      meta[shard + SHARD.bucketCount] = BUCKETS_AT_START;
      this.context.journal.commit();
      this.context.leave(shard);
    }
  }

  /** To be called before each operation: repairs what an abandoned one has left. */
  begin(): void {
    if (this.context.hasAbandoned) this.context.repairAbandoned();
  }

  /**
   * Stores `value` under the prepared key, as an entry of the prepared user if it is `owned`, and with a flight only if
   * that still stands, which it then ends: STORED, NO_ROOM, BUSY or LOST; CALLED_OFF, if the first word of `recall` has
   * become other than 0 before the key could change.
   */
  set(value: Uint8Array, form: number, lifetime: Lifetime, owned = false, flight?: Flight, recall?: Words): number {
    const user = owned ? this.user : undefined;
    const isShared = !owned && this.#isShared(value, form);
    const stored = isShared ? this.#payloads.pointer : value;
    const storedForm = isShared ? FORM_POINTER : form;
    let outcome: number;
    try {
      const { length } = value;
      outcome = this.#writer.set(this.key, stored, storedForm, lifetime, this.#steal, user, flight, recall, length);
    } catch (error) {
      throw this.#condemn(error, this.key.hash);
    }
    return this.#settled(outcome);
  }

  /** Whether this thread has taken a reference to a payload with this value, for the prepared key. */
  #isShared(value: Uint8Array, form: number): boolean {
    if (!this.#payloads.isShared(this.key, value.length)) return false;
    try {
      return this.#payloads.share(this.key.type, value, form, this.#steal);
    } catch (error) {
      throw this.#condemnShard(error, this.#payloads.shard);
    }
  }

  /** What an operation has come to, once the references that it left are given back. */
  #settled<T>(outcome: T): T {
    if (this.context.layout.references.words === 0) return outcome;
    try {
      this.#payloads.settle();
    } catch (error) {
      throw this.#condemnShard(error, this.#payloads.shard);
    }
    return outcome;
  }

  /**
   * Granules that the prepared key's type must give up before it may store a value of so many bytes under it, which may
   * be done by making its entries smaller: see rewriter.ts. -1 if a lock can't be had; 0 for the prepared user, if it is to own
   * the entry and is at its quota.
   */
  excess(valueBytes: number, isIdle: boolean, isOwned: boolean): number {
    return this.#writer.excess(this.key, valueBytes, isIdle, isOwned ? this.user : undefined);
  }

  /** Copies a cold entry of a type in a shard, by its number: its value to `reader.landing`. */
  cold(shard: number, type: number): CopiedEntry | undefined {
    try {
      return this.#settled(this.#rewriter.cold(this.context.layout.shard(shard), type));
    } catch (error) {
      // The low bits of a hash are the number of its shard.
      this.#end(error, shard);
      return undefined;
    }
  }

  /** Copies the live entry of the prepared key: its value to `reader.landing`. Renews nothing. */
  copy(): CopiedEntry | undefined {
    try {
      const entry = this.#rewriter.copy(this.key);
      return entry?.form === FORM_POINTER && this.context.layout.payloadTypeOf(this.key.type) >= 0
        ? this.#payloads.followed(entry, this.key)
        : entry;
    } catch (error) {
      this.#end(error, this.key.hash);
      return undefined;
    }
  }

  /**
   * Stores a value in place of one that was copied, whose key is prepared, if nothing has changed and it takes at most
   * `growthMax` granules more: STORED or why not.
   */
  rewrite(entry: CopiedEntry, value: Uint8Array, form: number, growthMax: number): number {
    // How much a payload would take isn't known beforehand.
    const isShared = growthMax === ANY_SIZE && !entry.isOwned && this.#isShared(value, form);
    const stored = isShared ? this.#payloads.pointer : value;
    // The payload may have been stored beside the entry that is to point to it.
    const proven = isShared ? this.#rewriter.allowingFor(entry, this.#payloads.primary) : entry;
    let outcome: number;
    try {
      outcome = this.#rewriter.rewrite(proven, this.key, stored, isShared ? FORM_POINTER : form, growthMax);
    } catch (error) {
      outcome = this.#end(error, this.key.hash);
    }
    return this.#settled(outcome);
  }

  /** Refuses to store a value under the prepared key, whose old value goes: NO_ROOM, BUSY, or LOST or CALLED_OFF as for a set. */
  refuse(valueBytes: number, reason: number, flight?: Flight, recall?: Words): number {
    let outcome: number;
    try {
      outcome = this.#writer.refuse(this.key, valueBytes, reason, flight, recall);
    } catch (error) {
      throw this.#condemn(error, this.key.hash);
    }
    return this.#settled(outcome);
  }

  /** Pages that values on their way in may have together, in all threads. */
  get draftPagesMax(): number {
    return this.#drafts.pagesMax;
  }

  /** Whole pages that a value of so many bytes takes at most. */
  draftPagesFor(bytes: number): number {
    return this.#drafts.pagesFor(bytes);
  }

  /** Bytes that the next piece of a value on its way in takes. */
  roomOf(draft: Draft): number {
    return this.#drafts.roomOf(draft);
  }

  /**
   * Adds a piece to a value on its way to the prepared key, as an entry of the prepared user if it is `owned`: see
   * drafts.ts.
   */
  append(draft: Draft, bytes: Uint8Array, pages: number, owned: boolean): number {
    let outcome: number;
    try {
      outcome = this.#drafts.append(draft, this.key, bytes, pages, owned ? this.user : undefined, this.#steal);
    } catch (error) {
      throw this.#condemn(error, this.key.hash);
    }
    return this.#settled(outcome);
  }

  /** Writes over bytes of a value on its way in. False if it is lost. */
  overwrite(draft: Draft, from: number, bytes: Uint8Array): boolean {
    return this.#drafts.overwrite(draft, from, bytes);
  }

  /** Stores a value that has come in pieces under the prepared key, as `set` does one that is there at once. */
  publish(draft: Draft, rest: Uint8Array, valueBytes: number, lifetime: Lifetime, owned: boolean): number {
    const user = owned ? this.user : undefined;
    let outcome: number;
    try {
      outcome = this.#drafts.publish(draft, this.key, rest, valueBytes, lifetime, user, this.#steal);
    } catch (error) {
      throw this.#condemn(error, this.key.hash);
    }
    return this.#settled(outcome);
  }

  /** Gives up a value on its way in. */
  abandon(draft: Draft): void {
    this.#drafts.abandon(draft);
  }

  /** Whether the item whose head was read last is one to be held. */
  get mayHold(): boolean {
    return this.#holds.mayTake(this.reader.payloadBytes, this.reader.form);
  }

  /** Pins the item of the prepared key, to be read piece by piece, until `keep`; false if it is to be copied. */
  hold(hold: Hold): boolean {
    return this.#holds.take(hold, this.key);
  }

  /** A hold stands from now on until it is released. Whatever is done behind it may be cut short, and leave it so. */
  keep(hold: Hold): void {
    this.#holds.keep(hold);
  }

  /** Copies the next bytes of what is held. */
  readHeld(hold: Hold, to: Uint8Array): number {
    try {
      return this.#holds.read(hold, to);
    } catch (error) {
      throw this.#condemnShard(error, hold.shard);
    }
  }

  /** Lets go of what is held. */
  release(hold: Hold): void {
    this.#holds.release(hold);
  }

  /** Lets go of all that this thread holds for streams. False if a lock can't be had. */
  dropStreams(): boolean {
    this.context.dropStanding();
    if (this.context.holdsIntents) this.context.settleIntents();
    return !this.context.holdsIntents;
  }

  /**
   * Deletes the prepared key: STORED if it was live at some moment of this call, NO_ROOM if not, BUSY. A pointer to a value that
   * is gone is no live entry: a look at what it names, under no lock as any reader's, removes it first. One whose value leaves
   * behind that look was live at it.
   */
  delete(): number {
    if (this.context.layout.payloadTypeOf(this.key.type) >= 0) this.reader.read(this.key, READ_PRESENCE, false);
    let outcome: number;
    try {
      outcome = this.#writer.delete(this.key);
    } catch (error) {
      throw this.#condemn(error, this.key.hash);
    }
    return this.#settled(outcome);
  }

  /** What the prepared user has and may have; undefined for one without entries, false if a lock can't be had. */
  usage(): UserUsage | undefined | false {
    return this.#quota.usage(this.user);
  }

  /** Ends the rewriting of an entry that threw: BUSY, or the error for its caller. It may have been done by then. */
  #end(error: unknown, hash: number): number {
    if (error !== SECTION_BUSY) throw this.#condemn(error, hash);
    this.context.giveUpSection();
    return BUSY;
  }

  /**
   * A shard in which an invariant failed is emptied by whoever takes its lock next. A ref that leads out of the arena
   * shows as a TypeError: no code of the user's runs here that could throw one.
   */
  #condemn(error: unknown, hash: number): unknown {
    return this.#condemnShard(error, this.context.shardOf(hash));
  }

  #condemnShard(error: unknown, shard: number): unknown {
    if (!(error instanceof InvariantError || error instanceof TypeError)) return error;
    this.context.meta[shard + SHARD.condition] = CONDITION_BROKEN;
    return error instanceof InvariantError ? error : new InvariantError(`a shard is broken: ${error.message}`);
  }

  /** Empties a page of some other shard, each in turn, for one that has none left to empty. */
  #stealFor(shard: number, type: number): boolean {
    const { layout } = this.context;
    const { shards } = layout.config;
    for (let i = 0; i < shards; i++) {
      this.#stealCursor = (this.#stealCursor + 1) % shards;
      const other = layout.shard(this.#stealCursor);
      if (other !== shard && this.#writer.givePage(other, type)) return true;
    }
    return false;
  }

  /**
   * Evicts what is cold and may go at the present pressure, ahead of need and page by page, from each shard in turn,
   * until so many bytes of pages have become free or none can be had. Returns the bytes.
   */
  trim(bytes: number): number {
    const { layout } = this.context;
    const { shards, pageBytes } = layout.config;
    let freed = 0;
    let misses = 0;
    while (freed < bytes && misses < shards) {
      this.#trimCursor = (this.#trimCursor + 1) % shards;
      const isFreed = this.#trimOne(layout.shard(this.#trimCursor));
      freed += isFreed ? pageBytes : 0;
      misses = isFreed ? 0 : misses + 1;
      this.#settled(undefined);
    }
    return freed;
  }

  /** A section that can't be ended frees nothing that is known of; whoever enters the shard next repairs it. */
  #trimOne(shard: number): boolean {
    try {
      return this.#writer.givePage(shard, NO_TYPE);
    } catch (error) {
      if (error !== SECTION_BUSY) throw error;
      this.context.giveUpSection();
      return false;
    }
  }

  /** Puts an event with a message of its own into the ring, if anybody listens for its kind. */
  tell(kind: number, message: Uint8Array): void {
    this.#items.emit(kind, 0, 0, 0, message, 0, message.length);
  }

  /** Removes every entry of a type, or of all with -1. False if a lock could not be had. */
  clear(type: number): boolean {
    const payloads = type < 0 ? -1 : this.context.layout.payloadTypeOf(type);
    // The payloads behind what names them: so they are removed one by one as their last references are given back.
    return this.#clearAll(type) && (payloads < 0 || this.#clearAll(payloads));
  }

  #clearAll(type: number): boolean {
    try {
      return this.#settled(this.#clear(type));
    } catch (error) {
      if (error !== SECTION_BUSY) throw error;
      this.context.giveUpSection();
      return false;
    }
  }

  #clear(type: number): boolean {
    const { layout, meta } = this.context;
    for (let i = 0; i < layout.config.shards; i++) {
      const shard = layout.shard(i);
      // The index only grows, and a split moves entries to a bucket that is still to come.
      for (let number = 0; number < meta[shard + SHARD.bucketCount]!; number += CLEAR_BUCKETS) {
        if (!this.#clearBuckets(shard, number, type)) return false;
      }
    }
    return true;
  }

  #clearBuckets(shard: number, first: number, type: number): boolean {
    if (!this.#references.enter(shard)) return false;
    if (first === 0) this.flights.endOfTypeLocked(shard, type);
    const end = Math.min(first + CLEAR_BUCKETS, this.context.meta[shard + SHARD.bucketCount]!);
    let drains = CLEAR_DRAINS_MAX;
    for (let bucket = first; bucket < end; ) {
      if (this.#clearChainLocked(shard, bucket, type)) {
        bucket += 1;
        continue;
      }
      this.context.leave(shard);
      if (--drains < 0 || !this.#references.drain() || !this.#references.enter(shard)) return false;
    }
    this.context.leave(shard);
    return true;
  }

  /** False if the list of releases is full. */
  #clearChainLocked(shard: number, number: number, type: number): boolean {
    const primary = this.#index.bucketRef(shard, number);
    // Each removal may move slots and drop a bucket from the chain, so each search begins anew.
    while (this.#findOfTypeLocked(primary, type)) {
      if (!this.#references.hasRoomLocked(shard)) return false;
      this.#items.removeLocked(shard, this.#place, CAUSE.flushed);
    }
    return true;
  }

  #findOfTypeLocked(primary: number, type: number): boolean {
    const { arena } = this.context;
    const place = this.#place;
    place.primary = primary;
    for (let bucket = primary; bucket !== 0; bucket = this.#index.overflowOf(bucket)) {
      const words = arena.wordsOf(bucket);
      const at = arena.wordIndex(bucket);
      for (let slot = 0; slot < BUCKET_SLOTS; slot++) {
        const ref = words[at + BUCKET.refs + slot * 2]!;
        if (ref === 0) return false;
        if (type >= 0 && typeOf(arena.wordsOf(ref)[arena.wordIndex(ref) + WORD_SIZES]!) !== type) continue;
        place.bucket = bucket;
        place.slot = slot;
        place.ref = ref;
        return true;
      }
    }
    return false;
  }

  /**
   * Up to `last` evictions and expirations, newest first, of those that `wants` accepts and the logs still hold. Takes
   * no lock.
   */
  evictions(last: number, wants: (eviction: LoggedEviction) => boolean): LoggedEviction[] {
    return latestEvictions(this.#evictions, this.context.layout, last, wants);
  }

  verify(): string[] {
    return this.#verifier.verify();
  }

  stats(): EngineStats {
    return collectStats(this.context, this.#quota);
  }
}
