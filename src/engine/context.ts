/**
 * What every part of the engine in one thread shares: the arena, who this thread is, and its critical sections.
 *
 * Lock order: large lock -> shard lock -> stripe of users -> event lock; the log's lock is a leaf as well. A thread holds at most one of each.
 *
 * A section may be left open by a thread that lives on (a time-out of `vm`, a stack overflow that is caught). So each
 * entry point first calls `repairAbandoned`: no operation of this thread can be under way then, since operations are
 * synchronous and run no foreign code inside a section.
 */

import type { Words } from '#atomics';
import {
  AppendLog,
  type Arena,
  acquire,
  type Counters,
  HEADER,
  isHeldBy,
  JOURNAL_ENTRIES,
  Journal,
  type Layout,
  LOCK_BUSY,
  LOCK_LEFT,
  lockToken,
  OWNER_INTENT_COUNT,
  OWNER_INTENTS,
  OWNER_OWED,
  OWNER_TAKEN,
  OWNER_WORDS,
  release,
  SHARD,
  type SharedClock,
  TICK_MS,
} from '../../native-free/index.js';
import { GLOBAL_COUNTER } from './causes.js';
import type { SizeClasses } from './size-classes.js';

/** How long an operation waits for a shard; one is only held that long after a death that nobody has noticed yet. */
export const LOCK_WAIT_MS = 400;
/** The large lock is held while a chained item is built: longer, and still bounded. */
const LARGE_WAIT_MS = 1_500;

/** In a shard's condition word: an invariant failed, it must be emptied before it is used. */
export const CONDITION_BROKEN = 1;
/** In a shard's condition word: a section ended before it was whole, it must be repaired before it is used. */
const CONDITION_LEFT = 2;

const NONE = -1;

export class Context {
  readonly arena: Arena;
  readonly layout: Layout;
  readonly meta: Words;
  readonly clock: SharedClock;
  readonly counters: Counters;
  readonly classes: SizeClasses;
  readonly journal: Journal;
  /** What all threads have told each other for good. */
  readonly log: AppendLog;
  readonly slot: number;
  readonly threadId: number;
  readonly token: number;
  /** One double: the clock's milliseconds when the cache was created. */
  readonly createdMs: Float64Array<SharedArrayBuffer>;
  readonly shardMask: number;
  readonly shardShift: number;
  /** How long this thread waits for a shard; the warden, which must see to the dead meanwhile, hardly at all. */
  readonly lockWaitMs: number;
  /**
   * Finishes what a thread that is gone left in a shard; set by the recovery. Called under the shard's lock. False if it
   * has to be done again: the lock of a stripe of users could not be had.
   */
  repairLocked: (shard: number) => boolean = () => true;
  /** Lets go of a stripe of users that this thread holds; set by the table of users. */
  repairStripe: () => void = () => {};
  holdsStripe = false;
  /** Lets go of what this thread's intents hold; set by the recovery. */
  settleIntents: () => void = () => {};
  /** This thread has memory on an intent, or holds a reference to a payload: within an operation, or left by one that was abandoned. */
  holdsIntents = false;
  /**
   * By the place of an intent: what it stands for between two operations, such as a stream. Taken out for each step of it, so
   * that a step that is cut short leaves an intent that stands for nothing.
   */
  readonly #standing: (object | undefined)[] = new Array(OWNER_INTENT_COUNT).fill(undefined);
  /**
   * Page that goes to the pool once the transaction in hand is committed, or NONE. It is of this section only: one that
   * ends early leaves its page to the repair, which may be another thread's, and the page is somebody else's then.
   */
  releasing: number = NONE;
  #held = NONE;
  #holdsLarge = false;

