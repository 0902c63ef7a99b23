import type { CacheStats, ClassStats, CompressionStats, RejectReason, RemovalCause, TypeStats } from '../index.js';
import { shareOf } from './format.js';
import type { GcReport } from './gc.js';
import type { LimitsReport } from './limits.js';
import { operationsOf, type Tally } from './tally.js';

/** What was seen of one run, before anything is added up. */
export interface Findings {
  readonly mode: 'load' | 'replay';
  readonly seed: number;
  /** How long the load itself ran. */
  readonly seconds: number;
  /** Stopped by the user before its time. */
  readonly interrupted: boolean;
  readonly tallies: readonly { readonly name: string; readonly tally: Tally | undefined }[];
  /** When the load began: what happened before that, such as warming up, is left out. */
  readonly before: CacheStats;
  readonly after: CacheStats;
  readonly gc: GcReport;
  readonly memory: MemoryReport;
  /** What `verify()` said after the run. */
  readonly verifyViolations: readonly string[];
  /** Threads that died or hung. */
  readonly failures: readonly string[];
  readonly trace?: TraceReport;
  /** Of a load, whose cache has types and users. */
  readonly limits?: LimitsReport;
}

export interface MemoryReport {
  readonly heapUsedBytes: number;
  readonly heapTotalBytes: number;
  readonly rssBytes: number;
  readonly rssPeakBytes: number;
}

export interface TraceReport {
  readonly file: string;
  readonly requests: number;
  /** Time that passed in the trace. */
  readonly traceSeconds: number;
  /** Whether the end of the trace was reached. */
  readonly complete: boolean;
}

export interface ThreadReport {
  readonly name: string;
  readonly operations: number;
  readonly operationsPerSecond: number;
  readonly gets: number;
  readonly sets: number;
  readonly deletes: number;
  readonly rejected: number;
  readonly checked: number;
}

export interface UseReport {
  readonly entries: number;
  readonly bytesUsed: number;
  readonly bytesPayload: number;
  readonly hits: number;
  readonly misses: number;
  readonly hitRatio: number;
  /** Those of the hits that near caches had. */
  readonly nearHits: number;
  readonly rejects: number;
  readonly rejectsByReason: Readonly<Record<RejectReason, number>>;
  readonly reductions: number;
  readonly reducerFailures: number;
  /** Since the cache was made. */
  readonly compression: CompressionStats;
  readonly removals: Readonly<Record<RemovalCause, number>>;
}

/** What pools did, and the loads of `fetch`, since the load began. */
interface PoolReport extends Pick<CacheStats['pool'], 'tasks' | 'inPlace' | 'failures'> {
  readonly loads: number;
  readonly loadWaits: number;
  readonly loadsLost: number;
  readonly loadFailures: number;
}

export interface ClassReport extends ClassStats {
  /** Chunks in use, as a share of those there are. */
  readonly useShare: number;
  /** Bytes wasted, as a share of the chunks in use. */
  readonly wasteShare: number;
}

export interface Report extends Pick<Findings, 'mode' | 'seed' | 'seconds' | 'interrupted' | 'gc' | 'memory'> {
  readonly operations: number;
  readonly operationsPerSecond: number;
  readonly threads: readonly ThreadReport[];
  readonly total: UseReport;
  readonly types: Readonly<Record<string, UseReport>>;
  readonly capacity: Pick<CacheStats, 'capacityBytes' | 'bytesMetadata' | 'bytesIndex' | 'bytesFree'>;
  /** Slab classes that have pages. */
  readonly classes: readonly ClassReport[];
  readonly bytesWasted: number;
  readonly threadsAttached: number;
  readonly deaths: number;
  readonly recoveries: number;
  readonly verifyClean: boolean;
  readonly violations: readonly string[];
  readonly violationCount: number;
  readonly pressure: CacheStats['pressure'];
  readonly pool: PoolReport;
  readonly trace?: TraceReport;
  readonly limits?: LimitsReport;
}

