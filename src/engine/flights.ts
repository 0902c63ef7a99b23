/**
 * Loads in flight: one at a time for a key, over all threads. A flight is a record in its shard's table that names the
 * thread whose load it is, and it is the mark that a load's value needs to be stored: whoever sets, deletes or clears
 * the key takes the record away, under the lock and in the transaction of the change. So does the set of the value
 * itself. Everything is journaled, so a death leaves a flight as it was or gone; the flights of the dead are let go of
 * by their recovery, or taken over by whoever wants the value before that.
 *
 * Waiters look at a flight under no lock; how it ended stands in a short ring of outcomes, unless the value is stored.
 */
import { checkpoint, load } from '#atomics';
import {
  FLIGHT,
  FLIGHT_WAITER_WORDS,
  FLIGHT_WAYS,
  FLIGHTS,
  type FlightsRegion,
  lockToken,
  OUTCOME,
  OUTCOME_COUNT,
  OUTCOME_TEXT_MAX,
  OWNER_SLOTS,
  SHARD,
} from '../../native-free/index.js';
import type { Context } from './context.js';
import type { Key } from './key.js';

/** A flight, for as long as it has this number. `shard` is the index of its shard's record, `at` that of its own. */
export interface Flight {
  readonly shard: number;
  readonly at: number;
  readonly number: number;
}

/** What `claim` says. The flight is this thread's from now on. */
export const CLAIMED = 0;
/** The same, in place of one whose thread is gone or whose lease is over. */
export const TAKEN_OVER = 1;
/** It is another thread's, which knows now that this one waits. */
export const JOINED = 2;
/** It is this thread's since before. */
export const OWN = 3;
/** There is no room for another flight, or the shard's lock can't be had. */
export const UNCLAIMED = 4;

/** How a flight ended whose value was not stored: nobody need know; its loader failed; there is no value; or no room. */
export const ENDED = 0;
export const FAILED = 1;
export const NOTHING = 2;
export const NOT_STORED = 3;

export interface Claim {
  readonly outcome: number;
  readonly flight: Flight;
}

export interface Outcome {
  readonly kind: number;
  readonly text: Uint8Array;
}

const NO_TEXT = new Uint8Array(0);

export class Flights {
  readonly #context: Context;
  readonly #region: FlightsRegion;
  /** Slots of threads whose flights have ended in this one, to be told. */
  readonly #ended = new Int32Array(FLIGHT_WAITER_WORDS);
  hasEnded = false;
  /** Of the claim in hand. */
  #at = 0;

  constructor(context: Context) {
    this.#context = context;
    this.#region = context.layout.flights;
  }

