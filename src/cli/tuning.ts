/** What tuning finds. Plain data: it is printed as it is, or in words. */

import type { EnginePolicy } from '../policies/engine-policies.js';
import type { Favour } from '../policies/replay/policy.js';
import type { Slab } from './tune-slab.js';

/** What one replay came to. */
export interface Measured {
  readonly hitRatio: number;
  readonly byteHitRatio: number;
}

/** One replay on the engine. Without a slab: with its default classes. */
export interface Trial extends Measured {
  readonly policy: EnginePolicy;
  readonly slab?: Slab;
  /** Bytes of used chunks that nobody asked for, as a share of those chunks. */
  readonly wasteShare: number;
}

export interface Tuning {
  readonly trace: string;
  readonly capacity: number;
  readonly favour: Favour;
  readonly requests: number;
  /** Hit ratios that differ by no more are alike. */
  readonly margin: number;
  /** All replays on the engine; the first is that of the defaults. */
  readonly trials: readonly Trial[];
  /** The best of them: its slab and policy are what is proposed. */
  readonly best: Trial;
  /** Null if the keys name no types. */
  readonly types: TypeTuning | null;
}

export interface TypeTuning {
  /** Largest share by type; null if types apart gain nothing. */
  readonly maxShare: Readonly<Record<string, number>> | null;
  /** Replays of a policy alone, by bytes, without TTLs. */
  readonly policy: EnginePolicy;
  readonly together: Measured;
  readonly apart: Measured;
}
