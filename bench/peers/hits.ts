/**
 * Hit ratios at equal memory: keys by Zipf's law, read through, with room for a quarter of the values. Who counts bytes is told how
 * many; who counts entries may hold as many as were found to take these bytes. Where each thread has a cache of its own, they
 * divide the memory between them.
 */
import { percent, table } from '../figures.js';
import type { BenchOptions } from '../options.js';
import { runCell } from './cell-run.js';
import type { Bound, Contender, Setup } from './contender.js';
import { EMPTY, OWN_TTL } from './contenders.js';

const VALUE_BYTES = 1_024;
const ROOM = 1 / 4;
/** Operations before those that count, and of these, by all lanes together; a multiple of the items. */
const TURNS = 6;
const THREADS = [1, 2] as const;
/** Entries with which is found how many bytes one takes. */
const SAMPLE_ITEMS = 20_000;
/** The smallest cache that every contender can have. */
const ROOM_BYTES_MIN = 8 * 2 ** 20;

export async function runHits(contenders: readonly Contender[], { items }: BenchOptions): Promise<void> {
  const [count] = items as [number];
  const bytes = Math.max(ROOM_BYTES_MIN, Math.round(count * VALUE_BYTES * ROOM));
  const rows = [['', 'policy', ...THREADS.map((threads) => `${threads} thread${threads > 1 ? 's' : ''}`), 'RSS, MiB']];
  const notes: string[] = [];
  for (const contender of contenders.filter(({ bounded, name }) => bounded !== undefined && name !== OWN_TTL)) {
    const cells: string[] = [];
    let rss = '';
    for (const threads of THREADS) {
      const outcome = await hitRatio(contender, count, bytes, threads);
      if (typeof outcome === 'string') notes.push(`${contender.name} could not: ${outcome}`);
      cells.push(typeof outcome === 'string' ? '' : percent(outcome.hitRatio));
      if (typeof outcome !== 'string') rss = (outcome.rssBytes / 2 ** 20).toFixed(0);
    }
    rows.push([contender.name, contender.bounded!.policy, ...cells, rss]);
  }
  process.stdout.write(
    `\n  hit ratio of ${count} items of ${VALUE_BYTES} bytes in ${(bytes / 2 ** 20).toFixed(0)} MiB, zipf\n${table(rows)}`,
  );
  for (const note of notes) process.stdout.write(`  ${note}\n`);
  const unbounded = contenders.filter(({ bounded, program, name }) => !bounded && !program && name !== EMPTY);
  if (unbounded.length === 0) return;
  process.stdout.write(`  without a bound, or without eviction: ${unbounded.map(({ name }) => name).join('; ')}\n`);
}

interface Outcome {
  readonly hitRatio: number;
  /** With two threads; a server's as well. */
  readonly rssBytes: number;
}

async function hitRatio(
  contender: Contender,
  items: number,
  bytes: number,
  threads: number,
): Promise<Outcome | string> {
  const bound = await boundOf(contender, bytes, threads);
  if (typeof bound === 'string') return bound;
  const setup: Setup = { kind: 'bytes', items, valueBytes: VALUE_BYTES, keys: 'zipf', values: 'fresh', bound };
  const task = { kind: 'hits', operations: Math.ceil((items * TURNS) / threads) } as const;
  const report = await runCell({ contender: contender.name, setup, threads, task });
  if (typeof report === 'string') return report;
  return { hitRatio: report.hitRatio, rssBytes: report.memory.rssBytes + report.memory.serverBytes };
}

/** Entries are counted with what one adds to the heap, but for its key, which the bench holds as well. */
async function boundOf({ name, bounded }: Contender, bytes: number, threads: number): Promise<Bound | string> {
  if (bounded?.by === 'bytes') return { bytes, entriesPerLane: 0 };
  const all: Bound = { bytes, entriesPerLane: SAMPLE_ITEMS };
  const sample = { kind: 'bytes', items: SAMPLE_ITEMS, valueBytes: VALUE_BYTES, keys: 'uniform' } as const;
  const setup: Setup = { ...sample, values: 'fresh', bound: all };
  const report = await runCell({ contender: name, setup, threads: 1, task: { kind: 'fill' } });
  if (typeof report === 'string') return report;
  return { bytes, entriesPerLane: Math.floor(bytes / threads / (report.filledBytes / SAMPLE_ITEMS)) };
}
