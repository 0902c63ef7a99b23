/** The eviction policies of the engine by their names. */
import type { Words } from '#atomics';
import type { Layout, SharedClock } from '../../native-free/index.js';
import type { EvictionPolicy } from '../engine/ports.js';
import { LruPolicy } from './lru.js';

export const ENGINE_POLICIES = ['lru'] as const;
export type EnginePolicy = (typeof ENGINE_POLICIES)[number];

export interface PolicyPlan {
  readonly name: EnginePolicy;
}

/** Words that a policy takes in each shard, and for the cache as a whole. */
export function policyWordsOf(_plan: PolicyPlan): { policyWords: number; policySharedWords: number } {
  return { policyWords: LruPolicy.words, policySharedWords: 0 };
}

export function createEnginePolicy(
  _plan: PolicyPlan,
  words: Words,
  layout: Layout,
  clock: SharedClock,
): EvictionPolicy {
  return new LruPolicy(words, layout, clock);
}
