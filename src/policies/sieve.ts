/**
 * SIEVE without a queue (Zhang, Yang, Yue, Vigfusson, Rashmi, "SIEVE is simpler than LRU", NSDI 2024). The mark of an entry:
 *
 *     visited 1 | lap 1 | stamp 18
 *
 * - stamp: the virtual time at which the hand passed it, or of its insertion if it hasn't yet. The hand passes entries in
 *   the order in which they came, so this order is that of SIEVE's queue, however old they get.
 * - lap: the lowest bit of the number of the lap in which the hand reaches it. So entries that share a stamp with the
 *   hand are told apart: those that it has passed bear the other bit.
 *
 * The hand itself is the order of ranks: entries of this lap come before those of the next, the oldest first. A visited
 * one that is judged loses its bit and goes over to the next lap; one that isn't goes. A lap ends when the sweep finds
 * hardly any entries left of it; those few then wait for the lap after. So the hand doesn't come up to the newest entries,
 * as it does in SIEVE, where a cache full of visited entries can evict what was stored a moment ago.
 */
import type { Layout, SharedClock } from '../../native-free/index.js';
import { type EvictionPolicy, MAY_GO } from '../engine/ports.js';
import { QueueShare, SHARE_WORDS } from './queue-share.js';
import { ageOf } from './stamp.js';
import { VIRTUAL_TIME_WORDS, VirtualTime } from './virtual-time.js';

const STAMP_MASK = (1 << 18) - 1;
const LAP_SHIFT = 18;
const LAP = 1 << LAP_SHIFT;
const VISITED = 1 << 19;

/** Its own word: the number of the lap. Behind it the share of the bytes that is still in this lap. */
const OWN_WORDS: number = 1 + SHARE_WORDS;
/** A lap ends when less than this share is still in it. */
const REST = 1 / 32;
/** An entry of the next lap has this shift of its age as its rank: so it comes behind those of this lap, in the same order. */
const NEXT_LAP_SHIFT = 6;

export class SievePolicy implements EvictionPolicy {
  /** A quarter of a turnover. */
  readonly tolerance: number = 64;
  readonly #meta: Int32Array;
  readonly #own: number;
  readonly #time: VirtualTime;
  readonly #ahead: QueueShare;

  constructor(meta: Int32Array, layout: Layout, clock: SharedClock) {
    this.#meta = meta;
    this.#own = layout.policyOffset + VIRTUAL_TIME_WORDS;
    this.#time = new VirtualTime(meta, layout, clock);
    this.#ahead = new QueueShare(meta, this.#own + 1);
  }

  static words(): number {
    return VIRTUAL_TIME_WORDS + OWN_WORDS;
  }

  format(): void {}

  admit(shard: number): number {
    return (this.#time.insert(shard) & STAMP_MASK) | this.#lap(shard);
  }

  touch(_shard: number, mark: number): number {
    return mark | VISITED;
  }

  /** A use counts if it was surely behind the stamp: not at the same tick. */
  refresh(_shard: number, mark: number): number {
    return mark;
  }

  touchAt(shard: number, mark: number, tick: number): number {
    return this.#time.sinceTickMost(shard, tick - 1) < this.#age(shard, mark) ? mark | VISITED : mark;
  }

  rank(shard: number, mark: number, granules: number): number {
    const age = this.#age(shard, mark);
    // Newcomers are shown at their insertion too, beside the sweep.
    if (age === 0) return 0;
    const rank = this.#rankOf(shard, mark, age);
    this.#see(shard, (mark & LAP) === this.#lap(shard), granules);
    return rank;
  }

  coldness(shard: number, mark: number): number {
    return (mark & VISITED) === 0 ? this.#rankOf(shard, mark, this.#age(shard, mark)) : 0;
  }

  #rankOf(shard: number, mark: number, age: number): number {
    return (mark & LAP) === this.#lap(shard) ? age + 1 : age >>> NEXT_LAP_SHIFT;
  }

  drift(): number {
    return 0;
  }

  /** That of the stamp: what the bit says of uses since has no time. */
  lastUse(shard: number, mark: number): number {
    return this.#time.tickBefore(shard, this.#age(shard, mark));
  }

  judge(shard: number, mark: number): number {
    this.#ahead.unsee(shard);
    if ((mark & VISITED) === 0) return MAY_GO;
    return (this.#time.now(shard) & STAMP_MASK) | (this.#lap(shard) ^ LAP);
  }

  forget(): void {}

  observe(): void {}

  #age(shard: number, mark: number): number {
    return ageOf(this.#time.now(shard), mark, STAMP_MASK);
  }

  #lap(shard: number): number {
    return (this.#meta[shard + this.#own]! & 1) << LAP_SHIFT;
  }

  /** The sweep has come by an entry that the hand has yet to reach in this lap, or by another. */
  #see(shard: number, isAhead: boolean, granules: number): void {
    this.#ahead.see(shard, isAhead, granules);
    if (this.#ahead.of(shard) >= REST) return;
    this.#meta[shard + this.#own] = (this.#meta[shard + this.#own]! + 1) | 0;
    this.#ahead.fill(shard);
  }
}
