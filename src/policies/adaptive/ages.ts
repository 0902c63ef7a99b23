/** Ages in buckets: 0, 1, 2 and 3 units, then four to the octave. */
import { AGE_MAX } from './mark.js';

export const BUCKETS = 48;
const EXACT = 4;

/** The least age of each bucket, and the end of the last one: 8,192 units. */
export const BUCKET_LOW: Float64Array = Float64Array.from({ length: BUCKETS + 1 }, (_, bucket) =>
  bucket < EXACT ? bucket : (4 + (bucket & 3)) * 2 ** ((bucket >> 2) - 1),
);

/** The bucket of each age from 0 to AGE_MAX. */
export const BUCKET_OF: Uint8Array = Uint8Array.from({ length: AGE_MAX + 1 }, (_, age) => bucketOf(age));

/** Of any age from 0: what is beyond belongs to the last bucket. */
export function bucketOf(age: number): number {
  if (age < EXACT) return age;
  const octave = 31 - Math.clz32(age);
  return Math.min(EXACT + (octave - 2) * 4 + ((age >>> (octave - 2)) & 3), BUCKETS - 1);
}
