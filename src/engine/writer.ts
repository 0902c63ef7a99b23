/**
 * Sets and deletes. A set makes room first, in transactions of their own, then takes a chunk, fills it and puts it
 * into the index in one more: a death undoes it all, or nothing. An item of one chunk (at most a quarter of a page) is
 * copied inside the section; a chained one is built on an intent and copied outside it.
 */
import { checkpoint, load, type Words } from '#atomics';
import { assert, BUCKET, copyBytes, isBefore, SHARD } from '../../native-free/index.js';
import { CAUSE, GLOBAL_COUNTER, REJECT, TYPE_COUNTER } from './causes.js';
import type { Chains } from './chains.js';
import type { Context } from './context.js';
import type { Evictor } from './evictor.js';
import { dueTick, expiryOf, NOT_EXPIRED } from './expiry.js';
import type { Flight, Flights } from './flights.js';
import { type IndexTable, Place } from './index-table.js';
import {
  FLAG_CHAINED,
  FLAG_IDLE,
  FLAG_OWNED,
  FORM_SHIFT,
  headerBytes,
  idleWord,
  OWNED,
  ownedWord,
  packSizes,
  paddedKey,
  valueWord,
  WORD_CHAINED_BYTES,
  WORD_GENERATION,
  WORD_HASH,
  WORD_SIZES,
  WORD_VALUE_BYTES,
} from './item.js';
import { EVENT, type Items } from './items.js';
import type { Key } from './key.js';
import { NO_RECORD, type Ownership, RESERVED, SECTION_BUSY } from './ownership.js';
import type { PagePool } from './page-pool.js';
import { type EvictionPolicy, MARK_MASK } from './ports.js';
import {
  ADMITTED,
  markOf,
  NO_CLASS,
  OVER_QUOTA,
  QUOTA_BUSY,
  QUOTA_EVICTIONS_MAX,
  type Quota,
  TAKEN_CHUNKS,
} from './quota.js';
import { PAYLOAD, type PayloadName, type References } from './references.js';
import { SHARE_BUSY, SHARE_FULL, SHARE_ROOM, type Shares } from './shares.js';
import { TAG_IDLE } from './tag.js';
import type { User } from './user.js';

/** The value is stored. */
export const STORED = 1;
/** There is no room that may be had; the key is absent now. */
export const NO_ROOM = 0;
/** The shard's lock could not be had; nothing has changed. */
export const BUSY = 2;
/** The flight that the value was loaded for has ended: nothing has changed. */
export const LOST = 3;
/** The set was called off before it could be seen; nothing has changed. */
export const CALLED_OFF = 4;
/** There is an entry of the key, where a payload was to be stored: nothing has changed. */
export const EXISTS = 5;

/** Pieces that one section takes for a chain. */
const PIECES_PER_SECTION = 16;
/** Sections of one operation that a full list of releases has held up, and that are begun again. */
const DRAINS_MAX = 256;
/** Items that one call may evict in its own bucket chain. */
const CHAIN_EVICTIONS_MAX = 4;
/** Chained entries of its user that one at quota may take beyond its own size, for chunks of its last pieces. */
const OWN_CHAINED_MAX = 8;

/** How an entry lives: ticks; 0 stands for no bound. */
export interface Lifetime {
  readonly deadline: number;
  readonly idleTicks: number;
}

/** Where a chain that grows at its end goes on. */
export interface PiecePlace {
  readonly intent: number;
  /** Its last piece; 0 if it has none. */
  readonly tail: number;
}

/** In place of a piece: a lock can't be had. */
export const NO_LOCK = -1;

/** Empties a page of another shard than `shard` for an entry of a type; called under no lock. */
export type Steal = (shard: number, type: number) => boolean;

/** A payload that is to be stored: it gets its serial as it is. */
type NewPayload = { -readonly [K in keyof PayloadName]: PayloadName[K] };

export class Writer {
  readonly #context: Context;
  readonly #index: IndexTable;
  readonly #pages: PagePool;
  readonly #items: Items;
  readonly #chains: Chains;
  readonly #evictor: Evictor;
  readonly #shares: Shares;
  readonly #policy: EvictionPolicy;
  readonly #place = new Place();
  readonly #hashOf: (ref: number) => number;
  readonly #ownership: Ownership;
  readonly #quota: Quota;
  readonly #flights: Flights;
  readonly #references: References;
  /** Of the set in hand: the payload that it stores, if it does. */
  #payload: NewPayload | undefined;
  /** Of the set in hand: whose entry it will be; and whether it may take no room but what is free. */
  #user: User | undefined;
  /** The same: the flight that must stand for it to take place. */
  #flight: Flight | undefined;
  #isAtQuota = false;
  /** Of the set in hand: a word that calls it off when it is not 0. */
  #recall: Words | undefined;
  /** What the operation in hand has come to by its last commit, for one that ends behind that. */
  #committed = BUSY;
  /** Why the operation in hand would be refused. */
  #reason: number = REJECT.room;

