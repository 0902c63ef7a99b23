/**
 * Read-through: one load for a key at a time, over all threads (engine/flights.ts). A call that finds the flight of
 * another waits for it and looks again, a few times; where nothing can be shared, a thread loads by itself and stores
 * nothing, since it couldn't tell whether a set or delete has come before.
 */
import { GLOBAL_COUNTER } from '../engine/causes.js';
import {
  type Claim,
  FAILED,
  type Flight,
  JOINED,
  NOT_STORED,
  NOTHING,
  type Outcome,
  OWN,
  TAKEN_OVER,
  UNCLAIMED,
} from '../engine/flights.js';
import type { SharedStore } from '../engine/store.js';
import { LOST, STORED } from '../engine/writer.js';
import { BusyError, ItemTooLargeError } from '../errors.js';
import { errorFrom } from './load-words.js';
import type { Bring, Landed, Loads } from './loads.js';

/** Loads a value: undefined if there is none. `signal` is aborted when nobody waits for it any more. */
export type Loader<V> = (key: string, info: { readonly signal: AbortSignal }) => V | undefined | Promise<V | undefined>;

/** Flights that one call waits for before its thread loads by itself. */
const ROUNDS_MAX = 8;

/** What a fetcher needs of its key space. */
export interface Shelf<V> {
  readonly typeId: number;
  readonly store: SharedStore;
  /** Begins an operation on a key. */
  readonly begin: (key: string) => void;
  readonly peek: (key: string) => V | undefined;
  /** Ends a flight of this thread that nobody need know of, unless the thread has left the cache, and its flights with it. */
  readonly end: (flight: Flight) => void;
  /** Adds one to a counter of the whole cache, if this thread still has counters. */
  readonly count: (counter: number) => void;
}

export interface FetchCall<V> {
  readonly bring: Bring<V>;
  /** 0 for none. */
  readonly leaseMs: number;
  readonly signal: AbortSignal | undefined;
}

export class Fetcher<V> {
  readonly #shelf: Shelf<V>;
  readonly #loads: Loads;

  constructor(shelf: Shelf<V>, loads: Loads) {
    this.#shelf = shelf;
    this.#loads = loads;
  }

  /** For a key that was just missed. */
  async fetch(key: string, call: FetchCall<V>): Promise<V | undefined> {
    const order = this.#loads.nextOrder();
    for (let round = 0; round < ROUNDS_MAX; round++) {
      call.signal?.throwIfAborted();
      const { outcome, flight } = this.#claim(key, call.leaseMs);
      if (outcome === UNCLAIMED) break;
      if (outcome === JOINED || (outcome === OWN && this.#loads.isRunning(flight))) {
        this.#shelf.count(GLOBAL_COUNTER.loadWaits);
        const landed = await this.#loads.wait<V>(flight, call.signal);
        if (landed !== undefined) return this.#deliver(key, landed);
        const ended = this.#outcomeOf(key, flight);
        if (ended?.kind === FAILED) throw errorFrom(ended.text);
        if (ended?.kind === NOTHING) return undefined;
        const value = this.#shelf.peek(key);
        if (value !== undefined) return value;
        if (ended?.kind === NOT_STORED) break;
      } else if (outcome === OWN) {
        this.#shelf.end(flight);
      } else {
        return this.#load(key, call, flight, outcome);
      }
    }
    return this.#loadUnshared(key, call, order);
  }

  #claim(key: string, leaseMs: number): Claim {
    this.#shelf.begin(key);
    const { store } = this.#shelf;
    return store.flights.claim(store.key, leaseMs === 0 ? 0 : store.context.clock.deadline(leaseMs));
  }

  #outcomeOf(key: string, flight: Flight): Outcome | undefined {
    this.#shelf.begin(key);
    return this.#shelf.store.flights.outcomeOf(flight);
  }

  async #load(key: string, { bring, signal }: FetchCall<V>, flight: Flight, outcome: number): Promise<V | undefined> {
    // Another's load may have ended between the miss and the claim.
    const value = this.#shelf.peek(key);
    if (value !== undefined) {
      this.#shelf.end(flight);
      return value;
    }
    this.#shelf.count(GLOBAL_COUNTER.loads);
    if (outcome === TAKEN_OVER) this.#shelf.count(GLOBAL_COUNTER.loadTakeOvers);
    const landed = await this.#loads.stay<V>(this.#loads.run(flight, '', bring), signal);
    return landed.value;
  }

  /** One load for all callers in this thread that had called before it began. */
  async #loadUnshared(key: string, { bring, signal }: FetchCall<V>, order: number): Promise<V | undefined> {
    const name = `${this.#shelf.typeId} ${key}`;
    let load = this.#loads.unshared(name, order);
    if (load === undefined) {
      this.#shelf.count(GLOBAL_COUNTER.loads);
      this.#shelf.count(GLOBAL_COUNTER.loadsUnshared);
      load = this.#loads.run(undefined, name, bring);
    } else this.#shelf.count(GLOBAL_COUNTER.loadWaits);
    return (await this.#loads.stay<V>(load, signal)).value;
  }

  /** The value for a caller that waited for a load of this thread: a copy of its own, where it was stored. */
  #deliver(key: string, { kind, value }: Landed<V>): V | undefined {
    return kind === 'stored' ? (this.#shelf.peek(key) ?? value) : value;
  }

  /**
   * A load by a function, in place. `publish` stores what it returns for a flight, and says STORED, LOST or anything
   * else where there is no room.
   */
  inPlace(key: string, loader: Loader<V>, publish: (value: V, flight: Flight) => number): Bring<V> {
    return async (flight, signal) => {
      let value: V | undefined;
      try {
        value = await loader(key, { signal });
        if (value === undefined) return { kind: 'nothing', value };
        if (flight === undefined) return { kind: 'unstored', value };
        if (signal.aborted) return { kind: 'lost', value };
        return { kind: this.#publish(() => publish(value as V, flight)), value };
      } catch (error) {
        this.#shelf.count(GLOBAL_COUNTER.loadFailures);
        throw error;
      }
    };
  }

  #publish(publish: () => number): Landed<V>['kind'] {
    try {
      const outcome = publish();
      if (outcome === STORED) return 'stored';
      if (outcome !== LOST) return 'unstored';
      this.#shelf.count(GLOBAL_COUNTER.loadsLost);
      return 'lost';
    } catch (error) {
      if (error instanceof ItemTooLargeError || error instanceof BusyError) return 'unstored';
      throw error;
    }
  }
}
