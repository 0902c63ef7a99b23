/** Seeded random numbers: Marsaglia, "Xorshift RNGs", Journal of Statistical Software 8(14), 2003. */
export class Xorshift {
  #state: number;

  constructor(seed: number) {
    // Neighbouring seeds are spread out, and 0, from which xorshift would never leave, is avoided.
    this.#state = Math.imul(seed + 1, 0x9e3779b1) | 1;
  }

  /** A whole number from 0 to `bound - 1`. */
  below(bound: number): number {
    let state = this.#state;
    state ^= state << 13;
    state ^= state >>> 17;
    state ^= state << 5;
    this.#state = state;
    return Math.floor(((state >>> 0) / 2 ** 32) * bound);
  }
}
