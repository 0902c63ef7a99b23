/** What a victim is told. */
import type { CacheHandle } from 'velocache';
import type { BoardBuffers } from './board.js';
import type { KillTypes } from './keys.js';
import type { WayName } from './ways.js';

export interface VictimData {
  readonly handle: CacheHandle<KillTypes>;
  readonly board: BoardBuffers;
  readonly lane: number;
  readonly lanes: number;
  readonly writer: number;
  readonly seed: number;
  readonly way: WayName;
  readonly delayMs: number;
}

/** What an uncaught error on purpose says. */
export const ON_PURPOSE = 'a victim ends by an uncaught error';
