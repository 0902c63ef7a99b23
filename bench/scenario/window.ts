/** What a thread measures of itself from one moment to another. */
import { constants, monitorEventLoopDelay, PerformanceObserver } from 'node:perf_hooks';
import type { Sum, ThreadReport } from './messages.js';

const RESOLUTION_MS = 5;

/** A kind of collection is told by its entry's detail. */
interface Collection {
  readonly duration: number;
  readonly detail?: { readonly kind?: number };
}

class Summing implements Sum {
  count = 0;
  ms = 0;

  add(ms: number): void {
    this.count += 1;
    this.ms += ms;
  }
}

export class Window {
  readonly #reads = new Summing();
  readonly #hits = new Summing();
  readonly #collections = new Summing();
  readonly #fullCollections = new Summing();
  readonly #delay = monitorEventLoopDelay({ resolution: RESOLUTION_MS });
  readonly #observer: PerformanceObserver;
  #longestPauseMs = 0;

  constructor() {
    this.#observer = new PerformanceObserver((list) => {
      for (const entry of list.getEntries()) this.#collected(entry as Collection);
    });
    this.#observer.observe({ entryTypes: ['gc'] });
    this.#delay.enable();
  }

  read(ms: number, isHit: boolean): void {
    this.#reads.add(ms);
    if (isHit) this.#hits.add(ms);
  }

  #collected({ duration, detail }: Collection): void {
    this.#collections.add(duration);
    if (detail?.kind === constants.NODE_PERFORMANCE_GC_MAJOR) this.#fullCollections.add(duration);
    this.#longestPauseMs = Math.max(this.#longestPauseMs, duration);
  }

  end(): ThreadReport {
    this.#observer.disconnect();
    this.#delay.disable();
    // The delay counts from one look to the next, which are this far apart when nothing is late.
    const late = (ns: number): number => Math.max(0, ns / 1e6 - RESOLUTION_MS);
    return {
      reads: { ...this.#reads },
      hits: { ...this.#hits },
      collections: { ...this.#collections },
      fullCollections: { ...this.#fullCollections },
      longestPauseMs: this.#longestPauseMs,
      loopP99Ms: late(this.#delay.percentile(99)),
      loopMaxMs: late(this.#delay.max),
    };
  }
}
