/**
 * A small cache that evicts by one of the experts, filled with the tracked keys (Waldspurger, Saemundsson, Ahmad, Park,
 * "Cache modeling and optimization using miniature simulations", USENIX ATC 2017). It holds numbers only.
 */
import { TRACKED_MAX, UNTRACKED } from './tracked.js';

const ABSENT = 0xffff;
/** Candidates of one eviction; up to twice as many entries are looked at all. */
const CANDIDATES = 32;

/** Where the keys of a miniature are weighed. */
export interface Scales {
  sizeOf(key: number): number;
  /** How cold a key is for an expert. */
  rankOf(expert: number, key: number): number;
  /** A whole number from 0 to `bound - 1`, at random. */
  draw(bound: number): number;
}

export class Miniature {
  readonly expert: number;
  readonly #scales: Scales;
  readonly #members = new Uint16Array(TRACKED_MAX);
  /** By key: its place among the members. */
  readonly #places = new Uint16Array(TRACKED_MAX).fill(ABSENT);
  #count = 0;
  #used = 0;
  /** Of late: hits, or bytes hit. */
  score = 0;

  constructor(expert: number, scales: Scales) {
    this.expert = expert;
    this.#scales = scales;
  }

  get count(): number {
    return this.#count;
  }

  get used(): number {
    return this.#used;
  }

  has(key: number): boolean {
    return this.#places[key] !== ABSENT;
  }

  /** The key must be absent. */
  add(key: number): void {
    this.#members[this.#count] = key;
    this.#places[key] = this.#count;
    this.#count += 1;
    this.#used += this.#scales.sizeOf(key);
  }

  /** The key must be there. */
  remove(key: number): void {
    const place = this.#places[key]!;
    this.#count -= 1;
    const moved = this.#members[this.#count]!;
    this.#members[place] = moved;
    this.#places[moved] = place;
    this.#places[key] = ABSENT;
    this.#used -= this.#scales.sizeOf(key);
  }

  /** A key that it has changes its size by so much. */
  reweigh(by: number): void {
    this.#used += by;
  }

  /**
   * The coldest of some keys, the newcomer among them if it's there, and first if others are as cold; UNTRACKED for no
   * newcomer. There must be a key.
   */
  victim(newcomer: number): number {
    const isAll = this.#count <= 2 * CANDIDATES;
    const looks = isAll ? this.#count : CANDIDATES;
    let coldest = newcomer !== UNTRACKED && this.has(newcomer) ? newcomer : this.#members[0]!;
    let rank = this.#scales.rankOf(this.expert, coldest);
    for (let look = 0; look < looks; look++) {
      const key = this.#members[isAll ? look : this.#scales.draw(this.#count)]!;
      const other = this.#scales.rankOf(this.expert, key);
      if (other <= rank) continue;
      rank = other;
      coldest = key;
    }
    return coldest;
  }
}
