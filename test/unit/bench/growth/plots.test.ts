import { describe, expect, it } from 'vitest';
import { allPoints, FACTORS, nameOf, pointsAlong, stepName } from '../../../../bench/growth/plan.js';
import { logScale, stepScale } from '../../../../bench/growth/scales.js';
import { slopeOf } from '../../../../bench/growth/slope.js';
import { lineChart, tickLabel } from '../../../../bench/growth/svg.js';

describe('logScale', () => {
  it('goes from a mark below the least to one above the greatest, by decades where it is wide', () => {
    const { place, ticks } = logScale([30, 10_000]);
    expect(ticks).toEqual([10, 100, 1_000, 10_000]);
    expect(ticks.map(place)).toEqual([0, expect.closeTo(1 / 3), expect.closeTo(2 / 3), expect.closeTo(1)]);
  });

  it('has marks within a decade where it is narrow, also around a single value', () => {
    expect(logScale([35, 39]).ticks).toEqual([20, 50]);
    expect(logScale([0.3, 4]).ticks).toEqual([0.2, 0.5, 1, 2, 5]);
    const single = logScale([100]);
    expect(single.ticks).toEqual([100, 200]);
    expect(single.place(100)).toBe(0);
  });
});

describe('stepScale', () => {
  it('has a mark for every value, in order', () => {
    const { place, ticks } = stepScale([8, 1, 2, 4, 2]);
    expect(ticks).toEqual([1, 2, 4, 8]);
    expect(ticks.map(place)).toEqual([0, expect.closeTo(1 / 3), expect.closeTo(2 / 3), 1]);
    expect(stepScale([5]).place(5)).toBe(0);
  });
});

describe('slopeOf', () => {
  it('finds the exponent of a power law, and what a tenfold adds', () => {
    const square = slopeOf([1, 10, 100].map((x) => [x, 3 * x ** 2] as const));
    expect(square.exponent).toBeCloseTo(2, 9);
    const steady = slopeOf([1, 10, 100].map((x) => [x, 200 + 50 * Math.log10(x)] as const));
    expect(steady.perDecade).toBeCloseTo(50, 9);
    expect(slopeOf([10, 1_000].map((x) => [x, 7] as const))).toEqual({ exponent: 0, perDecade: 0 });
  });
});

describe('the plan', () => {
  it('changes one factor at a time, and measures the base once', () => {
    const points = allPoints(10_000_000);
    expect(new Set(points.map(nameOf)).size).toBe(points.length);
    for (const factor of FACTORS) {
      const others = FACTORS.filter((other) => other !== factor);
      const along = pointsAlong(factor, 10_000_000);
      for (const other of others) expect(new Set(along.map((point) => point[other])).size).toBe(1);
      expect(points.map(nameOf)).toEqual(expect.arrayContaining(along.map(nameOf)));
    }
  });

  it('has no point with more entries than it may', () => {
    const entries = allPoints(30_000).map((point) => point.entries);
    expect(Math.max(...entries)).toBe(30_000);
    expect(pointsAlong('entries', 30_000)).toHaveLength(2);
  });
});

describe('lineChart', () => {
  const chart = {
    title: 'a < b & c',
    xLabel: 'entries',
    yLabel: 'ns',
    x: logScale([10, 1_000]),
    xName: tickLabel,
    y: logScale([100, 200]),
    series: [
      {
        name: 'get',
        points: [
          [10, 100],
          [1_000, 200],
        ] as const,
        colour: 0,
      },
      { name: 'set', points: [[10, 150]] as const, colour: 1, isDashed: true },
    ],
  };

  it('is the same text for the same figures', () => {
    expect(lineChart(chart)).toBe(lineChart(chart));
  });

  it('draws from corner to corner of its axes, and escapes words', () => {
    const svg = lineChart(chart);
    expect(svg).toContain('<path d="M70 308L510 36"');
    expect(svg).toContain('a &lt; b &amp; c');
    expect(svg.match(/<circle/g)).toHaveLength(3);
    expect(svg).toContain('stroke-dasharray');
  });
});

it('says steps as people do', () => {
  expect([10_000, 250_000, 3e6, 2e9, 0.25].map(tickLabel)).toEqual(['10k', '250k', '3M', '2G', '0.25']);
  expect([stepName('capacityMb', 256), stepName('capacityMb', 8_192), stepName('threads', 8)]).toEqual([
    '256 MB',
    '8 GB',
    '8',
  ]);
});