  constructor(
    context: Context,
    index: IndexTable,
    pages: PagePool,
    items: Items,
    chains: Chains,
    evictor: Evictor,
    shares: Shares,
    policy: EvictionPolicy,
    ownership: Ownership,
    quota: Quota,
    flights: Flights,
    references: References,
  ) {
    this.#context = context;
    this.#flights = flights;
    this.#references = references;
    this.#ownership = ownership;
    this.#quota = quota;
    this.#index = index;
    this.#pages = pages;
    this.#items = items;
    this.#chains = chains;
    this.#evictor = evictor;
    this.#shares = shares;
    this.#policy = policy;
    const { arena } = context;
    this.#hashOf = (ref) => arena.wordsOf(ref)[arena.wordIndex(ref) + WORD_HASH]!;
  }

  /**
   * Stores `value` under the key, as an entry of `user` or of nobody; with a flight, only if that stands. With `recall`,
   * whose first word another thread may set at any time: CALLED_OFF if it is not 0 in the very section that would change
   * what the key has. `valueBytes`: those of the value that a pointer stands for.
   */
  set(
    key: Key,
    value: Uint8Array,
    form: number,
    lifetime: Lifetime,
    steal: Steal,
    user: User | undefined,
    flight: Flight | undefined,
    recall: Words | undefined,
    valueBytes: number = value.length,
  ): number {
    return this.#store(undefined, key, valueBytes, user, flight, recall, () =>
      this.#put(key, value, form, lifetime, steal),
    );
  }

  /** The first bucket of the chain that was stored into last. */
  get primary(): number {
    return this.#place.primary;
  }

  /**
   * Stores a payload that has one reference, which this thread takes, under a key that has none: as `set` otherwise, and
   * EXISTS. The first words of `value` are the payload's own.
   */
  setPayload(key: Key, value: Uint8Array, form: number, lifetime: Lifetime, payload: NewPayload, steal: Steal): number {
    return this.#store(payload, key, value.length, undefined, undefined, undefined, () =>
      this.#put(key, value, form, lifetime, steal),
    );
  }

  #begin(
    payload: NewPayload | undefined,
    user: User | undefined,
    flight: Flight | undefined,
    recall: Words | undefined,
  ): void {
    this.#payload = payload;
    this.#user = user;
    this.#flight = flight;
    this.#recall = recall;
    this.#isAtQuota = false;
    this.#committed = BUSY;
    this.#reason = REJECT.room;
  }

  /** One that isn't stored is told of, but for a payload: its value is stored by itself then. */
  #store(
    payload: NewPayload | undefined,
    key: Key,
    valueBytes: number,
    user: User | undefined,
    flight: Flight | undefined,
    recall: Words | undefined,
    put: () => number,
  ): number {
    this.#begin(payload, user, flight, recall);
    let outcome: number;
    try {
      outcome = put();
    } catch (error) {
      outcome = this.#end(error);
    }
    if (outcome === NO_ROOM && payload === undefined) this.#reject(key, valueBytes);
    return outcome;
  }

  /**
   * Stores the chained item whose first pieces hang on an intent, as `set` does a value. `complete` takes the last pieces and
   * writes them: STORED, NO_ROOM or BUSY. What the intent still holds then is to be abandoned.
   */
  setBuilt(
    key: Key,
    valueBytes: number,
    flags: number,
    lifetime: Lifetime,
    user: User | undefined,
    intent: number,
    complete: () => number,
  ): number {
    return this.#store(undefined, key, valueBytes, user, undefined, undefined, () => {
      const admitted = this.#admit(key, valueBytes, flags, TAKEN_CHUNKS);
      if (admitted !== STORED) return admitted;
      const built = complete();
      if (built === STORED) this.#fillHeader(this.#context.meta[intent]!, key, valueBytes, flags, lifetime, 0);
      return this.#publishChain(this.#context.shardOf(key.hash), key, valueBytes, flags, lifetime, intent, built);
    });
  }

  /**
   * Takes the next piece of a chain that grows at its end, with nothing but free memory if `isAtQuota`. Under the large lock.
   * `turn`: how many pieces the chain has. Returns the piece; 0 if there is no room for it, -1 if a lock can't be had.
   */
  takePiece(place: PiecePlace, key: Key, classId: number, turn: number, isAtQuota: boolean, steal: Steal): number {
    this.#isAtQuota = isAtQuota;
    try {
      return this.#takePiece(place, key, classId, turn, steal);
    } catch (error) {
      this.#end(error);
      return NO_LOCK;
    }
  }

  #takePiece(place: PiecePlace, key: Key, classId: number, turn: number, steal: Steal): number {
    const { shards } = this.#context.layout.config;
    const isAlone = shards === 1 || this.#isAtQuota;
    // All shards give their part of the pages of a large item, in turn with the one that it belongs to.
    const isOwnTurn = isAlone || turn % shards === 0;
    const ref = this.#tryPiece(place, key, classId, isOwnTurn);
    if (ref !== 0 || isAlone) return ref;
    const hasStolen = steal(this.#context.shardOf(key.hash), key.type);
    return hasStolen || !isOwnTurn ? this.#tryPiece(place, key, classId, true) : 0;
  }

  #tryPiece({ intent, tail }: PiecePlace, key: Key, classId: number, evicts: boolean): number {
    const shard = this.#context.shardOf(key.hash);
    for (let drains = DRAINS_MAX; ; drains--) {
      if (!this.#context.enter(shard)) return NO_LOCK;
      const hasRoom =
        this.#pages.hasRoomLocked(shard, classId) || (evicts && this.#makeRoomLocked(shard, classId, key.type));
      const ref = hasRoom ? this.#chains.appendLocked(shard, intent, tail, classId, key.hash) : 0;
      const hasDrained = this.#references.leave(shard);
      if (ref !== 0 || !evicts || !hasDrained || drains === 0) return ref;
    }
  }

  /** Ends an operation whose section could not be: what it had come to by then stands. */
  #end(error: unknown): number {
    if (error !== SECTION_BUSY) throw error;
    this.#context.giveUpSection();
    return this.#committed;
  }

  #put(key: Key, value: Uint8Array, form: number, lifetime: Lifetime, steal: Steal): number {
    const user = this.#user;
    const flags = flagsFor(lifetime.idleTicks !== 0, user !== undefined) | (form << FORM_SHIFT);
    const bytes = headerBytes(flags) + paddedKey(key.byteLength) + value.length;
    const isSingle = bytes <= this.#context.classes.singleBytesMax;
    const classId = isSingle ? this.#context.classes.classFor(bytes) : NO_CLASS;
    const admitted = this.#admit(key, value.length, isSingle ? flags : flags | FLAG_CHAINED, classId);
    if (admitted !== STORED) return admitted;
    if (isSingle) return this.#setSingle(key, value, flags, bytes, lifetime, steal);
    let outcome = this.#setChained(key, value, flags | FLAG_CHAINED, lifetime, steal);
    for (let i = 0; outcome === NO_ROOM && this.#isAtQuota && i < OWN_CHAINED_MAX; i++) {
      if (user === undefined || !this.#quota.giveUpChained(user)) break;
      outcome = this.#setChained(key, value, flags | FLAG_CHAINED, lifetime, steal);
    }
    return outcome;
  }

  /**
   * STORED if the user's quota and the type's share let the set go on; else NO_ROOM, the key being absent now, or BUSY. The quota comes
   * first: a set that it refuses costs nobody else anything.
   */
  #admit(key: Key, valueBytes: number, flags: number, classId: number): number {
    const granules = this.#items.granules(key.byteLength, valueBytes, flags);
    const user = this.#user;
    if (user !== undefined) {
      if (!this.#shares.mayEverFit(key.type, granules)) return this.#fail(key, REJECT.share);
      const admitted = this.#quota.admit(key, user, granules, classId);
      if (admitted === QUOTA_BUSY) return BUSY;
      this.#isAtQuota = admitted !== ADMITTED;
      if (admitted === OVER_QUOTA) return this.#fail(key, REJECT.quota);
    }
    const share =
      user !== undefined && this.#isAtQuota ? this.#makeOwnShare(key, granules, user) : this.#makeShare(key, granules);
    if (share === SHARE_BUSY) return BUSY;
    return share === SHARE_FULL ? this.#fail(key, REJECT.share) : STORED;
  }

  /** Room in the share of the key's type. */
  #makeShare(key: Key, granules: number): number {
    const shard = this.#context.shardOf(key.hash);
    return this.#shares.makeRoom(shard, key.type, granules, () => this.#granulesLocked(shard, key));
  }

  /** The same for a user at its quota: its own entries of the type make it, or it isn't had. */
  #makeOwnShare(key: Key, granules: number, user: User): number {
    const shard = this.#context.shardOf(key.hash);
    for (let i = 0; i < QUOTA_EVICTIONS_MAX; i++) {
      const excess = this.#shares.excess(shard, key.type, granules, () => this.#granulesLocked(shard, key));
      if (excess <= 0) return excess < 0 ? SHARE_BUSY : SHARE_ROOM;
      const outcome = this.#quota.giveUpOfType(user, key.type, excess);
      if (outcome === QUOTA_BUSY) return SHARE_BUSY;
      if (outcome === OVER_QUOTA) return SHARE_FULL;
    }
    return SHARE_FULL;
  }

  /** Granules of the key's entry; 0 if it has none. */
  #granulesLocked(shard: number, key: Key): number {
    return this.#findLocked(shard, key) ? this.#items.granulesAt(this.#place.ref) : 0;
  }

  /**
   * Granules that the key's type must give up before it may store so many bytes under the key, as an entry of `user` or of nobody;
   * -1 behind a lock. 0 for a user at its quota: its sets cost others nothing.
   */
  excess(key: Key, valueBytes: number, isIdle: boolean, user: User | undefined): number {
    const flags = flagsFor(isIdle, user !== undefined);
    const bytes = headerBytes(flags) + paddedKey(key.byteLength) + valueBytes;
    const isSingle = bytes <= this.#context.classes.singleBytesMax;
    const granules = this.#items.granules(key.byteLength, valueBytes, isSingle ? flags : flags | FLAG_CHAINED);
    if (user !== undefined && this.#quota.foresee(user, granules, key) !== ADMITTED) return 0;
    const shard = this.#context.shardOf(key.hash);
    return this.#shares.excess(shard, key.type, granules, () => this.#granulesLocked(shard, key));
  }

  /** Stores nothing, for a reason that was known before: the old value goes. NO_ROOM, BUSY, LOST or CALLED_OFF. */
  refuse(key: Key, valueBytes: number, reason: number, flight: Flight | undefined, recall: Words | undefined): number {
    this.#begin(undefined, undefined, flight, recall);
    let outcome: number;
    try {
      outcome = this.#fail(key, reason);
    } catch (error) {
      outcome = this.#end(error);
    }
    if (outcome === NO_ROOM) this.#reject(key, valueBytes);
    return outcome;
  }

  #fail(key: Key, reason: number): number {
    this.#reason = reason;
    const shard = this.#context.shardOf(key.hash);
    return this.#references.enter(shard) ? this.#failLocked(shard, key) : BUSY;
  }

  /** Counts a refused set and tells listeners. Under no lock. */
  #reject(key: Key, valueBytes: number): void {
    const reason = this.#isAtQuota ? REJECT.quota : this.#reason;
    this.#context.count(key.type, TYPE_COUNTER.rejects + reason, 1);
    if (!this.#items.isHeard(EVENT.reject)) return;
    const bytes = new Uint8Array(key.byteLength);
    key.writeTo(bytes, 0);
    this.#items.emit(EVENT.reject, key.type, reason, key.byteLength + valueBytes, bytes, 0, key.byteLength);
  }

  #setSingle(key: Key, value: Uint8Array, flags: number, bytes: number, lifetime: Lifetime, steal: Steal): number {
    const shard = this.#context.shardOf(key.hash);
    const classId = this.#context.classes.classFor(bytes);
    const ready = this.#enterReady(shard, key, classId, steal);
    if (ready === BUSY) return BUSY;
    if (ready === NO_ROOM) return this.#failLocked(shard, key);
    const terms = this.#termsLocked(shard, key);
    if (terms !== STORED) return this.#leave(shard, terms);
    const reserved = this.#reserveLocked();
    if (reserved !== STORED) return this.#unreservedLocked(shard, key, reserved);
    const ref = this.#pages.allocateLocked(shard, classId);
    this.fillSingle(ref, key, value, flags, lifetime);
    this.#publishLocked(shard, key, ref, flags, value.length, lifetime);
    this.#context.leave(shard);
    return STORED;
  }

  /**
   * Opens a section in which the key has a place and the class a free chunk: STORED. NO_ROOM, with the section open, if that
   * can't be had; BUSY without it.
   */
  #enterReady(shard: number, key: Key, classId: number, steal: Steal): number {
    let drains = DRAINS_MAX;
    let maySteal = !this.#isAtQuota;
    for (;;) {
      if (!this.#references.enter(shard)) return BUSY;
      if (this.#isReadyLocked(shard, key, classId)) return STORED;
      const isHeldUp = this.#references.isFull(shard) && --drains >= 0;
      if (this.#isAtQuota || !(isHeldUp || maySteal)) return NO_ROOM;
      const hasDrained = this.#references.leave(shard);
      if (hasDrained && isHeldUp) continue;
      const hasStolen = maySteal && steal(shard, key.type);
      if (!hasStolen) return this.#references.enter(shard) ? NO_ROOM : BUSY;
      maySteal = false;
    }
  }

  /** Whether the key has a slot or can be given one, and the class a free chunk. */
  #isReadyLocked(shard: number, key: Key, classId: number): boolean {
    if (!this.#makeRoomLocked(shard, classId, key.type)) return false;
    return this.#preparePlaceLocked(shard, key) !== 0 && this.#makeRoomLocked(shard, classId, key.type);
  }

  /** Writes an item of one chunk that nobody can see yet. */
  fillSingle(ref: number, key: Key, value: Uint8Array, flags: number, lifetime: Lifetime): void {
    this.#fillHeader(ref, key, value.length, flags, lifetime, 0);
    checkpoint();
    const { arena } = this.#context;
    const start = arena.wordIndex(ref) + (headerBytes(flags) >>> 2);
    key.writeWords(arena.wordsOf(ref), start);
    checkpoint();
    copyBytes(arena.bytesOf(ref), start * 4 + paddedKey(key.byteLength), value);
  }

  /** Sees to it that the class has a free chunk; at quota without an eviction. */
  #makeRoomLocked(shard: number, classId: number, type: number): boolean {
    if (!this.#isAtQuota) return this.#evictor.makeRoomLocked(shard, classId, type);
    return this.#pages.findsRoomLocked(shard, classId);
  }

  /** Takes the lock of the user's stripe, behind all evictions, which need those of others; a stripe at a time. */
  #reserveLocked(): number {
    if (this.#user === undefined) return STORED;
    const reserved = this.#ownership.reserveLocked(this.#user);
    if (reserved === RESERVED) return STORED;
    if (reserved !== NO_RECORD) return BUSY;
    this.#reason = REJECT.users;
    return NO_ROOM;
  }

  #unreservedLocked(shard: number, key: Key, reserved: number): number {
    return reserved === NO_ROOM ? this.#failLocked(shard, key) : this.#leave(shard, reserved);
  }

  /**
   * Whether the set in hand may change the key: STORED; LOST, if a change of the key, or another load, has ended the flight
   * that its value was loaded for; CALLED_OFF. Whoever calls it off does so before entering the shard: so this set sees it,
   * or has changed the key in an earlier section than that of whoever did. EXISTS, if a payload would replace an entry.
   */
  #termsLocked(shard: number, key: Key): number {
    if (this.#payload !== undefined && this.#findLocked(shard, key)) return EXISTS;
    if (this.#recall !== undefined && load(this.#recall, 0) !== 0) return CALLED_OFF;
    return this.#flight === undefined || this.#flights.stands(this.#flight) ? STORED : LOST;
  }

  #leave(shard: number, outcome: number): number {
    this.#context.leave(shard);
    return outcome;
  }

  /**
   * No room: the old value goes, as the rule for a refused set wants it. A flight that is to be told why stays.
   */
  #failLocked(shard: number, key: Key): number {
    const terms = this.#termsLocked(shard, key);
    if (terms !== STORED) return this.#leave(shard, terms);
    this.#committed = NO_ROOM;
    const hasEnded = this.#flight === undefined && this.#flights.endOfLocked(shard, key.hash);
    if (this.#findLocked(shard, key)) this.#items.removeLocked(shard, this.#place, CAUSE.replaced);
    else if (hasEnded) this.#context.journal.commit();
    this.#context.leave(shard);
    return NO_ROOM;
  }

  /** Sees to it that the key has a slot or can be given one. Returns its chain's first bucket; 0 if it can't. */
  #preparePlaceLocked(shard: number, key: Key): number {
    for (let i = 0; i <= CHAIN_EVICTIONS_MAX; i++) {
      const primary = this.#index.primaryLocked(shard, key.hash);
      if (!this.#index.isFullLocked(primary) || this.#findLocked(shard, key)) return primary;
      if (this.#index.ensureOverflowLocked(shard)) return primary;
      if (this.#isAtQuota) return 0;
      if (this.#evictor.reclaimPageLocked(shard, key.type) && this.#index.ensureOverflowLocked(shard)) return primary;
      if (!this.#evictor.evictFromChainLocked(shard, this.#index.primaryLocked(shard, key.hash), key.type)) return 0;
    }
    return 0;
  }

  #fillHeader(ref: number, key: Key, valueBytes: number, flags: number, lifetime: Lifetime, generation: number): void {
    const { arena } = this.#context;
    const words = arena.wordsOf(ref);
    const at = arena.wordIndex(ref);
    words[at + WORD_SIZES] = packSizes(key.byteLength, key.type, flags);
    words[at + WORD_HASH] = key.hash;
    if ((flags & FLAG_CHAINED) === 0) {
      words[at + WORD_VALUE_BYTES] = valueBytes;
    } else {
      words[at + WORD_CHAINED_BYTES] = valueBytes;
      words[at + WORD_GENERATION] = generation;
    }
    // Nobody's, until the list has it.
    if ((flags & FLAG_OWNED) !== 0) words[at + ownedWord(flags) + OWNED.owner] = 0;
    if ((flags & FLAG_IDLE) === 0) return;
    words[at + idleWord(flags)] = lifetime.idleTicks;
    words[at + idleWord(flags) + 1] = lifetime.deadline;
  }

  /** Puts a filled chunk into the index in place of the key's old entry, and commits. */
  #publishLocked(shard: number, key: Key, ref: number, flags: number, valueBytes: number, lifetime: Lifetime): void {
    const { arena } = this.#context;
    const isIdle = lifetime.idleTicks !== 0;
    this.#policy.observe(shard, key.hash, key.byteLength + valueBytes);
    const head = key.tag | (isIdle ? TAG_IDLE : 0);
    const time = isIdle ? this.#context.clock.precise() || 1 : lifetime.deadline;
    this.#noteDueLocked(shard, dueTick(head, time, arena.wordsOf(ref), arena.wordIndex(ref)));
    const place = this.#place;
    const hasOld = this.#findLocked(shard, key);
    this.#flights.endOfLocked(shard, key.hash);
    this.#index.openLocked(place.primary);
    const tag = head | (hasOld ? this.#renewedMark(shard, key) : this.#policy.admit(shard, key.hash));
    const sizes = packSizes(key.byteLength, key.type, flags);
    if (this.#payload !== undefined) this.#takeLocked(shard, ref, sizes, this.#payload);
    else if (this.#references.isPointer(sizes)) this.#references.publishLocked(shard, ref, sizes);
    if (this.#user !== undefined) {
      arena.wordsOf(ref)[arena.wordIndex(ref) + ownedWord(flags) + OWNED.mark] = markOf(tag, time);
      const granules = this.#items.granules(key.byteLength, valueBytes, flags);
      this.#ownership.noteInLocked(shard, ref, granules, this.#user);
    }
    if (!hasOld) {
      this.#items.accountLocked(shard, sizes, valueBytes, 1);
      const position = this.#index.insertLocked(shard, place.primary, tag, ref, time);
      assert(position !== 0, 'no slot for an entry whose place was prepared');
      this.#items.commitLocked(shard);
      this.#committed = STORED;
      this.#countInsert(key, this.#references.bytesOf(ref, sizes, valueBytes));
      this.#evictor.offerLocked(shard, position);
      this.#growLocked(shard, key.type);
      return;
    }
    const old = place.ref;
    const oldBytes = this.#items.valueBytes(old);
    const oldSizes = arena.wordsOf(old)[arena.wordIndex(old) + WORD_SIZES]!;
    const bucket = arena.wordsOf(place.bucket);
    const at = arena.wordIndex(place.bucket);
    const oldTag = bucket[at + BUCKET.tags + place.slot]!;
    const oldTime = bucket[at + BUCKET.times + place.slot * 2]!;
    const cause = this.#causeOf(place, CAUSE.replaced);
    if (cause !== CAUSE.replaced) this.#countInsert(key, this.#references.bytesOf(ref, sizes, valueBytes));
    this.#index.writeSlotLocked(place.bucket, place.slot, tag, ref, time);
    this.#items.accountReplacedLocked(shard, sizes, valueBytes, oldSizes, oldBytes);
    this.#items.releaseChunksLocked(shard, old, oldSizes);
    this.#committed = STORED;
    this.#items.finishRemovalLocked(shard, old, oldSizes, oldBytes, cause, oldTag, oldTime);
  }

  /** A payload gets its serial, and this thread the reference to it, in the transaction in hand: nobody can see it yet. */
  #takeLocked(shard: number, ref: number, sizes: number, payload: NewPayload): void {
    const { arena } = this.#context;
    payload.serial = this.#items.nextGenerationLocked(shard);
    arena.wordsOf(ref)[arena.wordIndex(ref) + valueWord(sizes) + PAYLOAD.serial] = payload.serial;
    this.#references.takeLocked(payload);
  }

  /** Has the sweep come by when the entry's time is over. */
  #noteDueLocked(shard: number, due: number): void {
    const { meta } = this.#context;
    const known = meta[shard + SHARD.dueAdded]!;
    if (due !== 0 && (known === 0 || isBefore(due, known))) meta[shard + SHARD.dueAdded] = due;
  }

  /** The mark of the entry found, which is stored anew. */
  #renewedMark(shard: number, key: Key): number {
    const { bucket, slot } = this.#place;
    const { arena } = this.#context;
    const tag = arena.wordsOf(bucket)[arena.wordIndex(bucket) + BUCKET.tags + slot]!;
    return this.#policy.touch(shard, tag & MARK_MASK, key.hash);
  }

  /** A key that was absent has a value now. */
  #countInsert(key: Key, valueBytes: number): void {
    this.#context.count(key.type, TYPE_COUNTER.inserts, 1);
    this.#context.count(key.type, TYPE_COUNTER.bytesInserted, key.byteLength + valueBytes);
  }

  #causeOf({ bucket, slot, ref }: Place, live: number): number {
    const { arena, clock } = this.#context;
    const slots = arena.wordsOf(bucket);
    const at = arena.wordIndex(bucket);
    const cause = expiryOf(clock, slots, at, slot, arena.wordsOf(ref), arena.wordIndex(ref));
    return cause === NOT_EXPIRED ? live : cause;
  }

  /** At most one bucket is split, behind an insert. */
  #growLocked(shard: number, type: number): void {
    if (!this.#index.isLoadedLocked(shard)) return;
    if (!this.#index.ensureDirectoryLocked(shard)) {
      if (this.#isAtQuota || !this.#index.isStarvedLocked(shard)) return;
      if (!this.#evictor.reclaimPageLocked(shard, type)) return;
      if (!this.#index.ensureDirectoryLocked(shard)) return;
    }
    if (!this.#index.splitLocked(shard, this.#hashOf)) this.#context.countGlobal(GLOBAL_COUNTER.splitsSkipped, 1);
  }

  /** Finds the key's entry, expired or not; `#place.primary` is set either way. */
  #findLocked(shard: number, key: Key): boolean {
    const place = this.#place;
    place.primary = this.#index.primaryLocked(shard, key.hash);
    return this.#index.findLocked(place, key, this.#chains);
  }

  /** Deletes the key. STORED if it was live, NO_ROOM if it was not. */
  delete(key: Key): number {
    const shard = this.#context.shardOf(key.hash);
    if (!this.#references.enter(shard)) return BUSY;
    let outcome: number;
    try {
      outcome = this.#deleteLocked(shard, key);
      this.#context.leave(shard);
    } catch (error) {
      outcome = this.#end(error);
    }
    return outcome;
  }

  #deleteLocked(shard: number, key: Key): number {
    const hasEnded = this.#flights.endOfLocked(shard, key.hash);
    if (!this.#findLocked(shard, key)) {
      if (hasEnded) this.#context.journal.commit();
      return NO_ROOM;
    }
    const place = this.#place;
    const cause = this.#causeOf(place, CAUSE.explicit);
    this.#committed = cause === CAUSE.explicit ? STORED : NO_ROOM;
    this.#items.removeLocked(shard, place, cause);
    return this.#committed;
  }

  #setChained(key: Key, value: Uint8Array, flags: number, lifetime: Lifetime, steal: Steal): number {
    const intent = this.#context.freeIntent();
    if (intent === 0 || !this.#context.enterLarge()) return BUSY;
    const built = this.#buildItem(key, value, flags, lifetime, intent, steal);
    return this.#publishChain(this.#context.shardOf(key.hash), key, value.length, flags, lifetime, intent, built);
  }

  /**
   * Builds a chained item on a free intent, to be published by the caller, with pages of its own shard only. STORED,
   * NO_ROOM or BUSY; what the intent holds then is to be abandoned. `evicts`: room may be made for it.
   */
  build(key: Key, value: Uint8Array, flags: number, lifetime: Lifetime, intent: number, evicts: boolean): number {
    this.#isAtQuota = !evicts;
    if (!this.#context.enterLarge()) return BUSY;
    return this.#buildItem(key, value, flags, lifetime, intent, undefined);
  }

  /** Lets go of the large lock in the end. */
  #buildItem(
    key: Key,
    value: Uint8Array,
    flags: number,
    lifetime: Lifetime,
    intent: number,
    steal: Steal | undefined,
  ): number {
    const stream = paddedKey(key.byteLength) + value.length;
    const classes = this.#context.classes.pieces(stream, headerBytes(flags));
    const built = this.#buildChain(this.#context.shardOf(key.hash), key, intent, classes, steal);
    this.#context.leaveLarge();
    if (built === STORED) this.#fillChain(key, value, flags, lifetime, intent);
    return built;
  }

  /** Takes the pieces of a chain, last first, a few to a section. STORED, NO_ROOM or BUSY. */
  #buildChain(shard: number, key: Key, intent: number, classes: readonly number[], steal: Steal | undefined): number {
    const { shards } = this.#context.layout.config;
    let left = classes.length;
    let drains = DRAINS_MAX;
    let steals = shards === 1 || this.#isAtQuota || steal === undefined ? 0 : classes.length;
    while (left > 0) {
      if (!this.#context.enter(shard)) return BUSY;
      let hasRoom = true;
      for (let i = 0; i < PIECES_PER_SECTION && left > 0 && hasRoom; i++) {
        const classId = classes[left - 1]!;
        hasRoom = this.#pages.hasRoomLocked(shard, classId);
        // All shards give their part of the pages of a large item, in turn with the one that it belongs to.
        if (!hasRoom && left % shards !== 0 && steals > 0) break;
        hasRoom ||= this.#makeRoomLocked(shard, classId, key.type);
        if (hasRoom && this.#chains.prependLocked(shard, intent, classId, key.hash)) left--;
      }
      if (hasRoom) {
        // What evictions have left is given back behind the operation. Between its sections, that was seen to cost a small cache up to nine
        // in ten of its entries.
        this.#context.leave(shard);
        continue;
      }
      if (this.#references.leave(shard) && --drains >= 0) continue;
      if (steals === 0 || steal === undefined) return NO_ROOM;
      steals = steal(shard, key.type) ? steals - 1 : 0;
    }
    return STORED;
  }

  /** Writes an unpublished chain: no lock is held, nobody can see it. */
  #fillChain(key: Key, value: Uint8Array, flags: number, lifetime: Lifetime, intent: number): void {
    const head = this.#context.meta[intent]!;
    const bytes = new Uint8Array(key.byteLength);
    key.writeTo(bytes, 0);
    this.#chains.copyIn(head, headerBytes(flags), 0, bytes);
    this.#chains.copyIn(head, headerBytes(flags), paddedKey(key.byteLength), value);
    this.#fillHeader(head, key, value.length, flags, lifetime, 0);
  }

  #publishChain(
    shard: number,
    key: Key,
    valueBytes: number,
    flags: number,
    lifetime: Lifetime,
    intent: number,
    built: number,
  ): number {
    // What can't be let go of now stays on the intent, and this thread's next operation lets go of it.
    if (!this.#references.enter(shard)) return BUSY;
    if (built !== STORED) {
      this.#chains.abandonLocked(shard, intent);
      return built === NO_ROOM ? this.#failLocked(shard, key) : this.#leave(shard, built);
    }
    if (this.#preparePlaceLocked(shard, key) === 0) {
      this.#chains.abandonLocked(shard, intent);
      return this.#failLocked(shard, key);
    }
    const terms = this.#termsLocked(shard, key);
    if (terms !== STORED) {
      this.#chains.abandonLocked(shard, intent);
      return this.#leave(shard, terms);
    }
    const reserved = this.#reserveLocked();
    if (reserved !== STORED) {
      this.#chains.abandonLocked(shard, intent);
      return this.#unreservedLocked(shard, key, reserved);
    }
    const head = this.#context.meta[intent]!;
    this.#items.renewGenerationLocked(shard, head);
    this.#chains.clearIntentLocked(intent);
    this.#publishLocked(shard, key, head, flags, valueBytes, lifetime);
    this.#context.recountIntents();
    this.#context.leave(shard);
    return STORED;
  }

  /** Empties a page of `shard` for an entry of a type in another. False if it has none to give. */
  givePage(shard: number, forType: number): boolean {
    for (let drains = DRAINS_MAX; ; drains--) {
      if (!this.#context.enter(shard)) return false;
      const isGiven = this.#evictor.reclaimPageLocked(shard, forType);
      const hasDrained = this.#references.leave(shard);
      if (isGiven || !hasDrained || drains === 0) return isGiven;
    }
  }
}

/** Flags of an item, but for those of its form and size. */
export function flagsFor(isIdle: boolean, isOwned: boolean): number {
  return (isIdle ? FLAG_IDLE : 0) | (isOwned ? FLAG_OWNED : 0);
}
