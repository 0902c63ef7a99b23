import type { Cache } from '../index.js';
import { Load, type LoadOptions } from './load.js';
import { runInSlices } from './slices.js';
import type { Tally } from './tally.js';
import type { DemoTypes } from './values.js';

const ACCESSES_PER_STEP = 16;

/** The load on one thread, main or worker: warm up, run, stop. */
export class LoadThread {
  readonly #load: Load;
  readonly #now: () => number;
  readonly #stop: AbortSignal;

  constructor(cache: Cache<DemoTypes>, options: LoadOptions, now: () => number, stop: AbortSignal) {
    this.#load = new Load(cache, options);
    this.#now = now;
    this.#stop = stop;
  }

  get tally(): Tally {
    return this.#load.tally;
  }

  /** Has the pool start. */
  open(): Promise<void> {
    return this.#load.open();
  }

  /** Stores this thread's part of the keys; gives up after `limitMs`, when a large cache stays partly cold. */
  async warmUp(limitMs: number): Promise<void> {
    const endMs = this.#now() + limitMs;
    await runInSlices(() => this.#now() < endMs && this.#load.warmUp(ACCESSES_PER_STEP), this.#stop, this.#now);
    await this.#load.finish();
    Object.assign(this.#load.tally, { sets: 0, rejected: 0 });
  }

  /** Runs until told to stop. */
  async run(): Promise<void> {
    await runInSlices(() => this.#load.run(ACCESSES_PER_STEP), this.#stop, this.#now);
    await this.#load.finish();
  }
}
