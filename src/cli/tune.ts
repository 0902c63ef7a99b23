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
import { checkRereadable } from './trace.js';
import type { TuneOptions } from './tune-args.js';
import { findShares } from './tune-shares.js';
import { type Slab, slabCandidates } from './tune-slab.js';
import { formatTuning } from './tune-text.js';
import type { Measured, Trial, Tuning, TypeTuning } from './tuning.js';

interface Output {
  write(text: string): unknown;
}

/**
 * Hit ratios are alike that are closer than this, or than the runs of the defaults are to each other: every cache hashes by a
 * key of its own, which in a small one is worth more. Then what loses less to rounding by so much is better.
 */
const ALIKE = 0.001;
const WASTE_GAIN_MIN = 0.01;
const DEFAULT_RUNS = 3;
/** What shares must gain to be worth their limits. */
const SHARES_GAIN_MIN = 0.001;
/** One thread: the order of the requests is the trace's. */
const THREADS = 1;

export async function runTune(options: TuneOptions, { stdout }: { stdout: Output }): Promise<void> {
  const tuning = await tune(options);
  stdout.write(options.json ? `${JSON.stringify(tuning)}\n` : formatTuning(tuning));
}

async function tune({ file, capacityBytes, favour }: TuneOptions): Promise<Tuning> {
  await checkRereadable(file);
  const trace = await loadNumberedTrace(file);
  const trials: Trial[] = [];
  const replay = (policy: EnginePolicy, slab?: Slab): Promise<EngineOutcome> =>
    replayOnEngine(file, { capacityBytes, policy, favour, slab }, THREADS);
  const run = async (policy: EnginePolicy, slab?: Slab): Promise<void> => {
    trials.push(trialOf(policy, slab, await replay(policy, slab)));
  };
  const [usual, ...others] = ENGINE_POLICIES;
  const repeats: EngineOutcome[] = [];
  for (let i = 0; i < DEFAULT_RUNS; i++) repeats.push(await replay(usual));
  const { middle: first, spread } = middleOf(repeats, favour);
  trials.push(trialOf(usual, undefined, first));
  for (const slab of slabCandidates(trace, first.stats.pageBytes)) await run(usual, slab);
  const margin = Math.max(ALIKE, spread);
  const slab = bestOf(trials, favour, margin).slab;
  for (const policy of others) await run(policy, slab);
  const best = bestOf(trials, favour, margin);
  return {
    trace: file,
    capacity: capacityBytes,
    favour,
    requests: first.requests,
    margin,
    trials,
    best,
    types: tuneTypes(trace, first, best, favour),
  };
}

function trialOf(policy: EnginePolicy, slab: Slab | undefined, outcome: EngineOutcome): Trial {
  const { classes } = outcome.stats;
  return { policy, ...(slab && { slab }), ...measured(outcome), wasteShare: wasteShare(classes) };
}

/** The run in the middle of several like it, and how far apart they are. */
function middleOf(
  outcomes: readonly EngineOutcome[],
  favour: Favour,
): { readonly middle: EngineOutcome; readonly spread: number } {
  const ratio = (outcome: EngineOutcome): number => ratioOf(measured(outcome), favour);
  const sorted = outcomes.toSorted((a, b) => ratio(a) - ratio(b));
  return { middle: sorted[sorted.length >> 1]!, spread: ratio(sorted.at(-1)!) - ratio(sorted[0]!) };
}

function ratioOf({ hitRatio, byteHitRatio }: Measured, favour: Favour): number {
  return favour === 'bytes' ? byteHitRatio : hitRatio;
}

/** The earlier of two that are alike in both respects: the defaults stay where nothing gains. */
export function bestOf(trials: readonly Trial[], favour: Favour, margin: number): Trial {
  const top = Math.max(...trials.map((trial) => ratioOf(trial, favour)));
  const alike = trials.filter((trial) => ratioOf(trial, favour) >= top - margin);
  return alike.reduce((best, trial) => (trial.wasteShare < best.wasteShare - WASTE_GAIN_MIN ? trial : best));
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
  const gain = ratioOf(apart, favour) - ratioOf(together, favour);
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
