import {
  BOUND_NAME,
  createBound,
  createPolicy,
  POLICY_NAMES,
  type PolicyName,
} from '../../../../src/policies/replay/policies.js';
import type { ReplayPolicy, Unit } from '../../../../src/policies/replay/policy.js';

type AnyPolicy = PolicyName | typeof BOUND_NAME;

export const ALL_POLICIES: readonly AnyPolicy[] = [...POLICY_NAMES, BOUND_NAME];

/** Requests for numbered objects, with a size each. */
export interface Sequence {
  readonly ids: readonly number[];
  readonly sizes?: readonly number[];
}

export interface Setup {
  readonly capacity: number;
  readonly unit?: Unit;
  readonly seed?: number;
}

export function create(name: AnyPolicy, { ids }: Sequence, setup: Setup): ReplayPolicy {
  const options = {
    keys: Math.max(...ids) + 1,
    unit: setup.unit ?? 'objects',
    seed: setup.seed ?? 1,
    favour: 'objects',
  } as const;
  return name === BOUND_NAME
    ? createBound(setup.capacity, options, Int32Array.from(ids))
    : createPolicy(name, setup.capacity, options);
}

/** Whether each request was a hit. */
export function replay(policy: ReplayPolicy, { ids, sizes }: Sequence): boolean[] {
  return ids.map((id, at) => policy.access(id, sizes?.[at] ?? 1));
}

/** The objects that are stored, in ascending order. */
export function stored(policy: ReplayPolicy, { ids }: Sequence): number[] {
  return [...new Set(ids)].filter((id) => policy.has(id)).sort((a, b) => a - b);
}
