import { describe, expect, it } from 'vitest';
import { markdown } from '../../../../bench/markdown.js';
import { sizesOf } from '../../../../bench/scenario/bodies.js';
import { figuresOf } from '../../../../bench/scenario/figures-of.js';
import type { ThreadReport } from '../../../../bench/scenario/messages.js';
import { judge, reportOf } from '../../../../bench/scenario/report.js';
import type { Outcome } from '../../../../bench/scenario/trial.js';
import { KINDS } from '../../../../src/cli/payloads.js';

const THREAD: ThreadReport = {
  reads: { count: 100, ms: 1_000 },
  hits: { count: 80, ms: 80 },
  collections: { count: 4, ms: 20 },
  fullCollections: { count: 1, ms: 10 },
  longestPauseMs: 10,
  loopP99Ms: 5,
  loopMaxMs: 20,
};
const USERS = { answers: 200, failures: 0, elapsedMs: 30_000, meanMs: 15, p99Ms: 90, cpuMs: 600 };
const AFTER: Outcome = {
  side: 'after',
  users: 100,
  crash: undefined,
  bytesIdle: 100e6,
  bytesMax: 1e9,
  memory: { mean: 150e6, peak: 200e6 },
  measured: {
    server: {
      threads: [THREAD, { ...THREAD, longestPauseMs: 30 }],
      cpuMs: 3_000,
      cache: {
        evictions: { size: 5, share: 1 },
        expirations: 3,
        bytesInUse: 20e6,
        entries: 9,
        tasks: 1,
      },
    },
    users: USERS,
    rush: { server: { threads: [], cpuMs: 20, cache: undefined }, users: { ...USERS, answers: 900, elapsedMs: 1_000 } },
  },
};
const CRASHED: Outcome = { ...AFTER, side: 'before', crash: 'resident memory over the limit', measured: undefined };

describe('judge', () => {
  it.each([
    ['reached', { before: 120, after: 45 }, 70, 45, false, false],
    ['reached as a ratio', { before: 120, after: 45 }, 200, 70, false, false],
    ['missed', { before: 120, after: 45 }, 70, 46, false, false],
    ['reached', { before: 850, after: 3_400 }, 1_000, 3_500, true, false],
    ['missed', { before: 850, after: 3_400 }, 1_000, 3_000, true, false],
    ['reached', { before: 1, after: 0.6 }, 100, 60, false, true],
    ['missed', { before: 1, after: 0.6 }, 100, 61, false, true],
    ['reached', { before: Number.NaN, after: 3.6 }, Number.NaN, 3, false, false],
    ['not measured', { before: 1, after: 2 }, 1, Number.NaN, false, false],
    ['–', { before: Number.NaN, after: Number.NaN }, 1, 1, false, false],
  ] as const)('says %s', (verdict, goal, before, after, isMoreBetter, isRelative) => {
    expect(judge(goal, before, after, isMoreBetter, isRelative)).toBe(verdict);
  });
});

describe('figuresOf', () => {
  it('sums threads, takes the worst of their extremes, and scales memory and hours', () => {
    const figures = figuresOf(AFTER);
    expect(figures.hitRatio).toBe(0.8);
    expect([figures.cacheMs, figures.hitMs, figures.missMs]).toEqual([10, 1, 46]);
    expect([figures.collections, figures.fullCollections, figures.pauseMs]).toEqual([16, 4, 5]);
    expect(figures.longestPauseMs).toBe(30);
    // Half a minute is half an hour of the mission's.
    expect(figures.evictionsPerHour).toBe(12);
    expect([figures.meanBytes, figures.peakBytes]).toEqual([600e6, 1_100e6]);
    expect([figures.requestsPerSecondMax, figures.responseP99Ms]).toEqual([900, 90]);
  });

  it('has none of a server that crashed but its memory', () => {
    const { hitRatio, longestPauseMs, peakBytes } = figuresOf(CRASHED);
    expect([hitRatio, longestPauseMs, peakBytes]).toEqual([Number.NaN, Number.NaN, 1_100e6]);
  });
});

describe('reportOf', () => {
  it('puts each measure beside the mission, and says who crashed', () => {
    const report = reportOf([{ users: 100, before: { ...AFTER, side: 'before' }, after: AFTER }]);
    expect(report).toContain('| memory at 100 users | 1.20 GB | 0.60 GB | 0.40 GB | 0.60 GB | −67 % | +0 % | missed |');
    expect(report).toContain('- memory at 100 users: missed. Of 150 MB resident, 100 MB');
    expect(report).not.toContain('NaN');
  });

  it('does without what a crashed server has no figures for', () => {
    const report = reportOf([{ users: 100, before: CRASHED, after: AFTER }]);
    expect(report).toContain('- 100 users, before: crashed: resident memory over the limit; at most 200 MB of 1000 MB');
    expect(report).not.toContain('NaN');
  });
});

it('writes tables as documents have them', () => {
  expect(
    markdown([
      ['', 'a'],
      ['b', '1'],
    ]),
  ).toBe('|  | a |\n| --- | ---: |\n| b | 1 |\n');
});

it('spreads sizes as recorded around another mean', () => {
  const { sizes } = KINDS.route;
  const made = sizesOf(sizes, 50_000);
  expect(made.reduce((sum, bytes) => sum + bytes, 0) / made.length).toBeCloseTo(50_000, 3);
  expect(made.at(-1)! / made[0]!).toBeGreaterThan(100);
});
