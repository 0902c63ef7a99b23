/**
 * W-TinyLFU (Einziger, Friedman, Manes, "TinyLFU: a highly efficient cache admission policy", ACM Transactions on Storage
 * 13(4), 2017) whose window adapts itself (hill-climber.ts). New objects enter a window of least recently used order. What
 * falls out of it is a candidate for the main region and competes with that region's victim: the one asked for more often
 * of late (frequency-sketch.ts) stays. The main region is a segmented LRU: objects enter it on probation, and a use there
 * makes them protected, up to four fifths of it.
 *
 * A warm candidate wins now and then in spite of the counts, by chance, so that no crafted sequence of colliding objects
 * can keep it out for good.
 *
 * State: 9 bytes an object, two links and the queue, and 8 to 16 of the sketch.
 */

import { Links, NONE } from '../links.js';
import { PROTECTED_SHARE } from '../w-tinylfu.js';
import { Xorshift } from '../xorshift.js';
import { FrequencySketch } from './frequency-sketch.js';
import { HillClimber } from './hill-climber.js';
import { type PolicyOptions, WeighingPolicy } from './policy.js';

const WINDOW = 0;
const PROBATION = 1;
const PROTECTED = 2;

const MAIN_SHARE = 0.99;
/** Objects that change queue at one adjustment of the window at most; the rest of the way is gone later. */
const MOVES_MAX = 1_000;
/** A candidate asked for so often wins in spite of the counts, once in so many times. */
const WARM_COUNT = 6;
const WARM_CHANCES = 128;

export class WTinyLfu extends WeighingPolicy {
  readonly #links: Links;
  readonly #queues: Uint8Array;
  readonly #sketch: FrequencySketch;
  readonly #climber: HillClimber;
  readonly #random: Xorshift;
  /** Weights of the queues, by their numbers. */
  readonly #weights: Float64Array = new Float64Array(3);
  #windowMax: number;
  #protectedMax: number;
  /** What remains to be added to the window, or taken from it if below zero. */
  #adjustment = 0;

  constructor(capacity: number, options: PolicyOptions) {
    super(capacity, options);
    this.#links = new Links(options.keys, 3);
    this.#queues = new Uint8Array(options.keys);
    this.#sketch = new FrequencySketch(options.unit === 'objects' ? Math.min(capacity, options.keys) : 0, options.seed);
    this.#climber = new HillClimber(capacity);
    this.#random = new Xorshift(options.seed);
    this.#windowMax = capacity - Math.floor(capacity * MAIN_SHARE);
    this.#protectedMax = Math.floor((capacity - this.#windowMax) * PROTECTED_SHARE);
  }

  protected hit(id: number): void {
    this.#note(id, true);
    const queue = this.#queues[id]!;
    const isPromoted = queue === PROBATION && this.weightOf(id) <= this.#protectedMax;
    this.#move(id, isPromoted ? PROTECTED : queue);
    this.#adapt();
  }

  protected miss(id: number, weight: number): void {
    this.#note(id, false);
    this.store(id, weight);
    this.#enter(WINDOW, id);
    this.#sketch.reserve(this.count);
    this.evict();
    this.#adapt();
  }

  /** Lets the window overflow into the main region, and that find its victims, as many as needed. */
  protected evict(): void {
    let candidate = this.#overflow();
    while (this.used > this.capacity) {
      const next = candidate === NONE ? NONE : this.#links.newerThan(candidate);
      const loser = this.#compete(candidate);
      this.remove(loser);
      // The candidate has lost, or has won its place: either way the next one is due.
      candidate = next;
    }
  }

  protected remove(id: number): void {
    this.#leave(id);
    this.release(id);
  }

  protected override reweighed(id: number, by: number): void {
    this.#weights[this.#queues[id]!]! += by;
  }

  /** The first of the objects that fell out of the window; the others follow it on probation. */
  #overflow(): number {
    let first = NONE;
    while (this.#weights[WINDOW]! > this.#windowMax) {
      const id = this.#links.oldest(WINDOW);
      this.#move(id, PROBATION);
      if (first === NONE) first = id;
    }
    return first;
  }

  /** Who goes: the candidate, or the object of the main region that would go next. */
  #compete(candidate: number): number {
    const victim = this.#victim();
    if (candidate === NONE || victim === candidate) return victim;
    return this.#admits(candidate, victim) ? victim : candidate;
  }

  #victim(): number {
    for (const queue of [PROBATION, PROTECTED]) {
      const id = this.#links.oldest(queue);
      if (id !== NONE) return id;
    }
    return this.#links.oldest(WINDOW);
  }

  #admits(candidate: number, victim: number): boolean {
    const count = this.#sketch.estimate(candidate);
    if (count > this.#sketch.estimate(victim)) return true;
    return count >= WARM_COUNT && this.#random.below(WARM_CHANCES) === 0;
  }

  #note(id: number, isHit: boolean): void {
    this.#sketch.add(id);
    this.#climber.note(isHit);
  }

  /** Moves the border between window and main region, by objects that change over. */
  #adapt(): void {
    this.#adjustment = this.#climber.climb(this.#sketch.sampleSize) || this.#adjustment;
    while (this.#weights[PROTECTED]! > this.#protectedMax) this.#move(this.#links.oldest(PROTECTED), PROBATION);
    if (this.#adjustment > 0) this.#growWindow();
    else if (this.#adjustment < 0) this.#shrinkWindow();
  }

  #growWindow(): void {
    const quota = Math.min(this.#adjustment, this.#protectedMax);
    this.#protectedMax -= quota;
    this.#windowMax += quota;
    while (this.#weights[PROTECTED]! > this.#protectedMax) this.#move(this.#links.oldest(PROTECTED), PROBATION);
    const rest = this.#shift(quota, PROBATION, WINDOW);
    this.#protectedMax += rest;
    this.#windowMax -= rest;
    this.#adjustment = rest;
  }

  #shrinkWindow(): void {
    const quota = Math.min(-this.#adjustment, Math.max(0, this.#windowMax - 1));
    this.#protectedMax += quota;
    this.#windowMax -= quota;
    const rest = this.#shift(quota, WINDOW, PROBATION);
    this.#protectedMax -= rest;
    this.#windowMax += rest;
    this.#adjustment = -rest;
  }

  /** Moves the oldest objects of a queue, of `quota` together at most, and returns what is left of that. */
  #shift(quota: number, from: number, to: number): number {
    let rest = quota;
    for (let moves = 0; moves < MOVES_MAX && rest > 0; moves++) {
      const id = this.#links.oldest(from);
      if (id === NONE || this.weightOf(id) > rest) break;
      rest -= this.weightOf(id);
      this.#move(id, to);
    }
    return rest;
  }

  #move(id: number, queue: number): void {
    this.#leave(id);
    this.#enter(queue, id);
  }

  #enter(queue: number, id: number): void {
    this.#links.pushNewest(queue, id);
    this.#queues[id] = queue;
    this.#weights[queue]! += this.weightOf(id);
  }

  #leave(id: number): void {
    this.#links.remove(id);
    this.#weights[this.#queues[id]!]! -= this.weightOf(id);
  }
}
