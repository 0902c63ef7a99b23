/** The engine for replays: the one place that makes it from a policy's name. */
import { type Cache, createCache, type ManualClock, type SlabOptions } from '../index.js';
import { ENGINE_POLICIES, type EnginePolicy } from '../policies/engine-policies.js';
import type { Favour } from '../policies/replay/policy.js';
import type { DemoTypes } from './values.js';

/** The cache that a trace is replayed on. */
export interface EngineSetup {
  readonly capacityBytes: number;
  readonly policy: EnginePolicy;
  readonly favour: Favour;
  readonly slab?: SlabOptions | undefined;
}

export async function createReplayCache(
  { capacityBytes, policy, favour, slab }: EngineSetup,
  clock: ManualClock,
): Promise<Cache<DemoTypes>> {
  const options = { capacity: capacityBytes, clock, policy, favour };
  return createCache<DemoTypes>(slab === undefined ? options : { ...options, slab });
}

export function isEnginePolicy(name: string): name is EnginePolicy {
  return (ENGINE_POLICIES as readonly string[]).includes(name);
}
