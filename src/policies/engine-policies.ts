/** The eviction policies of the engine by their names. */
import type { Words } from '#atomics';
import type { Layout, SharedClock } from '../../native-free/index.js';
import type { EvictionPolicy } from '../engine/ports.js';
import { AdaptivePolicy, type Favour } from './adaptive.js';
import { LruPolicy } from './lru.js';

export const ENGINE_POLICIES = ['adaptive', 'lru'] as const;
export type EnginePolicy = (typeof ENGINE_POLICIES)[number];

export interface PolicyPlan {
  readonly name: EnginePolicy;
  readonly favour: Favour;
}

/** Words that a policy takes in each shard, and for the cache as a whole. */
export function policyWordsOf(
  { name }: PolicyPlan,
  capacityBytes: number,
  shards: number,
): { policyWords: number; policySharedWords: number } {
  if (name === 'lru') return { policyWords: LruPolicy.words, policySharedWords: 0 };
  return {
    policyWords: AdaptivePolicy.words(capacityBytes / shards),
    policySharedWords: AdaptivePolicy.sharedWords(capacityBytes),
  };
}

export function createEnginePolicy(plan: PolicyPlan, words: Words, layout: Layout, clock: SharedClock): EvictionPolicy {
  if (plan.name === 'lru') return new LruPolicy(words, layout, clock);
  return new AdaptivePolicy(words, layout, clock, plan.favour);
}
