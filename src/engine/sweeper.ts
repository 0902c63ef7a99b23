/**
 * Active expiration. A shard is due when the earliest time of its entries has come; then a pass goes over its buckets,
 * bounded step by bounded step, removes what is over and notes the earliest time of the rest. A shard in which nothing
 * ends costs nothing but a look at two words.
 *
 *     dueAdded  earliest time of what was stored since the pass began; writers lower it under the lock
 *     due       earliest time of the rest, which the pass stores at its end; until then a time that has come
 *
 * Both are hints, without journal. A pass begins under the lock, so each entry is either there for it to see or lowers
 * the first word after it. Buckets are looked at under no lock, by their sequence; one that is being written, or has
 * something to remove, is looked at under it. A split moves entries to a bucket that is still to come. If the thread
 * dies in a pass, the shard stays due; should a hint be lost, the shard is looked through once a minute anyway.
 */
import { load } from '#atomics';
import { BUCKET, BUCKET_SLOTS, isBefore, type SeqlockReader, SHARD } from '../../native-free/index.js';
import type { Context } from './context.js';
import { dueTick, earlier, expiryOf, NOT_EXPIRED } from './expiry.js';
import { type IndexTable, Place } from './index-table.js';
import type { Items } from './items.js';
import { SECTION_BUSY } from './ownership.js';
import type { Payloads } from './payloads.js';
import type { References } from './references.js';

/** A removal costs about as much as looks at this many buckets. */
const REMOVAL_UNITS = 4;
/** Under no lock a chain may change as it is walked; a longer one is looked at under the lock. */
const HOPS_MAX = 8;
/** Each shard is looked through this often, whatever its hints say. */
const PASS_TICKS_MAX = 6_000;
const NONE = -1;

export class Sweeper {
  /** The last step ended because no shard was due. */
  isResting = false;
  readonly #context: Context;
  readonly #index: IndexTable;
  readonly #items: Items;
  readonly #seqlock: SeqlockReader;
  readonly #references: References;
  readonly #payloads: Payloads;
  readonly #place = new Place();
  /** By shard: whether it was looked through by this thread, and at which tick. */
  readonly #seen: Uint8Array;
  readonly #seenTicks: Int32Array;
  /** The pass under way: its shard, or NONE; the next bucket; the earliest time that it has met. */
  #shard = NONE;
  #bucket = 0;
  #earliest = 0;
  /** Number of the shard of the last pass. */
  #last = 0;
  /** The time, as of the beginning of the step. */
  #tick = 0;

  constructor(
    context: Context,
    index: IndexTable,
    items: Items,
    seqlock: SeqlockReader,
    references: References,
    payloads: Payloads,
  ) {
    this.#references = references;
    this.#payloads = payloads;
    this.#context = context;
    this.#index = index;
    this.#items = items;
    this.#seqlock = seqlock;
    this.#seen = new Uint8Array(context.layout.config.shards);
    this.#seenTicks = new Int32Array(context.layout.config.shards);
  }

  /** Looks at up to `units` buckets that are due, fewer if it finds much to remove. Returns how many it removed. */
  step(units: number): number {
    this.#tick = this.#context.clock.precise();
    let removed = 0;
    for (let left = units; left > 0; ) {
      this.isResting = this.#shard === NONE && !this.#beginPass();
      if (this.isResting) break;
      const count = this.#sweepNext();
      removed += count;
      left -= 1 + count * REMOVAL_UNITS;
    }
    this.#payloads.drainSlice();
    return removed;
  }

