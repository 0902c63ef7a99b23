import { type Cache, createCache, ManualClock } from '../index.js';
import { ReplayCrew } from './replay-crew.js';
import type { Findings } from './report.js';
import { observe, type RunContext, startProgress } from './run.js';
import { checkReadable } from './trace.js';
import type { DemoTypes } from './values.js';

/** Replays a trace: the main thread reads it, the workers replay it, each the keys that fall to it. */
export async function runReplay(context: RunContext): Promise<Findings> {
  const file = context.options.trace ?? '';
  await checkReadable(file);
  const clock = new ManualClock(0);
  const cache = await createCache<DemoTypes>({ capacity: context.options.capacityBytes, clock });
  try {
    return await runCrew(context, file, cache, clock);
  } finally {
    await cache.close();
  }
}

async function runCrew(
  context: RunContext,
  file: string,
  cache: Cache<DemoTypes>,
  clock: ManualClock,
): Promise<Findings> {
  const { options, stop } = context;
  const crew = new ReplayCrew({ ...options, file }, cache, clock, stop);
  const progress = startProgress(cache, context);
  try {
    await crew.team.all('ready');
    const seen = await observe(context, { cache, team: crew.team, progress }, () => crew.run());
    return { ...seen, mode: 'replay', trace: crew.report() };
  } finally {
    // A trace that can't be read ends here, with threads still waiting for each other.
    stop.abort('failed');
    progress?.stop();
    await crew.team.dismiss();
  }
}