  /**
   * Asks for the flight of a key, whose lease ends at the tick `deadline`, 0 for never. Takes it if nobody has it, or
   * its thread is gone, or its lease is over.
   */
  claim(key: Key, deadline: number): Claim {
    const shard = this.#context.shardOf(key.hash);
    const check = key.check();
    if (this.#region.flights === 0 || !this.#context.enter(shard)) return unclaimed(shard);
    const outcome = this.#claimLocked(shard, key, check, deadline);
    const number = this.#context.meta[this.#at + FLIGHT.number]!;
    this.#context.leave(shard);
    return outcome === UNCLAIMED ? unclaimed(shard) : { outcome, flight: { shard, at: this.#at, number } };
  }

  #claimLocked(shard: number, key: Key, check: number, deadline: number): number {
    const { meta, token } = this.#context;
    if (this.#findLocked(shard, key, check)) {
      if (!this.#isOver(this.#at)) {
        if (meta[this.#at + FLIGHT.owner] === token) return OWN;
        this.#setWaiterLocked(this.#at, this.#context.slot, true);
        this.#context.journal.commit();
        return JOINED;
      }
      this.#writeLocked(shard, key, check, deadline);
      return TAKEN_OVER;
    }
    if (!this.#placeLocked(shard, key.hash)) return UNCLAIMED;
    this.#writeLocked(shard, key, check, deadline);
    return CLAIMED;
  }

  /** Points `#at` at the key's flight, if it has one. */
  #findLocked(shard: number, key: Key, check: number): boolean {
    const { meta } = this.#context;
    const first = this.#region.first(key.hash);
    for (let way = 0; way < FLIGHT_WAYS; way++) {
      const at = this.#region.flight(shard, first + way);
      if (meta[at + FLIGHT.owner] === 0 || meta[at + FLIGHT.hash] !== key.hash) continue;
      if (meta[at + FLIGHT.check] !== check || meta[at + FLIGHT.type] !== key.type) continue;
      this.#at = at;
      return true;
    }
    return false;
  }

  /** Points `#at` at a place for a key's flight: a free one, or that of a flight that is over. */
  #placeLocked(shard: number, hash: number): boolean {
    const first = this.#region.first(hash);
    let over = 0;
    for (let way = 0; way < FLIGHT_WAYS; way++) {
      const at = this.#region.flight(shard, first + way);
      if (this.#context.meta[at + FLIGHT.owner] === 0) {
        this.#at = at;
        return true;
      }
      if (over === 0 && this.#isOver(at)) over = at;
    }
    this.#at = over;
    return over !== 0;
  }

  /** Whether a flight may be taken from its thread. */
  #isOver(at: number): boolean {
    const { arena, clock, meta } = this.#context;
    const deadline = load(meta, at + FLIGHT.deadline);
    return (deadline !== 0 && clock.hasPassed(deadline)) || arena.owners.isGone(load(meta, at + FLIGHT.owner));
  }

  /** Makes the record at `#at` a new flight of this thread's. Its own transaction. */
  #writeLocked(shard: number, key: Key, check: number, deadline: number): void {
    const { meta } = this.#context;
    const at = this.#at;
    if (meta[at + FLIGHT.owner] === 0) this.#context.write(shard + SHARD.flights, meta[shard + SHARD.flights]! + 1);
    else this.#noteWaiters(at);
    const last = this.#region.header(shard) + FLIGHTS.last;
    const number = (meta[last]! + 1) | 0 || 1;
    this.#context.write(last, number);
    this.#context.write(at + FLIGHT.number, number);
    this.#context.write(at + FLIGHT.hash, key.hash);
    this.#context.write(at + FLIGHT.check, check);
    this.#context.write(at + FLIGHT.type, key.type);
    this.#context.write(at + FLIGHT.deadline, deadline);
    for (let i = 0; i < FLIGHT_WAITER_WORDS; i++) this.#context.write(at + FLIGHT.waiters + i, 0);
    this.#context.write(at + FLIGHT.owner, this.#context.token);
    this.#context.journal.commit();
  }

  /** In the transaction in hand. */
  #setWaiterLocked(at: number, slot: number, isWaiting: boolean): void {
    const word = at + FLIGHT.waiters + (slot >>> 5);
    const bits = this.#context.meta[word]!;
    const wanted = isWaiting ? bits | (1 << (slot & 31)) : bits & ~(1 << (slot & 31));
    if (wanted !== bits) this.#context.write(word, wanted);
  }

  /** Whether the flight still is what it was: nobody has ended it or taken it over. Under no lock. */
  stands({ at, number }: Flight): boolean {
    const { meta } = this.#context;
    // In this order: a record that is free or another's by the second look was so no earlier than at the first.
    return load(meta, at + FLIGHT.owner) !== 0 && load(meta, at + FLIGHT.number) === number;
  }

  /** Whether waiting for the flight makes sense: it stands, its thread lives, its lease isn't over. Under no lock. */
  isUnderWay(flight: Flight): boolean {
    return this.stands(flight) && !this.#isOver(flight.at);
  }

  /** Whether the flight stands and other threads wait for it. Under no lock. */
  isAwaited(flight: Flight): boolean {
    let bits = 0;
    for (let i = 0; i < FLIGHT_WAITER_WORDS; i++) bits |= load(this.#context.meta, flight.at + FLIGHT.waiters + i);
    return bits !== 0 && this.stands(flight);
  }

  /** This thread waits no longer for another's flight; the last to do so tells its owner. */
  leave(flight: Flight): void {
    const { meta, slot } = this.#context;
    if (!this.#context.enter(flight.shard)) return;
    if (this.stands(flight)) {
      this.#setWaiterLocked(flight.at, slot, false);
      this.#context.journal.commit();
      if (!this.isAwaited(flight)) this.#note((meta[flight.at + FLIGHT.owner]! >>> 1) & 0xff);
    }
    this.#context.leave(flight.shard);
  }

  /** Ends this thread's flight unless another thread waits for it. True if it has ended, by this or before. */
  endUnawaited(flight: Flight): boolean {
    if (!this.#context.enter(flight.shard)) return false;
    const isAwaited = this.isAwaited(flight);
    if (!isAwaited) this.#endLocked(flight);
    this.#context.leave(flight.shard);
    return !isAwaited;
  }

  /**
   * Ends this thread's flight, whose value is not stored. Threads that wait find `kind` and the `text` of up to
   * OUTCOME_TEXT_MAX bytes. False if it had ended before, or the lock can't be had: then it ends with its lease.
   */
  end(flight: Flight, kind: number, text: Uint8Array = NO_TEXT): boolean {
    if (!this.#context.enter(flight.shard)) return false;
    const isMine = this.stands(flight);
    if (isMine && kind !== ENDED && this.isAwaited(flight)) this.#tellLocked(flight, kind, text);
    this.#endLocked(flight);
    this.#context.leave(flight.shard);
    return isMine;
  }

  #endLocked(flight: Flight): void {
    if (!this.stands(flight)) return;
    this.#removeLocked(flight.shard, flight.at);
    this.#context.journal.commit();
  }

  /** Nobody looks for the outcome before the flight has ended: so it needs no journal. */
  #tellLocked({ shard, number }: Flight, kind: number, text: Uint8Array): void {
    const { meta } = this.#context;
    const next = this.#region.header(shard) + FLIGHTS.nextOutcome;
    const position = meta[next]! & (OUTCOME_COUNT - 1);
    const at = this.#region.outcome(shard, position);
    meta[at + OUTCOME.number] = 0;
    checkpoint();
    const bytes = Math.min(text.length, OUTCOME_TEXT_MAX);
    meta[at + OUTCOME.kind] = kind | (bytes << 8);
    for (let i = 0; i < bytes; i += 4) {
      meta[at + OUTCOME.text + (i >>> 2)] =
        text[i]! | ((text[i + 1] ?? 0) << 8) | ((text[i + 2] ?? 0) << 16) | ((text[i + 3] ?? 0) << 24);
    }
    checkpoint();
    meta[at + OUTCOME.number] = number;
    checkpoint();
    meta[next] = (position + 1) & (OUTCOME_COUNT - 1);
  }

  /** How a flight ended; undefined if its value was stored, another change ended it, or it is too long ago. */
  outcomeOf({ shard, number }: Flight): Outcome | undefined {
    const bytes = new Uint8Array(OUTCOME_TEXT_MAX);
    if (!this.#context.enter(shard)) return undefined;
    const what = this.#copyOutcomeLocked(shard, number, bytes);
    this.#context.leave(shard);
    return what === 0 ? undefined : { kind: what & 0xff, text: bytes.subarray(0, what >>> 8) };
  }

  #copyOutcomeLocked(shard: number, number: number, to: Uint8Array): number {
    const { meta } = this.#context;
    for (let position = 0; position < OUTCOME_COUNT; position++) {
      const at = this.#region.outcome(shard, position);
      if (meta[at + OUTCOME.number] !== number) continue;
      const what = meta[at + OUTCOME.kind]!;
      const bytes = Math.min(what >>> 8, OUTCOME_TEXT_MAX);
      for (let i = 0; i < bytes; i++) to[i] = meta[at + OUTCOME.text + (i >>> 2)]! >>> ((i & 3) * 8);
      return (what & 0xff) | (bytes << 8);
    }
    return 0;
  }

  /**
   * Ends the flights of a hash, whose entry changes: in the transaction in hand. True if there was one. Another key's of
   * the same hash goes with it, which costs a load that is not stored.
   */
  endOfLocked(shard: number, hash: number): boolean {
    const { meta } = this.#context;
    if (meta[shard + SHARD.flights] === 0) return false;
    const first = this.#region.first(hash);
    let hasEnded = false;
    for (let way = 0; way < FLIGHT_WAYS; way++) {
      const at = this.#region.flight(shard, first + way);
      if (meta[at + FLIGHT.owner] === 0 || meta[at + FLIGHT.hash] !== hash) continue;
      this.#removeLocked(shard, at);
      hasEnded = true;
    }
    return hasEnded;
  }

  /** Ends the flights of a type, or of all with -1. Its own transactions. */
  endOfTypeLocked(shard: number, type: number): void {
    const { meta } = this.#context;
    this.#eachLocked(shard, (at) => {
      if (type < 0 || meta[at + FLIGHT.type] === type) this.#removeLocked(shard, at);
    });
  }

  /**
   * Ends the flights of a thread that is dead or leaves, and has it wait for none. False if a lock can't be had: to be
   * called again.
   */
  endOfOwner(slot: number, threadId: number): boolean {
    const { layout, meta } = this.#context;
    const token = lockToken(slot, threadId);
    for (let i = 0; i < layout.config.shards; i++) {
      const shard = layout.shard(i);
      if (load(meta, shard + SHARD.flights) === 0) continue;
      if (!this.#context.enter(shard)) return false;
      this.#eachLocked(shard, (at) => {
        if (meta[at + FLIGHT.owner] === token) this.#removeLocked(shard, at);
        else this.#forgetWaiterLocked(at, slot);
      });
      this.#context.leave(shard);
    }
    return true;
  }

