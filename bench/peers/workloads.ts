/** Throughput, latencies, memory and collections of each contender at each workload, in a process of its own. */
import { short, summarize, table } from '../figures.js';
import { Histogram } from '../histogram.js';
import type { BenchOptions } from '../options.js';
import type { CellReport } from './cell-child.js';
import { runCell } from './cell-run.js';
import { allCells, type Cell, fewCells, nameOf } from './cells.js';
import type { Contender } from './contender.js';
import { OWN, OWN_TTL } from './contenders.js';

const HEAD = [
  ['', 'ops/s', 'p25-p75', `of ${OWN}'s`, 'p50, us', 'p99, us', 'p99.9, us'],
  ['heap, MiB', 'RSS, MiB', 'server, MiB', 'GCs', 'GC, ms', 'longest, ms'],
].flat();

export async function runWorkloads(contenders: readonly Contender[], options: BenchOptions): Promise<void> {
  const items = options.items[0]!;
  const cells = (options.isFull ? allCells(items) : fewCells(items)).filter((cell) =>
    nameOf(cell).includes(options.workload),
  );
  if (cells.length === 0) throw new Error(`no workload has "${options.workload}" in its name`);
  for (const cell of cells) {
    process.stdout.write(`\n  ${nameOf(cell)}\n`);
    await runWorkload(cell, contenders, options.sliceMs);
  }
}

async function runWorkload(cell: Cell, contenders: readonly Contender[], sliceMs: number): Promise<void> {
  const { reads, threads, ...setup } = cell;
  const rows = [HEAD];
  const notes: string[] = [];
  let ownRate = Number.NaN;
  // With a TTL it does the same, as the table of figures shows.
  for (const { name } of contenders.filter((contender) => contender.name !== OWN_TTL)) {
    const task = { kind: 'speed', reads, sliceMs } as const;
    const report = await runCell({ contender: name, setup: { ...setup, values: 'fresh' }, threads, task });
    if (typeof report === 'string') {
      notes.push(`${name} could not: ${report}`);
      continue;
    }
    if (name === OWN) ownRate = summarize(report.rates).median;
    if (report.misses > 0) notes.push(`${name} missed ${report.misses} times`);
    rows.push([name, ...rowOf(report, ownRate)]);
  }
  process.stdout.write(table(rows));
  for (const note of notes) process.stdout.write(`  ${note}\n`);
}

function rowOf({ rates, latencies, memory, gc }: CellReport, ownRate: number): string[] {
  const { median, p25, p75 } = summarize(rates);
  const histogram = new Histogram();
  histogram.merge(latencies);
  const us = [0.5, 0.99, 0.999].map((share) => threeDigits(histogram.quantile(share) * 1_000));
  const mib = (bytes: number): string => (bytes / 2 ** 20).toFixed(0);
  const { heapBytes, rssBytes, serverBytes } = memory;
  const bytes = [mib(heapBytes), mib(rssBytes), serverBytes === 0 ? '' : mib(serverBytes)];
  const speed = [short(median), `${short(p25)}-${short(p75)}`, `${(median / ownRate).toFixed(2)} x`];
  return [...speed, ...us, ...bytes, String(gc.count), gc.totalMs.toFixed(0), gc.longestMs.toFixed(1)];
}

function threeDigits(value: number): string {
  return value < 1_000 ? value.toPrecision(3) : value.toFixed(0);
}
