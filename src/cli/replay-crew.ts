import type { Cache, ManualClock } from '../index.js';
import { Pacer } from './pacer.js';
import { hashText } from './random.js';
import { ChunkWriter } from './replay-thread.js';
import type { TraceReport } from './report.js';
import type { RunStop } from './run.js';
import { Team } from './team.js';
import { readTrace, type TraceRequest } from './trace.js';
import type { DemoTypes } from './values.js';

/** Chunks that may be under way per thread: one in work and one waiting, so that parsing and replaying overlap. */
const CHUNKS_AHEAD = 2;
const CHUNK_MS_MAX = 30_000;
/**
 * Requests of one step; a moment with more of them is cut up. Threads run freely within a step, so long ones would change
 * the order in which entries are used, and with it the hit ratio.
 */
const STEP_REQUESTS_MAX = 256;
/** Behind a gap of 248 days every TTL that a trace may give is over, so that a longer one changes nothing: it is cut to this. */
const GAP_MS_MAX = 249 * 86_400_000;

/** Who replays a trace on what. */
export interface ReplayPlan {
  readonly file: string;
  readonly threads: number;
  readonly capacityBytes: number;
  /** Requests of a step, whatever their times, so that threads race within it; a moment of the trace if undefined. */
  readonly stepRequests?: number | undefined;
}

/** The threads that replay a trace, and the main thread's part: it reads, and they replay, each the keys that fall to it. */
export class ReplayCrew {
  readonly team: Team;
  readonly #feeder: Feeder;
  readonly #signal: AbortSignal;

  constructor(
    { file, threads, capacityBytes, stepRequests }: ReplayPlan,
    cache: Cache<DemoTypes>,
    clock: ManualClock,
    stop: RunStop,
  ) {
    const pacer = new Pacer(Pacer.bufferFor(threads), threads, clock);
    const common = {
      mode: 'replay',
      handle: cache.handle,
      participants: threads,
      pacer: pacer.buffer,
      clock: clock.buffer,
    } as const;
    const workers = Array.from({ length: threads }, (_, participant) => ({ ...common, participant, capacityBytes }));
    this.team = new Team(workers, () => stop.abort('failed'));
    this.#feeder = new Feeder(file, threads, stepRequests);
    this.#signal = stop.signal;
    stop.signal.addEventListener('abort', () => {
      pacer.stop();
      this.team.tell({ kind: 'stop' });
    });
  }

  /** Replays the trace to its end, or until the run is stopped. */
  async run(): Promise<void> {
    await this.#feeder.run(this.team, this.#signal);
  }

  report(): TraceReport {
    return this.#feeder.report();
  }
}

/** Reads a trace and deals its requests out to the threads by key, so that each key's order is kept. */
class Feeder {
  readonly #file: string;
  readonly #writers: readonly ChunkWriter[];
  /** A step ends with its moment. */
  readonly #isByMoments: boolean;
  readonly #stepRequestsMax: number;
  #requests = 0;
  #chunks = 0;
  #step = 0;
  #inStep: number;
  /** The trace's own time, and the cache's, in which long gaps are cut. */
  #timeMs = 0;
  #clockMs = 0;
  #firstTimeMs: number | undefined;
  #complete = false;

  constructor(file: string, threads: number, stepRequests: number | undefined) {
    this.#file = file;
    this.#writers = Array.from({ length: threads }, () => new ChunkWriter());
    this.#isByMoments = stepRequests === undefined;
    this.#stepRequestsMax = stepRequests ?? STEP_REQUESTS_MAX;
    this.#inStep = this.#stepRequestsMax;
  }

  async run(team: Team, signal: AbortSignal): Promise<void> {
    for await (const requests of readTrace(this.#file)) {
      if (signal.aborted) return;
      for (const request of requests) this.#deal(request);
      team.hand(this.#writers.map((writer) => writer.take(this.#step, this.#clockMs)));
      this.#chunks++;
      await team.allTaken(this.#chunks - CHUNKS_AHEAD + 1, CHUNK_MS_MAX);
    }
    await team.allTaken(this.#chunks, CHUNK_MS_MAX);
    this.#complete = !signal.aborted;
  }

  report(): TraceReport {
    const traceSeconds = (this.#timeMs - (this.#firstTimeMs ?? 0)) / 1_000;
    return { file: this.#file, requests: this.#requests, traceSeconds, complete: this.#complete };
  }

  /** A request without a time, or with one that lies back, happens when the one before it did; a whole step when its first did. */
  #deal(request: TraceRequest): void {
    const timeMs = Math.max(request.timeMs ?? 0, this.#timeMs);
    this.#firstTimeMs ??= request.timeMs;
    if ((this.#isByMoments && timeMs > this.#timeMs) || this.#inStep === this.#stepRequestsMax) {
      this.#clockMs += Math.min(timeMs - this.#timeMs, GAP_MS_MAX);
      this.#timeMs = timeMs;
      this.#step++;
      this.#inStep = 0;
    }
    this.#inStep++;
    this.#requests++;
    this.#writers[hashText(request.key) % this.#writers.length]?.add(request, this.#step, this.#clockMs);
  }
}
