import { describe, expect, it } from 'vitest';
import type { LimitsReport } from '../../../src/cli/limits.js';
import { createReport, type Findings } from '../../../src/cli/report.js';
import { formatReport } from '../../../src/cli/report-text.js';
import { createTally, noteViolation, type Tally } from '../../../src/cli/tally.js';
import type { CacheStats, CompressionStats, TypeStats } from '../../../src/index.js';

const NO_REMOVALS = {
  explicit: 0,
  replaced: 0,
  expired: 0,
  idle: 0,
  size: 0,
  flushed: 0,
  recovered: 0,
  share: 0,
  pressure: 0,
  quota: 0,
};
const NO_COMPRESSION: CompressionStats = {
  values: 0,
  bytesBefore: 0,
  bytesAfter: 0,
  ratio: 1,
  unpaid: 0,
  compressMs: 0,
  decompressions: 0,
  decompressMs: 0,
  dictionaries: 0,
};
const NO_USE: TypeStats = {
  entries: 0,
  bytesUsed: 0,
  bytesPayload: 0,
  nearHits: 0,
  hits: 0,
  misses: 0,
  hitRatio: 0,
  bytesHit: 0,
  bytesMissed: 0,
  byteHitRatio: 0,
  sets: 0,
  inserts: 0,
  bytesInserted: 0,
  deletes: 0,
  rejects: 0,
  rejectsByReason: { room: 0, share: 0, quota: 0, pressure: 0, users: 0 },
  reductions: 0,
  reducerFailures: 0,
  decodeFailures: 0,
  migrations: 0,
  migrationFailures: 0,
  newerVersions: 0,
  compression: NO_COMPRESSION,
  dedupe: { payloads: 0, references: 0, bytesSaved: 0 },
  removals: NO_REMOVALS,
  evictions: 0,
  evictionsPerMinute: 0,
  evictionAgeMs: 0,
  expirations: 0,
  accessesPerEntry: 0,
};

function statsOf(total: Partial<CacheStats>): CacheStats {
  return {
    ...NO_USE,
    uptimeMs: 1_000,
    fragmentation: 1,
    capacityBytes: 1_048_576,
    bytesMetadata: 1_000,
    bytesIndex: 2_000,
    bytesFree: 3_000,
    pageBytes: 65_536,
    pagesTotal: 16,
    pagesFree: 4,
    types: {},
    classes: [],
    threads: 3,
    recoveries: 0,
    deaths: 0,
    lockTimeouts: 0,
    readerFallbacks: 0,
    pagesMoved: 0,
    itemsMoved: 0,
    shardsEmptied: 0,
    splitsSkipped: 0,
    loads: 0,
    loadTakeOvers: 0,
    loadsUnshared: 0,
    loadWaits: 0,
    loadFailures: 0,
    loadsLost: 0,
    eventsDropped: 0,
    log: { records: 0, bytesUsed: 0, bytesTotal: 0 },
    users: { active: 0, bytes: 0, max: 0, evictions: 0, rejects: 0 },
    pool: { tasks: 0, inPlace: 0, failures: 0, running: 0, waiting: 0 },
    near: { entries: 0, bytes: 0 },
    pressure: {
      level: 'normal',
      used: 0,
      source: 'rss',
      bySource: {},
      actions: { headroom: 0, ttlFactor: 1, refused: [] },
      headroom: 0,
      counts: { levelChanges: 0, bytesTrimmed: 0, ttlsShortened: 0, rejects: 0, alerts: 0 },
    },
    ...total,
  };
}

function tallyOf(numbers: Partial<Tally>): Tally {
  return { ...createTally(), ...numbers };
}

function findingsOf(changes: Partial<Findings> = {}): Findings {
  return {
    mode: 'load',
    seed: 1,
    seconds: 2,
    interrupted: false,
    tallies: [
      { name: 'main', tally: tallyOf({ gets: 100, sets: 20, deletes: 4 }) },
      { name: 'worker 1', tally: tallyOf({ gets: 60, sets: 10, deletes: 6 }) },
    ],
    before: statsOf({}),
    after: statsOf({}),
    gc: { count: 3, longestPauseMs: 1.25 },
    memory: { heapUsedBytes: 10, heapTotalBytes: 20, rssBytes: 30, rssPeakBytes: 40 },
    verifyViolations: [],
    failures: [],
    ...changes,
  };
}

