import { describe, expect, it } from 'vitest';
import { Histogram } from '../../../bench/histogram.js';

describe('Histogram', () => {
  it('has quantiles within a step of 9 %, and the longest exactly', () => {
    const histogram = new Histogram();
    expect(histogram.quantile(0.5)).toBe(0);
    for (let i = 1; i <= 10_000; i++) histogram.add(i / 1_000);
    for (const [share, ms] of [
      [0.5, 5],
      [0.99, 9.9],
      [0.999, 9.99],
    ] as const) {
      expect(histogram.quantile(share) / ms).toBeGreaterThanOrEqual(1);
      expect(histogram.quantile(share) / ms).toBeLessThan(1.1);
    }
    expect([histogram.count, histogram.maxMs, histogram.quantile(1)]).toEqual([10_000, 10, 10]);
  });

  it('takes what is shorter than its first step, and longer than its last', () => {
    const histogram = new Histogram();
    for (const ms of [0, 1e9]) histogram.add(ms);
    expect(histogram.quantile(0.5)).toBeLessThan(1e-4);
    expect(histogram.maxMs).toBe(1e9);
  });
});
