/**
 * The engine's hit ratio against that of its policy alone, exact, which holds just as many entries. All values have one size, so
 * that a full engine holds a number of entries that can be measured; it is filled once to find it, and a fresh one
 * then meets the trace. Each line of a trace is an access, a miss inserts. Arenas under 1 MiB are put together from
 * the engine's parts, as `createCache` makes none.
 */
import { ENGINE_POLICIES, type EnginePolicy } from '../src/policies/engine-policies.js';
import { createPolicy } from '../src/policies/replay/policies.js';
import { percent, points, table, verdict } from './figures.js';
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
/** The adaptive policy learns in a thread of its own, so it is replayed on whole caches: `velocache replay --capacity`. */
type ExactPolicy = Exclude<EnginePolicy, 'adaptive'>;
const EXACT_POLICIES = ENGINE_POLICIES.filter((name): name is ExactPolicy => name !== 'adaptive');

/** Difference in hit ratio to stay within. */
const WITHIN: Readonly<Record<ExactPolicy, number>> = { lru: 0.003, sieve: 0.01, 's3-fifo': 0.01, 'w-tinylfu': 0.01 };
/** Bytes that an entry takes beside its value, roughly: it decides how many entries fit, which is then measured. */
const ROUGH_OVERHEAD = 46;

interface Cell {
  readonly policy: ExactPolicy;
  readonly row: string[];
  /** Hit ratio of the engine less that of the exact policy. */
  readonly difference: number;
}

export async function runExact(options: BenchOptions): Promise<void> {
  const there = traceNames(options.traces).filter((name) => name.includes(options.only));
  const rows = [['policy', 'trace', 'value', 'entries', 'of keys', 'engine', 'exact', 'difference']];
  const policies = EXACT_POLICIES.filter((name) => options.policies.length === 0 || options.policies.includes(name));
  const cells: Cell[] = [];
  for (const name of TRACES.filter((candidate) => there.includes(candidate))) {
    const trace = await loadTrace(options.traces, name);
    for (const valueBytes of VALUE_BYTES) {
      for (const share of SHARES) {
        if (share * trace.keys.length < ENTRIES_MIN) continue;
        for (const policy of policies) cells.push(compare(policy, trace, share, valueBytes));
      }
    }
  }
  if (cells.length === 0) return;
  for (const policy of policies) rows.push(...cells.filter((cell) => cell.policy === policy).map(({ row }) => row));
  process.stdout.write(table(rows));
  for (const policy of policies) summarize(policy, cells);
}

function summarize(policy: ExactPolicy, cells: readonly Cell[]): void {
  const differences = cells.filter((cell) => cell.policy === policy).map(({ difference }) => difference);
  const worst = Math.max(...differences.map(Math.abs));
  const mean = differences.reduce((sum, difference) => sum + difference, 0) / differences.length;
  const within = WITHIN[policy];
  process.stdout.write(
    `  ${policy}: mean ${points(mean)} points, largest difference ${points(worst)}, to reach ${points(within)}: ${verdict(worst <= within)}\n`,
  );
}

function compare(policy: ExactPolicy, trace: Trace, share: number, valueBytes: number): Cell {
  const bytes = Math.ceil(trace.keys.length * share * (valueBytes + ROUGH_OVERHEAD));
  const entries = entriesWhenFull(policy, bytes, valueBytes);
  const engine = engineHits(policy, trace, bytes, valueBytes) / trace.requests.length;
  const exact = exactHits(policy, trace, entries) / trace.requests.length;
  const difference = engine - exact;
  const ofKeys = percent(entries / trace.keys.length, 1);
  return {
    policy,
    row: [
      policy,
      trace.name,
      String(valueBytes),
      String(entries),
      ofKeys,
      percent(engine),
      percent(exact),
      points(difference),
    ],
    difference,
  };
}

function keyOf(item: number): string {
  return `k${String(item).padStart(7, '0')}`;
}

/** Entries of one size that an arena of so many bytes holds once it is full. */
function entriesWhenFull(policy: ExactPolicy, bytes: number, valueBytes: number): number {
  const box = new WhiteBox(bytes, policy);
  const value = new Uint8Array(valueBytes);
  const most = Math.ceil((bytes / valueBytes) * 3);
  for (let item = 0; item < most; item++) box.set(keyOf(item), value);
  return box.entries;
}

function engineHits(policy: ExactPolicy, trace: Trace, bytes: number, valueBytes: number): number {
  const box = new WhiteBox(bytes, policy);
  const value = new Uint8Array(valueBytes);
  let hits = 0;
  for (const item of trace.requests) {
    const key = keyOf(item);
    if (box.read(key)) hits++;
    else box.set(key, value);
  }
  return hits;
}

function exactHits(policy: ExactPolicy, trace: Trace, capacity: number): number {
  const exact = createPolicy(policy, capacity, {
    keys: trace.keys.length,
    unit: 'objects',
    seed: 0,
    favour: 'objects',
  });
  let hits = 0;
  for (const item of trace.requests) if (exact.access(item, 1)) hits++;
  return hits;
}