describe('the pool', () => {
  const before = { ...statsOf({ loads: 10, loadWaits: 1 }).pool, tasks: 5, inPlace: 3 };
  const after = { ...before, tasks: 1_239, inPlace: 60, failures: 2 };
  const findings = findingsOf({
    before: statsOf({ loads: 10, loadWaits: 1, pool: before }),
    after: statsOf({ loads: 110, loadWaits: 8, loadsLost: 4, loadFailures: 2, pool: after }),
  });

  it('is reported from the start of the load on', () => {
    const { pool } = createReport(findings);
    const loads = { loads: 100, loadWaits: 7, loadsLost: 4, loadFailures: 2 };
    expect(pool).toEqual({ tasks: 1_234, inPlace: 57, failures: 2, ...loads });
  });

  it('has a section of the text where it was used', () => {
    const text = formatReport(createReport(findings));
    expect(text).toMatch(/\nPool\n {2}done by workers, loads among it +1,234\n {2}loads of what was missing +100\n/);
    expect(formatReport(createReport(findingsOf()))).not.toContain('\nPool\n');
  });
});

describe('createReport', () => {
  it('adds up operations over threads and seconds', () => {
    const report = createReport(findingsOf());
    expect(report.threads.map(({ operationsPerSecond }) => operationsPerSecond)).toEqual([62, 38]);
    expect(report.operations).toBe(200);
    expect(report.operationsPerSecond).toBe(100);
  });

  it('counts hits, misses and removals from the start of the load on', () => {
    const removals = { ...NO_REMOVALS, size: 10, flushed: 5 };
    const before = { ...NO_USE, hits: 5, misses: 5, removals };
    const after = { ...NO_USE, entries: 7, hits: 95, misses: 15, removals: { ...removals, size: 40, expired: 2 } };
    const report = createReport(
      findingsOf({
        before: statsOf({ ...before, types: { route: before } }),
        after: statsOf({ ...after, types: { route: after } }),
      }),
    );
    expect(Object.keys(report.types)).toEqual(['route']);
    for (const use of [report.total, ...Object.values(report.types)]) {
      expect(use).toMatchObject({ entries: 7, hits: 90, misses: 10, hitRatio: 0.9 });
      expect(use.removals).toEqual({ ...NO_REMOVALS, size: 30, expired: 2 });
    }
  });

  it('leaves out types that were not used, and has no hit ratio of nothing', () => {
    const report = createReport(findingsOf({ after: statsOf({ types: { default: NO_USE } }) }));
    expect(report.types).toEqual({});
    expect(report.total.hitRatio).toBe(0);
  });

  it('reports slab classes with pages, and their waste', () => {
    const full = {
      chunkBytes: 100,
      pages: 2,
      chunks: 40,
      chunksUsed: 30,
      bytesRequested: 2_400,
      bytesWasted: 600,
      fragmentation: 1,
    };
    const other = {
      chunkBytes: 200,
      pages: 1,
      chunks: 10,
      chunksUsed: 0,
      bytesRequested: 0,
      bytesWasted: 0,
      fragmentation: 1,
    };
    const none = {
      chunkBytes: 300,
      pages: 0,
      chunks: 0,
      chunksUsed: 0,
      bytesRequested: 0,
      bytesWasted: 0,
      fragmentation: 1,
    };
    const report = createReport(findingsOf({ after: statsOf({ classes: [full, other, none] }) }));
    expect(report.classes).toEqual([
      { ...full, useShare: 0.75, wasteShare: 0.2 },
      { ...other, useShare: 0, wasteShare: 0 },
    ]);
    expect(report.bytesWasted).toBe(600);
  });

  it('gathers violations from threads, from deaths and from verify()', () => {
    const tally = createTally();
    for (let i = 0; i < 25; i++) noteViolation(tally, `wrong value ${i}`);
    const tallies = [
      { name: 'worker 1', tally },
      { name: 'worker 2', tally: undefined },
    ];
    const report = createReport(
      findingsOf({ tallies, failures: ['worker 2 died: boom'], verifyViolations: ['page 3 is lost'] }),
    );
    expect(report.violationCount).toBe(27);
    expect(report.verifyClean).toBe(false);
    expect(report.violations).toContain('worker 2 died: boom');
    expect(report.violations).toContain('worker 1: wrong value 0');
    expect(report.violations).toContain('verify(): page 3 is lost');
    expect(report.violations).toHaveLength(12);
  });
});

