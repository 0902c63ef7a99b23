/**
 * How likely an entry is used next, by its uses and its age, and what it is worth to keep it.
 *
 * The hazard is a life table: uses that were seen, over the time that keys spent in view at that count and age. From
 * hazards comes an index (Gittins, "Bandit processes and dynamic allocation indices", Journal of the Royal Statistical
 * Society B 41(2), 1979): over all later ages up to which an entry might be kept, the best ratio of the chance of a hit to
 * the time that it takes. Hits by age and class instead of one recency: Beckmann, Chen, Cidon, "LHD: improving cache hit
 * rate by maximizing hit density", NSDI 2018. The best horizon in place of the whole life is what makes it see loops,
 * where entries are worthless until just before their turn, and bursts.
 */
import { BUCKET_LOW, BUCKET_OF, BUCKETS, bucketOf } from './ages.js';
import { USES_MAX } from './mark.js';
import { EXPERT_LEARNED, setExpert, setRate } from './ranks.js';

const ROWS = USES_MAX + 1;
const CELLS = ROWS * BUCKETS;
/** What is left of older observations at each evaluation. */
const KEPT = 0.98;
/** Weight of a coarser estimate in a finer one, in uses. */
const PRIOR_EVENTS = 1;
/** Before anything is seen: a key of so many uses has the hazard (uses + USES) / (UNITS + AGE * age). */
const PRIOR_USES = 0.3;
const PRIOR_UNITS = 32;
const PRIOR_AGE = 0.2;
/** A chance below this is taken as none: the exact expression would lose all its digits. */
const CHANCE_MIN = 1e-9;

/** Uses that a step of the count stands for. */
const USES_OF_STEP = Float64Array.from({ length: ROWS }, (_, step) => (step < 3 ? step : 2 ** (step - 1)));
const WIDTH = Float64Array.from({ length: BUCKETS }, (_, bucket) => BUCKET_LOW[bucket + 1]! - BUCKET_LOW[bucket]!);
const PRIOR = Float64Array.from({ length: CELLS }, (_, cell) => {
  const bucket = cell % BUCKETS;
  const age = (BUCKET_LOW[bucket]! + BUCKET_LOW[bucket + 1]!) / 2;
  return (USES_OF_STEP[Math.floor(cell / BUCKETS)]! + PRIOR_USES) / (PRIOR_AGE * age + PRIOR_UNITS);
});

export class Learner {
  readonly #events = new Float64Array(CELLS);
  readonly #exposure = new Float64Array(CELLS);
  /** By bucket, within one evaluation: correction of the prior; chance to see no use; time in the bucket. */
  readonly #correction = new Float64Array(BUCKETS);
  readonly #stay = new Float64Array(BUCKETS);
  readonly #time = new Float64Array(BUCKETS);

  /** A key of so many uses was in view from one age to another, in units. */
  expose(uses: number, from: number, to: number): void {
    for (let bucket = bucketOf(from); bucket < BUCKETS && BUCKET_LOW[bucket]! < to; bucket++) {
      const begin = Math.max(from, BUCKET_LOW[bucket]!);
      const end = Math.min(to, BUCKET_LOW[bucket + 1]!);
      if (end > begin) this.#exposure[uses * BUCKETS + bucket]! += end - begin;
    }
  }

  /** A key of so many uses was used again. `age`: 0 to AGE_MAX. */
  use(uses: number, age: number): void {
    this.#events[uses * BUCKETS + BUCKET_OF[age]!]! += 1;
  }

  /** Older observations count a little less. To be called once an evaluation. */
  forget(): void {
    for (let cell = 0; cell < CELLS; cell++) {
      this.#events[cell]! *= KEPT;
      this.#exposure[cell]! *= KEPT;
    }
  }

  /** Writes the table of ranks (ranks.ts). */
  evaluate(words: Int32Array, start: number): void {
    this.#correctPrior();
    for (let uses = 0; uses < ROWS; uses++) {
      this.#survive(uses);
      for (let bucket = 0; bucket < BUCKETS; bucket++) setRate(words, start, uses, bucket, this.#indexFrom(bucket));
    }
  }

  /** By how much keys of all counts were used more than expected at that age. */
  #correctPrior(): void {
    for (let bucket = 0; bucket < BUCKETS; bucket++) {
      let seen = PRIOR_EVENTS;
      let expected = PRIOR_EVENTS;
      for (let cell = bucket; cell < CELLS; cell += BUCKETS) {
        seen += this.#events[cell]!;
        expected += this.#exposure[cell]! * PRIOR[cell]!;
      }
      this.#correction[bucket] = seen / expected;
    }
  }

  /** Hazards of one row, that correction being the prior, as chances and times of each bucket. */
  #survive(uses: number): void {
    for (let bucket = 0; bucket < BUCKETS; bucket++) {
      const cell = uses * BUCKETS + bucket;
      const prior = PRIOR[cell]!;
      const expected = PRIOR_EVENTS / this.#correction[bucket]! + this.#exposure[cell]! * prior;
      const hazard = (prior * (PRIOR_EVENTS + this.#events[cell]!)) / expected;
      const width = WIDTH[bucket]!;
      const stay = Math.exp(-hazard * width);
      this.#stay[bucket] = stay;
      this.#time[bucket] = hazard * width > CHANCE_MIN ? (1 - stay) / hazard : width;
    }
  }

  /** The best ratio of the chance of a use to the time until it, or until giving up, over all buckets to give up after. */
  #indexFrom(bucket: number): number {
    let survival = 1;
    let spent = 0;
    let best = 0;
    for (let end = bucket; end < BUCKETS; end++) {
      spent += survival * this.#time[end]!;
      survival *= this.#stay[end]!;
      best = Math.max(best, (1 - survival) / spent);
    }
    return best;
  }
}

/** Ranks for a cache that has seen nothing yet. */
export function writeDefaultRanks(words: Int32Array, start: number): void {
  setExpert(words, start, EXPERT_LEARNED);
  new Learner().evaluate(words, start);
}