  /** Begins with the next shard that is due; false if none is, or only some whose lock is held. */
  #beginPass(): boolean {
    const { layout } = this.#context;
    const { shards } = layout.config;
    for (let i = 1; i <= shards; i++) {
      const number = (this.#last + i) % shards;
      if (!this.#isDue(number) || !this.#enterPass(layout.shard(number))) continue;
      this.#last = number;
      this.#seen[number] = 1;
      this.#seenTicks[number] = this.#tick;
      return true;
    }
    return false;
  }

  #isDue(number: number): boolean {
    const { layout, meta } = this.#context;
    const shard = layout.shard(number);
    if (this.#hasCome(meta[shard + SHARD.due]!) || this.#hasCome(meta[shard + SHARD.dueAdded]!)) return true;
    return this.#seen[number] === 0 || ((this.#tick - this.#seenTicks[number]!) | 0) > PASS_TICKS_MAX;
  }

  #hasCome(due: number): boolean {
    return due !== 0 && !isBefore(this.#tick, due);
  }

  #enterPass(shard: number): boolean {
    const { meta } = this.#context;
    if (!this.#context.tryEnter(shard)) return false;
    if (!this.#hasCome(meta[shard + SHARD.due]!)) meta[shard + SHARD.due] = this.#tick || 1;
    meta[shard + SHARD.dueAdded] = 0;
    this.#context.leave(shard);
    this.#shard = shard;
    this.#bucket = 0;
    this.#earliest = 0;
    return true;
  }

  /** Sweeps the next bucket of the pass, or ends it. Returns how many entries it removed. */
  #sweepNext(): number {
    const { meta } = this.#context;
    const shard = this.#shard;
    if (this.#bucket >= meta[shard + SHARD.bucketCount]!) {
      meta[shard + SHARD.due] = this.#earliest;
      this.#shard = NONE;
      return 0;
    }
    const primary = this.#index.bucketRef(shard, this.#bucket++);
    return this.#isClean(primary) ? 0 : this.#removeExpired(shard, primary);
  }

  /** Whether nothing in a chain is over, as far as a look under no lock can tell for sure. */
  #isClean(primary: number): boolean {
    const { arena } = this.#context;
    const words = arena.wordsOf(primary);
    const at = arena.wordIndex(primary) + BUCKET.sequence;
    const sequence = load(words, at);
    if ((sequence & 1) !== 0) return false;
    let earliest = 0;
    let bucket = primary;
    for (let hop = 0; bucket !== 0; hop++) {
      if (hop === HOPS_MAX) return false;
      earliest = earlier(earliest, this.#earliestOf(bucket));
      bucket = this.#index.overflowOf(bucket);
    }
    if (this.#hasCome(earliest) || !this.#seqlock.isValid(words, at, sequence)) return false;
    this.#earliest = earlier(this.#earliest, earliest);
    return true;
  }

  #earliestOf(bucket: number): number {
    const { arena, layout } = this.#context;
    const words = arena.wordsOf(bucket);
    const at = arena.wordIndex(bucket);
    let earliest = 0;
    for (let slot = 0; slot < BUCKET_SLOTS; slot++) {
      const ref = words[at + BUCKET.refs + slot * 2]!;
      const time = words[at + BUCKET.times + slot * 2]!;
      if (time === 0 || ref < layout.pagesStart) continue;
      const tag = words[at + BUCKET.tags + slot]!;
      earliest = earlier(earliest, dueTick(tag, time, arena.wordsOf(ref), arena.wordIndex(ref)));
    }
    return earliest;
  }

  #removeExpired(shard: number, primary: number): number {
    if (!this.#context.tryEnter(shard)) {
      // Somebody works there: the shard stays due, and the next pass looks again.
      this.#earliest = earlier(this.#earliest, this.#tick || 1);
      return 0;
    }
    let removed = 0;
    try {
      // Each removal may move slots and drop a bucket from the chain, so each search begins anew.
      while (this.#removeFirst(shard, primary)) removed++;
    } catch (error) {
      if (error !== SECTION_BUSY) throw error;
      this.#context.giveUpSection();
      this.#earliest = earlier(this.#earliest, this.#tick || 1);
      return removed;
    }
    for (let bucket = primary; bucket !== 0; bucket = this.#index.overflowOf(bucket)) {
      this.#earliest = earlier(this.#earliest, this.#earliestOf(bucket));
    }
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
    if (ref === 0) return false;
    const cause = expiryOf(clock, words, at, slot, arena.wordsOf(ref), arena.wordIndex(ref));
    if (cause === NOT_EXPIRED || this.#references.isHeldLocked(shard, ref)) return false;
    const place = this.#place;
    place.primary = primary;
    place.bucket = bucket;
    place.slot = slot;
    place.ref = ref;
    this.#items.removeLocked(shard, place, cause);
    return true;
  }
}
