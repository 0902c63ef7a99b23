/** Where things lie in an engine's memory: for tests that look at, or damage, what the interface can't reach. */
import { BUCKET, BUCKET_GRANULES, BUCKET_SLOTS, SHARD } from '../../native-free/index.js';
import { WORD_NEXT } from '../../src/engine/item.js';
import type { Engine } from './engine.js';

/** Where an entry's slot is: the first bucket of its chain, the bucket and slot, and the item's ref. */
export interface SlotOf {
  readonly primary: number;
  readonly bucket: number;
  readonly slot: number;
  readonly ref: number;
}

/** The ref of the bucket with a number in a shard. */
export function bucketRef(engine: Engine, shard: number, number: number): number {
  const { layout, meta } = engine;
  const page = meta[shard + layout.directoryOffset + Math.floor(number / layout.bucketsPerPage)]! - 1;
  return layout.pageRef(page) + (number % layout.bucketsPerPage) * BUCKET_GRANULES;
}

/** The number of the bucket that a hash has now: linear hashing, written anew. */
function bucketNumber(engine: Engine, shard: number, hash: number): number {
  const count = engine.meta[shard + SHARD.bucketCount]!;
  const bits = Math.floor((hash >>> 0) / engine.layout.config.shards);
  const power = 2 ** Math.ceil(Math.log2(count));
  return bits % power < count ? bits % power : bits % (power / 2);
}

export function wordAt(engine: Engine, ref: number, word: number): number {
  return engine.arena.wordsOf(ref)[engine.arena.wordIndex(ref) + word]!;
}

export function setWord(engine: Engine, ref: number, word: number, value: number): void {
  engine.arena.wordsOf(ref)[engine.arena.wordIndex(ref) + word] = value;
}

/** The slot of a key whose hash no other entry of its chain shares; undefined if there is none. */
export function slotOf(engine: Engine, key: string, type = 0): SlotOf | undefined {
  const hash = engine.hashOf(key, type);
  const shard = engine.shardOf(key, type);
  const primary = bucketRef(engine, shard, bucketNumber(engine, shard, hash));
  for (let bucket = primary; bucket !== 0; bucket = wordAt(engine, bucket, BUCKET.overflow)) {
    for (let slot = 0; slot < BUCKET_SLOTS; slot++) {
      const ref = wordAt(engine, bucket, BUCKET.refs + slot * 2);
      if (ref !== 0 && wordAt(engine, ref, 2) === hash) return { primary, bucket, slot, ref };
    }
  }
  return undefined;
}

/** Refs of the chunks of a chained item. */
export function chainOf(engine: Engine, head: number): number[] {
  const refs: number[] = [];
  for (let ref = head; ref !== 0; ref = wordAt(engine, ref, WORD_NEXT)) refs.push(ref);
  return refs;
}

/** Sequences of all buckets of a shard. */
export function sequencesOf(engine: Engine, shard: number): number[] {
  const count = engine.meta[shard + SHARD.bucketCount]!;
  return Array.from({ length: count }, (_, i) => wordAt(engine, bucketRef(engine, shard, i), BUCKET.sequence));
}
