/** The ghosts of each shard, in what is left of the policy's words. */
import type { Layout } from '../../native-free/index.js';
import { GHOST_WAYS, Ghosts } from './adaptive/ghosts.js';

/** A ghost takes one word, and there is one for so many bytes of a shard. */
const BYTES_PER_GHOST = 256;

/** A ghost's mark: a stamp above 8 bits that are free. */
export const GHOST_STAMP_SHIFT = 8;
export const GHOST_STAMP_MASK = 0xfff;

export function ghostWords(shardBytes: number): number {
  return Math.max(1, Math.round(shardBytes / BYTES_PER_GHOST / GHOST_WAYS)) * GHOST_WAYS;
}

export class ShardGhosts {
  readonly #layout: Layout;
  readonly #ghosts: readonly Ghosts[];

  /** `offset`: where the cells begin among the policy's words. */
  constructor(meta: Int32Array, layout: Layout, offset: number) {
    this.#layout = layout;
    const { shards, policyWords } = layout.config;
    this.#ghosts = Array.from(
      { length: shards },
      (_, index) => new Ghosts(meta, layout.shard(index) + layout.policyOffset + offset, policyWords - offset),
    );
  }

  of(shard: number): Ghosts {
    return this.#ghosts[(shard - this.#layout.shards) / this.#layout.shardWords]!;
  }
}
