/**
 * The keys that the simulations watch: up to TRACKED_MAX, found by their hash (open addressing, linear probing, deletion
 * by shifting back). All memory is taken at once, some 0.25 MB.
 */
import { ceilPower } from '../../../native-free/index.js';

/** Two simulations of up to 2,048 entries each, and four ghosts for each of those. */
export const TRACKED_MAX = 12_288;
/** No key, or no room. */
export const UNTRACKED = -1;

export class Tracked {
  readonly hashes: Int32Array = new Int32Array(TRACKED_MAX);
  /** Time of the last use, by the clock of the key's shard. */
  readonly lastUses: Int32Array = new Int32Array(TRACKED_MAX);
  /** Age up to which the learner knows that the key was in view. */
  readonly countedAges: Uint16Array = new Uint16Array(TRACKED_MAX);
  /** Uses and gap, as in a mark. */
  readonly histories: Uint8Array = new Uint8Array(TRACKED_MAX);
  readonly sizes: Int32Array = new Int32Array(TRACKED_MAX);
  /** In slots that hold no key: 0. */
  readonly #isTaken = new Uint8Array(TRACKED_MAX);
  /** One more than the key's number, 0 for none. */
  readonly #table = new Uint16Array(ceilPower(TRACKED_MAX * 2));
  readonly #mask = this.#table.length - 1;
  /** Numbers that are free, the lowest on top at first, so that few keys lie close together. */
  readonly #free = Uint16Array.from({ length: TRACKED_MAX }, (_, i) => TRACKED_MAX - 1 - i);
  #freeCount = TRACKED_MAX;

  get count(): number {
    return TRACKED_MAX - this.#freeCount;
  }

  has(key: number): boolean {
    return this.#isTaken[key] === 1;
  }

  /** The number of the key with this hash, 0 to TRACKED_MAX - 1, or UNTRACKED. */
  find(hash: number): number {
    for (let at = hash & this.#mask; this.#table[at] !== 0; at = (at + 1) & this.#mask) {
      const key = this.#table[at]! - 1;
      if (this.hashes[key] === hash) return key;
    }
    return UNTRACKED;
  }

  /** The number of a key that wasn't there; UNTRACKED if there is no room. */
  add(hash: number): number {
    if (this.#freeCount === 0) return UNTRACKED;
    this.#freeCount -= 1;
    const key = this.#free[this.#freeCount]!;
    this.hashes[key] = hash;
    this.#isTaken[key] = 1;
    this.histories[key] = 0;
    this.countedAges[key] = 0;
    let at = hash & this.#mask;
    while (this.#table[at] !== 0) at = (at + 1) & this.#mask;
    this.#table[at] = key + 1;
    return key;
  }

  /** The key must be there. */
  remove(key: number): void {
    let hole = this.hashes[key]! & this.#mask;
    while (this.#table[hole] !== key + 1) hole = (hole + 1) & this.#mask;
    for (let at = (hole + 1) & this.#mask; this.#table[at] !== 0; at = (at + 1) & this.#mask) {
      const home = this.hashes[this.#table[at]! - 1]! & this.#mask;
      if (((at - home) & this.#mask) < ((at - hole) & this.#mask)) continue;
      this.#table[hole] = this.#table[at]!;
      hole = at;
    }
    this.#table[hole] = 0;
    this.#isTaken[key] = 0;
    this.#free[this.#freeCount] = key;
    this.#freeCount += 1;
  }
}
