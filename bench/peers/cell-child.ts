/** A process with one contender and one workload, or one hit ratio to find. Reports what it measured and what it took. */
import { readFileSync } from 'node:fs';
import { Histogram, type HistogramData } from '../histogram.js';
import type { Setup } from './contender.js';
import { contenderNamed } from './contenders.js';
import { Team } from './team.js';

export interface CellJob {
  readonly contender: string;
  readonly setup: Setup;
  readonly threads: number;
  readonly task: SpeedTask | HitsTask | FillTask;
}

export interface SpeedTask {
  readonly kind: 'speed';
  /** Share of gets. */
  readonly reads: number;
  readonly sliceMs: number;
}

export interface HitsTask {
  readonly kind: 'hits';
  /** By each lane, before those that count, and of these. */
  readonly operations: number;
}

/** Only what filling adds to the heap of the first lane. */
export interface FillTask {
  readonly kind: 'fill';
}

export interface CellReport {
  /** Operations a second, slice by slice. */
  readonly rates: readonly number[];
  readonly latencies: HistogramData;
  readonly misses: number;
  readonly hitRatio: number;
  readonly filledBytes: number;
  readonly memory: Memory;
  readonly gc: { readonly count: number; readonly totalMs: number; readonly longestMs: number };
}

export interface Memory {
  /** JavaScript's heaps and what belongs to them, of all lanes, after a collection. */
  readonly heapBytes: number;
  readonly rssBytes: number;
  /** 0 without a server, or where the system doesn't tell. */
  readonly serverBytes: number;
}

/** Slices before those that count, those for throughput, and those in which each operation is timed. */
const WARMUPS = 8;
const SLICES = 12;

async function speed(team: Team, { reads, sliceMs }: SpeedTask, threads: number): Promise<Partial<CellReport>> {
  for (let i = 0; i < WARMUPS; i++) await team.rate(reads, threads, sliceMs);
  const rates: number[] = [];
  for (let i = 0; i < SLICES; i++) rates.push((await team.rate(reads, threads, sliceMs)) * 1_000);
  const latencies = new Histogram();
  for (let i = 0; i < SLICES; i++) latencies.merge((await team.latencies(reads, sliceMs)).data());
  return { rates, latencies: latencies.data() };
}

async function hits(team: Team, { operations }: HitsTask): Promise<Partial<CellReport>> {
  await team.hitRatio(operations);
  return { hitRatio: await team.hitRatio(operations) };
}

async function measure(team: Team, task: CellJob['task'], threads: number): Promise<Partial<CellReport>> {
  if (task.kind === 'speed') return speed(team, task, threads);
  return task.kind === 'hits' ? hits(team, task) : {};
}

/** Memory comes last: it asks for a collection. */
async function usage(team: Team): Promise<Pick<CellReport, 'memory' | 'gc'>> {
  const rssBytes = process.memoryUsage.rss();
  const usages = await team.usages();
  const sum = (of: (usage: (typeof usages)[number]) => number): number => usages.reduce((all, one) => all + of(one), 0);
  return {
    memory: { heapBytes: sum(({ heapBytes }) => heapBytes), rssBytes, serverBytes: residentBytes(team.serverPid) },
    gc: {
      count: sum(({ gc }) => gc.count),
      totalMs: sum(({ gc }) => gc.totalMs),
      longestMs: Math.max(...usages.map(({ gc }) => gc.longestMs)),
    },
  };
}

function residentBytes(pid: number | undefined): number {
  if (pid === undefined) return 0;
  try {
    return Number(/^VmRSS:\s+(\d+) kB/m.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1] ?? 0) * 1_024;
  } catch {
    return 0;
  }
}

async function run({ contender, setup, threads, task }: CellJob): Promise<CellReport> {
  const team = await Team.start(contenderNamed(contender), setup, threads, task.kind !== 'hits');
  try {
    const measured = await measure(team, task, threads);
    const { misses, filledBytes } = team;
    const nothing = { rates: [], latencies: new Histogram().data(), hitRatio: 0 };
    return { ...nothing, ...measured, misses, filledBytes: filledBytes[0] ?? 0, ...(await usage(team)) };
  } finally {
    await team.stop();
  }
}

try {
  process.send!(await run(JSON.parse(process.argv[2] ?? '') as CellJob));
} catch (error) {
  process.send!(error instanceof Error ? error.message : String(error));
}
process.disconnect();
