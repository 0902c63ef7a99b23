/** The garbage collections of this thread. */
import { constants, type NodeGCPerformanceDetail, type PerformanceEntry, PerformanceObserver } from 'node:perf_hooks';

/** Missing in the types. */
type GcEntry = PerformanceEntry & { readonly detail?: NodeGCPerformanceDetail };

export interface GcSums {
  readonly count: number;
  readonly totalMs: number;
  readonly longestMs: number;
  /** Those of the whole heap. */
  readonly fullCount: number;
  readonly fullMs: number;
}

export class GcWatch {
  #count = 0;
  #totalMs = 0;
  #longestMs = 0;
  #fullCount = 0;
  #fullMs = 0;
  readonly #observer: PerformanceObserver;

  readonly #countsForced: boolean;

  /** Those that were asked for, by `gc()`, count or don't. */
  constructor(countsForced: boolean) {
    this.#countsForced = countsForced;
    this.#observer = new PerformanceObserver((list) => this.#note(list.getEntries()));
    this.#observer.observe({ entryTypes: ['gc'] });
  }

  /** Since the start. What has happened in this turn of the event loop is told in a later one. */
  sums(): GcSums {
    this.#note(this.#observer.takeRecords());
    return {
      count: this.#count,
      totalMs: this.#totalMs,
      longestMs: this.#longestMs,
      fullCount: this.#fullCount,
      fullMs: this.#fullMs,
    };
  }

  stop(): void {
    this.#observer.disconnect();
  }

  #note(entries: readonly PerformanceEntry[]): void {
    for (const entry of entries) {
      const { duration, detail } = entry as GcEntry;
      const flags = detail?.flags ?? 0;
      if (!this.#countsForced && (flags & constants.NODE_PERFORMANCE_GC_FLAGS_FORCED) !== 0) continue;
      this.#count += 1;
      this.#totalMs += duration;
      this.#longestMs = Math.max(this.#longestMs, duration);
      if (detail?.kind !== constants.NODE_PERFORMANCE_GC_MAJOR) continue;
      this.#fullCount += 1;
      this.#fullMs += duration;
    }
  }
}
