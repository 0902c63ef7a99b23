/**
 * The policies' clock. A shard's virtual time moves on by one with every 1/256 of its entries inserted, so an age in
 * its units says how much has come in since, whatever the load. A short history of the ticks at which stamps began
 * translates times of the real clock, which entries with an idle time carry instead.
 */
import { isBefore, type Layout, SHARD, type SharedClock } from '../../native-free/index.js';

/** Stamps in one turnover of a shard, as a shift. */
const STAMPS_PER_TURNOVER_SHIFT = 8;
export const STAMPS_PER_TURNOVER: number = 2 ** STAMPS_PER_TURNOVER_SHIFT;
const HISTORY_ENTRIES = 256;
/** An entry of the history stands for so many stamps, as a shift. */
export const HISTORY_SHIFT = 3;
const STAMPS_PER_ENTRY: number = 2 ** HISTORY_SHIFT;
/** How far the history goes back, in stamps. */
export const HISTORY_STAMPS: number = (HISTORY_ENTRIES - 1) * STAMPS_PER_ENTRY;

/** Words of a shard's policy region that it takes, from the first on. */
export const VIRTUAL_TIME_WORDS: number = HISTORY_ENTRIES;

export class VirtualTime {
  readonly #meta: Int32Array;
  readonly #layout: Layout;
  readonly #clock: SharedClock;

  constructor(meta: Int32Array, layout: Layout, clock: SharedClock) {
    this.#meta = meta;
    this.#layout = layout;
    this.#clock = clock;
  }

  /** The stamp of this moment, 32 bits that wrap. Under no lock. */
  now(shard: number): number {
    return this.#meta[shard + SHARD.stamp]!;
  }

  /** Counts an insert, and returns the stamp of this moment. Under the shard's lock. */
  insert(shard: number): number {
    const meta = this.#meta;
    const inserts = meta[shard + SHARD.insertsSinceStamp]! + 1;
    if (inserts <= meta[shard + SHARD.itemCount]! >>> STAMPS_PER_TURNOVER_SHIFT) {
      meta[shard + SHARD.insertsSinceStamp] = inserts;
      return meta[shard + SHARD.stamp]!;
    }
    const stamp = (meta[shard + SHARD.stamp]! + 1) | 0;
    meta[shard + SHARD.insertsSinceStamp] = 0;
    meta[shard + SHARD.stamp] = stamp;
    if (stamp % STAMPS_PER_ENTRY === 0) meta[this.#entry(shard, stamp)] = this.#clock.coarse();
    return stamp;
  }

  /** How long ago a tick of the clock was, in stamps. Under the shard's lock. */
  sinceTick(shard: number, tick: number): number {
    const stamp = this.#meta[shard + SHARD.stamp]!;
    const newest = stamp & -STAMPS_PER_ENTRY;
    if (!isBefore(tick, this.#meta[this.#entry(shard, newest)]!)) return 0;
    let below = 0;
    let above = HISTORY_ENTRIES - 1;
    // The least number of history entries to go back to find one that began at or before the tick.
    while (above - below > 1) {
      const middle = (below + above) >>> 1;
      const began = this.#meta[this.#entry(shard, newest - middle * STAMPS_PER_ENTRY)]!;
      if (isBefore(tick, began)) below = middle;
      else above = middle;
    }
    return above * STAMPS_PER_ENTRY;
  }

  /** Stamps since what happened at a tick, or before it: at least as many as there were. Under the shard's lock. */
  sinceTickMost(shard: number, tick: number): number {
    return this.sinceTick(shard, tick) + (this.#meta[shard + SHARD.stamp]! & (STAMPS_PER_ENTRY - 1));
  }

  /** The tick at which the stamp of so many stamps ago began, or one a few stamps before it; at the least, the oldest known. */
  tickBefore(shard: number, stamps: number): number {
    const known = Math.min(stamps, HISTORY_STAMPS);
    return this.#meta[this.#entry(shard, this.#meta[shard + SHARD.stamp]! - known)]!;
  }

  #entry(shard: number, stamp: number): number {
    return shard + this.#layout.policyOffset + ((stamp >> HISTORY_SHIFT) & (HISTORY_ENTRIES - 1));
  }
}