  constructor(
    arena: Arena,
    classes: SizeClasses,
    clock: SharedClock,
    counters: Counters,
    slot: number,
    threadId: number,
    lockWaitMs: number,
  ) {
    this.arena = arena;
    this.layout = arena.layout;
    this.meta = arena.meta;
    this.classes = classes;
    this.clock = clock;
    this.counters = counters;
    this.slot = slot;
    this.threadId = threadId;
    this.lockWaitMs = lockWaitMs;
    this.token = lockToken(slot, threadId);
    this.createdMs = new Float64Array(arena.buffers[0]!, HEADER.created * 4, 1);
    this.journal = new Journal(arena.words, JOURNAL_ENTRIES);
    const { log: base, logWords: size } = this.layout;
    this.log = new AppendLog({ words: this.meta, base, size, token: this.token, owners: arena.owners });
    this.shardMask = this.layout.config.shards - 1;
    this.shardShift = Math.log2(this.layout.config.shards);
  }

  /** The tick of the cache's creation. */
  get createdTick(): number {
    return (this.createdMs[0]! / TICK_MS) | 0;
  }

  /** Index of the record of the shard that a hash belongs to. */
  shardOf(hash: number): number {
    return this.layout.shard(hash & this.shardMask);
  }

  /** Opens a section on a shard. False if the lock can't be had within its bound, which is counted. */
  enter(shard: number): boolean {
    if (this.#enter(shard, this.lockWaitMs)) return true;
    this.countGlobal(GLOBAL_COUNTER.lockTimeouts, 1);
    return false;
  }

  /** The same for what can be done as well later: false, within microseconds, if the lock is held. */
  tryEnter(shard: number): boolean {
    return this.#enter(shard, 0);
  }

  #enter(shard: number, waitMs: number): boolean {
    this.#held = shard;
    this.releasing = NONE;
    const got = acquire(this.meta, shard + SHARD.lock, this.token, this.arena.owners, waitMs);
    if (got === LOCK_BUSY) {
      this.#held = NONE;
      return false;
    }
    this.journal.begin(shard + this.layout.journalOffset);
    if (got !== LOCK_LEFT && this.meta[shard + SHARD.condition] === 0) return true;
    if (this.#repaired(shard)) return true;
    this.leave(shard);
    return false;
  }

  /** Repairs a shard under its lock, or marks it for whoever enters it next. */
  #repaired(shard: number): boolean {
    const isWhole = this.repairLocked(shard);
    const condition = this.meta[shard + SHARD.condition]!;
    if (!isWhole && condition === 0) this.meta[shard + SHARD.condition] = CONDITION_LEFT;
    else if (isWhole && condition === CONDITION_LEFT) this.meta[shard + SHARD.condition] = 0;
    return isWhole;
  }

