/** A contender with its two lanes, as the main thread drives them. */
import { once } from 'node:events';
import { Worker } from 'node:worker_threads';
import type { Contender, Prepared, Setup } from './contender.js';
import type { LaneData, LaneReply, LaneRequest } from './lane.js';

export const THREADS_MAX = 2;
const HEAP_MB = 6_144;

export class Team {
  readonly name: string;
  misses = 0;
  readonly #lanes: readonly Worker[];
  readonly #prepared: Prepared;

  private constructor(name: string, lanes: readonly Worker[], prepared: Prepared) {
    this.name = name;
    this.#lanes = lanes;
    this.#prepared = prepared;
  }

  /** Ready when its caches are filled. */
  static async start(contender: Contender, setup: Setup): Promise<Team> {
    const prepared = await contender.prepare(setup);
    const lanes: Worker[] = [];
    for (let i = 0; i < THREADS_MAX; i++) {
      const fills = i === 0 && contender.isPerThread !== true;
      const { share } = prepared;
      const workerData: LaneData = { contender: contender.name, setup, share, seed: 0x9e3779b9 * (i + 1), fills };
      const resourceLimits = { maxOldGenerationSizeMb: HEAP_MB };
      const lane = new Worker(new URL('./lane.js', import.meta.url), { workerData, resourceLimits, execArgv: [] });
      await once(lane, 'message');
      lanes.push(lane);
    }
    return new Team(contender.name, lanes, prepared);
  }

  /** Runs a slice on the first `threads` lanes at once. Returns their operations per millisecond together. */
  async rate(operation: 'get' | 'set', threads: number, sliceMs: number): Promise<number> {
    const lanes = this.#lanes.slice(0, threads);
    const replies = lanes.map(async (lane) => (await once(lane, 'message'))[0] as LaneReply);
    const request: LaneRequest = { operation, sliceMs };
    for (const lane of lanes) lane.postMessage(request);
    let rate = 0;
    for (const { operations, elapsedMs, misses } of await Promise.all(replies)) {
      rate += operations / elapsedMs;
      this.misses += misses;
    }
    return rate;
  }

  async stop(): Promise<void> {
    await Promise.all(this.#lanes.map((lane) => lane.terminate()));
    await this.#prepared.close();
  }
}
