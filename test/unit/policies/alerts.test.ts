/** Alerts: each threshold, once for each crossing; trends; opportunities. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { ALERT_CODES, type Alert, type AlertSample } from '../../../src/policies/alert.js';
import { AlertWatch, REQUESTS_MIN, RESOLVED, Threshold } from '../../../src/policies/alerts.js';
import { HOLD_MS } from '../../../src/policies/calm.js';
import {
  EXPIRATIONS_MIN,
  SHARE_USED_MIN,
  UNUSED_MAX,
  WASTE_CLASS_SHARE,
  WASTE_MAX,
} from '../../../src/policies/opportunities.js';
import { MEMORY, OUTSIDE, SAMPLE_MS, Trend } from '../../../src/policies/trend.js';
import { Random } from '../../support/random.js';

const SECOND = 1_000;
const HOUR = 3_600_000;
const TTL_MS = 600_000;

type Growth = Partial<Record<'hits' | 'misses' | 'evictions' | 'expirations' | 'unusedMs', number>>;
type Rest = Partial<Omit<AlertSample, 'nowMs' | 'types'>> & { share?: number; maxShare?: number };

/** A cache with one type, whose sums grow by so much each second. */
class Bench {
  readonly alerts: (Alert & { readonly atMs: number })[] = [];
  nowMs = 0;
  watch = new AlertWatch();
  readonly #sums = { hits: 0, misses: 0, evictions: 0, expirations: 0, unusedMs: 0 };