  /** Ends an operation that can't go on in the middle of a section: the next to enter the shard repairs it. */
  giveUpSection(): void {
    if (this.#held !== NONE) {
      if (this.meta[this.#held + SHARD.condition] === 0) this.meta[this.#held + SHARD.condition] = CONDITION_LEFT;
      this.leave(this.#held);
    }
    if (this.#holdsLarge) this.leaveLarge();
  }

  leave(shard: number): void {
    release(this.meta, shard + SHARD.lock);
    this.#held = NONE;
  }

  /** Whether this thread has left a section open. Cheap: every entry point asks. */
  get hasAbandoned(): boolean {
    return this.#held !== NONE || this.#holdsLarge || this.holdsIntents || this.holdsStripe || this.log.isHeld;
  }

  repairAbandoned(): void {
    this.log.letGo();
    this.repairStripe();
    const shard = this.#held;
    if (shard !== NONE && isHeldBy(this.meta, shard + SHARD.lock, this.token)) {
      this.journal.begin(shard + this.layout.journalOffset);
      this.#repaired(shard);
      release(this.meta, shard + SHARD.lock);
    }
    this.#held = NONE;
    if (this.#holdsLarge) this.leaveLarge();
    if (this.holdsIntents) this.settleIntents();
  }

  /** Whether an intent is one of this thread's. */
  isMine(intent: number): boolean {
    const first = this.arena.owners.record(this.slot);
    return intent >= first && intent < first + OWNER_WORDS;
  }

  /** What an intent of this thread stands for from now on, until a step of that takes it out. */
  stand(intent: number, holder: object): void {
    const place = this.#placeOf(intent);
    const holds = this.#holdsBeside(place);
    // Last, and nothing is called behind it: whatever is cut short stands for nothing, and is let go of.
    this.#standing[place] = holder;
    this.holdsIntents = holds;
  }

  /** A step of `holder` begins. False if its intent was let go of, since a step before was cut short. */
  takeOut(intent: number, holder: object): boolean {
    const place = this.#placeOf(intent);
    if (this.#standing[place] !== holder) return false;
    this.holdsIntents = true;
    this.#standing[place] = undefined;
    return true;
  }

  /** Whether an intent of this thread stands for something that is between two steps. */
  isStanding(intent: number): boolean {
    return this.#standing[this.#placeOf(intent)] !== undefined;
  }

  /** How many intents stand for something of a class. */
  countStanding(kind: abstract new (...args: never) => object): number {
    let count = 0;
    for (const holder of this.#standing) if (holder instanceof kind) count += 1;
    return count;
  }

  /** What stood for something counts as abandoned from now on. */
  dropStanding(): void {
    this.#standing.fill(undefined);
    this.recountIntents();
  }

  #placeOf(intent: number): number {
    return (intent - this.arena.owners.record(this.slot) - OWNER_INTENTS) >>> 1;
  }

  /** Index of an intent of this thread that is free, or 0 if all are in use. */
  freeIntent(): number {
    const first = this.arena.owners.record(this.slot) + OWNER_INTENTS;
    for (let i = 0; i < OWNER_INTENT_COUNT; i++) if (!this.#isInUse(first + i * 2)) return first + i * 2;
    return 0;
  }

  #isInUse(intent: number): boolean {
    return this.meta[intent] !== 0 || this.meta[this.arena.owners.reserved(this.slot, intent)] !== 0;
  }

  /** After letting go of an intent: others may be left, from an operation that could not let go of them. */
  recountIntents(): void {
    // Last: what is abandoned in between is counted again.
    this.holdsIntents = this.#holdsBeside(NONE);
  }

  /** Whether this thread has something to let go of, besides what stands for something and the intent at a place. */
  #holdsBeside(place: number): boolean {
    const record = this.arena.owners.record(this.slot);
    const first = record + OWNER_INTENTS;
    let holds = this.meta[record + OWNER_TAKEN] !== 0 || this.meta[record + OWNER_OWED] !== 0;
    for (let i = 0; i < OWNER_INTENT_COUNT; i++) {
      if (i !== place && this.#standing[i] === undefined && this.#isInUse(first + i * 2)) holds = true;
    }
    return holds;
  }

  /** Orders the building of chained items, so that two don't each hold half of the room that one needs. */
  enterLarge(): boolean {
    this.#holdsLarge = true;
    if (acquire(this.meta, HEADER.largeLock, this.token, this.arena.owners, LARGE_WAIT_MS) !== LOCK_BUSY) return true;
    this.#holdsLarge = false;
    this.countGlobal(GLOBAL_COUNTER.lockTimeouts, 1);
    return false;
  }

  leaveLarge(): void {
    if (isHeldBy(this.meta, HEADER.largeLock, this.token)) release(this.meta, HEADER.largeLock);
    this.#holdsLarge = false;
  }

  /** A journaled store to a word of segment 0. */
  write(index: number, value: number): void {
    this.journal.write(0, index, value);
  }

  count(type: number, counter: number, delta: number): void {
    this.counters.add(type * this.layout.config.countersPerType + counter, delta);
  }

  /** This thread's counters of a type, to be added to in place. */
  countersOf(type: number): Float64Array<SharedArrayBuffer> {
    const { countersPerType } = this.layout.config;
    return this.counters.own(type * countersPerType, countersPerType);
  }

  /** A counter of a type, over all threads. */
  sumOf(type: number, counter: number): number {
    return this.counters.sum(type * this.layout.config.countersPerType + counter);
  }

  /** A counter of the whole cache, over all threads. */
  sumGlobal(counter: number): number {
    return this.counters.sum(this.layout.config.types * this.layout.config.countersPerType + counter);
  }

  countGlobal(counter: number, delta: number): void {
    this.counters.add(this.layout.config.types * this.layout.config.countersPerType + counter, delta);
  }
}
