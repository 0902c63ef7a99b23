import { describe, expect, it } from 'vitest';
import { BUCKET_LOW, BUCKET_OF, BUCKETS, bucketOf } from '../../../../src/policies/adaptive/ages.js';
import { Learner } from '../../../../src/policies/adaptive/learner.js';
import { AGE_MAX } from '../../../../src/policies/adaptive/mark.js';
import { EXPERT_LEARNED, RANK_WORDS, rankAt } from '../../../../src/policies/adaptive/ranks.js';
import { Random, seedFrom } from '../../../support/random.js';

const SEED = seedFrom('LEARNER_SEED');
const OCTAVE = 1 << 14;

/** Ranks by age of keys with so many uses. */
function ranks(learner: Learner, uses: number): number[] {
  const words = new Int32Array(RANK_WORDS);
  learner.evaluate(words, 0);
  return Array.from({ length: AGE_MAX }, (_, age) => rankAt(words, 0, EXPERT_LEARNED, uses << 4, age));
}

/** Lives of keys: used again at an age that `draw` says, or never seen again after AGE_MAX. */
function learn(learner: Learner, uses: number, lives: number, draw: () => number): void {
  for (let life = 0; life < lives; life++) {
    const age = draw();
    learner.expose(uses, 0, Math.min(age, AGE_MAX) + 0.5);
    if (age <= AGE_MAX) learner.use(uses, age);
  }
}

describe('buckets of ages', () => {
  it('hold each age from their least one to the next', () => {
    for (let age = 0; age <= AGE_MAX; age++) {
      const bucket = BUCKET_OF[age]!;
      expect(BUCKET_LOW[bucket]).toBeLessThanOrEqual(age);
      expect(BUCKET_LOW[bucket + 1]).toBeGreaterThan(age);
    }
    expect(bucketOf(1_000_000)).toBe(BUCKETS - 1);
  });
});

describe('the learner', () => {
  it('finds a constant hazard, and ranks twice the hazard one octave warmer', () => {
    const random = new Random(SEED);
    const learner = new Learner();
    const geometric = (hazard: number) => () => Math.floor(Math.log(1 - random.below(2 ** 31) / 2 ** 31) / -hazard);
    learn(learner, 2, 40_000, geometric(0.01));
    learn(learner, 3, 40_000, geometric(0.02));
    for (const age of [4, 20, 60]) {
      const octaves = (ranks(learner, 2)[age]! - ranks(learner, 3)[age]!) / OCTAVE;
      expect(Math.abs(octaves - 1), `LEARNER_SEED ${SEED}`).toBeLessThan(0.3);
      // One hit in 100 units.
      expect(Math.abs(8 - ranks(learner, 2)[age]! / OCTAVE - Math.log2(0.01))).toBeLessThan(0.3);
    }
  });

  it('ranks entries of a loop warmer the nearer their turn is, and cold after it', () => {
    const learner = new Learner();
    let life = 0;
    // One in twenty leaves the loop.
    learn(learner, 1, 20_000, () => (life++ % 20 === 0 ? AGE_MAX + 1 : 200));
    const found = ranks(learner, 1);
    expect(found[10]!).toBeGreaterThan(found[100]!);
    expect(found[100]!).toBeGreaterThan(found[190]!);
    expect(found[260]!).toBeGreaterThan(found[10]!);
  });

  it('ranks entries of a burst colder with age, to the end', () => {
    const random = new Random(SEED);
    const learner = new Learner();
    learn(learner, 1, 20_000, () => (random.below(2) === 0 ? random.below(8) : AGE_MAX + 1));
    const found = ranks(learner, 1);
    expect(found[0]!).toBeLessThan(found[10]!);
    expect((found[100]! - found[0]!) / OCTAVE).toBeGreaterThan(4);
  });

  it('forgets: what holds now outweighs what held long ago', () => {
    const learner = new Learner();
    learn(learner, 1, 5_000, () => 3);
    const before = ranks(learner, 1)[3]!;
    for (let period = 0; period < 400; period++) {
      learn(learner, 1, 50, () => AGE_MAX + 1);
      learner.forget();
    }
    expect(ranks(learner, 1)[3]! - before).toBeGreaterThan(5 * OCTAVE);
  });

  it('counts a view that comes in parts as a whole one', () => {
    const whole = new Learner();
    const parts = new Learner();
    for (let life = 0; life < 50; life++) {
      whole.expose(4, 0, 300.5);
      for (let from = 0; from < 300; from += 25) parts.expose(4, from, from + 25);
      parts.expose(4, 300, 300.5);
    }
    expect(ranks(parts, 4)).toEqual(ranks(whole, 4));
  });
});
