import { BOUND_NAME, createBound, createPolicy } from '../policies/replay/policies.js';
import type { Favour, ReplayPolicy, Unit } from '../policies/replay/policy.js';
import type { NumberedTrace } from './numbered-trace.js';
import type { LonePolicy } from './replay-args.js';

/** What the requests of a replay came to. */
export interface Outcome {
  readonly requests: number;
  readonly hits: number;
  readonly bytesRequested: number;
  readonly bytesHit: number;
}

/** A cache for a policy alone. */
export interface LoneCache {
  readonly policy: LonePolicy;
  /** What `size` counts. */
  readonly unit: Unit;
  readonly size: number;
  readonly favour: Favour;
}

/** Replays are the same every time. */
const SEED = 1;

export function replayAlone(trace: NumberedTrace, cache: LoneCache): Outcome {
  const { requests, sizes } = trace;
  const policy = create(trace, cache);
  let hits = 0;
  let bytesRequested = 0;
  let bytesHit = 0;
  for (let at = 0; at < requests.length; at++) {
    const id = requests[at]!;
    const size = sizes[id]!;
    bytesRequested += size;
    if (!policy.access(id, size)) continue;
    hits += 1;
    bytesHit += size;
  }
  return { requests: requests.length, hits, bytesRequested, bytesHit };
}

function create({ keys, requests }: NumberedTrace, { policy, unit, size, favour }: LoneCache): ReplayPolicy {
  const options = { keys: keys.length, unit, seed: SEED, favour };
  return policy === BOUND_NAME ? createBound(size, options, requests) : createPolicy(policy, size, options);
}
