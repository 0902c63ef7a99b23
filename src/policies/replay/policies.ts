/** The policies by their names. */
import { Adaptive } from './adaptive.js';
import { Arc } from './arc.js';
import { BeladySize } from './belady-size.js';
import { ExactLru } from './lru.js';
import { Optimal } from './opt.js';
import type { PolicyOptions, ReplayPolicy } from './policy.js';
import { S3Fifo } from './s3-fifo.js';
import { Sieve } from './sieve.js';
import { WTinyLfu } from './w-tinylfu.js';

export type PolicyName = 'lru' | 'arc' | 'sieve' | 's3-fifo' | 'w-tinylfu' | 'adaptive';

const POLICIES: Readonly<Record<PolicyName, new (capacity: number, options: PolicyOptions) => ReplayPolicy>> = {
  lru: ExactLru,
  arc: Arc,
  sieve: Sieve,
  's3-fifo': S3Fifo,
  'w-tinylfu': WTinyLfu,
  adaptive: Adaptive,
};

export const POLICY_NAMES: readonly PolicyName[] = Object.keys(POLICIES) as PolicyName[];
/** What a cache is best given if nothing is known of its load. */
export const DEFAULT_POLICY: PolicyName = 'adaptive';
/** Belady's rule, which knows the requests to come. */
export const BOUND_NAME = 'opt';

export function createPolicy(name: PolicyName, capacity: number, options: PolicyOptions): ReplayPolicy {
  return new POLICIES[name](capacity, options);
}

/** `requests`: the objects that will be asked for, in order. */
export function createBound(capacity: number, options: PolicyOptions, requests: Int32Array): ReplayPolicy {
  return options.unit === 'objects'
    ? new Optimal(capacity, options, requests)
    : new BeladySize(capacity, options, requests);
}
