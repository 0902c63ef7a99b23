import { type Cache, createCache, ManualClock } from '../index.js';
import { Pacer } from './pacer.js';
import { hashText } from './random.js';
import { ChunkWriter } from './replay-thread.js';
import type { Findings, TraceReport } from './report.js';
import { observe, type RunContext, startProgress } from './run.js';
import { Team } from './team.js';
import { readTrace, type TraceRequest } from './trace.js';
import type { DemoTypes } from './values.js';

/** Chunks that may be under way per thread: one in work and one waiting, so that parsing and replaying overlap. */
const CHUNKS_AHEAD = 2;
const CHUNK_MS_MAX = 30_000;

/** Replays a trace: the main thread reads it, the workers replay it, each the keys that fall to it. */
export async function runReplay(context: RunContext): Promise<Findings> {
  const clock = new ManualClock(0);
  const cache = await createCache<DemoTypes>({ capacity: context.options.capacityBytes, clock });
  try {
    return await runTeam(context, cache, clock);
  } finally {
    await cache.close();
  }
}

async function runTeam(context: RunContext, cache: Cache<DemoTypes>, clock: ManualClock): Promise<Findings> {
  const { options, stop } = context;
  const pacer = new Pacer(Pacer.bufferFor(options.threads), options.threads, clock);
  const team = enlist(context, cache, pacer, clock);
  stop.signal.addEventListener('abort', () => {
    pacer.stop();
    team.tell({ kind: 'stop' });
  });
  const progress = startProgress(cache, context);
  const feeder = new Feeder(options.trace ?? '', options.threads);
  try {
    await team.all('ready');
    const seen = await observe(context, { cache, team, progress }, () => feeder.run(team, stop.signal));
    return { ...seen, mode: 'replay', trace: feeder.report() };
  } finally {
    // A trace that can't be read ends here, with threads still waiting for each other.
    stop.abort('failed');
    progress?.stop();
    await team.dismiss();
  }
}

function enlist({ options, stop }: RunContext, cache: Cache<DemoTypes>, pacer: Pacer, clock: ManualClock): Team {
  const { threads, capacityBytes } = options;
  const common = {
    mode: 'replay',
    handle: cache.handle,
    participants: threads,
    pacer: pacer.buffer,
    clock: clock.buffer,
  } as const;
  const workers = Array.from({ length: threads }, (_, participant) => ({ ...common, participant, capacityBytes }));
  return new Team(workers, () => stop.abort('failed'));
}

/** Reads a trace and deals its requests out to the threads by key, so that each key's order is kept. */
class Feeder {
  readonly #file: string;
  readonly #writers: readonly ChunkWriter[];
  #requests = 0;
  #chunks = 0;
  /** Steps number the moments of the trace. */
  #step = 0;
  #timeMs = 0;
  #firstTimeMs: number | undefined;
  #complete = false;

  constructor(file: string, threads: number) {
    this.#file = file;
    this.#writers = Array.from({ length: threads }, () => new ChunkWriter());
  }

  async run(team: Team, signal: AbortSignal): Promise<void> {
    for await (const requests of readTrace(this.#file)) {
      if (signal.aborted) return;
      for (const request of requests) this.#deal(request);
      team.hand(this.#writers.map((writer) => writer.take(this.#step, this.#timeMs)));
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

  /** A request without a time, or with one that lies back, happens when the one before it did. */
  #deal(request: TraceRequest): void {
    const timeMs = request.timeMs ?? this.#timeMs;
    this.#firstTimeMs ??= request.timeMs;
    if (timeMs > this.#timeMs) {
      this.#timeMs = timeMs;
      this.#step++;
    }
    this.#requests++;
    this.#writers[hashText(request.key) % this.#writers.length]?.add(request, this.#step, this.#timeMs);
  }
}
