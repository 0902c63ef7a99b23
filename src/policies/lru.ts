/**
 * LRU by stamps. Each shard has a virtual clock that moves on by one with every 1/256 of its entries inserted; an
 * entry carries the stamp of its last use. There are no lists: a read writes a stamp at most, and only when it has
 * changed; nothing has to be repaired after a death.
 *
 * Victims come from a hand that sweeps the index (engine/evictor.ts) and takes the entries whose age is above a
 * threshold. The threshold follows the 15/16 quantile of the ages that the hand sees, by stochastic approximation
 * (Robbins and Monro, "A stochastic approximation method", 1951): up 15 steps for an age above it, down one for an age
 * below. So about one entry in sixteen is a candidate, and the oldest of those few goes first. Evicting from among the
 * coldest sixteenth instead of the very coldest changes the age at which entries leave by a few per cent around the
 * same mean, which costs hit ratio only in the second order.
 *
 * An entry with an idle time has its last use as a tick, not as a stamp; a short history of ticks at which stamps
 * began translates it.
 */
import {
  HISTORY_ENTRIES,
  isBefore,
  type Layout,
  SHARD,
  type SharedClock,
  STAMPS_PER_HISTORY,
} from '../../native-free/index.js';
import type { EvictionPolicy } from '../engine/ports.js';

const STAMP_MASK = 0x000fffff;
/** An entry is at most this old; stamps further back would look new again after the wrap. */
const AGE_MAX = STAMP_MASK >>> 1;
/** Stamps in one turnover of a shard. */
const STAMPS_PER_TURNOVER_SHIFT = 8;
/** The threshold counts in 1/64 of a stamp. */
const THRESHOLD_SHIFT = 6;
/** The coldest 1 in COLD_SHARE entries are candidates. */
const COLD_SHARE = 16;
/** A step of the threshold, as a shift of the threshold itself. */
const STEP_SHIFT = 9;

export class LruPolicy implements EvictionPolicy {
  readonly #meta: Int32Array;
  readonly #layout: Layout;
  readonly #clock: SharedClock;

  constructor(meta: Int32Array, layout: Layout, clock: SharedClock) {
    this.#meta = meta;
    this.#layout = layout;
    this.#clock = clock;
  }

  admit(shard: number): number {
    const meta = this.#meta;
    const inserts = meta[shard + SHARD.insertsSinceStamp]! + 1;
    if (inserts <= meta[shard + SHARD.itemCount]! >>> STAMPS_PER_TURNOVER_SHIFT) {
      meta[shard + SHARD.insertsSinceStamp] = inserts;
      return meta[shard + SHARD.stamp]!;
    }
    const stamp = (meta[shard + SHARD.stamp]! + 1) & STAMP_MASK;
    meta[shard + SHARD.insertsSinceStamp] = 0;
    meta[shard + SHARD.stamp] = stamp;
    if (stamp % STAMPS_PER_HISTORY === 0) meta[this.#history(shard, stamp)] = this.#clock.coarse();
    return stamp;
  }

  current(shard: number): number {
    return this.#meta[shard + SHARD.stamp]!;
  }

  age(shard: number, stamp: number): number {
    const age = (this.#meta[shard + SHARD.stamp]! - stamp) & STAMP_MASK;
    // A reader's stamp may be ahead of the one seen here by a moment.
    return age > AGE_MAX ? 0 : age;
  }

  ageOfTick(shard: number, tick: number): number {
    const stamp = this.#meta[shard + SHARD.stamp]!;
    const newest = stamp - (stamp % STAMPS_PER_HISTORY);
    if (!isBefore(tick, this.#meta[this.#history(shard, newest)]!)) return 0;
    let below = 0;
    let above = HISTORY_ENTRIES - 1;
    // The least number of history entries to go back to find one that began at or before the tick.
    while (above - below > 1) {
      const middle = (below + above) >>> 1;
      const began = this.#meta[this.#history(shard, newest - middle * STAMPS_PER_HISTORY)]!;
      if (isBefore(tick, began)) below = middle;
      else above = middle;
    }
    return above * STAMPS_PER_HISTORY;
  }

  isCold(shard: number, age: number): boolean {
    const meta = this.#meta;
    const threshold = meta[shard + SHARD.threshold]!;
    const step = (threshold >>> STEP_SHIFT) + 1;
    if (age << THRESHOLD_SHIFT < threshold || age === 0) {
      meta[shard + SHARD.threshold] = Math.max(0, threshold - step);
      return false;
    }
    meta[shard + SHARD.threshold] = threshold + step * (COLD_SHARE - 1);
    return true;
  }

  #history(shard: number, stamp: number): number {
    return shard + this.#layout.historyOffset + ((stamp / STAMPS_PER_HISTORY) & (HISTORY_ENTRIES - 1));
  }
}
