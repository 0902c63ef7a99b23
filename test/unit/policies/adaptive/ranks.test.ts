import { describe, expect, it } from 'vitest';
import { writeDefaultRanks } from '../../../../src/policies/adaptive/learner.js';
import { AGE_MAX, freshMark, USES_MAX } from '../../../../src/policies/adaptive/mark.js';
import {
  EXPERT_LEARNED,
  EXPERT_REUSE,
  eighthsOf,
  RANK_WORDS,
  rankOf,
  setExpert,
  setRate,
} from '../../../../src/policies/adaptive/ranks.js';
import { Random, seedFrom } from '../../../support/random.js';

const SEED = seedFrom('RANKS_SEED');
const START = 3;
const NOW = 5_000;
const OCTAVE = 1 << 14;
const AGES = Array.from({ length: AGE_MAX + 1 }, (_, age) => age);

function published(expert: number): Int32Array {
  const words = new Int32Array(START + RANK_WORDS);
  writeDefaultRanks(words, START);
  setExpert(words, START, expert);
  return words;
}

function markOf(age: number, uses: number, gap: number): number {
  return freshMark(NOW - age) | (uses << 4) | gap;
}

function rank(words: Int32Array, mark: number, size = 1, b: 0 | 1 = 0): number {
  return rankOf(words, START, mark, NOW, eighthsOf(size), b);
}

describe('ranks', () => {
  it('grow with age and fall with uses before anything was learned', () => {
    const words = published(EXPERT_LEARNED);
    for (let uses = 0; uses <= USES_MAX; uses++) {
      const byAge = AGES.map((age) => rank(words, markOf(age, uses, 1)));
      expect(byAge).toEqual(byAge.toSorted((a, b) => a - b));
      if (uses > 0) expect(rank(words, markOf(100, uses, 1))).toBeLessThan(rank(words, markOf(100, uses - 1, 1)));
    }
    expect(rank(words, markOf(AGE_MAX, 0, 0))).toBeGreaterThan(rank(words, markOf(0, 0, 0)));
  });

  it('follow the table by rates: half the rate is one octave colder', () => {
    const words = published(EXPERT_LEARNED);
    setRate(words, START, 2, 3, 0.25);
    setRate(words, START, 2, 2, 0.125);
    expect(rank(words, markOf(2, 2, 0)) - rank(words, markOf(3, 2, 0))).toBe(OCTAVE);
    for (const rate of [0, 1e-300, 1e9, Number.POSITIVE_INFINITY]) {
      setRate(words, START, 2, 3, rate);
      expect(rank(words, markOf(3, 2, 0))).toBeGreaterThanOrEqual(1);
      expect(rank(words, markOf(3, 2, 0))).toBeLessThan(2 ** 24);
    }
  });

  it('are the larger of age and gap for reuse, and coldest without a gap', () => {
    const words = published(EXPERT_REUSE);
    const order = [
      markOf(0, 1, 1),
      markOf(3, 1, 3),
      markOf(5, 1, 2),
      markOf(9, 1, 5),
      markOf(17, 9, 1),
      markOf(0, 3, 9),
    ];
    for (const [i, mark] of order.entries())
      if (i > 0) expect(rank(words, mark)).toBeGreaterThan(rank(words, order[i - 1]!));
    expect(rank(words, markOf(2, 1, 4))).toBe(rank(words, markOf(7, 1, 4)));
    expect(rank(words, markOf(0, 0, 0))).toBeGreaterThan(rank(words, markOf(AGE_MAX, 9, 15)));
    const byAge = AGES.slice(1).map((age) => rank(words, markOf(age, 1, 1)));
    expect(byAge).toEqual([...new Set(byAge)].toSorted((a, b) => a - b));
  });

  it('add the logarithm of the size, or not', () => {
    for (const expert of [EXPERT_LEARNED, EXPERT_REUSE]) {
      const words = published(expert);
      const mark = markOf(40, 2, 3);
      expect(rank(words, mark, 4_096, 0)).toBe(rank(words, mark, 1, 0));
      expect(rank(words, mark, 1, 1)).toBe(rank(words, mark, 1, 0));
      expect(rank(words, mark, 4_096, 1) - rank(words, mark, 1, 1)).toBe(12 * OCTAVE);
    }
  });

  it('take sizes in eighths of an octave', () => {
    expect([0, 1, 2, 3, 4, 1_024, 1_536, 2 ** 31 - 1].map(eighthsOf)).toEqual([0, 0, 8, 12, 16, 80, 84, 247]);
    const errors = AGES.slice(1).map((size) => Math.abs(eighthsOf(size) / 8 - Math.log2(size)));
    expect(Math.max(...errors)).toBeLessThan(0.22);
  });

  it('are from 1 to 2^24 - 1 for any content and any mark', () => {
    const random = new Random(SEED);
    const word = (): number => random.below(2 ** 32) | 0;
    for (let i = 0; i < 2_000; i++) {
      const words = new Int32Array(RANK_WORDS).fill(word());
      if (i % 2 === 0) setExpert(words, 0, EXPERT_REUSE);
      const found = rankOf(words, 0, random.below(2 ** 20), word(), random.below(256), 1);
      expect(Number.isInteger(found) && found >= 1 && found < 2 ** 24, `RANKS_SEED ${SEED}`).toBe(true);
    }
  });
});
