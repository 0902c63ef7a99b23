/** The engine for replays: the one place that makes it from a policy's name. */
import { type Cache, createCache, type ManualClock, type SlabOptions } from '../index.js';
import type { Favour } from '../policies/replay/policy.js';
import type { DemoTypes } from './values.js';

/** What the engine can evict by, its default first. */
export const ENGINE_POLICIES = ['lru'] as const;
export type EnginePolicy = (typeof ENGINE_POLICIES)[number];

/** The cache that a trace is replayed on. */
export interface EngineSetup {
  readonly capacityBytes: number;
  readonly policy: EnginePolicy;
  readonly favour: Favour;
  readonly slab?: SlabOptions | undefined;
}

/** `policy` and `favour` have one choice, which is the engine's own: there is nothing to pass yet. */
export async function createReplayCache(
  { capacityBytes, slab }: EngineSetup,
  clock: ManualClock,
): Promise<Cache<DemoTypes>> {
  return createCache<DemoTypes>({ capacity: capacityBytes, clock, ...(slab === undefined ? {} : { slab }) });
}

export function isEnginePolicy(name: string): name is EnginePolicy {
  return (ENGINE_POLICIES as readonly string[]).includes(name);
}
