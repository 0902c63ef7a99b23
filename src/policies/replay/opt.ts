/**
 * The bound: the object whose next use lies farthest ahead leaves (Belady, "A study of replacement algorithms for a
 * virtual-storage computer", IBM Systems Journal 5(2), 1966). Optimal among policies that store every object they are
 * asked for, when all objects weigh the same. It knows the requests to come, so it can only be replayed.
 *
 * State: 12 bytes an object (next use, heap, place in the heap), and 4 a request.
 */

import { nextUses } from './next-uses.js';
import { type PolicyOptions, WeighingPolicy } from './policy.js';

export class Optimal extends WeighingPolicy {
  /** By request: when the same object is asked for next. */
  readonly #nextUses: Int32Array;
  /** By object: when it is asked for next. */
  readonly #due: Int32Array;
  /** Objects, the one that is due last on top: a binary heap. */
  readonly #heap: Int32Array;
  readonly #places: Int32Array;
  #now = -1;

  /** `requests`: the objects that will be asked for, in order. */
  constructor(capacity: number, options: PolicyOptions, requests: Int32Array) {
    super(capacity, options);
    this.#nextUses = nextUses(requests, options.keys);
    this.#due = new Int32Array(options.keys);
    this.#heap = new Int32Array(Math.min(options.keys, capacity) + 1);
    this.#places = new Int32Array(options.keys);
  }

  override access(id: number, size: number): boolean {
    this.#now += 1;
    return super.access(id, size);
  }

  protected hit(id: number): void {
    this.#due[id] = this.#nextUses[this.#now]!;
    // It was due now, before all others: it can only rise.
    this.#rise(this.#places[id]!, id);
  }

  protected miss(id: number, weight: number): void {
    this.makeRoom(weight);
    this.#due[id] = this.#nextUses[this.#now]!;
    this.#rise(this.count, id);
    this.store(id, weight);
  }

  protected evict(): void {
    this.remove(this.#heap[0]!);
  }

  /** Objects weigh the same, so nobody but the top ever leaves. */
  protected remove(top: number): void {
    this.release(top);
    const last = this.#heap[this.count]!;
    if (last !== top) this.#sink(0, last);
  }

  #rise(from: number, id: number): void {
    let place = from;
    while (place > 0) {
      const above = (place - 1) >>> 1;
      const other = this.#heap[above]!;
      if (this.#due[other]! >= this.#due[id]!) break;
      this.#put(place, other);
      place = above;
    }
    this.#put(place, id);
  }

  #sink(from: number, id: number): void {
    let place = from;
    for (let below = 2 * place + 1; below < this.count; below = 2 * place + 1) {
      const right = below + 1;
      if (right < this.count && this.#due[this.#heap[right]!]! > this.#due[this.#heap[below]!]!) below = right;
      const other = this.#heap[below]!;
      if (this.#due[other]! <= this.#due[id]!) break;
      this.#put(place, other);
      place = below;
    }
    this.#put(place, id);
  }

  #put(place: number, id: number): void {
    this.#heap[place] = id;
    this.#places[id] = place;
  }
}
