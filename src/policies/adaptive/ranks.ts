/**
 * What the policy has learned, as RANK_WORDS words that any thread reads without a lock: the expert in use, and the table
 * of the learned one. A reader may see some words of an older table; any content gives ranks, garbage too.
 *
 *     word 0         the expert: 1 is reuse distance, anything else the learned one
 *     word 1 and on  USES_MAX + 1 rows, by uses, of BUCKETS ranks, by age
 *
 * A rank is a logarithm: RANK_FRACTION bits below one octave. Higher is colder. To the rank of age and past comes the
 * logarithm of the size, where hits count and not bytes: what takes twice the room must be twice as useful.
 */
import { BUCKET_OF, BUCKETS } from './ages.js';
import { ageOf, gapOf, USES_MAX, usesOf } from './mark.js';

/** The rank by hazards that were measured (learner.ts). */
export const EXPERT_LEARNED = 0;
/**
 * The larger of age and mean gap, as in LIRS (Jiang and Zhang, "LIRS: an efficient low inter-reference recency set
 * replacement policy", SIGMETRICS 2002); what was used once is colder than all else.
 */
export const EXPERT_REUSE = 1;

const TABLE = 1;
export const RANK_WORDS: number = TABLE + (USES_MAX + 1) * BUCKETS;

const RANK_FRACTION = 14;
/** Ranks that far apart differ by a factor of two. */
export const RANK_OCTAVE: number = 1 << RANK_FRACTION;
const SIZE_FRACTION = 3;
const SIZE_SHIFT = RANK_FRACTION - SIZE_FRACTION;
const SIZE_MASK = 0xff;
/** Ranks of age and past need less than these bits. */
const BASE_MASK = (1 << 20) - 1;
/** Octaves of a rank that is colder than all others of its expert. */
const COLDEST_OCTAVES = 40;
const COLDEST = COLDEST_OCTAVES << RANK_FRACTION;
/** Octaves that are left below a rate of one hit in a unit; a rate isn't higher than some hits in one. */
const RATE_OCTAVES = 8;

/** log2 of a size in bytes in eighths of an octave, 0 to 255; linear within an octave. */
export function eighthsOf(bytes: number): number {
  return logOf(bytes) >> SIZE_SHIFT;
}

/**
 * The rank of an entry, 1 to 2^24 - 1: the highest is evicted, a newcomer first where it's as high as another.
 * `log2Size8`: `eighthsOf` its size, 0 where objects are counted. `b`: 1 for the ratio of hits, 0 for that of bytes.
 */
export function rankOf(
  words: Int32Array,
  start: number,
  mark: number,
  now: number,
  log2Size8: number,
  b: 0 | 1,
): number {
  return rankAt(words, start, words[start]!, mark, ageOf(mark, now)) + (b === 0 ? 0 : sizeRank(log2Size8));
}

/** The part of a rank that comes from age and past, of one of the experts. `age`: 0 to AGE_MAX. */
export function rankAt(words: Int32Array, start: number, expert: number, mark: number, age: number): number {
  if (expert !== EXPERT_REUSE)
    return 1 + (words[start + TABLE + usesOf(mark) * BUCKETS + BUCKET_OF[age]!]! & BASE_MASK);
  const gap = gapOf(mark);
  if (gap === 0) return 1 + COLDEST;
  return 1 + Math.max(logOf(age), (gap - 1) << RANK_FRACTION);
}

/** The part that comes from the size. */
export function sizeRank(log2Size8: number): number {
  return (log2Size8 & SIZE_MASK) << SIZE_SHIFT;
}

/** Sets the learned rank from the rate of hits that keeping an entry brings, in hits a unit. */
export function setRate(words: Int32Array, start: number, uses: number, bucket: number, rate: number): void {
  const octaves = Math.min(Math.max(RATE_OCTAVES - Math.log2(rate), 0), COLDEST_OCTAVES);
  words[start + TABLE + uses * BUCKETS + bucket] = Math.round(octaves * (1 << RANK_FRACTION));
}

export function setExpert(words: Int32Array, start: number, expert: number): void {
  words[start] = expert;
}

/** log2 of a whole number in RANK_FRACTION bits, linear within an octave, so that it only grows; of 0 as of 1. */
function logOf(value: number): number {
  const octave = 31 - Math.clz32(value | 1);
  return (octave << RANK_FRACTION) + (((value << (31 - octave)) >>> (31 - RANK_FRACTION)) & ((1 << RANK_FRACTION) - 1));
}
