import type { Random } from './random.js';

/**
 * Ranks with Zipf-like popularity: rank r is drawn with a probability in proportion to 1 / (r + 1) ^ exponent.
 * The cumulative weights are tabulated once, so a draw is a binary search and any exponent ≥ 0 will do.
 */
export class ZipfSampler {
  readonly size: number;
  readonly #cumulative: Float64Array;

  constructor(size: number, exponent: number) {
    if (!Number.isInteger(size) || size < 1) throw new RangeError(`size ${size} is not a whole number ≥ 1`);
    if (!(exponent >= 0)) throw new RangeError(`exponent ${exponent} is not ≥ 0`);
    this.size = size;
    this.#cumulative = cumulativeWeights(size, exponent);
  }

  /** A rank from 0 (the most popular) to size - 1. */
  draw(random: Random): number {
    const target = random.next();
    let low = 0;
    let high = this.size - 1;
    while (low < high) {
      const middle = (low + high) >>> 1;
      if (this.cumulativeShare(middle) > target) high = middle;
      else low = middle + 1;
    }
    return low;
  }

  /** Share of the draws that fall on ranks up to and including this one. */
  cumulativeShare(rank: number): number {
    return this.#cumulative[rank] ?? 1;
  }
}

function cumulativeWeights(size: number, exponent: number): Float64Array {
  const cumulative = new Float64Array(size);
  let sum = 0;
  for (let rank = 0; rank < size; rank++) {
    sum += (rank + 1) ** -exponent;
    cumulative[rank] = sum;
  }
  for (let rank = 0; rank < size; rank++) cumulative[rank] = (cumulative[rank] ?? 0) / sum;
  // Rounding must not leave a gap above the last rank.
  cumulative[size - 1] = 1;
  return cumulative;
}
