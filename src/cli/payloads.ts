import {
  type Generator,
  makeLlmAnswer,
  makeMisc,
  makeRoute,
  makeSession,
  makeStatistics,
  makeWeather,
} from './generators.js';
import { deriveSeed, Random } from './random.js';
import { type SizeProfile, sizeAt } from './sizes.js';
import type { Body, DemoType, Keyed } from './values.js';

interface Kind<K extends DemoType> {
  readonly sizes: SizeProfile;
  readonly make: Generator<K>;
}

/** Sizes as recorded for real values of each kind; `misc` stands for flags and counters, which are small. */
export const KINDS: { readonly [K in DemoType]: Kind<K> } = {
  session: { sizes: { min: 432, p50: 894, p90: 1_226, max: 3_131, rise: 0.8, tail: 3 }, make: makeSession },
  route: { sizes: { min: 121, p50: 622, p90: 40_610, max: 154_453, rise: 1, tail: 1.5 }, make: makeRoute },
  weather: { sizes: { min: 214, p50: 6_099, p90: 6_197, max: 178_529, rise: 0.15, tail: 8 }, make: makeWeather },
  llm: { sizes: { min: 124, p50: 830, p90: 3_050, max: 51_225, rise: 0.4, tail: 3 }, make: makeLlmAnswer },
  stats: { sizes: { min: 1_515, p50: 1_683, p90: 5_569, max: 287_546, rise: 0.6, tail: 10 }, make: makeStatistics },
  misc: { sizes: { min: 96, p50: 220, p90: 620, max: 2_100, rise: 0.6, tail: 2 }, make: makeMisc },
};

/** Values prepared for each type at most: all of them together are about 7 MB of JSON. */
const POOL_SIZE_MAX = 256;
const POOL_SIZE_MIN = 32;
/** Values of each type that all threads together prepare. */
const POOL_SIZE_TOTAL = 2_048;

/** Every thread prepares its own values, all the same: many threads make do with fewer. A power of two. */
export function poolSizeFor(participants: number): number {
  let size = POOL_SIZE_MAX;
  while (size > POOL_SIZE_MIN && size * participants > POOL_SIZE_TOTAL) size /= 2;
  return size;
}

/** Coprime to every pool size, so neighbouring ranks take sizes far apart and every value is used equally often. */
const RANK_STRIDE = 103;

/**
 * Values of one type, prepared ahead so that a load spends its time on the cache and not on inventing text.
 * Sizes are taken at even steps of their distribution, so that a small pool has the percentiles of a large one.
 * The value of a rank depends on the seed and the rank alone: every thread can say what any key must hold.
 */
export class ValuePool<K extends DemoType> {
  readonly #bodies: readonly Body<K>[];

  constructor(type: K, seed: number, size: number = POOL_SIZE_MAX) {
    const random = new Random(deriveSeed(seed, type));
    const { make, sizes }: Kind<K> = KINDS[type];
    this.#bodies = Array.from({ length: size }, (_, i) => make(random, sizeAt(sizes, i / (size - 1))));
  }

  /** Prepared values in order of size. */
  get bodies(): readonly Body<K>[] {
    return this.#bodies;
  }

  /** The value of the key with this rank of popularity; the most popular one has the middle size. */
  valueOf(rank: number, key: string): Keyed & Body<K> {
    const index = (Math.floor(this.#bodies.length / 2) + rank * RANK_STRIDE) % this.#bodies.length;
    const body = this.#bodies[index];
    if (body === undefined) throw new RangeError(`rank ${rank} is not a whole number ≥ 0`);
    return { key, ...body };
  }
}