describe('formatReport', () => {
  it('has a line for every thread, type, class and total', () => {
    const route = { ...NO_USE, entries: 7, bytesUsed: 5 * 1_024 ** 2, hits: 90, nearHits: 45, misses: 10 };
    const classes = [
      {
        chunkBytes: 1_000,
        pages: 2,
        chunks: 40,
        chunksUsed: 30,
        bytesRequested: 24_000,
        bytesWasted: 6_000,
        fragmentation: 5,
      },
    ];
    const text = formatReport(createReport(findingsOf({ after: statsOf({ ...route, types: { route }, classes }) })));
    expect(text).toMatch(/worker 1 +38 +60 +10 +6/);
    expect(text).toMatch(/total +100 +200 operations/);
    expect(text).toMatch(/route +90\.0 % +50\.0 % +100\.0 % +7 +5\.0 MB/);
    expect(text).toMatch(/1,000 +2 +30 +75\.0 % +5\.9 KB +20\.0 %/);
    expect(text).toMatch(/verify\(\) +clean/);
    expect(text).toMatch(/attached threads +3/);
  });

  it('says of a trace whether its end was reached', () => {
    const trace = { file: 't.csv', requests: 1_234, traceSeconds: 60, complete: false };
    const text = formatReport(createReport(findingsOf({ mode: 'replay', trace })));
    expect(text).toContain('t.csv on 1.0 MB, not to its end: 1,234 requests, 60 s of its own time');
  });

  const limits: LimitsReport = {
    levels: [
      {
        level: 'high',
        previous: 'elevated',
        used: 0.81,
        source: 'rss',
        actions: { headroom: 0.1, ttlFactor: 1, refused: [] },
      },
    ],
    alerts: Array.from({ length: 10 }, (_, i) => ({
      code: 'evictions',
      severity: 'warning',
      figure: 60 + i,
      threshold: 50,
      message: `${60 + i} entries were evicted in the last minute, over 50`,
    })),
    shares: { weather: { maxShare: 0.1, reserve: 0.05, overflow: 'reduce' } },
    heaviestUsers: [{ user: 'rider-flood', tier: 'standard', entries: 12, bytes: 2_048, limit: 4_096 }],
  };

  it('shows shares, rejects, users, pressure and alerts of a load', () => {
    const rejectsByReason = { room: 1, share: 2, quota: 3, pressure: 4, users: 5 };
    const weather = {
      ...NO_USE,
      entries: 7,
      bytesUsed: 1_048_576 / 20,
      reductions: 40,
      reducerFailures: 3,
      rejectsByReason,
      removals: { ...NO_REMOVALS, share: 9 },
    };
    const text = formatReport(createReport(findingsOf({ after: statsOf({ ...weather, types: { weather } }), limits })));
    expect(text).toMatch(/weather +5\.0 % +10\.0 % +5\.0 % +reduce +40 +3 +9\n/);
    expect(text).toMatch(
      /type +room +share +quota +pressure +users\n +weather +1 +2 +3 +4 +5\n +total +1 +2 +3 +4 +5\n/,
    );
    expect(text).toMatch(/rider-flood +standard +12 +2\.0 KB +4\.0 KB +50\.0 %/);
    expect(text).toMatch(/thresholds passed +elevated to high/);
    expect(text).toContain('  warning evictions: 60 entries were evicted in the last minute, over 50');
    expect(text).toContain('  and 2 more');
    expect(text).not.toContain('68 entries were evicted');
  });

  it('leaves out what a replay has none of', () => {
    const text = formatReport(createReport(findingsOf({ mode: 'replay' })));
    for (const section of ['Shares', 'Heaviest users', 'Alerts']) expect(text).not.toContain(`\n${section}\n`);
    expect(text).toMatch(/level +normal/);
  });

  it('counts reductions and rejects from the start of the load on', () => {
    const before = { ...NO_USE, entries: 1, reductions: 5, rejectsByReason: { ...NO_USE.rejectsByReason, quota: 2 } };
    const after = {
      ...before,
      reductions: 8,
      reducerFailures: 1,
      rejectsByReason: { ...before.rejectsByReason, quota: 9 },
    };
    const report = createReport(
      findingsOf({
        before: statsOf({ types: { stats: before } }),
        after: statsOf({ types: { stats: after } }),
        limits,
      }),
    );
    expect(report.types['stats']).toMatchObject({ reductions: 3, reducerFailures: 1, rejectsByReason: { quota: 7 } });
    expect(report.limits).toEqual(limits);
    expect(report.pressure.level).toBe('normal');
  });
});
