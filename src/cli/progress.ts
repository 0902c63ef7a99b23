import type { CacheStats } from '../index.js';
import { formatBytes, formatCount, formatShare, shareOf } from './format.js';

const PERIOD_MS = 1_000;
const ERASE_LINE = '\r\x1b[2K';

export interface ProgressOutput {
  write(text: string): unknown;
  readonly isTTY?: boolean;
}

/** Says about once a second how far a run is: on a terminal in place, elsewhere line by line. */
export class Progress {
  readonly #output: ProgressOutput;
  readonly #stats: () => CacheStats;
  readonly #now: () => number;
  readonly #timer: NodeJS.Timeout;
  /** What the run is doing, in a word or two. */
  phase = 'starting';
  #last: { timeMs: number; operations: number };
  readonly #startMs: number;

  constructor(output: ProgressOutput, stats: () => CacheStats, now: () => number) {
    this.#output = output;
    this.#stats = stats;
    this.#now = now;
    this.#startMs = now();
    this.#last = { timeMs: this.#startMs, operations: operationsIn(stats()) };
    this.#timer = setInterval(() => this.show(), PERIOD_MS);
  }

  show(): void {
    const stats = this.#stats();
    const now = { timeMs: this.#now(), operations: operationsIn(stats) };
    const rate = shareOf((now.operations - this.#last.operations) * 1_000, now.timeMs - this.#last.timeMs);
    this.#last = now;
    const line = `velocache: ${this.phase}, ${formatProgress((now.timeMs - this.#startMs) / 1_000, rate, stats)}`;
    this.#output.write(this.#output.isTTY ? ERASE_LINE + line : `${line}\n`);
  }

  /** Leaves an empty line on a terminal, for what comes next. */
  stop(): void {
    clearInterval(this.#timer);
    if (this.#output.isTTY) this.#output.write(ERASE_LINE);
  }
}

function formatProgress(seconds: number, rate: number, stats: CacheStats): string {
  const held = `${formatCount(stats.entries)} entries, ${formatBytes(stats.bytesUsed)} of ${formatBytes(stats.capacityBytes)}`;
  return `${seconds.toFixed(0)} s, ${formatCount(rate)} operations/s, hit ratio ${formatShare(stats.hitRatio)}, ${held}`;
}

function operationsIn({ hits, misses, sets, deletes }: CacheStats): number {
  return hits + misses + sets + deletes;
}
