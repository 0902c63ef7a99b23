/** What a server asks for values: a cache, with what loads that it hasn't. */
import type { DemoType, Keyed } from '../../src/cli/values.js';

export interface Answer {
  readonly value: Keyed;
  /** It was there: nothing had to be loaded or waited for. */
  readonly isHit: boolean;
}

export interface Store {
  read(type: DemoType, thing: number): Promise<Answer>;
  /** Stores what was loaded before the measurement, so long ago. */
  fill(type: DemoType, thing: number, ageMs: number): void;
  close(): Promise<void>;
}
