import type { Cache } from '../index.js';
import type { DemoOptions } from './args.js';
import { GcWatch } from './gc.js';
import { Progress, type ProgressOutput } from './progress.js';
import type { Findings, MemoryReport } from './report.js';
import type { Tally } from './tally.js';
import type { Team } from './team.js';
import type { DemoTypes } from './values.js';

type StopReason = 'interrupted' | 'time is up' | 'ended' | 'failed';

/** Ends a run; the first reason counts. */
export interface RunStop {
  readonly signal: AbortSignal;
  abort(reason: StopReason): void;
}

/** What a run is given. */
export interface RunContext {
  readonly options: DemoOptions;
  readonly io: { readonly stderr: ProgressOutput; readonly now: () => number };
  readonly stop: RunStop;
}

/** What a run has set up for itself. */
interface Stage {
  readonly cache: Cache<DemoTypes>;
  readonly team: Team;
  readonly progress: Progress | undefined;
}

export function startProgress(cache: Cache<DemoTypes>, { options, io }: RunContext): Progress | undefined {
  return options.json ? undefined : new Progress(io.stderr, () => cache.stats(), io.now);
}

/** Runs `work` for as long as the options say, and notes what can be seen of it from outside. */
export async function observe(
  { options, io, stop }: RunContext,
  { cache, team, progress }: Stage,
  work: () => Promise<void>,
): Promise<Omit<Findings, 'mode' | 'trace'>> {
  const before = cache.stats();
  const gc = new GcWatch();
  const timer = setTimeout(() => stop.abort('time is up'), options.seconds * 1_000);
  const startMs = io.now();
  try {
    if (progress !== undefined) progress.phase = 'running';
    await work();
    const seconds = (io.now() - startMs) / 1_000;
    stop.abort('ended');
    await team.all('done');
    return {
      ...conclude(cache, team),
      before,
      gc: gc.stop(),
      seconds,
      seed: options.seed,
      interrupted: stop.signal.reason === 'interrupted',
    };
  } finally {
    clearTimeout(timer);
    progress?.stop();
  }
}

/** The state of a quiet cache, with all threads still attached. */
function conclude(
  cache: Cache<DemoTypes>,
  team: Team,
): Pick<Findings, 'after' | 'memory' | 'verifyViolations' | 'failures' | 'tallies'> {
  return {
    after: cache.stats(),
    memory: readMemory(),
    verifyViolations: cache.verify(),
    failures: team.failures,
    tallies: team.tallies,
  };
}

/** The threads' tallies, with the main thread's before them. */
export function withMain(tally: Tally, tallies: Findings['tallies']): Findings['tallies'] {
  return [{ name: 'main', tally }, ...tallies];
}

function readMemory(): MemoryReport {
  const { heapUsed, heapTotal, rss } = process.memoryUsage();
  const { maxRSS } = process.resourceUsage();
  return {
    heapUsedBytes: heapUsed,
    heapTotalBytes: heapTotal,
    rssBytes: rss,
    rssPeakBytes: Math.max(rss, maxRSS * 1_024),
  };
}
