import { type Cache, type CacheStats, ManualClock } from '../index.js';
import { CliError, EXIT_VIOLATION } from './errors.js';
import type { Outcome } from './replay-alone.js';
import { createReplayCache, type EngineSetup } from './replay-cache.js';
import { ReplayCrew, type ReplayPlan } from './replay-crew.js';
import type { RunStop } from './run.js';
import type { Tally } from './tally.js';
import type { DemoTypes } from './values.js';

export interface EngineOutcome extends Outcome {
  /** As the trace left the cache. */
  readonly stats: CacheStats;
}

/**
 * Replays a trace on the engine, at the trace's own time, which moves with each of its moments, or once in `stepRequests`.
 * Throws if the cache was found wrong or a thread died.
 */
export async function replayOnEngine(
  file: string,
  setup: EngineSetup,
  threads: number,
  stepRequests?: number,
): Promise<EngineOutcome> {
  const clock = new ManualClock(0);
  const cache = await createReplayCache(setup, clock);
  try {
    const tallies = await runCrew({ file, threads, stepRequests, capacityBytes: setup.capacityBytes }, cache, clock);
    const stats = cache.stats();
    checkSound(tallies, cache.verify());
    return {
      requests: stats.hits + stats.misses,
      hits: stats.hits,
      bytesRequested: sum(tallies, ({ bytesRequested }) => bytesRequested),
      bytesHit: sum(tallies, ({ bytesHit }) => bytesHit),
      stats,
    };
  } finally {
    await cache.close();
  }
}

async function runCrew(plan: ReplayPlan, cache: Cache<DemoTypes>, clock: ManualClock): Promise<Tally[]> {
  const stop: RunStop = new AbortController();
  const crew = new ReplayCrew(plan, cache, clock, stop);
  try {
    await crew.team.all('ready');
    await crew.run();
    stop.abort('ended');
    await crew.team.all('done');
    if (crew.team.failures.length > 0) throw new CliError(crew.team.failures.join('; '), EXIT_VIOLATION);
    return crew.team.tallies.flatMap(({ tally }) => tally ?? []);
  } finally {
    // A trace that can't be read ends here, with threads still waiting for each other.
    stop.abort('failed');
    await crew.team.dismiss();
  }
}

function checkSound(tallies: readonly Tally[], violations: readonly string[]): void {
  const [first] = [...tallies.flatMap((tally) => tally.violations), ...violations];
  if (first !== undefined) throw new CliError(`violation: ${first}`, EXIT_VIOLATION);
}

function sum(tallies: readonly Tally[], pick: (tally: Tally) => number): number {
  return tallies.reduce((total, tally) => total + pick(tally), 0);
}
