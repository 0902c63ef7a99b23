import { describe, expect, it } from 'vitest';
import { fitLine, quantile } from '../../../bench/figures.js';

describe('fitLine', () => {
  it('finds a line, and the nearest where there is none', () => {
    expect(
      fitLine([
        [1, 5],
        [2, 7],
        [4, 11],
      ]),
    ).toEqual({ intercept: 3, slope: 2 });
    const { intercept, slope } = fitLine([
      [0, 0],
      [1, 3],
      [2, 0],
    ]);
    expect([intercept, slope]).toEqual([1, 0]);
  });
});

it('has quantiles that lie linearly between neighbours', () => {
  expect([0, 0.5, 0.75, 1].map((share) => quantile([1, 2, 3], share))).toEqual([1, 2, 2.5, 3]);
  expect(quantile(new Float64Array([4]), 0.99)).toBe(4);
  expect(quantile([], 0.5)).toBeNaN();
});
