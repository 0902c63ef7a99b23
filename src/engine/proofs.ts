/**
 * Proofs that an entry is what a lookup has read. Whatever may change or remove an entry moves the sequence of its chain on before
 * the operation returns, and a primary bucket is never anything else; so one load tells whether a hit of long ago still stands, and
 * nothing has to be told to those who remember it. What doesn't move the sequence is looked at as well: the entry's time.
 */
import { checkpoint, type Words } from '#atomics';
import { BUCKET, SEQUENCE_BUSY, type SeqlockReader, type SharedClock, TICK_MS } from '../../native-free/index.js';
import type { Context } from './context.js';
import { expiryAt, NOT_EXPIRED } from './expiry.js';
import { flagsOf, idleWord, WORD_SIZES } from './item.js';
import type { Key } from './key.js';
import type { Reader } from './reader.js';
import { TAG_IDLE } from './tag.js';
import type { Uses } from './uses.js';

/** A sequence of 31 bits may come round in minutes: a proof that was not asked for that long proves nothing. */
const PROOF_TICKS_MAX = 60_000 / TICK_MS;

/** For so long a use more tells a policy nothing. */
export const QUICK_TICKS_MAX: number = 100 / TICK_MS;

/** What a lookup found, and what has to stand for it to be so still. */
export class ReadProof {
  readonly shard: number;
  readonly hash: number;
  /** The sequence of the chain, which is at word `at` of `words`. */
  readonly words: Words;
  readonly at: number;
  readonly sequence: number;
  /** Where the entry is. */
  readonly bucket: number;
  readonly slot: number;
  readonly ref: number;
  /** The slot's time word, which is that of the last use for an entry with an idle time: then it is to be read anew. */
  readonly isIdle: boolean;
  readonly time: number;
  readonly idleTicks: number;
  readonly deadline: number;
  /** Bytes of key and value. */
  readonly payloadBytes: number;
  /** When it was last found to stand. */
  tick: number;
  /** Before this tick the sequence alone proves the entry: its use has been noted, and its time can't be over. */
  quickUntil: number;

  constructor(reader: Reader, context: Context, key: Key) {
    const { arena } = context;
    const { bucket, slot, ref, primary } = reader.place;
    this.shard = context.shardOf(key.hash);
    this.hash = key.hash;
    this.sequence = reader.sequence;
    this.words = arena.wordsOf(primary);
    this.at = arena.wordIndex(primary);
    this.bucket = bucket;
    this.slot = slot;
    this.ref = ref;
    const slots = arena.wordsOf(bucket);
    const slotsAt = arena.wordIndex(bucket);
    this.isIdle = (slots[slotsAt + BUCKET.tags + slot]! & TAG_IDLE) !== 0;
    this.time = slots[slotsAt + BUCKET.times + slot * 2]!;
    const item = arena.wordsOf(ref);
    const itemAt = arena.wordIndex(ref);
    const idle = itemAt + idleWord(flagsOf(item[itemAt + WORD_SIZES]!));
    this.idleTicks = this.isIdle ? item[idle]! : 0;
    this.deadline = this.isIdle ? item[idle + 1]! : 0;
    this.payloadBytes = reader.payloadBytes;
    this.tick = context.clock.coarse();
    this.quickUntil = this.tick;
  }
}

export class Proofs {
  readonly #context: Context;
  readonly #clock: SharedClock;
  readonly #reader: Reader;
  readonly #seqlock: SeqlockReader;
  readonly #uses: Uses;

  constructor(context: Context, reader: Reader, seqlock: SeqlockReader, uses: Uses) {
    this.#context = context;
    this.#clock = context.clock;
    this.#reader = reader;
    this.#seqlock = seqlock;
    this.#uses = uses;
  }

  /** A proof of the reader's last hit, of this key; undefined if that had to take a lock, or is over by now. */
  prove(key: Key): ReadProof | undefined {
    if (this.#reader.sequence === SEQUENCE_BUSY) return undefined;
    const proof = new ReadProof(this.#reader, this.#context, key);
    // What it has read in the item and in the slot is that of the hit if the chain has not changed since.
    return this.#isUnchanged(proof) ? proof : undefined;
  }

  /** Whether the entry is what was read, and live; if it is, that counts as a use of it. */
  use(proof: ReadProof): boolean {
    const { bucket, slot } = proof;
    const { arena } = this.#context;
    const slots = arena.wordsOf(bucket);
    const at = arena.wordIndex(bucket);
    const tag = slots[at + BUCKET.tags + slot]!;
    const time = proof.isIdle ? slots[at + BUCKET.times + slot * 2]! : proof.time;
    // Both before the validation: what is stored behind it is stored no earlier than these ticks.
    const tick = this.#clock.coarse();
    const useTick = this.#uses.tickOf(tag);
    if (!this.#stands(proof, time, tick)) return false;
    this.#uses.note(proof.shard, bucket, slot, tag, proof.ref, useTick, proof.hash, proof.payloadBytes);
    proof.quickUntil = (tick + this.#quickTicks(proof, time)) | 0;
    return true;
  }

  #stands(proof: ReadProof, time: number, tick: number): boolean {
    // A stop for tests: all may change behind the look at the slot.
    checkpoint();
    if (!this.#isUnchanged(proof)) return false;
    // Unsigned: what was not asked for months is old again and again.
    if ((tick - proof.tick) >>> 0 > PROOF_TICKS_MAX) return false;
    if (time !== 0 && this.#expiry(proof, time) !== NOT_EXPIRED) return false;
    proof.tick = tick;
    return true;
  }

  #isUnchanged({ words, at, sequence }: ReadProof): boolean {
    return this.#seqlock.isValid(words, at, sequence);
  }

  /** An idle time is renewed once in each shared tick: further hits count as made with the first. */
  #quickTicks({ isIdle, idleTicks, deadline }: ReadProof, time: number): number {
    if (!isIdle) return time === 0 ? QUICK_TICKS_MAX : Math.min(QUICK_TICKS_MAX, this.#clock.ticksFar(time));
    const left = deadline === 0 ? 1 : this.#clock.ticksFar(deadline);
    return Math.min(1, left, this.#clock.ticksFar((time + idleTicks) | 0));
  }

  #expiry({ isIdle, idleTicks, deadline }: ReadProof, time: number): number {
    return isIdle ? expiryAt(this.#clock, deadline, time, idleTicks) : expiryAt(this.#clock, time, 0, 0);
  }
}
