import type { ManualClock } from '../index.js';

/** A trace may leap over what lies between its requests, the cache's time over 248 days at most. */
const HOP_MS = 60 * 86_400_000;

/**
 * The clock of a replay. Deadlines are told apart over 248 days only, and a trace of years may be replayed in less time
 * than the cache's warden needs to look round: so at each multiple of HOP_MS the clock stops to have everything swept
 * that is over. A shard whose lock is held for a moment is left out, and has three more chances.
 */
export class LeapingClock {
  readonly #clock: ManualClock;
  readonly #sweep: () => void;

  constructor(clock: ManualClock, sweep: () => void) {
    this.#clock = clock;
    this.#sweep = sweep;
  }

  set(nowMs: number): void {
    for (let hop = Math.floor(this.#clock.now() / HOP_MS) + 1; hop * HOP_MS <= nowMs; hop++) {
      this.#clock.set(hop * HOP_MS);
      this.#sweep();
    }
    this.#clock.set(nowMs);
  }
}
