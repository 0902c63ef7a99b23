/** How the sizes of one kind of value are spread, in bytes of JSON text. */
export interface SizeProfile {
  readonly min: number;
  readonly p50: number;
  readonly p90: number;
  readonly max: number;
  /** How soon sizes rise from min to p50: below 1 most of them lie near p50, at 1 they rise evenly (by ratio). */
  readonly rise: number;
  /** How late sizes rise from p90 to max: above 1 only the last few come near max. */
  readonly tail: number;
}

/** The size below which `share` of the values lie; between the given points it grows by ratio, as real sizes do. */
export function sizeAt(profile: SizeProfile, share: number): number {
  if (!(share >= 0 && share <= 1)) throw new RangeError(`share ${share} is not from 0 to 1`);
  if (share <= 0.5) return between(profile.min, profile.p50, (share / 0.5) ** profile.rise);
  if (share <= 0.9) return between(profile.p50, profile.p90, (share - 0.5) / 0.4);
  return between(profile.p90, profile.max, ((share - 0.9) / 0.1) ** profile.tail);
}

function between(low: number, high: number, part: number): number {
  return low * (high / low) ** part;
}
