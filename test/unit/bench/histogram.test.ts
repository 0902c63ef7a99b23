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

  it('adds up what others have seen', () => {
    const [one, two, all] = [new Histogram(), new Histogram(), new Histogram()];
    one.add(1, 3);
    two.add(8);
    for (const part of [one, two]) all.merge(part.data());
    expect([all.count, all.sumMs, all.maxMs, all.quantile(1)]).toEqual([4, 11, 8, 8]);
    expect(all.quantile(0.75)).toBeLessThan(1.1);
  });
});
