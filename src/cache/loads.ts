/**
 * The loads that this thread has to do with: those that run in it, and those of other threads that callers here wait
 * for. Threads are woken by way of the warden when a flight ends; in case that fails, and for leases and deaths, a timer
 * looks. It keeps the process alive while a caller waits for another's load: nothing else might.
 */
import { ENDED, FAILED, type Flight, NOT_STORED, NOTHING } from '../engine/flights.js';
import { ClosedError } from '../errors.js';
import { wordsOf } from './load-words.js';
import type { Member } from './member.js';

/** Between two looks at the flights that callers wait for: some words each. */
const LOOK_MS = 20;

/**
 * What a load came to. stored: its value is in the cache. nothing: the loader has none. unstored: there is no room for
 * the value, or nothing that would tell whether it may be stored. lost: the flight has ended before.
 */
export interface Landed<V> {
  readonly kind: 'stored' | 'nothing' | 'unstored' | 'lost';
  readonly value: V | undefined;
}

/**
 * What a load may throw in place of its error: with `told`, the error whose words other threads get; without, as of a load
 * that tells nothing of its key: then all who wait load again.
 */
export class LoadFailure {
  readonly error: unknown;
  readonly told: unknown;
  readonly #isTold: boolean;

  private constructor(error: unknown, isTold: boolean, told?: unknown) {
    this.error = error;
    this.#isTold = isTold;
    this.told = told;
  }

  get isTold(): boolean {
    return this.#isTold;
  }

  /** What was thrown, or a failure that tells it. By a private name, for which no proxy has a trap: `instanceof` may throw. */
  static of(thrown: unknown): LoadFailure {
    const isFailure = typeof thrown === 'object' && thrown !== null && #isTold in thrown;
    return isFailure ? (thrown as LoadFailure) : LoadFailure.told(thrown, thrown);
  }

  static told(error: unknown, told: unknown): LoadFailure {
    return new LoadFailure(error, true, told);
  }

  static untold(error: unknown): LoadFailure {
    return new LoadFailure(error, false);
  }
}

/** Brings the value of a key and stores it for the flight, if there is one and it stands. May throw a LoadFailure. */
export type Bring<V> = (flight: Flight | undefined, signal: AbortSignal) => Promise<Landed<V>>;

interface Caller {
  readonly settle: (landed: Landed<never> | undefined) => void;
  readonly fail: (error: unknown) => void;
}

/** A load that runs in this thread, under the name of its flight or, without one, of its key. */
export interface Load {
  readonly name: string;
  readonly flight: Flight | undefined;
  readonly controller: AbortController;
  /** Those who stay until it ends. Others wait for its flight. */
  readonly callers: Set<Caller>;
  /** Calls and loads of the thread are numbered as they begin. */
  readonly order: number;
}

/** Callers in this thread that wait for a flight. */
interface Wait {
  readonly flight: Flight;
  readonly callers: Set<Caller>;
}

export class Loads {
  readonly #member: Member;
  readonly #running = new Set<Load>();
  /** The last of each name. */
  readonly #byName = new Map<string, Load>();
  readonly #waits = new Map<string, Wait>();
  #order = 0;
  #timer: NodeJS.Timeout | undefined;

  constructor(member: Member) {
    this.#member = member;
    member.onFlights = () => this.#look();
    member.onDetached = () => this.#close();
  }

  nextOrder(): number {
    return ++this.#order;
  }

  /** Whether this thread's own flight is one of its loads; not so after an operation that was abandoned. */
  isRunning(flight: Flight): boolean {
    return this.#byName.has(nameOf(flight));
  }

  /** The load of this name without a flight, if it began behind `order`. */
  unshared(name: string, order: number): Load | undefined {
    const load = this.#byName.get(name);
    return load !== undefined && load.order > order && !load.controller.signal.aborted ? load : undefined;
  }

  /** Runs a load; `key` names it if it has no flight. */
  run<V>(flight: Flight | undefined, key: string, bring: Bring<V>): Load {
    const name = flight === undefined ? key : nameOf(flight);
    const load: Load = { name, flight, controller: new AbortController(), callers: new Set(), order: this.nextOrder() };
    this.#running.add(load);
    this.#byName.set(name, load);
    bring(flight, load.controller.signal)
      .then(
        (landed) => this.#land(load, landed as Landed<never>),
        (error: unknown) => this.#crash(load, error),
      )
      .catch((error: unknown) => this.#lose(load, error));
    return load;
  }

  /** Stays with a load until it ends, or `signal` does: then the load goes on if anybody else wants it. */
  stay<V>(load: Load, signal: AbortSignal | undefined): Promise<Landed<V>> {
    return this.#enlist(load.callers, signal, () => this.#abandonUnwanted(load, signal?.reason)) as Promise<Landed<V>>;
  }

  /**
   * Waits until a flight has ended, was taken over, or may be: undefined. If it was this thread's: what it came to,
   * or its error.
   */
  wait<V>(flight: Flight, signal: AbortSignal | undefined): Promise<Landed<V> | undefined> {
    const name = nameOf(flight);
    const wait = this.#waits.get(name) ?? { flight, callers: new Set() };
    this.#waits.set(name, wait);
    return this.#enlist(wait.callers, signal, () => this.#left(name, wait, signal?.reason));
  }

  #enlist(callers: Set<Caller>, signal: AbortSignal | undefined, left: () => void): Promise<Landed<never> | undefined> {
    return new Promise((resolve, reject) => {
      const abort = (): void => {
        callers.delete(caller);
        reject(signal?.reason);
        left();
        this.#setTimer();
      };
      const caller: Caller = {
        settle: (landed) => {
          signal?.removeEventListener('abort', abort);
          resolve(landed);
        },
        fail: (error) => {
          signal?.removeEventListener('abort', abort);
          reject(error);
        },
      };
      callers.add(caller);
      if (signal?.aborted === true) abort();
      else signal?.addEventListener('abort', abort, { once: true });
      this.#setTimer();
    });
  }

