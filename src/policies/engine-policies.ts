/** The eviction policies of the engine by their names. */
import type { Words } from '#atomics';
import type { Layout, SharedClock } from '../../native-free/index.js';
import type { EvictionPolicy } from '../engine/ports.js';
import { AdaptivePolicy, type Favour } from './adaptive.js';
import { LruPolicy } from './lru.js';
import { S3FifoPolicy } from './s3-fifo.js';
import { SievePolicy } from './sieve.js';
import { WTinyLfuPolicy } from './w-tinylfu.js';

export const ENGINE_POLICIES = ['adaptive', 'lru', 'sieve', 's3-fifo', 'w-tinylfu'] as const;
export type EnginePolicy = (typeof ENGINE_POLICIES)[number];

export interface PolicyPlan {
  readonly name: EnginePolicy;
  readonly favour: Favour;
}

interface EnginePolicyClass {
  /** Words that it takes in a shard of so many bytes. */
  words(shardBytes: number): number;
  new (meta: Words, layout: Layout, clock: SharedClock): EvictionPolicy;
}

const CLASSES: Readonly<Record<Exclude<EnginePolicy, 'adaptive'>, EnginePolicyClass>> = {
  lru: LruPolicy,
  sieve: SievePolicy,
  's3-fifo': S3FifoPolicy,
  'w-tinylfu': WTinyLfuPolicy,
};

/** Words that a policy takes in each shard, and for the cache as a whole. */
export function policyWordsOf(
  { name }: PolicyPlan,
  capacityBytes: number,
  shards: number,
): { policyWords: number; policySharedWords: number } {
  if (name !== 'adaptive') return { policyWords: CLASSES[name].words(capacityBytes / shards), policySharedWords: 0 };
  return {
    policyWords: AdaptivePolicy.words(capacityBytes / shards),
    policySharedWords: AdaptivePolicy.sharedWords(capacityBytes),
  };
}

export function createEnginePolicy(plan: PolicyPlan, words: Words, layout: Layout, clock: SharedClock): EvictionPolicy {
  if (plan.name !== 'adaptive') return new CLASSES[plan.name](words, layout, clock);
  return new AdaptivePolicy(words, layout, clock, plan.favour);
}
