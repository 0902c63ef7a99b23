/**
 * Active expiration: goes round the buckets of all shards, bounded step by bounded step, and removes what has had its
 * time. Buckets are looked at under no lock; only one with something to remove is entered. What a racing look gets
 * wrong the look under the lock, or the next round, puts right.
 */
import { BUCKET, BUCKET_SLOTS, SHARD } from '../../native-free/index.js';
import type { Context } from './context.js';
import { expiryOf, NOT_EXPIRED } from './expiry.js';
import { type IndexTable, Place } from './index-table.js';
import type { Items } from './items.js';

export class Sweeper {
  readonly #context: Context;
  readonly #index: IndexTable;
  readonly #items: Items;
  readonly #place = new Place();
  #shard = 0;

  constructor(context: Context, index: IndexTable, items: Items) {
    this.#context = context;
    this.#index = index;
    this.#items = items;
  }

  /** Looks at up to `buckets` buckets, going on where the last call ended. Returns how many entries it removed. */
  step(buckets: number): number {
    const { layout, meta } = this.#context;
    let removed = 0;
    for (let i = 0; i < buckets; i++) {
      const shard = layout.shard(this.#shard);
      const number = meta[shard + SHARD.sweepCursor]!;
      if (number >= meta[shard + SHARD.bucketCount]!) {
        meta[shard + SHARD.sweepCursor] = 0;
        this.#shard = (this.#shard + 1) % layout.config.shards;
        continue;
      }
      meta[shard + SHARD.sweepCursor] = number + 1;
      const primary = this.#index.bucketRef(shard, number);
      if (!this.#hasExpired(primary)) continue;
      const count = this.#removeExpired(shard, primary);
      // The lock can't be had: the next step goes on elsewhere instead of waiting once more for each bucket.
      if (count < 0) return removed;
      removed += count;
    }
    return removed;
  }

  #hasExpired(primary: number): boolean {
    const { arena } = this.#context;
    let bucket = primary;
    // Under no lock a chain may change as it is walked; a few hops are enough for one look.
    for (let hop = 0; hop < 8 && bucket !== 0; hop++) {
      const at = arena.wordIndex(bucket);
      const words = arena.wordsOf(bucket);
      for (let slot = 0; slot < BUCKET_SLOTS; slot++) {
        if (words[at + BUCKET.times + slot * 2] !== 0 && this.#isOver(words, at, slot)) return true;
      }
      bucket = words[at + BUCKET.overflow]!;
    }
    return false;
  }

  #isOver(words: Int32Array, at: number, slot: number): boolean {
    const { arena, clock, layout } = this.#context;
    const ref = words[at + BUCKET.refs + slot * 2]!;
    if (ref < layout.pagesStart) return false;
    const time = words[at + BUCKET.times + slot * 2]!;
    const tag = words[at + BUCKET.tags + slot]!;
    return time !== 0 && expiryOf(clock, tag, time, arena.wordsOf(ref), arena.wordIndex(ref)) !== NOT_EXPIRED;
  }

  /** Returns how many entries it removed, or -1 if the lock can't be had. */
  #removeExpired(shard: number, primary: number): number {
    if (!this.#context.enter(shard)) return -1;
    let removed = 0;
    // Each removal may move slots and drop a bucket from the chain, so each search begins anew.
    while (this.#removeFirst(shard, primary)) removed++;
    this.#context.leave(shard);
    return removed;
  }

  #removeFirst(shard: number, primary: number): boolean {
    for (let bucket = primary; bucket !== 0; bucket = this.#index.overflowOf(bucket)) {
      for (let slot = 0; slot < BUCKET_SLOTS; slot++) if (this.#removeIfOver(shard, primary, bucket, slot)) return true;
    }
    return false;
  }

  #removeIfOver(shard: number, primary: number, bucket: number, slot: number): boolean {
    const { arena, clock } = this.#context;
    const words = arena.wordsOf(bucket);
    const at = arena.wordIndex(bucket);
    const ref = words[at + BUCKET.refs + slot * 2]!;
    const time = words[at + BUCKET.times + slot * 2]!;
    if (ref === 0 || time === 0) return false;
    const cause = expiryOf(clock, words[at + BUCKET.tags + slot]!, time, arena.wordsOf(ref), arena.wordIndex(ref));
    if (cause === NOT_EXPIRED) return false;
    const place = this.#place;
    place.primary = primary;
    place.bucket = bucket;
    place.slot = slot;
    place.ref = ref;
    this.#items.removeLocked(shard, place, cause);
    return true;
  }
}