  /** A caller no longer waits for a flight. */
  #left(name: string, wait: Wait, reason: unknown): void {
    if (wait.callers.size > 0 || this.#waits.get(name) !== wait) return;
    this.#waits.delete(name);
    const load = this.#byName.get(name);
    if (load !== undefined) this.#abandonUnwanted(load, reason);
    else if (this.#member.isOpen) {
      this.#member.store.begin();
      this.#member.store.flights.leave(wait.flight);
      this.#member.wakeWaiters();
    }
  }

  /** Aborts a load that nobody in any thread waits for; its flight ends with it, so that the next call begins anew. */
  #abandonUnwanted({ flight, callers, controller }: Load, reason: unknown): void {
    if (callers.size > 0 || controller.signal.aborted || !this.#member.isOpen) return;
    if (flight !== undefined) {
      if (this.#waits.has(nameOf(flight))) return;
      this.#member.store.begin();
      if (!this.#member.store.flights.endUnawaited(flight)) return;
    }
    controller.abort(reason);
  }

  #land(load: Load, landed: Landed<never>): void {
    const isForAll = this.#endsBy(load, landed);
    this.#finish(
      load,
      (caller) => caller.settle(landed),
      (caller) => caller.settle(isForAll ? landed : undefined),
    );
  }

  /** Whether the load has ended its flight, and not a change of the key, or another load, before. */
  #endsBy(load: Load, { kind }: Landed<never>): boolean {
    if (kind === 'nothing') return this.#end(load, NOTHING);
    if (kind === 'unstored') return this.#end(load, NOT_STORED);
    return kind === 'stored';
  }

  #crash(load: Load, thrown: unknown): void {
    const { error, told, isTold } = LoadFailure.of(thrown);
    const isForAll = this.#end(load, isTold ? FAILED : ENDED, told) && isTold;
    this.#finish(
      load,
      (caller) => caller.fail(error),
      (caller) => (isForAll ? caller.fail(error) : caller.settle(undefined)),
    );
  }

  /** Whatever the end of a load has thrown: none of its callers waits for ever. Its flight ends by its lease, if it hasn't. */
  #lose(load: Load, error: unknown): void {
    this.#finish(
      load,
      (caller) => caller.fail(error),
      (caller) => caller.settle(undefined),
    );
  }

  /** Ends the flight of a load whose value is not stored. False if it had ended before. */
  #end({ flight }: Load, kind: number, error?: unknown): boolean {
    if (flight === undefined || !this.#member.isOpen) return true;
    const words = kind === FAILED ? wordsOf(error) : undefined;
    this.#member.store.begin();
    const isEnded = this.#member.store.flights.end(flight, kind, words);
    this.#member.wakeWaiters();
    return isEnded;
  }

  #finish(load: Load, tell: (caller: Caller) => void, tellWaiter: (caller: Caller) => void): void {
    this.#running.delete(load);
    if (this.#byName.get(load.name) === load) this.#byName.delete(load.name);
    for (const caller of load.callers) tell(caller);
    for (const caller of this.#takeWait(load.name)) tellWaiter(caller);
    this.#setTimer();
  }

  #takeWait(name: string): Iterable<Caller> {
    const wait = this.#waits.get(name);
    this.#waits.delete(name);
    return wait?.callers ?? [];
  }

  /** Lets go those who wait for what is under way no more, and loads that nobody waits for. */
  #look(): void {
    if (!this.#member.isOpen) {
      this.#close();
      return;
    }
    const { flights } = this.#member.store;
    for (const [name, { flight }] of this.#waits) {
      if (flights.isUnderWay(flight)) continue;
      for (const caller of this.#takeWait(name)) caller.settle(undefined);
    }
    for (const load of this.#running) {
      const isWanted = load.callers.size > 0 || load.flight === undefined || flights.isAwaited(load.flight);
      if (!isWanted) this.#abandonUnwanted(load, new DOMException('nobody waits for the value', 'AbortError'));
    }
    this.#setTimer();
  }

  #close(): void {
    const loads = [...this.#running];
    const waits = [...this.#waits.values()];
    this.#running.clear();
    this.#byName.clear();
    this.#waits.clear();
    this.#setTimer();
    const error = new ClosedError();
    for (const { callers } of [...loads, ...waits]) for (const caller of callers) caller.fail(error);
    for (const { controller } of loads) controller.abort(error);
  }

  #setTimer(): void {
    if (this.#running.size === 0 && this.#waits.size === 0) {
      clearInterval(this.#timer);
      this.#timer = undefined;
      return;
    }
    this.#timer ??= setInterval(() => this.#look(), LOOK_MS);
    // A load keeps the process alive by what it waits for itself.
    if (this.#waits.size > 0) this.#timer.ref();
    else this.#timer.unref();
  }
}

function nameOf({ at, number }: Flight): string {
  return `${at}/${number}`;
}
