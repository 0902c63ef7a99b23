import { requestedBytes } from '../engine/rounding.js';
import type { ClassStats } from '../index.js';
import { ENGINE_POLICIES, type EnginePolicy } from '../policies/engine-policies.js';
import { POLICY_NAMES } from '../policies/replay/policies.js';
import type { Favour } from '../policies/replay/policy.js';
import { shareOf } from './format.js';
import { loadNumberedTrace, type NumberedTrace } from './numbered-trace.js';
import type { Outcome } from './replay-alone.js';

import { type EngineOutcome, replayOnEngine } from './replay-engine.js';
import { SIZE_BYTES_DEFAULT } from './replay-thread.js';
import type { TuneOptions } from './tune-args.js';
import { findShares } from './tune-shares.js';
import { type Slab, slabCandidates } from './tune-slab.js';
import { formatTuning } from './tune-text.js';
import type { Measured, Trial, Tuning, TypeTuning } from './tuning.js';

interface Output {
  write(text: string): unknown;
}

/**
 * Hit ratios closer than this are alike, since every cache hashes by a key of its own; then what loses less to rounding
 * is better.
 */
const ALIKE = 0.001;
/** What shares must gain to be worth their limits. */
const SHARES_GAIN_MIN = 0.001;
/** One thread: the order of the requests is the trace's. */
const THREADS = 1;

export async function runTune(options: TuneOptions, { stdout }: { stdout: Output }): Promise<void> {
  const tuning = await tune(options);
  stdout.write(options.json ? `${JSON.stringify(tuning)}\n` : formatTuning(tuning));
}

async function tune({ file, capacityBytes, favour }: TuneOptions): Promise<Tuning> {
  const trace = await loadNumberedTrace(file);
  const trials: Trial[] = [];
  const run = async (policy: EnginePolicy, slab?: Slab): Promise<EngineOutcome> => {
    const outcome = await replayOnEngine(file, { capacityBytes, policy, favour, slab }, THREADS);
    trials.push({
      policy,
      ...(slab && { slab }),
      ...measured(outcome),
      wasteShare: wasteShare(outcome.stats.classes),
    });
    return outcome;
  };
  const [usual, ...others] = ENGINE_POLICIES;
  const first = await run(usual);
  for (const slab of slabCandidates(trace, first.stats.pageBytes)) await run(usual, slab);
  const slab = bestOf(trials, favour).slab;
  for (const policy of others) await run(policy, slab);
  const best = bestOf(trials, favour);
  return {
    trace: file,
    capacity: capacityBytes,
    favour,
    requests: first.requests,
    trials,
    best,
    types: tuneTypes(trace, first, best, favour),
  };
}

/** The earlier of two that are alike in both respects: the defaults stay where nothing gains. */
export function bestOf(trials: readonly Trial[], favour: Favour): Trial {
  const ratio = (trial: Trial): number => (favour === 'bytes' ? trial.byteHitRatio : trial.hitRatio);
  const top = Math.max(...trials.map(ratio));
  const alike = trials.filter((trial) => ratio(trial) >= top - ALIKE);
  return alike.reduce((best, trial) => (trial.wasteShare < best.wasteShare ? trial : best));
}

function tuneTypes(
  trace: NumberedTrace,
  { stats }: EngineOutcome,
  { policy, wasteShare }: Trial,
  favour: Favour,
): TypeTuning | null {
  const lone = POLICY_NAMES.find((name) => name === policy);
  if (lone === undefined) return null;
  const sizes = entryBytes(trace, wasteShare);
  const bytes = stats.capacityBytes - stats.bytesMetadata - stats.bytesIndex;
  const found = findShares({ trace: { ...trace, sizes }, bytes, policy: lone, favour });
  if (found === undefined) return null;
  const together = measured(found.together);
  const apart = measured(found.apart);
  const gain = favour === 'bytes' ? apart.byteHitRatio - together.byteHitRatio : apart.hitRatio - together.hitRatio;
  return { maxShare: gain >= SHARES_GAIN_MIN ? found.shares : null, policy, together, apart };
}

/** By key: what an entry takes of the cache, rounding being the same share for all. */
function entryBytes({ keys, sizes }: NumberedTrace, wasteShare: number): Int32Array {
  return Int32Array.from(keys, (key, id) => {
    const bytes = requestedBytes(Buffer.byteLength(key), sizes[id]! || SIZE_BYTES_DEFAULT);
    return Math.round(bytes / (1 - wasteShare));
  });
}

function measured({ requests, hits, bytesRequested, bytesHit }: Outcome): Measured {
  return { hitRatio: shareOf(hits, requests), byteHitRatio: shareOf(bytesHit, bytesRequested) };
}

function wasteShare(classes: readonly ClassStats[]): number {
  let wasted = 0;
  let used = 0;
  for (const { bytesWasted, bytesRequested } of classes) {
    wasted += bytesWasted;
    used += bytesWasted + bytesRequested;
  }
  return shareOf(wasted, used);
}
