/** Workloads: each is a cell of a table with six factors. */
import type { Kind, Setup } from './contender.js';

export interface Cell {
  readonly keys: Setup['keys'];
  /** Share of gets; the others are sets. */
  readonly reads: number;
  readonly valueBytes: number;
  readonly kind: Kind;
  readonly items: number;
  readonly threads: number;
}

/** The first level of each factor is the base's. */
type Levels = { readonly [K in keyof Cell]: readonly Cell[K][] };

function levelsOf(items: number): Levels {
  return {
    keys: ['zipf', 'uniform'],
    reads: [0.95, 1, 0.5],
    valueBytes: [1_024, 100, 10_240],
    kind: ['bytes', 'objects'],
    items: [items, items * 10],
    threads: [1, 2],
  };
}

/** Values of all items together: a cache in each of two threads must find room for them, in half a machine. */
const VALUES_BYTES_MAX = 2 * 2 ** 30;

/** The base cell, then one factor varied at a time. */
export function fewCells(items: number): Cell[] {
  const levels = levelsOf(items);
  const [base] = crossed(levels) as [Cell];
  const varied = (Object.keys(levels) as (keyof Cell)[]).flatMap((factor) =>
    levels[factor].slice(1).map((level) => ({ ...base, [factor]: level })),
  );
  return [base, ...varied].filter(fits);
}

/** All factors with all others. */
export function allCells(items: number): Cell[] {
  return crossed(levelsOf(items)).filter(fits);
}

function crossed(levels: Levels): Cell[] {
  let cells: Partial<Cell>[] = [{}];
  for (const [factor, choices] of Object.entries(levels)) {
    cells = choices.flatMap((level: Cell[keyof Cell]) => cells.map((cell) => ({ ...cell, [factor]: level })));
  }
  return cells as Cell[];
}

function fits({ items, valueBytes }: Cell): boolean {
  return items * valueBytes <= VALUES_BYTES_MAX;
}

/** As `zipf 95/5 1kb bytes 100000-items 1-thread`: what `--workload` looks for a part of. */
export function nameOf({ keys, reads, valueBytes, kind, items, threads }: Cell): string {
  const mix = reads === 1 ? 'read-only' : `${Math.round(reads * 100)}/${Math.round((1 - reads) * 100)}`;
  const size = valueBytes < 1_024 ? `${valueBytes}b` : `${valueBytes / 1_024}kb`;
  return `${keys} ${mix} ${size} ${kind} ${items}-items ${threads}-thread${threads === 1 ? '' : 's'}`;
}