export function createReport(findings: Findings): Report {
  const { after, before, seconds, trace, limits } = findings;
  const threads = findings.tallies.map(({ name, tally }) => reportThread(name, tally, seconds));
  const classes = after.classes.filter(({ pages }) => pages > 0).map(reportClass);
  const { capacityBytes, bytesMetadata, bytesIndex, bytesFree } = after;
  return {
    mode: findings.mode,
    seed: findings.seed,
    seconds,
    interrupted: findings.interrupted,
    operations: sum(threads, ({ operations }) => operations),
    operationsPerSecond: sum(threads, ({ operationsPerSecond }) => operationsPerSecond),
    threads,
    total: reportUse(after, before),
    types: reportTypes(after, before),
    capacity: { capacityBytes, bytesMetadata, bytesIndex, bytesFree },
    classes,
    bytesWasted: sum(classes, ({ bytesWasted }) => bytesWasted),
    memory: findings.memory,
    gc: findings.gc,
    threadsAttached: after.threads,
    deaths: after.deaths,
    recoveries: after.recoveries,
    ...reportViolations(findings),
    pressure: after.pressure,
    pool: reportPool(after, before),
    ...(trace !== undefined && { trace }),
    ...(limits !== undefined && { limits }),
  };
}

function reportViolations(findings: Findings): Pick<Report, 'verifyClean' | 'violations' | 'violationCount'> {
  const { tallies, failures, verifyViolations } = findings;
  const found = tallies.flatMap(({ name, tally }) =>
    (tally?.violations ?? []).map((sentence) => `${name}: ${sentence}`),
  );
  return {
    verifyClean: verifyViolations.length === 0,
    violations: [...failures, ...found, ...verifyViolations.map((sentence) => `verify(): ${sentence}`)],
    violationCount: failures.length + verifyViolations.length + sum(tallies, ({ tally }) => tally?.violationCount ?? 0),
  };
}

function reportThread(name: string, tally: Tally | undefined, seconds: number): ThreadReport {
  const operations = tally === undefined ? 0 : operationsOf(tally);
  return {
    name,
    operations,
    operationsPerSecond: shareOf(operations, seconds),
    gets: tally?.gets ?? 0,
    sets: tally?.sets ?? 0,
    deletes: tally?.deletes ?? 0,
    rejected: tally?.rejected ?? 0,
    checked: tally?.checked ?? 0,
  };
}

function reportTypes(after: CacheStats, before: CacheStats): Record<string, UseReport> {
  const reports: Record<string, UseReport> = {};
  for (const [type, stats] of Object.entries(after.types)) {
    const use = reportUse(stats, before.types[type]);
    // Every cache has the type `default`; where it isn't used it is not worth a line.
    if (use.entries > 0 || use.hits + use.misses > 0) reports[type] = use;
  }
  return reports;
}

function reportUse(after: TypeStats, before: TypeStats | undefined): UseReport {
  const hits = after.hits - (before?.hits ?? 0);
  const misses = after.misses - (before?.misses ?? 0);
  return {
    entries: after.entries,
    bytesUsed: after.bytesUsed,
    bytesPayload: after.bytesPayload,
    hits,
    misses,
    hitRatio: shareOf(hits, hits + misses),
    nearHits: after.nearHits - (before?.nearHits ?? 0),
    rejects: after.rejects - (before?.rejects ?? 0),
    rejectsByReason: subtract(after.rejectsByReason, before?.rejectsByReason),
    reductions: after.reductions - (before?.reductions ?? 0),
    reducerFailures: after.reducerFailures - (before?.reducerFailures ?? 0),
    compression: after.compression,
    removals: subtract(after.removals, before?.removals),
  };
}

function reportPool(after: CacheStats, before: CacheStats): PoolReport {
  const figures = ({ pool, loads, loadWaits, loadsLost, loadFailures }: CacheStats): PoolReport => {
    const { tasks, inPlace, failures } = pool;
    return { tasks, inPlace, failures, loads, loadWaits, loadsLost, loadFailures };
  };
  return subtract({ ...figures(after) }, { ...figures(before) });
}

function subtract<K extends string>(
  after: Readonly<Record<K, number>>,
  before: Readonly<Record<K, number>> | undefined,
): Record<K, number> {
  const since = (Object.keys(after) as K[]).map((name) => [name, after[name] - (before?.[name] ?? 0)] as const);
  return Object.fromEntries(since) as Record<K, number>;
}

function reportClass(stats: ClassStats): ClassReport {
  const { chunksUsed, chunks, bytesWasted, chunkBytes } = stats;
  return { ...stats, useShare: shareOf(chunksUsed, chunks), wasteShare: shareOf(bytesWasted, chunksUsed * chunkBytes) };
}

function sum<T>(items: readonly T[], pick: (item: T) => number): number {
  return items.reduce((total, item) => total + pick(item), 0);
}
