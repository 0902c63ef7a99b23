/**
 * A policy on its own, without an engine: numbered objects with weights in a cache that holds a bounded weight. It tells
 * what an algorithm is worth on a recorded trace, and what the engine's form of it is to be held against.
 */

/** What the capacity counts. */
export type Unit = 'objects' | 'bytes';
/** Which hit ratio counts: that of requests, or that of the bytes asked for. */
export type Favour = 'objects' | 'bytes';

export interface PolicyOptions {
  /** Objects are numbered from 0 to `keys - 1`. */
  readonly keys: number;
  readonly unit: Unit;
  /** Of whatever a policy draws at random: runs with one seed are the same. */
  readonly seed: number;
  /** For policies that can serve either; the others have no use for it. */
  readonly favour: Favour;
}

export interface ReplayPolicy {
  /** Stored now, in the unit of the capacity. */
  readonly used: number;
  /**
   * One request; true for a hit. A miss stores the object, unless it is too large. `size` is in bytes, from 0; a hit
   * with another size than before changes the object's weight.
   */
  access(id: number, size: number): boolean;
  has(id: number): boolean;
}

const ABSENT = -1;

/**
 * Accounts of what is stored; the order is the algorithm's. State: 4 bytes an object, its weight, which an engine has in
 * its header. What an algorithm says of its own state comes on top.
 */
export abstract class WeighingPolicy implements ReplayPolicy {
  protected readonly capacity: number;
  readonly #countsBytes: boolean;
  readonly #weights: Int32Array;
  #used = 0;
  #count = 0;

  /** `capacity`: objects or bytes, from 1. */
  constructor(capacity: number, { keys, unit }: PolicyOptions) {
    this.capacity = capacity;
    this.#countsBytes = unit === 'bytes';
    this.#weights = new Int32Array(keys).fill(ABSENT);
  }

  get used(): number {
    return this.#used;
  }

  /** Objects stored now. */
  protected get count(): number {
    return this.#count;
  }

  has(id: number): boolean {
    return this.#weights[id] !== ABSENT;
  }

  access(id: number, size: number): boolean {
    const weight = this.#countsBytes ? size : 1;
    if (!this.has(id)) {
      if (this.fits(weight)) this.miss(id, weight);
      return false;
    }
    this.hit(id);
    if (weight !== this.#weights[id] && this.has(id)) this.#reweigh(id, weight);
    return true;
  }

  /** Whether an object of this weight is ever stored. */
  protected fits(weight: number): boolean {
    return weight <= this.capacity;
  }

  /** An object that is stored was asked for. */
  protected abstract hit(id: number): void;
  /** An object that isn't stored, and may be, was asked for. */
  protected abstract miss(id: number, weight: number): void;
  /** Removes one object, if any is stored. */
  protected abstract evict(): void;
  /** Takes an object out of the algorithm's order, and calls `release`. */
  protected abstract remove(id: number): void;
  /** The weight of a stored object has changed by so much, and `used` with it. */
  protected reweighed(_id: number, _by: number): void {}

  protected weightOf(id: number): number {
    return this.#weights[id]!;
  }

  protected makeRoom(weight: number): void {
    while (this.#used + weight > this.capacity) this.evict();
  }

  /** Counts an object as stored. */
  protected store(id: number, weight: number): void {
    this.#weights[id] = weight;
    this.#used += weight;
    this.#count += 1;
  }

  /** Counts an object as stored no longer. */
  protected release(id: number): void {
    this.#used -= this.#weights[id]!;
    this.#weights[id] = ABSENT;
    this.#count -= 1;
  }

  #reweigh(id: number, weight: number): void {
    if (!this.fits(weight)) {
      this.remove(id);
      return;
    }
    const by = weight - this.#weights[id]!;
    this.#weights[id] = weight;
    this.#used += by;
    this.reweighed(id, by);
    this.makeRoom(0);
  }
}
