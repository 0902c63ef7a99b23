/**
 * Belady's rule for objects of several sizes, as a rule of thumb: of 128 objects picked at random, the one leaves whose
 * size times the distance to its next use is greatest. What nobody asks for again isn't stored. The best order by sizes
 * is NP-hard to find (Chrobak, Woeginger, Makino, Xu, "Caching is hard, even in the fault model", Algorithmica 63, 2012),
 * so this is a mark for comparison, not a bound: an algorithm may come above it, in bytes above all.
 *
 * State: 12 bytes an object (next use, list of what is stored, place in it), and 4 a request.
 */

import { Xorshift } from '../xorshift.js';
import { NEVER, nextUses } from './next-uses.js';
import { type PolicyOptions, WeighingPolicy } from './policy.js';

const SAMPLES = 128;

export class BeladySize extends WeighingPolicy {
  readonly #nextUses: Int32Array;
  readonly #due: Int32Array;
  readonly #stored: Int32Array;
  readonly #places: Int32Array;
  readonly #random: Xorshift;
  #now = -1;

  /** `requests`: the objects that will be asked for, in order. */
  constructor(capacity: number, options: PolicyOptions, requests: Int32Array) {
    super(capacity, options);
    this.#nextUses = nextUses(requests, options.keys);
    this.#due = new Int32Array(options.keys);
    this.#stored = new Int32Array(options.keys);
    this.#places = new Int32Array(options.keys);
    this.#random = new Xorshift(options.seed);
  }

  override access(id: number, size: number): boolean {
    this.#now += 1;
    return super.access(id, size);
  }

  protected hit(id: number): void {
    const due = this.#nextUses[this.#now]!;
    if (due === NEVER) this.remove(id);
    else this.#due[id] = due;
  }

  protected miss(id: number, weight: number): void {
    if (this.#nextUses[this.#now] === NEVER) return;
    this.makeRoom(weight);
    this.#due[id] = this.#nextUses[this.#now]!;
    this.#stored[this.count] = id;
    this.#places[id] = this.count;
    this.store(id, weight);
  }

  protected evict(): void {
    let victim = this.#stored[0]!;
    let worst = -1;
    const samples = Math.min(SAMPLES, this.count);
    for (let i = 0; i < samples; i++) {
      const id = this.#stored[samples === SAMPLES ? this.#random.below(this.count) : i]!;
      const cost = (this.#due[id]! - this.#now) * this.weightOf(id);
      if (cost > worst) {
        worst = cost;
        victim = id;
      }
    }
    this.remove(victim);
  }

  protected remove(id: number): void {
    this.release(id);
    const last = this.#stored[this.count]!;
    const place = this.#places[id]!;
    this.#stored[place] = last;
    this.#places[last] = place;
  }
}
