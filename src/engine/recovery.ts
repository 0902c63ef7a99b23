/**
 * What happens after a death, in this order and under the recovery lock, the first of the lock order: the slot is marked dead (by whoever has proof), every lock that names it
 * is taken over and what it guards repaired, the intents of the slot and its flights are let go of, the slot is freed. Each step is
 * conditional and can be begun again, by the same thread or another, also after a death in the middle of it.
 *
 * Repairing a shard means: the journal undoes the transaction in hand; a page that was being emptied goes back; a
 * chain that was being freed is freed; spare pages return to the pool. If a shard can't be repaired (an invariant
 * fails, which no death can cause), it is marked and emptied, alone; see rebuild.ts.
 */
import { load } from '#atomics';
import {
  acquire,
  HEADER,
  InvariantError,
  isHeldBy,
  LOCK_BUSY,
  lockToken,
  OWNER_INTENT_COUNT,
  OWNER_INTENTS,
  release,
  SHARD,
} from '../../native-free/index.js';
import { CAUSE, GLOBAL_COUNTER } from './causes.js';
import { type Chains, INTENT_BUILDING } from './chains.js';
import { CONDITION_BROKEN, type Context } from './context.js';
import type { Flights } from './flights.js';
import { EVENT, type Items } from './items.js';
import type { Ownership } from './ownership.js';
import type { PagePool } from './page-pool.js';
import type { Payloads } from './payloads.js';

export class Recovery {
  readonly #context: Context;
  readonly #pages: PagePool;
  readonly #chains: Chains;
  readonly #items: Items;
  readonly #ownership: Ownership;
  readonly #flights: Flights;
  readonly #payloads: Payloads;
  readonly #empty: (shard: number) => boolean;

  /** `empty` empties a shard under its lock; false if it must be called again. */
  constructor(
    context: Context,
    pages: PagePool,
    chains: Chains,
    items: Items,
    ownership: Ownership,
    flights: Flights,
    payloads: Payloads,
    empty: (shard: number) => boolean,
  ) {
    this.#context = context;
    this.#ownership = ownership;
    this.#flights = flights;
    this.#payloads = payloads;
    this.#pages = pages;
    this.#chains = chains;
    this.#items = items;
    this.#empty = empty;
    context.repairLocked = (shard) => this.repairLocked(shard);
    context.settleIntents = () => this.settleIntents(context.slot);
  }

