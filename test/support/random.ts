/** A small seeded generator (Mulberry32), so that a failing run can be had again. */
export class Random {
  #state: number;

  constructor(seed: number) {
    this.#state = seed >>> 0;
  }

  /** A whole number from 0 to `bound - 1`. */
  below(bound: number): number {
    this.#state = (this.#state + 0x6d2b79f5) >>> 0;
    let t = this.#state;
    t = Math.imul(t ^ (t >>> 15), t | 1);
    t ^= t + Math.imul(t ^ (t >>> 7), t | 61);
    return Math.floor((((t ^ (t >>> 14)) >>> 0) / 2 ** 32) * bound);
  }
}

/** The seed of this run: the environment variable's, or one of the clock's. To be printed in the test's title. */
export function seedFrom(variable: string): number {
  const given = process.env[variable];
  return given === undefined ? Date.now() % 1_000_000_007 : Number(given);
}
