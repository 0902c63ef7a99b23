/** What a thread measures of itself from one moment to another. */
import { monitorEventLoopDelay } from 'node:perf_hooks';
import { GcWatch } from '../gc-watch.js';
import type { Sum, ThreadReport } from './messages.js';

const RESOLUTION_MS = 5;

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
  readonly #collections = new GcWatch(true);
  readonly #delay = monitorEventLoopDelay({ resolution: RESOLUTION_MS });

  constructor() {
    this.#delay.enable();
  }

  read(ms: number, isHit: boolean): void {
    this.#reads.add(ms);
    if (isHit) this.#hits.add(ms);
  }

  end(): ThreadReport {
    const gc = this.#collections.sums();
    this.#collections.stop();
    this.#delay.disable();
    // The delay counts from one look to the next, which are this far apart when nothing is late.
    const late = (ns: number): number => Math.max(0, ns / 1e6 - RESOLUTION_MS);
    return {
      reads: { ...this.#reads },
      hits: { ...this.#hits },
      collections: { count: gc.count, ms: gc.totalMs },
      fullCollections: { count: gc.fullCount, ms: gc.fullMs },
      longestPauseMs: gc.longestMs,
      loopP99Ms: late(this.#delay.percentile(99)),
      loopMaxMs: late(this.#delay.max),
    };
  }
}
