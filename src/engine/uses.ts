/**
 * Notes uses of entries in their slots: one compare-exchange in the bucket's lines, if anything changes. What is changed is a
 * hint, its mark, or the tick of an entry's last use, which is exchanged together with the ref beside it.
 */
import { checkpoint, compareExchange, compareExchangePair } from '#atomics';
import { BUCKET, isBefore } from '../../native-free/index.js';
import type { Context } from './context.js';
import { type EvictionPolicy, MARK_MASK } from './ports.js';
import { TAG_IDLE } from './tag.js';

/** A renewal that meets as many others at the same moment gives up: theirs are of about the same tick. */
const RENEWALS_MAX = 4;

export class Uses {
  readonly #context: Context;
  readonly #policy: EvictionPolicy;
  readonly #pairWords = new Int32Array(2);
  readonly #pair = new BigInt64Array(this.#pairWords.buffer);

  constructor(context: Context, policy: EvictionPolicy) {
    this.#context = context;
    this.#policy = policy;
  }

  /**
   * The tick of a use that is made now, of an entry with this tag; 0 if it has no idle time. By this thread's own reading: the shared
   * tick is late where its ticker is, and an entry used then would end early.
   */
  tickOf(tag: number): number {
    return (tag & TAG_IDLE) === 0 ? 0 : this.#context.clock.precise();
  }

  /**
   * Notes a use at `tick` of an entry of so many bytes of key and value, which had `tag` and `ref` in a slot when it was hit, and
   * may be gone from it by now.
   */
  note(
    shard: number,
    bucket: number,
    slot: number,
    tag: number,
    ref: number,
    tick: number,
    hash: number,
    payloadBytes: number,
  ): void {
    // A stop for tests: the hit is validated, and anything may happen to the slot before its use is noted.
    checkpoint();
    this.#policy.observe(shard, hash, payloadBytes);
    const { arena } = this.#context;
    const at = arena.wordIndex(bucket);
    if ((tag & TAG_IDLE) !== 0) {
      this.#renew(bucket, slot, ref, tick);
      return;
    }
    const mark = this.#policy.touch(shard, tag & MARK_MASK, hash);
    if ((tag & MARK_MASK) === mark) return;
    compareExchange(arena.wordsOf(bucket), at + BUCKET.tags + slot, tag, (tag & ~MARK_MASK) | mark);
  }

  /**
   * Moves the last use of the entry at `ref` on to `tick`, unless it is later by now or the slot holds another. The time is looked
   * at anew, as others may have renewed it since the hit; 0 is that of an entry without any, in the same chunk.
   */
  #renew(bucket: number, slot: number, ref: number, tick: number): void {
    const { arena } = this.#context;
    const words = arena.wordsOf(bucket);
    const pairs = arena.pairsOf(bucket);
    const at = arena.wordIndex(bucket) + BUCKET.refs + slot * 2;
    if (tick === 0) return;
    for (let renewal = 0; renewal < RENEWALS_MAX; renewal++) {
      const time = words[at + BUCKET.times - BUCKET.refs]!;
      if (time === 0 || !isBefore(time, tick) || words[at] !== ref) return;
      const expected = this.#pairOf(ref, time);
      if (compareExchangePair(pairs, at >>> 1, expected, this.#pairOf(ref, tick)) === expected) return;
    }
  }

  /** A ref and a time as they stand in a slot. */
  #pairOf(ref: number, time: number): bigint {
    this.#pairWords[0] = ref;
    this.#pairWords[1] = time;
    return this.#pair[0]!;
  }
}
