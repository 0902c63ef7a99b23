import { type Cache, createCache } from '../index.js';
import { LimitsWatch } from './limits.js';
import type { LoadOptions } from './load.js';
import { LoadThread } from './load-thread.js';
import { poolSizeFor } from './payloads.js';
import { pooledOptions } from './pooling.js';
import { measureEntryBytes, populationsFor, WARM_UP_MS_MAX } from './profile.js';
import type { Findings } from './report.js';
import { tierOf } from './riders.js';
import { observe, type RunContext, startProgress, withMain } from './run.js';
import { Team } from './team.js';
import type { DemoTypes } from './values.js';

/** Puts the load on a cache of its own, from the main thread and the workers alike. */
export async function runLoad(context: RunContext): Promise<Findings> {
  const { capacityBytes, seed, threads } = context.options;
  const participants = threads + 1;
  const poolSize = poolSizeFor(participants);
  const pooled = pooledOptions(seed, poolSize, participants);
  const cache = await createCache<DemoTypes>({ capacity: capacityBytes, users: { tierOf }, ...pooled });
  const limits = new LimitsWatch(cache);
  try {
    const entryBytes = measureEntryBytes(cache, seed, poolSize);
    const main: LoadOptions = {
      seed,
      populations: populationsFor(capacityBytes, entryBytes),
      participant: 0,
      participants,
    };
    const findings = await runTeam(context, cache, main);
    return { ...findings, limits: limits.report() };
  } finally {
    await cache.close();
  }
}

async function runTeam(context: RunContext, cache: Cache<DemoTypes>, main: LoadOptions): Promise<Findings> {
  const { options, io, stop } = context;
  const workers = Array.from({ length: options.threads }, (_, i) => i + 1);
  const team = new Team(
    workers.map((participant) => ({ ...main, mode: 'load', handle: cache.handle, participant })),
    () => stop.abort('failed'),
  );
  stop.signal.addEventListener('abort', () => team.tell({ kind: 'stop' }));
  const progress = startProgress(cache, context);
  try {
    const thread = new LoadThread(cache, main, io.now, stop.signal);
    if (progress !== undefined) progress.phase = 'warming up';
    await warmUp(team, thread);
    const seen = await observe(context, { cache, team, progress }, async () => {
      team.tell({ kind: 'start' });
      await thread.run();
    });
    return { ...seen, mode: 'load', tallies: withMain(thread.tally, seen.tallies) };
  } finally {
    progress?.stop();
    await team.dismiss();
  }
}

async function warmUp(team: Team, thread: LoadThread): Promise<void> {
  await Promise.all([team.all('ready'), thread.open()]);
  team.tell({ kind: 'warm-up' });
  await thread.warmUp(WARM_UP_MS_MAX);
  await team.all('warm');
}
