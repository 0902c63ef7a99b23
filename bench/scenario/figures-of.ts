/** The measures of the mission, of one server under one load. */
import type { Sum, ThreadReport } from './messages.js';
import { atMissionSize, TIME_SCALE } from './mission.js';
import type { Measured, Outcome } from './trial.js';

const HOUR_MS = 3_600_000;
const MINUTE_MS = 60_000;

/** What was not measured, since the server had crashed, is NaN. */
export interface Figures {
  /** Resident bytes in the mission's size. */
  readonly meanBytes: number;
  readonly peakBytes: number;
  readonly hitRatio: number;
  /** A call of the cache, loading included; one that finds its value; and one that doesn't. */
  readonly cacheMs: number;
  readonly hitMs: number;
  readonly missMs: number;
  /** Entries that left to make room, in an hour of the mission's time. */
  readonly evictionsPerHour: number;
  readonly responseMs: number;
  readonly responseP99Ms: number;
  readonly requestsPerSecond: number;
  /** When users don't think. */
  readonly requestsPerSecondMax: number;
  readonly failures: number;
  /** Of all threads that take requests, a minute. */
  readonly collections: number;
  readonly fullCollections: number;
  readonly pauseMs: number;
  readonly longestPauseMs: number;
  readonly loopP99Ms: number;
  readonly loopMaxMs: number;
}

const NOTHING: Sum = { count: 0, ms: 0 };

export function figuresOf({ measured, memory, bytesIdle }: Outcome): Figures {
  const threads = measured?.server.threads ?? [];
  const sum = (field: 'reads' | 'hits' | 'collections' | 'fullCollections'): Sum => sumOf(threads.map((t) => t[field]));
  const most = (field: 'longestPauseMs' | 'loopP99Ms' | 'loopMaxMs'): number =>
    measured === undefined ? Number.NaN : Math.max(...threads.map((thread) => thread[field]));
  const [reads, hits, collections] = [sum('reads'), sum('hits'), sum('collections')];
  const users = measured?.users;
  const elapsedMs = users?.elapsedMs ?? Number.NaN;
  return {
    meanBytes: atMissionSize(memory.mean, bytesIdle),
    peakBytes: atMissionSize(memory.peak, bytesIdle),
    hitRatio: hits.count / reads.count,
    cacheMs: reads.ms / reads.count,
    hitMs: hits.ms / hits.count,
    missMs: (reads.ms - hits.ms) / (reads.count - hits.count),
    evictionsPerHour: (evictions(measured) * HOUR_MS) / (elapsedMs * TIME_SCALE),
    responseMs: users?.meanMs ?? Number.NaN,
    responseP99Ms: users?.p99Ms ?? Number.NaN,
    requestsPerSecond: ((users?.answers ?? Number.NaN) * 1_000) / elapsedMs,
    requestsPerSecondMax: rushRate(measured),
    failures: (users?.failures ?? Number.NaN) + (measured?.rush?.users.failures ?? 0),
    collections: (collections.count * MINUTE_MS) / elapsedMs,
    fullCollections: (sum('fullCollections').count * MINUTE_MS) / elapsedMs,
    pauseMs: collections.ms / collections.count,
    longestPauseMs: most('longestPauseMs'),
    loopP99Ms: most('loopP99Ms'),
    loopMaxMs: most('loopMaxMs'),
  };
}

function sumOf(sums: readonly Sum[]): Sum {
  return sums.reduce((all, { count, ms }) => ({ count: all.count + count, ms: all.ms + ms }), NOTHING);
}

/** A cache without limits evicts nothing. */
function evictions(measured: Measured | undefined): number {
  const causes = measured?.server.cache?.evictions ?? {};
  return Object.values(causes).reduce((sum, count) => sum + count, 0);
}

function rushRate(measured: Measured | undefined): number {
  const rush = measured?.rush?.users;
  return rush === undefined ? Number.NaN : (rush.answers * 1_000) / rush.elapsedMs;
}

/** Cores that the server and the users had while users didn't think. */
export function rushCores({ rush }: Measured): { readonly server: number; readonly users: number } {
  const elapsedMs = rush?.users.elapsedMs ?? Number.NaN;
  return { server: (rush?.server.cpuMs ?? 0) / elapsedMs, users: (rush?.users.cpuMs ?? 0) / elapsedMs };
}

/** The mean of one thread's figure, for telling what a pause costs. */
export function gcShare(threads: readonly ThreadReport[], elapsedMs: number): number {
  return sumOf(threads.map(({ collections }) => collections)).ms / (elapsedMs * threads.length);
}
