/**
 * What memory goes to beside keys and values. Overhead of an item: what a million of them use (their chunks, the pages
 * of the index, the tables), less keys, values and rounding to chunks. Rounding is looked at on its own: on the sizes
 * of recorded traces, in the chunks of the default geometry and of other growth factors.
 */
import { resolveOptions } from '../src/cache/options.js';
import { chunkBytes, requestedBytes } from '../src/engine/rounding.js';
import { SizeClasses } from '../src/engine/size-classes.js';
import { createCache } from '../src/index.js';
import { percent, table, verdict } from './figures.js';
import type { BenchOptions } from './options.js';
import { loadTrace, type Trace, traceNames } from './traces.js';

const ITEMS = 1_000_000;
const CAPACITY = '256mb';
const VALUE_BYTES = 100;
const OVERHEAD_MAX = 40;

const GEOMETRIES = ['64mb', '256mb'] as const;
const GROWTH_FACTORS = [1.1, 1.125, 1.15, 1.2, 1.25];
const ROUNDING_MAX = 0.1;

export async function runMemory(options: BenchOptions): Promise<void> {
  await measureOverhead();
  await measureRounding(options);
}

async function measureOverhead(): Promise<void> {
  await using cache = await createCache({ capacity: CAPACITY });
  const value = new Uint8Array(VALUE_BYTES);
  for (let item = 0; item < ITEMS; item++) cache.setBytes(`user:session:${String(item).padStart(7, '0')}`, value);
  const stats = cache.stats();
  const { entries } = stats;
  const requested = stats.classes.reduce((sum, { bytesRequested }) => sum + bytesRequested, 0);
  const each = (bytes: number): string => (bytes / entries).toFixed(2);
  const headers = requested - stats.bytesPayload;
  const overhead = (headers + stats.bytesIndex + stats.bytesMetadata) / entries;
  process.stdout.write(
    `  ${entries} items, keys of 20 and values of ${VALUE_BYTES} bytes, ${CAPACITY}; bytes an item:\n`,
  );
  process.stdout.write(
    table([
      ['headers and padding of keys', each(headers)],
      ['index pages', each(stats.bytesIndex)],
      ['tables', each(stats.bytesMetadata)],
      ['overhead', overhead.toFixed(2)],
      ['(rounding to chunks', `${each(stats.bytesUsed - requested)})`],
    ]),
  );
  const isReached = entries === ITEMS && overhead <= OVERHEAD_MAX;
  process.stdout.write(`  overhead ${overhead.toFixed(1)}, to reach ${OVERHEAD_MAX}: ${verdict(isReached)}\n`);
}

async function measureRounding(options: BenchOptions): Promise<void> {
  const names = traceNames(options.traces).filter((name) => name.includes(options.only));
  const traces: Trace[] = [];
  for (const name of names) {
    const trace = await loadTrace(options.traces, name);
    if (trace.sizes.some((size) => size > 0)) traces.push(trace);
  }
  if (traces.length > 0) for (const capacity of GEOMETRIES) printRounding(capacity, traces);
}

function printRounding(capacity: (typeof GEOMETRIES)[number], traces: readonly Trace[]): void {
  const { arena, growthFactor, itemBytesMax } = resolveOptions({ capacity });
  const rows = [['rounding by growth factor', ...GROWTH_FACTORS.map(String)]];
  const factors = GROWTH_FACTORS.map((factor) => new SizeClasses(arena.pageBytes, arena.chunkBytesMin, factor));
  const sums = factors.map(() => 0);
  for (const trace of traces) {
    const shares = factors.map((classes) => rounding(classes, trace, itemBytesMax));
    for (const [i, share] of shares.entries()) sums[i]! += share;
    rows.push([trace.name, ...shares.map((share) => percent(share))]);
  }
  const means = sums.map((sum) => sum / traces.length);
  rows.push(['mean', ...means.map((share) => percent(share))]);
  process.stdout.write(`\n  ${capacity}: pages of ${arena.pageBytes}, chunks from ${arena.chunkBytesMin} bytes\n`);
  process.stdout.write(table(rows));
  const mean = means[GROWTH_FACTORS.indexOf(growthFactor)] ?? Number.NaN;
  process.stdout.write(
    `  rounding at ${growthFactor}, the default: ${percent(mean)}, to reach 10 %: ${verdict(mean <= ROUNDING_MAX)}\n`,
  );
}

/** Bytes of chunks that nobody asked for, as a share of those asked for, over the unique keys of a trace. */
function rounding(classes: SizeClasses, trace: Trace, itemBytesMax: number): number {
  let requested = 0;
  let wasted = 0;
  for (const [item, key] of trace.keys.entries()) {
    const size = trace.sizes[item]!;
    const keyBytes = Buffer.byteLength(key);
    if (size === 0 || keyBytes + size > itemBytesMax) continue;
    const bytes = requestedBytes(keyBytes, size);
    requested += bytes;
    wasted += chunkBytes(classes, keyBytes, size) - bytes;
  }
  return wasted / requested;
}
