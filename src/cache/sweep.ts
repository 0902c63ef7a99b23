/** The warden's share of time for what has expired, in slices that hold its event loop but briefly. */
import type { Sweeper } from '../engine/sweeper.js';

/** Between two slices. */
export const SWEEP_ROUND_MS = 10;
/** How long a slice may sweep; longer while it finds much to remove, so that what ended all at once goes soon. */
const SLICE_MS_MAX = 0.4;
const SLICE_MS_BURST = 0.8;
/** Units between two looks at the time: some 20 us. */
const STEP_UNITS = 256;
/** Removals in a step that make a burst. */
const BURST_REMOVALS = 32;

/** Of one that sweeps all: more than any arena has units in a few passes. */
const STEPS_MAX = 1 << 22;

/** Sweeps until nothing is due, however long that takes: for replays, whose time may leap. */
export function sweepAll(sweeper: Sweeper): void {
  let steps = 0;
  do sweeper.step(STEP_UNITS);
  while (!sweeper.isResting && ++steps < STEPS_MAX);
}

/** Sweeps until nothing is due or the time is up. `now` in ms. */
export function sweepSlice(sweeper: Sweeper, now: () => number): void {
  const start = now();
  let limitMs: number;
  do limitMs = sweeper.step(STEP_UNITS) < BURST_REMOVALS ? SLICE_MS_MAX : SLICE_MS_BURST;
  while (!sweeper.isResting && now() - start < limitMs);
}
