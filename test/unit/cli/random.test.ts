import { describe, expect, it } from 'vitest';
import { deriveSeed, hashText, Random } from '../../../src/cli/random.js';
import { ZipfSampler } from '../../../src/cli/zipf.js';

const DRAWS = 200_000;

function take(random: Random, count: number): number[] {
  return Array.from({ length: count }, () => random.next());
}

describe('Random', () => {
  it('repeats itself for a seed', () => {
    expect(take(new Random(5), 100)).toEqual(take(new Random(5), 100));
    expect(take(new Random(5), 100)).not.toEqual(take(new Random(6), 100));
  });

  it('spreads evenly over 0 to 1', () => {
    const counts = new Array<number>(10).fill(0);
    for (const value of take(new Random(1), DRAWS)) counts[Math.floor(value * 10)]!++;
    for (const count of counts) expect(Math.abs(count / (DRAWS / 10) - 1)).toBeLessThan(0.03);
  });

  it('reaches both bounds of a range, and never -0', () => {
    const random = new Random(2);
    const drawn = new Set(Array.from({ length: 1_000 }, () => random.between(3, 5)));
    expect([...drawn].sort()).toEqual([3, 4, 5]);
    for (let i = 0; i < 1_000; i++) expect(Object.is(random.decimal(-0.04, 0.04, 1), -0)).toBe(false);
  });

  it('refuses to pick from nothing', () => {
    expect(() => new Random(1).pick([])).toThrow(RangeError);
  });
});

describe('hashText', () => {
  it('spreads keys that differ in their last characters over any number of threads', () => {
    for (const threads of [2, 3, 8, 64]) {
      const counts = new Array<number>(threads).fill(0);
      for (let i = 0; i < 64_000; i++) counts[hashText(`session:${i}`) % threads]!++;
      for (const count of counts) expect(Math.abs(count / (64_000 / threads) - 1)).toBeLessThan(0.2);
    }
  });

  it('gives different purposes different seeds', () => {
    expect(deriveSeed(1, 'route')).not.toBe(deriveSeed(1, 'session'));
    expect(deriveSeed(1, 'route')).not.toBe(deriveSeed(2, 'route'));
  });
});

describe('ZipfSampler', () => {
  it.each([0, 0.6, 1, 1.3])('draws ranks by their weight, exponent %d', (exponent) => {
    const sampler = new ZipfSampler(1_000, exponent);
    const random = new Random(9);
    const counts = new Float64Array(1_000);
    for (let i = 0; i < DRAWS; i++) counts[sampler.draw(random)]!++;
    for (const limit of [0, 9, 99, 499]) {
      const measured = counts.subarray(0, limit + 1).reduce((sum, count) => sum + count, 0) / DRAWS;
      expect(Math.abs(measured - sampler.cumulativeShare(limit))).toBeLessThan(0.005);
    }
  });

  it('weighs rank r by 1 / (r + 1) ^ exponent', () => {
    const sampler = new ZipfSampler(3, 1);
    const total = 1 + 1 / 2 + 1 / 3;
    expect(sampler.cumulativeShare(0)).toBeCloseTo(1 / total);
    expect(sampler.cumulativeShare(1)).toBeCloseTo(1.5 / total);
    expect(sampler.cumulativeShare(2)).toBe(1);
  });

  it('never leaves its ranks', () => {
    const sampler = new ZipfSampler(7, 0.5);
    const random = new Random(3);
    const drawn = new Set(Array.from({ length: 10_000 }, () => sampler.draw(random)));
    expect([...drawn].sort()).toEqual([0, 1, 2, 3, 4, 5, 6]);
    expect(new ZipfSampler(1, 2).draw(random)).toBe(0);
  });

  it('refuses sizes and exponents that make no sense', () => {
    expect(() => new ZipfSampler(0, 1)).toThrow(RangeError);
    expect(() => new ZipfSampler(1.5, 1)).toThrow(RangeError);
    expect(() => new ZipfSampler(10, -1)).toThrow(RangeError);
  });
});
