import { PerformanceObserver } from 'node:perf_hooks';

export interface GcReport {
  readonly count: number;
  readonly longestPauseMs: number;
}

/** Counts the garbage collections of this thread, and the longest pause among them. */
export class GcWatch {
  #count = 0;
  #longestPauseMs = 0;
  readonly #observer: PerformanceObserver;

  constructor() {
    this.#observer = new PerformanceObserver((list) => this.#note(list.getEntries()));
    this.#observer.observe({ entryTypes: ['gc'] });
  }

  stop(): GcReport {
    this.#note(this.#observer.takeRecords());
    this.#observer.disconnect();
    return { count: this.#count, longestPauseMs: this.#longestPauseMs };
  }

  #note(entries: readonly { readonly duration: number }[]): void {
    this.#count += entries.length;
    for (const { duration } of entries) this.#longestPauseMs = Math.max(this.#longestPauseMs, duration);
  }
}
