/**
 * The default: evicts what is least likely to be used soon for the room that it takes, as learned from a sample of the
 * keys. The mark of an entry tells its last use, how often it was used, and the gap between its uses; evicted entries leave
 * theirs in a table of ghosts. Threads report the uses of sampled keys; the warden learns from them (adaptive/shadow.ts)
 * and publishes the ranks that all threads evict by.
 */
import type { Words } from '#atomics';
import { ceilPower, type Layout, SHARD, type SharedClock } from '../../native-free/index.js';
import { type EvictionPolicy, MAY_GO } from '../engine/ports.js';
import { GHOST_WAYS, Ghosts } from './adaptive/ghosts.js';
import { writeDefaultRanks } from './adaptive/learner.js';
import { ageOf, freshMark, refreshMark, touchMark } from './adaptive/mark.js';
import { eighthsOf, RANK_OCTAVE, RANK_WORDS, rankOf } from './adaptive/ranks.js';
import { Samples, sampleWords } from './adaptive/samples.js';
import { VIRTUAL_TIME_WORDS, VirtualTime } from './virtual-time.js';

/** One ghost, 4 bytes, for so many bytes of a shard: 1.6 % of it. */
const BYTES_PER_GHOST = 256;
/** Reports kept for the warden, which looks 100 times a second: one for so many bytes of the cache, within bounds. */
const BYTES_PER_RECORD = 2 ** 10;
const RECORDS_MIN = 2 ** 10;
const RECORDS_MAX = 2 ** 13;
/** Entries are taken for this large until it is known better. */
const ENTRY_BYTES = 512;
/** Entries that each miniature simulation is to hold. */
const SHADOW_ENTRIES = 2_048;

/** What eviction makes the most of: hits, or bytes that are hit. */
export const FAVOURS = ['objects', 'bytes'] as const;
export type Favour = (typeof FAVOURS)[number];

function ghostsOf(shardBytes: number): number {
  return ceilPower(shardBytes / BYTES_PER_GHOST);
}

function recordsOf(capacityBytes: number): number {
  return Math.min(RECORDS_MAX, Math.max(RECORDS_MIN, ceilPower(capacityBytes / BYTES_PER_RECORD)));
}

export class AdaptivePolicy implements EvictionPolicy {
  /** Half as useful. */
  readonly tolerance: number = RANK_OCTAVE;
  readonly #words: Words;
  readonly #layout: Layout;
  readonly #time: VirtualTime;
  readonly #samples: Samples;
  /** By the number of the shard. Made ahead: nothing is allocated under a lock. */
  readonly #ghosts: readonly Ghosts[];
  readonly #ghostsMost: number;
  readonly #ranks: number;
  readonly #sizeExponent: 0 | 1;

  constructor(words: Words, layout: Layout, clock: SharedClock, favour: Favour) {
    this.#words = words;
    this.#layout = layout;
    this.#time = new VirtualTime(words, layout, clock);
    this.#ranks = layout.policyShared;
    this.#samples = samplesOf(words, layout);
    this.#sizeExponent = favour === 'objects' ? 1 : 0;
    const { capacityBytes, shards } = layout.config;
    const most = ghostsOf(capacityBytes / shards);
    this.#ghostsMost = most;
    this.#ghosts = Array.from(
      { length: shards },
      (_, i) => new Ghosts(words, layout.shard(i) + layout.policyOffset + VIRTUAL_TIME_WORDS, most),
    );
  }

  /** Words that it takes in each shard of so many bytes. */
  static words(shardBytes: number): number {
    return VIRTUAL_TIME_WORDS + ghostsOf(shardBytes);
  }

  /** Words that it takes for the cache as a whole. */
  static sharedWords(capacityBytes: number): number {
    return RANK_WORDS + sampleWords(recordsOf(capacityBytes));
  }

  /** Ranks that hold before anything is learned, and a sample that fits the capacity. */
  format(): void {
    writeDefaultRanks(this.#words, this.#ranks);
    const entries = this.#layout.config.capacityBytes / ENTRY_BYTES;
    this.#samples.setShift(Math.max(0, Math.ceil(Math.log2(entries / SHADOW_ENTRIES))));
  }

  admit(shard: number, hash: number): number {
    const now = this.#time.insert(shard);
    const ghost = this.#ghostsAt(shard).recall(hash);
    return ghost < 0 ? freshMark(now) : touchMark(ghost, now);
  }

  touch(shard: number, mark: number): number {
    return touchMark(mark, this.#time.now(shard));
  }

  refresh(shard: number, mark: number): number {
    return refreshMark(mark, this.#time.now(shard));
  }

  touchAt(shard: number, mark: number, tick: number): number {
    const now = this.#time.now(shard);
    const age = this.#time.sinceTick(shard, tick);
    return age >= ageOf(mark, now) ? refreshMark(mark, now) : touchMark(mark, now - age);
  }

  rank(shard: number, mark: number, granules: number): number {
    const size8 = this.#sizeExponent === 0 ? 0 : eighthsOf(granules * 8);
    return rankOf(this.#words, this.#ranks, mark, this.#time.now(shard), size8, this.#sizeExponent);
  }

  coldness(shard: number, mark: number, granules: number): number {
    return this.rank(shard, mark, granules);
  }

  /** Ranks of untouched entries go up and down: those of two moments compare as they are. */
  drift(): number {
    return 0;
  }

  lastUse(shard: number, mark: number): number {
    return this.#time.tickBefore(shard, ageOf(mark, this.#time.now(shard)));
  }

  judge(): number {
    return MAY_GO;
  }

  forget(shard: number, mark: number, hash: number): void {
    this.#ghostsAt(shard).remember(hash, mark, this.#time.now(shard));
  }

  observe(shard: number, hash: number, bytes: number): void {
    this.#samples.report(hash, this.#time.now(shard), bytes);
  }

  /** As many as remember a turnover or two, by a power of two that all threads come to; more would outlive their stamps. */
  #ghostsAt(shard: number): Ghosts {
    const ghosts = this.#ghosts[(shard - this.#layout.shards) / this.#layout.shardWords]!;
    const entries = this.#words[shard + SHARD.itemCount]!;
    ghosts.fit(Math.min(this.#ghostsMost, Math.max(GHOST_WAYS, 2 << (31 - Math.clz32(entries | 1)))));
    return ghosts;
  }
}

/** The ring of reports, behind the ranks. */
export function samplesOf(words: Words, layout: Layout): Samples {
  return new Samples(words, layout.policyShared + RANK_WORDS, recordsOf(layout.config.capacityBytes));
}
