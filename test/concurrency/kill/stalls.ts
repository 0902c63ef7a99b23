/** How long the others stood still at a kill: their longest operation within 100 ms behind it. */
import type { Board, LongOp } from './board.js';
import { WAYS } from './ways.js';

/** Which way the kill was; 'control' for moments without one. */
export interface StallSample {
  readonly way: string;
  /** A warden was on watch. */
  readonly isWatched: boolean;
  readonly smallMs: number;
  /** With operations on chained values, iterations and clears. */
  readonly anyMs: number;
}

export interface Span {
  readonly fromMs: number;
  readonly toMs: number;
}

const WINDOW_MS = 100;
const CONTROL_STEP_MS = 10;

export function collectStalls(
  board: Board,
  longOps: readonly LongOp[],
  unwatched: readonly Span[],
  control: Span,
): StallSample[] {
  const ops = [...longOps].sort((a, b) => a.startMs - b.startMs);
  const samples = board.kills().map(({ atMs, way }) => {
    const isWatched = !unwatched.some(({ fromMs, toMs }) => fromMs <= atMs + WINDOW_MS && toMs >= atMs);
    return { way: WAYS[way]?.name ?? '?', isWatched, ...longest(ops, atMs) };
  });
  const controls: StallSample[] = [];
  for (let atMs = control.fromMs; atMs + WINDOW_MS < control.toMs; atMs += CONTROL_STEP_MS) {
    controls.push({ way: 'control', isWatched: true, ...longest(ops, atMs) });
  }
  return [...samples, ...controls];
}

/** Among the operations that were under way within the window. */
function longest(ops: readonly LongOp[], atMs: number): { smallMs: number; anyMs: number } {
  let smallMs = 0;
  let anyMs = 0;
  for (const { startMs, endMs, isLarge } of ops) {
    if (startMs > atMs + WINDOW_MS) break;
    if (endMs < atMs) continue;
    anyMs = Math.max(anyMs, endMs - startMs);
    if (!isLarge) smallMs = Math.max(smallMs, endMs - startMs);
  }
  return { smallMs, anyMs };
}

export function quantile(sorted: readonly number[], share: number): number {
  return sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))] ?? 0;
}
