/** Latencies in steps of some 9 %, of which quantiles can be asked for. */
const STEPS_PER_DOUBLING = 8;
const LEAST_MS = 1e-5;
const STEPS = 30 * STEPS_PER_DOUBLING;

/** What a histogram has seen, to be sent to another thread or process. */
export interface HistogramData {
  readonly counts: readonly number[];
  readonly sumMs: number;
  readonly maxMs: number;
}

export class Histogram {
  readonly #counts = new Float64Array(STEPS);
  count = 0;
  sumMs = 0;
  maxMs = 0;

  /** `times`: how many took as long. */
  add(ms: number, times = 1): void {
    const step = Math.floor(Math.log2(Math.max(LEAST_MS, ms) / LEAST_MS) * STEPS_PER_DOUBLING);
    this.#counts[Math.min(STEPS - 1, step)]! += times;
    this.count += times;
    this.sumMs += ms * times;
    this.maxMs = Math.max(this.maxMs, ms);
  }

  data(): HistogramData {
    return { counts: [...this.#counts], sumMs: this.sumMs, maxMs: this.maxMs };
  }

  /** Adds what another one has seen. */
  merge({ counts, sumMs, maxMs }: HistogramData): void {
    for (const [step, times] of counts.entries()) {
      this.#counts[step]! += times;
      this.count += times;
    }
    this.sumMs += sumMs;
    this.maxMs = Math.max(this.maxMs, maxMs);
  }

  /** The upper bound of the step that the quantile lies in; 0 without samples. */
  quantile(share: number): number {
    let left = this.count * share;
    for (let step = 0; step < STEPS; step++) {
      left -= this.#counts[step]!;
      if (left <= 0 && this.count > 0) return Math.min(this.maxMs, LEAST_MS * 2 ** ((step + 1) / STEPS_PER_DOUBLING));
    }
    return this.maxMs;
  }

  /** Milliseconds: p50, p99, p99.9, the longest. */
  row(): string[] {
    return [0.5, 0.99, 0.999].map((share) => this.quantile(share).toFixed(4)).concat(this.maxMs.toFixed(3));
  }
}
