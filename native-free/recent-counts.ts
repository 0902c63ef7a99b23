/**
 * How often something happened in the last minute, by type: a ring of counts, one row for each of the last sixteen
 * periods of 4 s. It moves with the clock that it is given, so nobody has to turn it.
 *
 *     row:  word 0  period + 1, 0 for none      word 1..  counts, by type
 *
 * Written under a lock, without journal: a death costs one count at most. Read under none: a reader that meets the
 * beginning of a row may see it a moment too early or too late.
 */
import type { Words } from '#atomics';

const ROWS = 16;
const PERIOD_TICKS = 400;
/** Whole periods of a minute; the one before them counts in part. */
const WHOLE_ROWS = 15;

/** Words of a ring. */
export function recentCountsWords(types: number): number {
  return ROWS * (1 + types);
}

export class RecentCounts {
  readonly #words: Words;
  readonly #types: number;

  constructor(words: Words, types: number) {
    this.#words = words;
    this.#types = types;
  }

  /** Counts one at `tick` in the ring at `base`. Under the lock that guards it. */
  addLocked(base: number, tick: number, type: number): void {
    const words = this.#words;
    const period = periodOf(tick);
    const row = base + (period % ROWS) * (1 + this.#types);
    if (words[row] !== period + 1) {
      // The row is out of date, and stays so should this thread die before the last of these stores.
      words.fill(0, row + 1, row + 1 + this.#types);
      words[row] = period + 1;
    }
    words[row + 1 + type] = words[row + 1 + type]! + 1;
  }

  /** Adds to `sums`, by type, what was counted in the minute up to `tick`; exact to a period's uniformity. */
  collect(base: number, tick: number, sums: Float64Array): void {
    const words = this.#words;
    const period = periodOf(tick);
    for (let i = 0; i < ROWS; i++) {
      const row = base + i * (1 + this.#types);
      const ago = period - (words[row]! - 1);
      if (words[row] === 0 || ago < 0 || ago > WHOLE_ROWS) continue;
      const share = ago < WHOLE_ROWS ? 1 : 1 - ((tick >>> 0) % PERIOD_TICKS) / PERIOD_TICKS;
      for (let type = 0; type < this.#types; type++) sums[type] = sums[type]! + words[row + 1 + type]! * share;
    }
  }
}

/** A number of 24 bits: ticks wrap after 497 days, at which a minute's counts are lost. */
function periodOf(tick: number): number {
  return Math.floor((tick >>> 0) / PERIOD_TICKS);
}