  /**
   * Brings a shard to rest whose lock was left by another, or abandoned by this thread. Under the lock. False if it
   * must be done again, since the lock of a stripe of users could not be had.
   */
  repairLocked(shard: number): boolean {
    if (!this.#isAtRestLocked(shard)) return false;
    this.#context.journal.begin(shard + this.#context.layout.journalOffset);
    this.#context.countGlobal(GLOBAL_COUNTER.recoveries, 1);
    this.#items.emit(EVENT.recover, 0, CAUSE.recovered, 0, NO_KEY, 0, 0);
    return true;
  }

  #isAtRestLocked(shard: number): boolean {
    const { meta } = this.#context;
    try {
      if (meta[shard + SHARD.condition] !== CONDITION_BROKEN && !this.#undoLocked(shard)) return false;
    } catch (error) {
      if (!(error instanceof InvariantError)) throw error;
      meta[shard + SHARD.condition] = CONDITION_BROKEN;
    }
    return meta[shard + SHARD.condition] !== CONDITION_BROKEN || this.#empty(shard);
  }

  #undoLocked(shard: number): boolean {
    const { journal, layout } = this.#context;
    journal.recover(shard + layout.journalOffset);
    // Before any page goes to the pool: its chunks may still be on lists.
    if (!this.#ownership.settleLocked(shard)) return false;
    this.#pages.reclaimSpareLocked(shard);
    this.#pages.endDrainLocked(shard);
    this.#chains.freePendingLocked(shard);
    return true;
  }

  /**
   * Recovers from the death of a thread, which is proven. One recovery at a time, so that none meets a slot that
   * another has freed and a new thread has claimed. False if a lock could not be had: to be called again.
   */
  recoverOwner(slot: number, threadId: number): boolean {
    const { arena, meta, token } = this.#context;
    if (arena.owners.markDead(slot, threadId)) this.#context.countGlobal(GLOBAL_COUNTER.deaths, 1);
    // A recovery that died itself has left nothing that this one doesn't find: its lock is simply taken.
    if (acquire(meta, HEADER.recoveryLock, token, arena.owners, this.#context.lockWaitMs) === LOCK_BUSY) return false;
    const isCurrent = arena.owners.isDead(slot) && arena.owners.threadOf(slot) === threadId;
    const isDone = !isCurrent || this.#recoverDead(slot, threadId);
    release(meta, HEADER.recoveryLock);
    return isDone;
  }

  #recoverDead(slot: number, threadId: number): boolean {
    const { arena, layout } = this.#context;
    const token = lockToken(slot, threadId);
    for (let i = 0; i < layout.config.shards; i++) {
      const shard = layout.shard(i);
      // Not only locks that name this owner: a recovery of it that died too may have left a section open in which an
      // intent is gone that the undo will bring back. Behind a free lock, or one that was taken, there is no such.
      // A shard whose repair had to wait for a stripe of users is marked, and may be free.
      const isAtRest = this.#context.meta[shard + SHARD.condition] === 0;
      if (isAtRest && load(this.#context.meta, shard + SHARD.lock) === 0) continue;
      // Taking a lock from an owner that is gone repairs what it guards.
      if (!this.#context.enter(shard)) return false;
      this.#context.leave(shard);
    }
    if (!this.#ownership.takeOverStripes()) return false;
    if (!this.#takeOver(HEADER.largeLock, token) || !this.#takeOver(layout.eventLock, token)) return false;
    if (layout.logWords > 0 && !this.#takeOver(layout.log, token)) return false;
    if (!this.settleIntents(slot) || !this.#flights.endOfOwner(slot, threadId)) return false;
    this.#pages.recountReleases();
    arena.owners.setListens(slot, 0);
    arena.owners.freeDead(slot, threadId);
    return true;
  }

  /** Frees a lock that guards nothing that needs repair. */
  #takeOver(index: number, token: number): boolean {
    const { arena, meta } = this.#context;
    if (!isHeldBy(meta, index, token)) return true;
    if (acquire(meta, index, this.#context.token, arena.owners, this.#context.lockWaitMs) === LOCK_BUSY) return false;
    release(meta, index);
    return true;
  }

  /**
   * Lets go of everything on a slot's intents, and gives back the references that it holds; its owner is dead, or this thread
   * outside any operation, whose intents that stand for something stay.
   */
  settleIntents(slot: number): boolean {
    const { arena, layout, meta } = this.#context;
    const first = arena.owners.record(slot) + OWNER_INTENTS;
    for (let intent = first; intent < first + OWNER_INTENT_COUNT * 2; intent += 2) {
      if (slot === this.#context.slot && this.#context.isStanding(intent)) continue;
      if (meta[intent] !== 0) {
        const shard = layout.shard(meta[intent + 1]! >>> 2);
        if (!this.#context.enter(shard)) return false;
        this.#settleLocked(shard, intent);
        this.#context.leave(shard);
      }
      meta[arena.owners.reserved(slot, intent)] = 0;
    }
    if (slot === this.#context.slot) this.#context.recountIntents();
    return layout.references.words === 0 || this.#payloads.settleSlot(slot);
  }

  #settleLocked(shard: number, intent: number): void {
    if ((this.#context.meta[intent + 1]! & 3) === INTENT_BUILDING) this.#chains.abandonLocked(shard, intent);
    else this.#chains.unpinLocked(shard, intent);
  }
}

const NO_KEY = new Uint8Array(0);
