/**
 * What was asked for before the measurement, as draws alone: which things the caches hold then, and since when. Caches
 * that have just been started say little of a server that has run for hours.
 */
import { deriveSeed, Random } from '../../src/cli/random.js';
import type { DemoType } from '../../src/cli/values.js';
import { Requests, requestsPerMs, TYPES, ttlMsOf } from './workload.js';

/** What one cache holds of a type: when each thing was stored, in ms of the history. */
type Shelf = Map<number, number>;

export interface Held {
  readonly type: DemoType;
  readonly thing: number;
  /** Since it was stored. */
  readonly ageMs: number;
}

export interface HistoryOptions {
  readonly users: number;
  readonly threads: number;
  readonly seed: number;
  readonly windowMs: number;
}

/** A cache in each thread that keeps everything for its TTL. */
export class History {
  readonly requests: Requests;
  #nowMs = 0;
  readonly #options: HistoryOptions;
  readonly #random: Random;
  readonly #shelves: readonly (readonly Shelf[])[];

  constructor(options: HistoryOptions) {
    this.#options = options;
    this.requests = new Requests(options.users, options.windowMs);
    this.#random = new Random(deriveSeed(options.seed, 'history'));
    this.#shelves = Array.from({ length: options.threads }, () => TYPES.map(() => new Map()));
  }

  run(untilMs: number): void {
    const stepMs = 1 / requestsPerMs(this.#options.users);
    for (; this.#nowMs < untilMs; this.#nowMs += stepMs) {
      const { type, thing } = this.requests.draw(this.#random);
      const shelf = this.#shelves[this.#random.between(0, this.#options.threads - 1)]![TYPES.indexOf(type)]!;
      const storedMs = shelf.get(thing);
      if (storedMs === undefined || this.#nowMs >= storedMs + ttlMsOf(type)) shelf.set(thing, this.#nowMs);
    }
  }

  /** What one thread holds now, in the order in which it was first asked for. */
  heldBy(thread: number): Held[] {
    return TYPES.flatMap((type, i) =>
      [...this.#shelves[thread]![i]!].flatMap(([thing, storedMs]): Held[] => {
        const ageMs = this.#nowMs - storedMs;
        return ageMs < ttlMsOf(type) ? [{ type, thing, ageMs }] : [];
      }),
    );
  }

  /** What a cache that all threads share holds: the youngest of each. */
  heldByAll(): Held[] {
    const youngest = new Map<string, Held>();
    for (let thread = 0; thread < this.#options.threads; thread++) {
      for (const held of this.heldBy(thread)) {
        const key = `${held.type} ${held.thing}`;
        const known = youngest.get(key);
        if (known === undefined || held.ageMs < known.ageMs) youngest.set(key, held);
      }
    }
    return [...youngest.values()];
  }
}

export type BytesByType = Readonly<Record<DemoType, number>>;

export function bytesHeld(history: History, threads: number, bytesOf: BytesByType): Record<DemoType, number> {
  const sums: Record<DemoType, number> = { session: 0, route: 0, weather: 0, llm: 0, stats: 0, misc: 0 };
  for (let thread = 0; thread < threads; thread++) {
    for (const { type } of history.heldBy(thread)) sums[type] += bytesOf[type];
  }
  return sums;
}

const SAMPLE_USERS = 100;
const WINDOW_MS_MAX = 4 * 3_600_000;
const HALVINGS = 14;

/** How long the load must have gone on until the threads' caches hold so many bytes for each user. */
export function historyMsFor(bytesPerUser: number, bytesOf: BytesByType, threads: number, seed: number): number {
  const perUser = (windowMs: number): number => {
    const history = new History({ users: SAMPLE_USERS, threads, seed, windowMs });
    history.run(windowMs);
    return Object.values(bytesHeld(history, threads, bytesOf)).reduce((sum, bytes) => sum + bytes, 0) / SAMPLE_USERS;
  };
  let [low, high] = [0, 60_000];
  while (perUser(high) < bytesPerUser) {
    if (high > WINDOW_MS_MAX) throw new Error(`no load of hours makes ${bytesPerUser} bytes a user`);
    [low, high] = [high, high * 2];
  }
  for (let i = 0; i < HALVINGS; i++) {
    const middle = (low + high) / 2;
    if (perUser(middle) < bytesPerUser) low = middle;
    else high = middle;
  }
  return Math.round(high);
}
