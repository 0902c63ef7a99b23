/** A contender with its lanes, as the main thread drives them. */
import { once } from 'node:events';
import { Worker } from 'node:worker_threads';
import { Histogram } from '../histogram.js';
import type { Contender, Prepared, Setup } from './contender.js';
import type { LaneData, LaneReady, LaneRequest, Requests, Usage } from './lane.js';

const HEAP_MB = 6_144;

export class Team {
  readonly name: string;
  readonly serverPid: number | undefined;
  /** What filling has added to the heap of each lane that did. */
  readonly filledBytes: readonly number[];
  misses = 0;
  readonly #lanes: readonly Worker[];
  readonly #prepared: Prepared;

  private constructor(name: string, lanes: readonly Worker[], prepared: Prepared, filledBytes: readonly number[]) {
    this.name = name;
    this.serverPid = prepared.serverPid;
    this.filledBytes = filledBytes;
    this.#lanes = lanes;
    this.#prepared = prepared;
  }

  /** Ready when its caches are filled, or else when they are open. */
  static async start(contender: Contender, setup: Setup, threads: number, isFilled = true): Promise<Team> {
    const prepared = await contender.prepare(setup);
    const lanes: Worker[] = [];
    const filledBytes: number[] = [];
    try {
      for (let i = 0; i < threads; i++) {
        const fills = isFilled && (i === 0 || contender.isPerThread === true);
        const { share } = prepared;
        const workerData: LaneData = { contender: contender.name, setup, share, seed: 0x9e3779b9 * (i + 1), fills };
        const resourceLimits = { maxOldGenerationSizeMb: HEAP_MB };
        const lane = new Worker(new URL('./lane.js', import.meta.url), { workerData, resourceLimits, execArgv: [] });
        lanes.push(lane);
        const [ready] = (await once(lane, 'message')) as [LaneReady];
        if (fills) filledBytes.push(ready.filledBytes);
      }
    } catch (error) {
      await end(lanes, prepared);
      throw error;
    }
    return new Team(contender.name, lanes, prepared, filledBytes);
  }

  /** Runs a slice on the first `threads` lanes at once, gets by the share `reads`. Returns operations per millisecond. */
  async rate(reads: number, threads: number, sliceMs: number): Promise<number> {
    let rate = 0;
    for (const slice of await this.#ask('slice', { reads, sliceMs, isTimed: false }, threads)) {
      rate += slice.operations / slice.elapsedMs;
      this.misses += slice.misses;
    }
    return rate;
  }

  /** The same, but every operation is timed by itself. */
  async latencies(reads: number, sliceMs: number): Promise<Histogram> {
    const all = new Histogram();
    const slices = await this.#ask('slice', { reads, sliceMs, isTimed: true });
    for (const { latencies } of slices) if (latencies !== undefined) all.merge(latencies);
    return all;
  }

  /** At least so many operations by each lane. Returns the share of hits. */
  async hitRatio(atLeast: number): Promise<number> {
    const replies = await this.#ask('readThrough', { atLeast });
    const sum = (of: 'hits' | 'operations'): number => replies.reduce((all, reply) => all + reply[of], 0);
    return sum('hits') / sum('operations');
  }

  usages(): Promise<Usage[]> {
    return this.#ask('usage', {});
  }

  stop(): Promise<void> {
    return end(this.#lanes, this.#prepared);
  }

  async #ask<K extends keyof Requests>(
    kind: K,
    what: Requests[K][0],
    threads: number = this.#lanes.length,
  ): Promise<Requests[K][1][]> {
    const lanes = this.#lanes.slice(0, threads);
    const replies = lanes.map(async (lane) => (await once(lane, 'message'))[0] as Requests[K][1]);
    for (const lane of lanes) lane.postMessage({ kind, ...what } as LaneRequest);
    return await Promise.all(replies);
  }
}

async function end(lanes: readonly Worker[], prepared: Prepared): Promise<void> {
  await Promise.all(lanes.map((lane) => lane.terminate()));
  await prepared.close();
}
