/**
 * The owner table: one record for each attached thread. A record's state word holds the thread's id, which Node
 * never gives twice in a process, so it serves as the epoch too:
 *
 *     0  free        (threadId + 1) * 4 + 1  live        (threadId + 1) * 4 + 2  dead
 *
 * free -> live by the thread itself, live -> dead by whoever has proof of the death, dead -> free by whoever has
 * finished the recovery, live -> free by a thread that detaches, or live -> dead if it then holds what it can't let go
 * of: each one compare-exchange. A record is freed last,
 * after no lock word and no intent names it any more; that is what makes a lock token a proof (see `isGone`).
 *
 * Behind the state word lie the owner's intents: pairs (ref, tag) for memory that it holds outside any section, and
 * what streams have reserved.
 */
import { compareExchange, load, store, type Words } from '#atomics';

export const OWNER_SLOTS = 128;
export const OWNER_WORDS = 64;
/** First intent word, and how many pairs there are. */
export const OWNER_INTENTS = 2;
export const OWNER_INTENT_COUNT = 16;
/** Word that says which kinds of events the thread listens for. */
const OWNER_LISTENS = 34;
/** A word that only the owner touches, for ordering its own loads. */
const OWNER_FENCE = 35;
/** What the thread says of itself: share of its heap in use, delay of its event loop, when it said so. */
const OWNER_HEAP = 36;
const OWNER_DELAY = 37;
const OWNER_SAID = 38;
/** For each intent, the pages that the stream on it has or may still take; 0 without a stream. */
const OWNER_RESERVED = 40;
/** References to payloads that the thread holds: taken, to be published; owed, to be given back. See references-region.ts. */
export const OWNER_TAKEN = 56;
export const OWNER_OWED = 60;

/** Shares in words count in 1 / SHARE_UNIT. */
export const SHARE_UNIT = 10_000;

const LIVE = 1;
const DEAD = 2;

/** Thread ids in lock words are kept modulo this; none is 0 there. */
const TOKEN_THREADS = 0x3ffffe;

export class OwnerTable {
  readonly #words: Words;
  readonly #base: number;

  constructor(words: Words, base: number) {
    this.#words = words;
    this.#base = base;
  }

  record(slot: number): number {
    return this.#base + slot * OWNER_WORDS;
  }

  /** A slot for the thread, or -1 if every one is taken. */
  claim(threadId: number): number {
    for (let slot = 0; slot < OWNER_SLOTS; slot++) {
      const state = this.record(slot);
      if (load(this.#words, state) !== 0) continue;
      if (compareExchange(this.#words, state, 0, stateOf(threadId, LIVE)) === 0) return slot;
    }
    return -1;
  }

  /** The thread in a slot, live or dead; -1 for a free slot. */
  threadOf(slot: number): number {
    const state = load(this.#words, this.record(slot));
    return state === 0 ? -1 : (state >>> 2) - 1;
  }

  isLive(slot: number): boolean {
    return (load(this.#words, this.record(slot)) & 3) === LIVE;
  }

  isDead(slot: number): boolean {
    return (load(this.#words, this.record(slot)) & 3) === DEAD;
  }

  /** True if this call declared the death. */
  markDead(slot: number, threadId: number): boolean {
    const live = stateOf(threadId, LIVE);
    return compareExchange(this.#words, this.record(slot), live, stateOf(threadId, DEAD)) === live;
  }

  /** True if this call freed the slot of a dead thread. */
  freeDead(slot: number, threadId: number): boolean {
    const dead = stateOf(threadId, DEAD);
    return compareExchange(this.#words, this.record(slot), dead, 0) === dead;
  }

  fence(slot: number): number {
    return this.record(slot) + OWNER_FENCE;
  }

  /** Which kinds of events the thread in a slot listens for, as bits. */
  listens(slot: number): number {
    return load(this.#words, this.record(slot) + OWNER_LISTENS);
  }

  setListens(slot: number, kinds: number): void {
    store(this.#words, this.record(slot) + OWNER_LISTENS, kinds);
  }

  /** For the thread itself: its heap's share, the delay of its loop and the time, both in ms; 0 as time: unknown. */
  setVitals(slot: number, heapShare: number, delayMs: number, saidMs: number): void {
    const record = this.record(slot);
    store(this.#words, record + OWNER_HEAP, Math.round(heapShare * SHARE_UNIT));
    store(this.#words, record + OWNER_DELAY, Math.min(0x7fffffff, Math.round(delayMs)));
    store(this.#words, record + OWNER_SAID, saidMs | 0);
  }

  heapShare(slot: number): number {
    return load(this.#words, this.record(slot) + OWNER_HEAP) / SHARE_UNIT;
  }

  delayMs(slot: number): number {
    return load(this.#words, this.record(slot) + OWNER_DELAY);
  }

  /** When the thread said so, in ms modulo 2^32; 0 if it never has. */
  saidMs(slot: number): number {
    return load(this.#words, this.record(slot) + OWNER_SAID);
  }

  /** Index of the word with the pages that the stream on an intent of a slot has reserved. */
  reserved(slot: number, intent: number): number {
    const record = this.record(slot);
    return record + OWNER_RESERVED + ((intent - record - OWNER_INTENTS) >>> 1);
  }

  /** Pages that the streams of all threads have reserved: exact under the large lock. */
  reservedPages(): number {
    let pages = 0;
    for (let slot = 0; slot < OWNER_SLOTS; slot++) {
      const record = this.record(slot);
      if (load(this.#words, record) === 0) continue;
      for (let i = 0; i < OWNER_INTENT_COUNT; i++) pages += this.#words[record + OWNER_RESERVED + i]!;
    }
    return pages;
  }

  /** For the thread itself, which must hold nothing. */
  release(slot: number, threadId: number): void {
    compareExchange(this.#words, this.record(slot), stateOf(threadId, LIVE), 0);
  }

  /**
   * Whether the owner that a lock word names can never touch anything again: it is marked dead, or its slot has
   * been freed or given on, which only happens after it let go of every lock.
   */
  isGone(token: number): boolean {
    const state = load(this.#words, this.record((token >>> 1) & 0xff));
    if (state === 0 || (state & 3) === DEAD) return true;
    return tokenThread((state >>> 2) - 1) !== token >>> 9;
  }
}

function stateOf(threadId: number, state: number): number {
  return ((threadId + 1) << 2) | state;
}

function tokenThread(threadId: number): number {
  return (threadId % TOKEN_THREADS) + 1;
}

/** The word by which an owner holds a lock: thread, slot, and room for the waiters' bit; never 0. */
export function lockToken(slot: number, threadId: number): number {
  return (tokenThread(threadId) << 9) | (slot << 1);
}
