import { describe, expect, it } from 'vitest';
import {
  AGE_MAX,
  ageOf,
  freshMark,
  gapOf,
  refreshMark,
  stampOf,
  touchMark,
  USES_MAX,
  usesOf,
} from '../../../../src/policies/adaptive/mark.js';
import { Random, seedFrom } from '../../../support/random.js';

const SEED = seedFrom('MARK_SEED');
const MARKS = 2 ** 20;

/** A mark after so many uses, each `every` units after the one before. */
function used(times: number, every: number, from = 0): number {
  let mark = freshMark(from);
  for (let use = 1; use <= times; use++) mark = touchMark(mark, from + use * every);
  return mark;
}

function mean(values: readonly number[]): number {
  return values.reduce((sum, value) => sum + value, 0) / values.length;
}

describe('a mark', () => {
  it('begins with a stamp and no past', () => {
    expect([stampOf(freshMark(5)), usesOf(freshMark(5)), gapOf(freshMark(5))]).toEqual([5, 0, 0]);
    expect(freshMark(4_096 + 5)).toBe(freshMark(5));
    expect(freshMark(-1)).toBe(freshMark(4_095));
  });

  it('has an age, up to AGE_MAX, across the wrap of the stamp and of int32', () => {
    for (const now of [0, 7, 4_095, 2 ** 31 - 1, -(2 ** 31), -1]) {
      for (const age of [0, 1, 500, AGE_MAX]) expect(ageOf(freshMark(now - age), now)).toBe(age);
      expect(ageOf(freshMark(now - AGE_MAX - 1), now)).toBe(AGE_MAX);
      expect(ageOf(freshMark(now - 4_000), now)).toBe(AGE_MAX);
    }
  });

  it('is new to a clock that was read a moment before', () => {
    expect(ageOf(freshMark(10), 9)).toBe(0);
    expect(ageOf(freshMark(3), 4_096 - 20)).toBe(0);
    expect(refreshMark(freshMark(10), 9)).toBe(freshMark(10));
  });

  it('keeps its past and becomes AGE_MAX old when it is refreshed late, and stays as it is before', () => {
    const mark = used(40, 3);
    const last = 120;
    expect(refreshMark(mark, last + AGE_MAX)).toBe(mark);
    const late = refreshMark(mark, last + AGE_MAX + 500);
    expect(ageOf(late, last + AGE_MAX + 500)).toBe(AGE_MAX);
    expect(ageOf(late, last + AGE_MAX + 499)).toBe(AGE_MAX - 1);
    expect([usesOf(late), gapOf(late)]).toEqual([usesOf(mark), gapOf(mark)]);
  });

  it(`is the same for the same use, and takes any mark (MARK_SEED ${SEED})`, () => {
    const random = new Random(SEED);
    for (let i = 0; i < 2_000; i++) {
      const mark = random.below(MARKS);
      const now = random.below(2 ** 32) | 0;
      const touched = touchMark(mark, now);
      expect([touchMark(mark, now), touchMark(mark, now + 4_096)]).toEqual([touched, touched]);
      expect(touched >= 0 && touched < MARKS && ageOf(touched, now) === 0 && gapOf(touched) > 0).toBe(true);
    }
  });

  it('counts two uses exactly and then in octaves', () => {
    expect([usesOf(used(1, 4)), usesOf(used(2, 4))]).toEqual([1, 2]);
    for (const [times, octaves] of [
      [16, 5],
      [128, 8],
      [1_024, 11],
    ] as const) {
      const counts = Array.from({ length: 400 }, (_, run) => usesOf(used(times, 1, run * 911)));
      expect(Math.abs(mean(counts) - octaves)).toBeLessThan(0.6);
    }
    expect(usesOf(used(200_000, 0))).toBeLessThanOrEqual(USES_MAX);
  });

  it('loses of its count in long pauses', () => {
    const counts = (pause: number): number[] =>
      Array.from({ length: 400 }, (_, run) => usesOf(touchMark(used(300, 1, run * 911), run * 911 + 300 + pause)));
    // After AGE_MAX units it's one step less for 15 in 100.
    const lost = mean(counts(1)) - mean(counts(AGE_MAX));
    expect(lost).toBeGreaterThan(0.08);
    expect(lost).toBeLessThan(0.25);
  });

  it('has the logarithm of its gaps', () => {
    for (const [every, gap] of [
      [0, 1],
      [1, 2],
      [2, 3],
      [64, 8],
      [2_048, 13],
    ] as const)
      expect(gapOf(used(30, every))).toBe(gap);
    // Gaps of 4 and 256 in turn lie between both.
    let mark = freshMark(0);
    for (let i = 0, now = 0; i < 40; i++) {
      now += i % 2 === 0 ? 4 : 256;
      mark = touchMark(mark, now);
    }
    expect(gapOf(mark)).toBeGreaterThan(4);
    expect(gapOf(mark)).toBeLessThan(10);
  });

  it('mostly stays as it is when used again in the same unit', () => {
    let changes = 0;
    let mark = used(1_000, 1);
    for (let use = 0; use < 1_000; use++) {
      const next = touchMark(mark, 1_000);
      if (next !== mark) changes += 1;
      mark = next;
    }
    // Noise comes from mark and clock: once it says no, it says no for the whole unit.
    expect(changes).toBeLessThan(12);
  });
});
