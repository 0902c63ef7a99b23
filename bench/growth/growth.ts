/**
 * What more entries, more threads and more capacity cost: times of single operations and memory, one factor at a time
 * around a base. Each point is a process of its own, and all of them are measured several times, in turn.
 */
import { fork } from 'node:child_process';
import { once } from 'node:events';
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { summarize } from '../figures.js';
import { markdown } from '../markdown.js';
import type { BenchOptions } from '../options.js';
import type { GrowthReport } from './growth-child.js';
import { OPERATIONS } from './operations.js';
import { allPoints, FACTORS, type Factor, nameOf, type Point, pointsAlong, stepName } from './plan.js';
import { logScale, stepScale } from './scales.js';
import { slopeOf } from './slope.js';
import { lineChart, type Series } from './svg.js';

const ROUNDS = 3;

const LABELS: Readonly<Record<Factor, string>> = {
  entries: 'entries',
  threads: 'threads',
  capacityMb: 'capacity',
};

/** What is measured at a point; each figure is the median of the rounds. */
interface Measure {
  readonly name: string;
  readonly unit: 'ns' | 'MB' | 'bytes';
  readonly of: (report: GrowthReport) => number;
}

const TIMES: readonly Measure[] = OPERATIONS.flatMap((operation) => [
  { name: `${operation} p50`, unit: 'ns', of: ({ times }: GrowthReport) => times[operation].p50Ns },
  { name: `${operation} p99`, unit: 'ns', of: ({ times }: GrowthReport) => times[operation].p99Ns },
]);
const MEMORY: readonly Measure[] = [
  { name: 'RSS', unit: 'MB', of: ({ rssBytes }) => Math.max(1, rssBytes) / 1e6 },
  { name: 'heap', unit: 'MB', of: ({ heapBytes }) => heapBytes / 1e6 },
];
const OVERHEAD: readonly Measure[] = [{ name: 'overhead', unit: 'bytes', of: ({ overheadBytes }) => overheadBytes }];
const MEASURES = [...TIMES, ...MEMORY, ...OVERHEAD];

type Reports = ReadonlyMap<string, readonly GrowthReport[]>;

export async function runGrowth({ largest, plots }: BenchOptions): Promise<void> {
  const reports = await measureAll(allPoints(largest));
  mkdirSync(plots, { recursive: true });
  for (const factor of FACTORS) {
    const points = pointsAlong(factor, largest);
    process.stdout.write(`\n${markdown(figures(factor, points, reports))}\n`);
    process.stdout.write(markdown(slopes(factor, points, reports)));
    writePlots(plots, factor, points, reports);
  }
  process.stdout.write(`\n  plots are in ${plots}\n`);
}

async function measureAll(points: readonly Point[]): Promise<Reports> {
  const reports = new Map(points.map((point) => [nameOf(point), [] as GrowthReport[]]));
  for (let round = 0; round < ROUNDS; round++) {
    for (const point of points) reports.get(nameOf(point))!.push(await measure(point));
  }
  return reports;
}

async function measure(point: Point): Promise<GrowthReport> {
  const file = fileURLToPath(new URL('./growth-child.js', import.meta.url));
  const child = fork(file, [JSON.stringify(point)], { execArgv: ['--expose-gc'] });
  const exit = once(child, 'exit');
  const [report] = (await Promise.race([once(child, 'message'), exit])) as [GrowthReport | number | null];
  const [code] = (await exit) as [number | null];
  if (code !== 0 || report === null || typeof report === 'number') throw new Error(`${nameOf(point)} failed`);
  return report;
}

function medianOf(measure: Measure, point: Point, reports: Reports): number {
  return summarize(reports.get(nameOf(point))!.map(measure.of)).median;
}

function curve(measure: Measure, factor: Factor, points: readonly Point[], reports: Reports): [number, number][] {
  return points.map((point) => [point[factor], medianOf(measure, point, reports)]);
}

function digits({ unit }: Measure, value: number): string {
  return value.toFixed(unit === 'ns' || value >= 100 ? 0 : 1);
}

function figures(factor: Factor, points: readonly Point[], reports: Reports): string[][] {
  const head = [LABELS[factor], ...MEASURES.map(({ name, unit }) => `${name}, ${unit}`)];
  const rows = points.map((point) => {
    const values = MEASURES.map((measure) => digits(measure, medianOf(measure, point, reports)));
    return [stepName(factor, point[factor]), ...values];
  });
  return [head, ...rows];
}

/** Nothing can be fitted to a single point. */
function slopes(factor: Factor, points: readonly Point[], reports: Reports): string[][] {
  const rows = MEASURES.map((measure) => {
    const { exponent, perDecade } = slopeOf(curve(measure, factor, points, reports));
    const sign = perDecade < 0 ? '−' : '+';
    return [
      measure.name,
      exponent.toFixed(2).replace('-', '−'),
      `${sign}${digits(measure, Math.abs(perDecade))} ${measure.unit}`,
    ];
  });
  return [[`slope by ${LABELS[factor]}`, 'exponent', 'for each tenfold'], ...rows];
}

function writePlots(folder: string, factor: Factor, points: readonly Point[], reports: Reports): void {
  const plot = (name: string, title: string, yLabel: string, series: readonly Series[]): void => {
    const values = series.flatMap((one) => one.points.map(([, y]) => y));
    const x =
      factor === 'entries' ? logScale(points.map(({ entries }) => entries)) : stepScale(points.map((p) => p[factor]));
    const xName = (step: number): string => stepName(factor, step);
    const chart = { title, xLabel: LABELS[factor], yLabel, x, xName, y: logScale(values), series };
    writeFileSync(join(folder, `${factor === 'capacityMb' ? 'capacity' : factor}-${name}.svg`), lineChart(chart));
  };
  const line = (measure: Measure, colour: number, isDashed = false): Series => {
    return { name: measure.name, points: curve(measure, factor, points, reports), colour, isDashed };
  };
  plot(
    'latency',
    'Time of one operation',
    'ns',
    TIMES.map((measure, i) => line(measure, i >> 1, i % 2 === 1)),
  );
  plot(
    'memory',
    'Memory of the process',
    'MB',
    MEMORY.map((measure, i) => line(measure, i)),
  );
  plot(
    'overhead',
    'Overhead of an entry',
    'bytes',
    OVERHEAD.map((measure) => line(measure, 0)),
  );
}
