/**
 * Iteration. A scan of a shard goes through the buckets that it had when the scan began, and takes with each of them
 * those that have been split off it since; an entry's bucket under that first count never changes, whatever moves. So
 * an entry that lives throughout is met exactly once. The keys of one such group are copied under the lock, which is
 * free between the steps.
 */
import type { Words } from '#atomics';
import { BUCKET, BUCKET_SLOTS, SHARD } from '../../native-free/index.js';
import type { Chains } from './chains.js';
import type { Context } from './context.js';
import { expiryOf, NOT_EXPIRED } from './expiry.js';
import type { IndexTable } from './index-table.js';
import { FLAG_CHAINED, flagsOf, headerBytes, keyBytesOf, typeOf, WORD_SIZES } from './item.js';

/** All keys of a group that one call may copy; a group of the longest keys fits in after a few doublings. */
const SCRATCH_BYTES_MAX = 1 << 26;

export class Scanner {
  readonly #context: Context;
  readonly #index: IndexTable;
  readonly #chains: Chains;
  /** A key may begin with a byte order mark, which is part of it. */
  readonly #decoder = new TextDecoder('utf-8', { ignoreBOM: true });
  #scratch = new Uint8Array(16_384);
  #lengths = new Int32Array(1_024);
  #bytesUsed = 0;
  #keysFound = 0;

  constructor(context: Context, index: IndexTable, chains: Chains) {
    this.#context = context;
    this.#index = index;
    this.#chains = chains;
  }

  get shards(): number {
    return this.#context.layout.config.shards;
  }

  /**
   * Groups of a shard now: the count that a scan goes by to its end; undefined if the lock can't be had. Under none it might be that of a
   * split which a repair undoes: what is split off again later would be met twice.
   */
  groups(shardIndex: number): number | undefined {
    const shard = this.#context.layout.shard(shardIndex);
    if (!this.#context.enter(shard)) return undefined;
    const count = this.#context.meta[shard + SHARD.bucketCount]!;
    this.#context.leave(shard);
    return count;
  }

  /** Keys of the live entries of a type in a group; undefined if the lock can't be had. */
  keys(shardIndex: number, group: number, groups: number, type: number): string[] | undefined {
    const shard = this.#context.layout.shard(shardIndex);
    for (;;) {
      if (!this.#context.enter(shard)) return undefined;
      const fits = this.#collectLocked(shard, group, groups, type);
      this.#context.leave(shard);
      if (fits) return this.#decode();
      this.#grow();
    }
  }

  #grow(): void {
    if (this.#scratch.length >= SCRATCH_BYTES_MAX) throw new RangeError('the keys of one bucket exceed 64 MiB');
    this.#scratch = new Uint8Array(this.#scratch.length * 2);
    this.#lengths = new Int32Array(this.#lengths.length * 2);
  }

  #decode(): string[] {
    const keys: string[] = [];
    let start = 0;
    for (let i = 0; i < this.#keysFound; i++) {
      const end = start + this.#lengths[i]!;
      keys.push(this.#decoder.decode(this.#scratch.subarray(start, end)));
      start = end;
    }
    return keys;
  }

  /** Copies the group's keys to scratch memory; false if they don't fit. */
  #collectLocked(shard: number, group: number, groups: number, type: number): boolean {
    const count = this.#context.meta[shard + SHARD.bucketCount]!;
    this.#bytesUsed = 0;
    this.#keysFound = 0;
    return this.#collectBuckets(shard, group, groups, count, type);
  }

  /** The bucket, and those split off it since there were `groups` of them. */
  #collectBuckets(shard: number, bucket: number, from: number, count: number, type: number): boolean {
    for (let chain = this.#index.bucketRef(shard, bucket); chain !== 0; chain = this.#index.overflowOf(chain)) {
      if (!this.#collectBucket(chain, type)) return false;
    }
    for (let power = 1; bucket + power < count; power *= 2) {
      const child = bucket + power;
      // Bucket b + 2^k was split off b if 2^k exceeds b; those below `from` are groups of their own.
      if (power <= bucket || child < from) continue;
      if (!this.#collectBuckets(shard, child, from, count, type)) return false;
    }
    return true;
  }

  #collectBucket(bucket: number, type: number): boolean {
    const { arena } = this.#context;
    const words = arena.wordsOf(bucket);
    const at = arena.wordIndex(bucket);
    for (let slot = 0; slot < BUCKET_SLOTS; slot++) {
      if (words[at + BUCKET.refs + slot * 2] === 0) return true;
      if (!this.#collectItem(words, at, slot, type)) return false;
    }
    return true;
  }

  /** False if there is no more room for its key. */
  #collectItem(slots: Words, slotsAt: number, slot: number, type: number): boolean {
    const { arena, clock } = this.#context;
    const ref = slots[slotsAt + BUCKET.refs + slot * 2]!;
    const words = arena.wordsOf(ref);
    const at = arena.wordIndex(ref);
    const sizes = words[at + WORD_SIZES]!;
    if (typeOf(sizes) !== type) return true;
    if (expiryOf(clock, slots, slotsAt, slot, words, at) !== NOT_EXPIRED) return true;
    const length = keyBytesOf(sizes);
    if (this.#bytesUsed + length > this.#scratch.length || this.#keysFound === this.#lengths.length) return false;
    const flags = flagsOf(sizes);
    if ((flags & FLAG_CHAINED) !== 0) {
      this.#chains.copyOut(ref, 0, length, this.#scratch, this.#bytesUsed);
    } else {
      const bytes = arena.bytesOf(ref);
      const start = at * 4 + headerBytes(flags);
      for (let i = 0; i < length; i++) this.#scratch[this.#bytesUsed + i] = bytes[start + i]!;
    }
    this.#bytesUsed += length;
    this.#lengths[this.#keysFound++] = length;
    return true;
  }
}
