/** The points that are measured: a base, and from it one factor at a time. */
import { tickLabel } from './svg.js';

export interface Point {
  readonly entries: number;
  readonly threads: number;
  readonly capacityMb: number;
}

export type Factor = keyof Point;

/** So few entries that they have room in the smallest capacity, so large a capacity that it has room for the most. */
const BASE: Point = { entries: 250_000, threads: 1, capacityMb: 2_048 };

const STEPS: { readonly [F in Factor]: readonly number[] } = {
  entries: [10_000, 30_000, 100_000, 250_000, 1_000_000, 3_000_000, 10_000_000],
  threads: [1, 2, 4, 8],
  capacityMb: [64, 256, 1_024, 2_048, 4_096, 8_192],
};

export const FACTORS: readonly Factor[] = Object.keys(STEPS) as Factor[];

/** The points along one factor, none with more than so many entries. */
export function pointsAlong(factor: Factor, entriesMax: number): Point[] {
  const base = { ...BASE, entries: Math.min(BASE.entries, entriesMax) };
  return STEPS[factor]
    .filter((step) => factor !== 'entries' || step <= entriesMax)
    .map((step) => ({ ...base, [factor]: step }));
}

/** A step of a factor, as people say it. */
export function stepName(factor: Factor, step: number): string {
  if (factor !== 'capacityMb') return tickLabel(step);
  return step < 1_024 ? `${step} MB` : `${step / 1_024} GB`;
}

export function nameOf({ entries, threads, capacityMb }: Point): string {
  return `${entries} ${threads} ${capacityMb}`;
}

/** Each point once, though all factors meet in the base. */
export function allPoints(entriesMax: number): Point[] {
  const points = FACTORS.flatMap((factor) => pointsAlong(factor, entriesMax));
  return [...new Map(points.map((point) => [nameOf(point), point])).values()];
}