  seconds(count: number, growth: Growth = {}, rest: Rest = {}, stepMs = SECOND): void {
    for (let i = 0; i < count; i++) {
      this.nowMs += stepMs;
      for (const name of Object.keys(growth) as (keyof Growth)[]) this.#sums[name] += growth[name]!;
      const { share = 0.5, maxShare = 1, ...figures } = rest;
      const sample = { memory: 0, level: 0, used: 0, fragmentation: undefined, classes: [], ...figures };
      const types = [{ name: 'session', share, maxShare, ttlMs: TTL_MS, ...this.#sums }];
      const raised = this.watch.update({ nowMs: this.nowMs, ...sample, types });
      this.alerts.push(...raised.map((alert) => ({ ...alert, atMs: this.nowMs })));
    }
  }

  told(code: string): string[] {
    return this.alerts.filter((alert) => alert.code === code).map(({ severity }) => severity);
  }
}

/** A threshold that takes a figure each second. */
class FedThreshold {
  readonly threshold = new Threshold('memory', [0.7, 0.85], (figure, bound) => `${figure} over ${bound}`);
  #nowMs = 0;

  take(figure: number | undefined, isWhole = true): Alert | undefined {
    this.#nowMs += SECOND;
    return this.threshold.update(this.#nowMs, figure, isWhole);
  }

  /** The severities that are told as the figure stays for just so long that one step is resolved. */
  hold(figure: number): string[] {
    return this.tell(Array.from({ length: HOLD_MS / SECOND + 1 }, () => figure));
  }

  tell(figures: readonly number[]): string[] {
    return figures.flatMap((figure) => this.take(figure)?.severity ?? []);
  }
}

describe('a threshold', () => {
  it('tells of each crossing upwards once, with the figure and the bound', () => {
    const fed = new FedThreshold();
    const told = [0.7, 0.71, 0.8, 0.85, 0.86, 0.99].map((figure) => fed.take(figure));
    expect(told.map((alert) => alert?.severity)).toEqual([
      undefined,
      'warning',
      undefined,
      undefined,
      'critical',
      undefined,
    ]);
    expect(told[1]).toEqual({
      code: 'memory',
      severity: 'warning',
      figure: 0.71,
      threshold: 0.7,
      message: '0.71 over 0.7',
    });
  });

  it('a leap over both is one alert', () => {
    expect(new FedThreshold().tell([0.9, 0.9])).toEqual(['critical']);
  });

  it('a load that swings about it, by less than the margin, is one alert', () => {
    const swings = Array.from({ length: 100 }, (_, i) => (i % 2 === 0 ? 0.72 : 0.7 * RESOLVED + 0.001));
    expect(new FedThreshold().tell(swings)).toEqual(['warning']);
  });

  it('a saw-tooth larger than the margin, and faster than the hold, is one alert for each threshold', () => {
    const swings = (high: number) => Array.from({ length: 100 }, (_, i) => (i % 5 === 0 ? high : 0.6));
    const fed = new FedThreshold();
    expect(fed.tell(swings(0.72))).toEqual(['warning']);
    expect(fed.tell(swings(0.9))).toEqual(['critical']);
  });

  it('resolved, it may tell again; from critical it is resolved in two steps', () => {
    const fed = new FedThreshold();
    expect(fed.tell([0.9])).toEqual(['critical']);
    expect([fed.hold(0.86 * RESOLVED), fed.tell([0.9])]).toEqual([[], []]);
    expect([fed.hold(0.85 * RESOLVED), fed.tell([0.9])]).toEqual([[], ['critical']]);
    expect([fed.hold(0.1), fed.tell([0.75])]).toEqual([[], []]);
    expect([fed.hold(0.1), fed.tell([0.75])]).toEqual([[], ['warning']]);
  });

  it('a figure that is low for less than the hold resolves nothing', () => {
    const fed = new FedThreshold();
    const low = Array.from({ length: HOLD_MS / SECOND }, () => 0.1);
    expect(fed.tell([0.75, ...low, 0.75])).toEqual(['warning']);
    expect(fed.threshold.raised).toBe(1);
  });

  it('a figure of part of a span raises, and resolves nothing; an unknown one does neither', () => {
    const fed = new FedThreshold();
    expect(fed.take(0.75, false)?.severity).toBe('warning');
    for (let i = 0; i < 20; i++) {
      fed.take(0, false);
      fed.take(undefined);
    }
    expect(fed.threshold.raised).toBe(1);
    fed.hold(0);
    expect(fed.threshold.raised).toBe(0);
  });
});

describe('thresholds', () => {
  it.each([
    [0.7, []],
    [0.701, ['warning']],
    [0.85, ['warning']],
    [0.851, ['critical']],
  ])('memory at %d', (memory, severities) => {
    const bench = new Bench();
    bench.seconds(5, {}, { memory });
    expect(bench.told('memory')).toEqual(severities);
  });

  it.each([
    [15, []],
    [16, ['warning']],
    [30, ['warning']],
    [31, ['critical']],
  ])('a miss ratio of %d %%', (misses, severities) => {
    const bench = new Bench();
    bench.seconds(70, { misses, hits: 100 - misses });
    expect(bench.told('miss-ratio')).toEqual(severities);
  });

  it('a miss ratio is told after a whole minute, of enough requests', () => {
    const bench = new Bench();
    bench.seconds(60, { misses: 100 });
    expect(bench.told('miss-ratio')).toEqual([]);
    bench.seconds(2, { misses: 100 });
    expect(bench.told('miss-ratio')).toEqual(['critical']);
    const idle = new Bench();
    idle.seconds(300, { misses: Math.floor(REQUESTS_MIN / 60) - 1 });
    expect(idle.told('miss-ratio')).toEqual([]);
  });

  it.each([
    [50, []],
    [51, ['warning']],
    [200, ['warning']],
    [201, ['critical']],
  ])('%d evictions in a minute', (evictions, severities) => {
    const bench = new Bench();
    bench.seconds(1);
    bench.seconds(1, { evictions });
    bench.seconds(50);
    expect(bench.told('evictions')).toEqual(severities);
  });

  it('evictions are those of the last minute: the same number spread over two is none too many', () => {
    const bench = new Bench();
    for (let i = 0; i < 10; i++) {
      bench.seconds(1, { evictions: 12 });
      bench.seconds(19);
    }
    expect(bench.told('evictions')).toEqual([]);
  });

  it('samples that come late count in proportion', () => {
    const bench = new Bench();
    bench.seconds(2, { evictions: 100 }, {}, HOUR);
    expect(bench.told('evictions')).toEqual([]);
    bench.seconds(1, { evictions: 60 * 60 }, {}, HOUR);
    expect(bench.told('evictions')).toEqual(['warning']);
  });

  it.each([
    [1.5, []],
    [1.51, ['warning']],
    [2, ['warning']],
    [2.01, ['critical']],
    [undefined, []],
  ])('a fragmentation of %d', (fragmentation, severities) => {
    const bench = new Bench();
    bench.seconds(5, {}, { fragmentation });
    expect(bench.told('fragmentation')).toEqual(severities);
  });

  it('the level critical is told each time that it begins', () => {
    const bench = new Bench();
    for (const level of [0, 2, 3, 3, 2, 3, 0]) bench.seconds(1, {}, { level, used: 0.93 });
    expect(bench.alerts.map(({ code, severity, figure, threshold }) => [code, severity, figure, threshold])).toEqual([
      ['pressure', 'critical', 0.93, 0.9],
      ['pressure', 'critical', 0.93, 0.9],
    ]);
  });

  it('a successor tells nothing again that is not resolved', () => {
    const bench = new Bench();
    const figures = { memory: 0.8, fragmentation: 3, level: 3, used: 0.95 };
    bench.seconds(3, { evictions: 100 }, figures);
    const told = bench.alerts.length;
    expect(told).toBe(4);
    bench.watch = new AlertWatch(bench.watch.raised);
    bench.seconds(3, {}, figures);
    expect(bench.alerts).toHaveLength(told);
    bench.seconds(1, {}, { ...figures, memory: 0.9 });
    expect(bench.told('memory')).toEqual(['warning', 'critical']);
  });

  it('memory that leaps up and down as a heap does is one alert, also where the warden is another half-way', () => {
    const bench = new Bench();
    for (let i = 0; i < 20; i++) {
      if (i === 10) bench.watch = new AlertWatch(bench.watch.raised);
      bench.seconds(1, {}, { memory: 0.72 }, 1_500);
      bench.seconds(1, {}, { memory: 0.6 }, 1_500);
    }
    expect(bench.told('memory')).toEqual(['warning']);
  });
});

describe('trends', () => {
  /** Feeds requests a minute, one value a sample, and returns what was told at which sample. */
  function tellings(values: readonly number[], both = true): [number, string][] {
    const trend = new Trend('trend-requests', { sum: 'requests', of: 'time', both, floor: 100 });
    const told: [number, string][] = [];
    let requests = 0;
    trend.update(0, { requests: 0, misses: 0, evictions: 0 });
    values.forEach((value, i) => {
      requests += (value * SAMPLE_MS) / 60_000;
      const alert = trend.update((i + 1) * SAMPLE_MS, { requests, misses: 0, evictions: 0 });
      if (alert !== undefined) told.push([i, alert.figure > alert.threshold ? 'above' : 'below']);
    });
    return told;
  }

  const steady = (count: number, mean = 10_000, seed = 7) => {
    const random = new Random(seed);
    return Array.from({ length: count }, () => mean + random.below(2_000) - 1_000);
  };

  it('a steady rate with noise says nothing, for hours (seeds 1 to 20)', () => {
    for (let seed = 1; seed <= 20; seed++) expect(tellings(steady(2_000, 10_000, seed))).toEqual([]);
  });

  it('a rate that leaves its band is told once, when it has stayed outside', () => {
    expect(tellings([...steady(100), ...steady(20, 30_000)])).toEqual([[100 + OUTSIDE - 1, 'above']]);
    expect(tellings([...steady(100), ...steady(20, 2_000)])).toEqual([[100 + OUTSIDE - 1, 'below']]);
    expect(tellings([...steady(100), ...steady(20, 2_000)], false)).toEqual([]);
  });

  it('an outlier or two are none', () => {
    expect(tellings([...steady(100), 90_000, 90_000, ...steady(50), 0, 0, ...steady(50)])).toEqual([]);
  });

  it('a rate that stays where it went becomes normal, and leaving that is told', () => {
    const told = tellings([...steady(100), ...steady(400, 30_000), ...steady(20, 10_000)]);
    expect(told.map(([, side]) => side)).toEqual(['above', 'below']);
  });

  it('nothing is told before there is a band', () => {
    const values = Array.from({ length: MEMORY }, (_, i) => (i % 10) * 50_000);
    expect(tellings(values)).toEqual([]);
  });

  it('of misses, evictions and requests, in the alerts of a cache', () => {
    const bench = new Bench();
    bench.seconds(600, { hits: 950, misses: 50, evictions: 10 });
    const before = bench.alerts.map(({ code }) => code);
    bench.seconds(60, { hits: 3_000, misses: 1_000, evictions: 100 });
    const trends = bench.alerts.slice(before.length).filter(({ code }) => code.startsWith('trend-'));
    expect(before.filter((code) => code.startsWith('trend-'))).toEqual([]);
    expect(trends.map(({ code, severity }) => [code, severity])).toEqual([
      ['trend-misses', 'warning'],
      ['trend-evictions', 'warning'],
      ['trend-requests', 'info'],
    ]);
  });
});

describe('opportunities', () => {
  it('a type that stays under half of its share for an hour, while entries are evicted', () => {
    const bench = new Bench();
    bench.seconds(61, { evictions: 1 }, { share: 0.09, maxShare: 0.2 }, 60 * SECOND);
    expect(bench.told('share-unused')).toEqual([]);
    bench.seconds(100, { evictions: 1 }, { share: 0.09, maxShare: 0.2 }, 60 * SECOND);
    const [alert, ...others] = bench.alerts.filter(({ code }) => code === 'share-unused');
    expect(alert).toMatchObject({ severity: 'info', type: 'session', threshold: SHARE_USED_MIN });
    expect(alert!.figure).toBeCloseTo(0.45, 9);
    expect(others).toEqual([]);
  });

  it.each([
    ['nothing is evicted', { evictions: 0 }, { share: 0.05, maxShare: 0.2 }],
    ['the share is used', { evictions: 1 }, { share: 0.11, maxShare: 0.2 }],
    ['the type has no share', { evictions: 1 }, { share: 0.01, maxShare: 1 }],
  ])('not while %s', (_, growth, rest) => {
    const bench = new Bench();
    bench.seconds(300, growth, rest, 60 * SECOND);
    expect(bench.told('share-unused')).toEqual([]);
  });

  it('a peak within the hour begins it anew', () => {
    const bench = new Bench();
    for (let i = 0; i < 10; i++) {
      bench.seconds(50, { evictions: 1 }, { share: 0.05, maxShare: 0.2 }, 60 * SECOND);
      bench.seconds(1, { evictions: 1 }, { share: 0.15, maxShare: 0.2 }, 60 * SECOND);
    }
    expect(bench.told('share-unused')).toEqual([]);
  });

  it('entries whose TTL outlives their last use', () => {
    const perMinute = Math.ceil(EXPIRATIONS_MIN / 60);
    const feed = (expirations: number, unused: number) => {
      const bench = new Bench();
      bench.seconds(150, { expirations, unusedMs: expirations * unused * TTL_MS }, {}, 60 * SECOND);
      return bench.alerts.filter(({ code }) => code === 'ttl-too-long');
    };
    expect(feed(perMinute, UNUSED_MAX + 0.01)).toMatchObject([{ severity: 'info', type: 'session', threshold: 0.5 }]);
    expect(feed(perMinute, UNUSED_MAX - 0.01)).toEqual([]);
    expect(feed(1, 1)).toEqual([]);
  });

  it.each([
    [WASTE_CLASS_SHARE + 0.01, WASTE_MAX + 0.01, 1],
    [WASTE_CLASS_SHARE - 0.01, WASTE_MAX + 0.01, 0],
    [WASTE_CLASS_SHARE + 0.01, WASTE_MAX - 0.01, 0],
  ])('a slab class with %d of the cache that wastes %d: %d alerts', (share, waste, count) => {
    const bench = new Bench();
    bench.seconds(2_000, {}, { classes: [{ chunkBytes: 128, share, waste }] });
    expect(bench.told('class-waste')).toHaveLength(count);
  });
});

describe('alerts', () => {
  it('have codes that docs/pressure.md lists, all of them', () => {
    const page = readFileSync(join(import.meta.dirname, '../../../docs/pressure.md'), 'utf8');
    const table = page.slice(page.indexOf('| code |'), page.indexOf('The recent band'));
    const listed = [...table.matchAll(/`([a-z-]+)`(?=[^|]*\|(?: info| warning| critical))/g)].map((match) => match[1]);
    expect(listed).toEqual(ALERT_CODES);
  });

  it('name their code, and say one sentence', () => {
    const bench = new Bench();
    const classes = [{ chunkBytes: 128, share: 0.5, waste: 0.5 }];
    bench.seconds(
      200,
      { evictions: 100, misses: 900, hits: 1, expirations: 200, unusedMs: 200 * TTL_MS },
      { share: 0.01, maxShare: 0.5, classes },
      60_000,
    );
    bench.seconds(
      300,
      { evictions: 3_000, hits: 90_000, misses: 9 },
      { memory: 0.9, level: 3, fragmentation: 4 },
      60_000,
    );
    bench.seconds(60, { evictions: 3, hits: 1, misses: 90_000 }, {}, 60_000);
    const codes = new Set(bench.alerts.map(({ code }) => code));
    // Told by the thread that saw the failure, not by the watch.
    expect([...codes, 'reducer-failed', 'decode-failed', 'migration-failed'].sort()).toEqual([...ALERT_CODES].sort());
    for (const { message } of bench.alerts) {
      expect(message).toMatch(/^[a-z\d][^\n]{20,200}[^.\s]$/);
      expect(message).not.toMatch(/NaN|undefined|Infinity/);
    }
  });
});