  #forgetWaiterLocked(at: number, slot: number): void {
    const { meta } = this.#context;
    if ((meta[at + FLIGHT.waiters + (slot >>> 5)]! & (1 << (slot & 31))) === 0) return;
    this.#setWaiterLocked(at, slot, false);
    this.#note((meta[at + FLIGHT.owner]! >>> 1) & 0xff);
  }

  /** Visits each flight of a shard, in a transaction of its own. */
  #eachLocked(shard: number, visit: (at: number) => void): void {
    const { meta, journal } = this.#context;
    for (let i = 0; i < this.#region.flights && meta[shard + SHARD.flights] !== 0; i++) {
      const at = this.#region.flight(shard, i);
      if (meta[at + FLIGHT.owner] === 0) continue;
      visit(at);
      journal.commit();
    }
  }

  /** In the transaction in hand. */
  #removeLocked(shard: number, at: number): void {
    this.#noteWaiters(at);
    this.#context.write(at + FLIGHT.owner, 0);
    this.#context.write(shard + SHARD.flights, this.#context.meta[shard + SHARD.flights]! - 1);
  }

  #noteWaiters(at: number): void {
    for (let i = 0; i < FLIGHT_WAITER_WORDS; i++) {
      const bits = this.#context.meta[at + FLIGHT.waiters + i]!;
      if (bits === 0) continue;
      this.#ended[i]! |= bits;
      this.hasEnded = true;
    }
  }

  #note(slot: number): void {
    if (slot >= OWNER_SLOTS) return;
    this.#ended[slot >>> 5]! |= 1 << (slot & 31);
    this.hasEnded = true;
  }

  /** The slots of the threads that have to look at flights again, since the last call. */
  takeEnded(): number[] {
    this.hasEnded = false;
    const slots: number[] = [];
    for (let slot = 0; slot < OWNER_SLOTS; slot++) {
      if ((this.#ended[slot >>> 5]! & (1 << (slot & 31))) !== 0) slots.push(slot);
    }
    this.#ended.fill(0);
    return slots;
  }

  /** For a shard that is emptied: what is being loaded for it won't be stored. */
  resetLocked(shard: number): void {
    const { meta } = this.#context;
    for (let i = 0; i < this.#region.flights; i++) meta[this.#region.flight(shard, i) + FLIGHT.owner] = 0;
    meta[shard + SHARD.flights] = 0;
  }

  /** What is wrong with the table of a shard. */
  problemsLocked(shard: number): string[] {
    const { arena, layout, meta, shardMask } = this.#context;
    const problems: string[] = [];
    const keys = new Set<string>();
    let flights = 0;
    for (let i = 0; i < this.#region.flights; i++) {
      const at = this.#region.flight(shard, i);
      const owner = meta[at + FLIGHT.owner]!;
      if (owner === 0) continue;
      flights += 1;
      const hash = meta[at + FLIGHT.hash]!;
      const type = meta[at + FLIGHT.type]!;
      const first = this.#region.first(hash);
      const key = `${hash} ${meta[at + FLIGHT.check]} ${type}`;
      if (i < first || i >= first + FLIGHT_WAYS) problems.push(`flight ${i} is not in a place of its hash`);
      if (layout.shard(hash & shardMask) !== shard) problems.push(`flight ${i} is of another shard`);
      if (type < 0 || type >= layout.config.types) problems.push(`flight ${i} has type ${type}`);
      // The flights of the dead go before their slot does.
      if (arena.owners.isGone(owner) && !arena.owners.isDead((owner >>> 1) & 0xff))
        problems.push(`flight ${i} is of a thread that is not attached`);
      if (keys.has(key)) problems.push(`flight ${i} is of a key that has another`);
      keys.add(key);
    }
    if (flights !== meta[shard + SHARD.flights])
      problems.push(`${flights} flights, counted ${meta[shard + SHARD.flights]}`);
    return problems;
  }
}

function unclaimed(shard: number): Claim {
  return { outcome: UNCLAIMED, flight: { shard, at: 0, number: 0 } };
}
