/**
 * The engine's hit ratio against that of an exact LRU which holds just as many entries. All values have one size, so
 * that a full engine holds a number of entries that can be measured; it is filled once to find it, and a fresh one
 * then meets the trace. Each line of a trace is an access, a miss inserts. Arenas under 1 MiB are put together from
 * the engine's parts, as `createCache` makes none.
 */
import { ExactLru } from '../src/policies/replay/lru.js';
import { percent, table, verdict } from './figures.js';
import type { BenchOptions } from './options.js';
import { loadTrace, type Trace, traceNames } from './traces.js';
import { WhiteBox } from './white-box.js';

const TRACES = [
  'arc-oltp',
  'cache2k-web07',
  'cloudphysics-w92-sample-og',
  'corda-vaultservice',
  'lirs-2-pools',
  'lirs-loop',
  'lirs-multi1',
  'mooncake-synthetic-blocks',
  'scarab-recs',
  'semicomplete-2015',
];
/** Capacities, as shares of the unique keys; and sizes of the values. */
const SHARES = [0.03, 0.1, 0.3];
const VALUE_BYTES = [64, 1_000];
/** Fewer entries than this don't fill a page or two of each kind. */
const ENTRIES_MIN = 100;
/** Difference in hit ratio to stay within. */
const WITHIN = 0.003;
/** Bytes that an entry takes beside its value, roughly: it decides how many entries fit, which is then measured. */
const ROUGH_OVERHEAD = 46;

export async function runLru(options: BenchOptions): Promise<void> {
  const there = traceNames(options.traces).filter((name) => name.includes(options.only));
  const rows = [['trace', 'value', 'entries', 'of keys', 'engine', 'exact LRU', 'difference']];
  let worst = 0;
  for (const name of TRACES.filter((candidate) => there.includes(candidate))) {
    const trace = await loadTrace(options.traces, name);
    for (const valueBytes of VALUE_BYTES) {
      for (const share of SHARES) {
        if (share * trace.keys.length < ENTRIES_MIN) continue;
        const cell = compare(trace, share, valueBytes);
        worst = Math.max(worst, Math.abs(cell.difference));
        rows.push(cell.row);
      }
    }
  }
  if (rows.length === 1) return;
  process.stdout.write(table(rows));
  const points = (worst * 100).toFixed(2);
  process.stdout.write(`  largest difference ${points} points, to reach 0.3: ${verdict(worst <= WITHIN)}\n`);
}

function compare(trace: Trace, share: number, valueBytes: number): { row: string[]; difference: number } {
  const bytes = Math.ceil(trace.keys.length * share * (valueBytes + ROUGH_OVERHEAD));
  const entries = entriesWhenFull(bytes, valueBytes);
  const engine = engineHits(trace, bytes, valueBytes) / trace.requests.length;
  const exact = exactHits(trace, entries) / trace.requests.length;
  const difference = engine - exact;
  const points = `${difference < 0 ? '' : '+'}${(difference * 100).toFixed(2)}`;
  const ofKeys = percent(entries / trace.keys.length, 1);
  return {
    row: [trace.name, String(valueBytes), String(entries), ofKeys, percent(engine), percent(exact), points],
    difference,
  };
}

function keyOf(item: number): string {
  return `k${String(item).padStart(7, '0')}`;
}

/** Entries of one size that an arena of so many bytes holds once it is full. */
function entriesWhenFull(bytes: number, valueBytes: number): number {
  const box = new WhiteBox(bytes);
  const value = new Uint8Array(valueBytes);
  const most = Math.ceil((bytes / valueBytes) * 3);
  for (let item = 0; item < most; item++) box.set(keyOf(item), value);
  return box.entries;
}

function engineHits(trace: Trace, bytes: number, valueBytes: number): number {
  const box = new WhiteBox(bytes);
  const value = new Uint8Array(valueBytes);
  let hits = 0;
  for (const item of trace.requests) {
    const key = keyOf(item);
    if (box.read(key)) hits++;
    else box.set(key, value);
  }
  return hits;
}

function exactHits(trace: Trace, capacity: number): number {
  const lru = new ExactLru(capacity, { keys: trace.keys.length, unit: 'objects', seed: 0, favour: 'objects' });
  let hits = 0;
  for (const item of trace.requests) if (lru.access(item, 1)) hits++;
  return hits;
}
