/**
 * What is kept of an entry's past, in 20 bits:
 *
 *     stamp 12 | uses 4 | gap 4
 *
 * - stamp: the time of the last use, modulo 4,096. The clock's unit is 1/256 of the residents inserted (one insert at
 *   the least), so that 256 units are one turnover of the cache, whatever the load.
 * - uses: a logarithmic count of the uses after the first, 0 to USES_MAX, by probabilistic counting (Morris, "Counting
 *   large numbers of events in small registers", Communications of the ACM 21(10), 1978), that fades without uses.
 * - gap: 1 + log2 of the time between uses, smoothed; 0 if there was no second use.
 *
 * All functions are pure, take any mark, garbage too, and any int32 as `now`, of which the low 12 bits count.
 */
import { mix } from './mix.js';

export const STAMP_MASK = 0xfff;
const STAMP_SHIFT = 8;
/** Uses and gap together. */
const HISTORY_MASK = 0xff;
const USES_SHIFT = 4;
const FIELD_MASK = 0xf;

/**
 * The oldest that an entry gets, in units: 12 turnovers. Whoever looks for victims stamps older entries anew
 * (`refreshMark`): as long as each entry is looked at once in the 3 turnovers above, no stamp wraps.
 */
export const AGE_MAX = 3_072;
/** A mark may be this much ahead of the clock: another thread's clock was read later. */
const AHEAD_MAX = 32;
/** What stands for 16,384 uses or more. */
export const USES_MAX = 15;
const GAP_MAX = 14;
/** Units without a use that take away one step of the count on average: 80 turnovers. */
const FADE_UNITS = 20_480;
/** The chance to fade is compared with so many bits of noise; the ones above are for the step up, the next for the gap. */
const FADE_BITS = 16;
const FADE_MASK = (1 << FADE_BITS) - 1;
const ROUND_SHIFT = 31;

/** The mark of an entry that nothing is known of. */
export function freshMark(now: number): number {
  return (now & STAMP_MASK) << STAMP_SHIFT;
}

/**
 * The mark after a use. The chances in it are hashed from the clock and the mark: a second use in the same unit mostly
 * leaves the mark as it is, so that nothing has to be written.
 */
export function touchMark(mark: number, now: number): number {
  return freshMark(now) | nextHistory(mark & HISTORY_MASK, ageOf(mark, now), now);
}

/** The low 12 bits of the time of the last use. */
export function stampOf(mark: number): number {
  return (mark >>> STAMP_SHIFT) & STAMP_MASK;
}

/** Units since the last use, 0 to AGE_MAX. */
export function ageOf(mark: number, now: number): number {
  const age = (now - (mark >>> STAMP_SHIFT)) & STAMP_MASK;
  if (age <= AGE_MAX) return age;
  return age > STAMP_MASK - AHEAD_MAX ? 0 : AGE_MAX;
}

/** The mark with a stamp AGE_MAX units back if it's older; otherwise the mark itself. */
export function refreshMark(mark: number, now: number): number {
  const age = (now - (mark >>> STAMP_SHIFT)) & STAMP_MASK;
  if (age <= AGE_MAX || age > STAMP_MASK - AHEAD_MAX) return mark;
  return freshMark(now - AGE_MAX) | (mark & HISTORY_MASK);
}

/** 0 to USES_MAX. */
export function usesOf(mark: number): number {
  return Math.min((mark >>> USES_SHIFT) & FIELD_MASK, USES_MAX);
}

/** 0 for an entry used once; else 1 + log2 of the gap in units, 1 to 15. */
export function gapOf(mark: number): number {
  return mark & FIELD_MASK;
}

/** Uses and gap, 8 bits as in a mark, of an entry that had `history` and is used again after `age` units. */
export function nextHistory(history: number, age: number, now: number): number {
  const noise = mix(Math.imul(now & STAMP_MASK, 0x9e3779b1) ^ (age << 8) ^ history);
  return (nextUses(usesOf(history), age, noise) << USES_SHIFT) | nextGap(gapOf(history), age, noise);
}

function nextUses(before: number, age: number, noise: number): number {
  const isFaded = before > 0 && (noise & FADE_MASK) * FADE_UNITS < age << FADE_BITS;
  const uses = isFaded ? before - 1 : before;
  if (uses < 2) return uses + 1;
  if (uses === USES_MAX) return uses;
  // One step in 2^(uses - 1): a step stands for twice as many uses as the one before.
  return ((noise >>> FADE_BITS) & ((1 << (uses - 1)) - 1)) === 0 ? uses + 1 : uses;
}

function nextGap(before: number, age: number, noise: number): number {
  const seen = age < 1 ? 1 : Math.min(33 - Math.clz32(age), GAP_MAX);
  // The mean, rounded up or down by chance.
  return before === 0 ? seen : (seen + before + (noise >>> ROUND_SHIFT)) >> 1;
}
