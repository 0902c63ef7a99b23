/**
 * What all threads of a cache must agree on: plain data, part of the handle. Here is no more than that, so that the warden need not load
 * what checks options.
 */
import type { ArenaConfig } from '../../native-free/index.js';
import type { CompressionPlan } from '../codecs/compression.js';
import type { PolicyPlan } from '../policies/engine-policies.js';
import type { TypeShare } from '../policies/type-rules.js';
import type { NearPlan } from './near-cache.js';
import type { PoolPlan } from './pool/pool-options.js';
import type { UsersPlan } from './users.js';

export interface PressurePlan {
  readonly arena: 'protected' | 'occupancy' | false;
  readonly rss: boolean | 'gauge';
  readonly heap: boolean | 'gauge';
  readonly eventLoop: boolean | 'gauge';
}

export const OVERFLOWS = ['lru', 'aggressive-lru', 'reduce', 'compress'] as const;
export type Overflow = (typeof OVERFLOWS)[number];

export interface TypePlan extends TypeShare {
  readonly name: string;
  readonly overflow: Overflow;
  /** Milliseconds; 0 for no bound. */
  readonly ttlMs: number;
  readonly idleMs: number;
  /** The name of a built-in codec, or OWN_CODEC. */
  readonly codec: string;
  readonly hasCrc: boolean;
  readonly dedupes: boolean;
  /** That of the creator, and of threads that give none. */
  readonly version: number;
  /** Whether the creator has migrations. */
  readonly migrates: boolean;
  /** Undefined: never compressed. */
  readonly compression?: CompressionPlan;
  /** URL of the module that loads what is missing. */
  readonly loader?: string;
  /** Heavy properties; undefined: none. */
  readonly lazy?: readonly string[];
  /** Undefined: no near cache. */
  readonly near?: NearPlan;
}

/** Everything that threads must agree on, but for the versions; part of the handle. */
export interface CachePlan {
  readonly arena: ArenaConfig;
  readonly growthFactor: number;
  readonly itemBytesMax: number;
  readonly types: readonly TypePlan[];
  /** Bytes of the log that are set aside for dictionaries of compressors. */
  readonly dictionaryLogBytes: number;
  readonly policy: PolicyPlan;
  readonly users?: UsersPlan;
  readonly pressure: PressurePlan | false;
  readonly pool: PoolPlan | false;
}

/** A hash of the plan, so that threads with different plans never share an arena. */
export function planHash(plan: CachePlan): number {
  let hash = 0x811c9dc5;
  for (const char of JSON.stringify(plan)) hash = Math.imul(hash ^ char.codePointAt(0)!, 0x01000193);
  return hash;
}
