/** Entries as the shard accounts for them: removing one, and the counts by type. Everything here is under its lock. */

import { load } from '#atomics';
import {
  BUCKET,
  EventRing,
  type EvictionLog,
  HEADER,
  REMOVAL_WORDS,
  RecentCounts,
  SHARD,
  type SharedClock,
  TYPE_WORDS,
} from '../../native-free/index.js';
import { CAUSE, EVICTION_CAUSES, LOGGED_CAUSES, type RemovalCause, TYPE_COUNTER } from './causes.js';
import type { Chains } from './chains.js';
import type { Context } from './context.js';
import type { IndexTable, Place } from './index-table.js';
import {
  CONTINUATION_BYTES,
  FLAG_CHAINED,
  FLAG_OWNED,
  FLAG_PINNED,
  flagsOf,
  headerBytes,
  keyBytesOf,
  paddedKey,
  typeOf,
  WORD_CHAINED_BYTES,
  WORD_GENERATION,
  WORD_SIZES,
  WORD_VALUE_BYTES,
} from './item.js';
import type { Ownership } from './ownership.js';
import type { PagePool } from './page-pool.js';
import { type EvictionPolicy, MARK_MASK } from './ports.js';
import type { References } from './references.js';
import { TAG_IDLE } from './tag.js';

/** Kinds of events, as stored in the ring and as bits of the words that say who listens. */
export const EVENT = { evict: 1, reject: 2, recover: 3, pressure: 4, alert: 5 } as const;

/** As sets of bits: the causes that are logged and that listeners hear of, and those that make room. */
const LOGGED = maskOf(LOGGED_CAUSES);
const MAKES_ROOM = maskOf(EVICTION_CAUSES);

function maskOf(causes: readonly RemovalCause[]): number {
  return causes.reduce((mask, cause) => mask | (1 << CAUSE[cause]), 0);
}

export class Items {
  readonly clock: SharedClock;
  readonly #context: Context;
  readonly #index: IndexTable;
  readonly #pages: PagePool;
  readonly #chains: Chains;
  readonly #policy: EvictionPolicy;
  readonly #log: EvictionLog;
  readonly #ownership: Ownership;
  readonly #references: References;
  readonly #events: EventRing;
  readonly #recent: RecentCounts;
  readonly #keyScratch = new Uint8Array(65_536);

  constructor(
    context: Context,
    index: IndexTable,
    pages: PagePool,
    chains: Chains,
    ownership: Ownership,
    references: References,
    policy: EvictionPolicy,
    log: EvictionLog,
  ) {
    this.clock = context.clock;
    this.#context = context;
    this.#index = index;
    this.#pages = pages;
    this.#chains = chains;
    this.#policy = policy;
    this.#log = log;
    this.#recent = new RecentCounts(context.meta, context.layout.config.types);
    this.#ownership = ownership;
    this.#references = references;
    this.#events = new EventRing(context.meta, context.layout.events, context.layout.config.eventWords);
  }

  valueBytes(ref: number): number {
    const { arena } = this.#context;
    const words = arena.wordsOf(ref);
    const at = arena.wordIndex(ref);
    const isChained = (flagsOf(words[at + WORD_SIZES]!) & FLAG_CHAINED) !== 0;
    return words[at + (isChained ? WORD_CHAINED_BYTES : WORD_VALUE_BYTES)]!;
  }

  /** Granules of all chunks that an item takes. */
  granules(keyBytes: number, valueBytes: number, flags: number): number {
    const { classes } = this.#context;
    const header = headerBytes(flags);
    const stream = paddedKey(keyBytes) + valueBytes;
    if ((flags & FLAG_CHAINED) !== 0) return classes.pieceGranules(stream, header);
    return classes.granules[classes.classFor(header + stream)]!;
  }

  /** The same for the item at `ref`. */
  granulesAt(ref: number): number {
    const { arena } = this.#context;
    const sizes = arena.wordsOf(ref)[arena.wordIndex(ref) + WORD_SIZES]!;
    return this.granules(keyBytesOf(sizes), this.valueBytes(ref), flagsOf(sizes));
  }

  /** Adds an item to the counts of its shard and type, or takes it out: `sign` 1 or -1. In the transaction in hand. */
  accountLocked(shard: number, sizes: number, valueBytes: number, sign: number): void {
    const { layout, meta } = this.#context;
    const keyBytes = keyBytesOf(sizes);
    const type = shard + layout.typesOffset + typeOf(sizes) * TYPE_WORDS;
    this.#context.write(shard + SHARD.itemCount, meta[shard + SHARD.itemCount]! + sign);
    this.#context.write(type, meta[type]! + sign);
    this.#addGranules(type, sign * this.granules(keyBytes, valueBytes, flagsOf(sizes)));
    this.#addPayload(type, sign * (keyBytes + valueBytes));
    this.#accountClassesLocked(shard, paddedKey(keyBytes) + valueBytes, flagsOf(sizes), sign);
  }

  /**
   * The same for an item that takes another's place under its key: only what differs is written, which is nothing for
   * a value of the same size. In the transaction in hand.
   */
  accountReplacedLocked(shard: number, sizes: number, valueBytes: number, oldSizes: number, oldBytes: number): void {
    const flags = flagsOf(sizes);
    const oldFlags = flagsOf(oldSizes);
    if (((flags | oldFlags) & FLAG_CHAINED) !== 0 || typeOf(sizes) !== typeOf(oldSizes)) {
      this.accountLocked(shard, sizes, valueBytes, 1);
      this.accountLocked(shard, oldSizes, oldBytes, -1);
      return;
    }
    const { classes } = this.#context;
    const key = paddedKey(keyBytesOf(sizes));
    const bytes = headerBytes(flags) + key + valueBytes;
    const bytesBefore = headerBytes(oldFlags) + key + oldBytes;
    if (bytes === bytesBefore && valueBytes === oldBytes) return;
    const id = classes.classFor(bytes);
    const idBefore = classes.classFor(bytesBefore);
    const type = shard + this.#context.layout.typesOffset + typeOf(sizes) * TYPE_WORDS;
    this.#addGranules(type, classes.granules[id]! - classes.granules[idBefore]!);
    this.#addPayload(type, valueBytes - oldBytes);
    if (id === idBefore) {
      this.#addRequested(shard, id, bytes - bytesBefore);
      return;
    }
    this.#addRequested(shard, id, bytes);
    this.#addRequested(shard, idBefore, -bytesBefore);
  }

  #addGranules(type: number, delta: number): void {
    if (delta !== 0) this.#context.write(type + 1, this.#context.meta[type + 1]! + delta);
  }

  #addPayload(type: number, delta: number): void {
    const { meta } = this.#context;
    const low = (meta[type + 2]! >>> 0) + delta;
    this.#context.write(type + 2, low | 0);
    const carry = Math.floor(low / 0x1_0000_0000);
    if (carry !== 0) this.#context.write(type + 3, meta[type + 3]! + carry);
  }

  /** The bytes that were asked for, by slab class: what is left of the chunks is waste. */
  #accountClassesLocked(shard: number, streamBytes: number, flags: number, sign: number): void {
    const { classes } = this.#context;
    let header = headerBytes(flags);
    if ((flags & FLAG_CHAINED) === 0) {
      this.#addRequested(shard, classes.classFor(header + streamBytes), sign * (header + streamBytes));
      return;
    }
    let rest = streamBytes;
    // Pieces of a whole page come in a row: one store for all of them.
    let wholePages = 0;
    while (rest > 0) {
      const id = classes.pieceClass(rest, header);
      const taken = Math.min(rest, classes.bytes[id]! - header);
      if (id === classes.count - 1) wholePages += taken + header;
      else this.#addRequested(shard, id, sign * (taken + header));
      rest -= taken;
      header = CONTINUATION_BYTES;
    }
    if (wholePages !== 0) this.#addRequested(shard, classes.count - 1, sign * wholePages);
  }

  #addRequested(shard: number, classId: number, delta: number): void {
    const index = shard + SHARD.requested + classId;
    this.#context.write(index, (this.#context.meta[index]! + delta) | 0);
  }

  /** Removes the entry at a place. Its own transactions; counts the cause and tells listeners. */
  removeLocked(shard: number, place: Place, cause: number): void {
    const { arena } = this.#context;
    const { ref } = place;
    const sizes = arena.wordsOf(ref)[arena.wordIndex(ref) + WORD_SIZES]!;
    const valueBytes = this.valueBytes(ref);
    const bucket = arena.wordsOf(place.bucket);
    const at = arena.wordIndex(place.bucket);
    const tag = bucket[at + BUCKET.tags + place.slot]!;
    const time = bucket[at + BUCKET.times + place.slot * 2]!;
    this.#index.openLocked(place.primary);
    this.#index.removeLocked(shard, place.primary, place.bucket, place.slot);
    this.accountLocked(shard, sizes, valueBytes, -1);
    this.releaseChunksLocked(shard, ref, sizes);
    this.finishRemovalLocked(shard, ref, sizes, valueBytes, cause, tag, time);
  }

  /**
   * Gives an item's chunks back, takes it off its user's list, and a pointer's reference away, in the transaction in hand: a
   * chain is only marked to be freed behind its commit, as is what the list is owed.
   */
  releaseChunksLocked(shard: number, ref: number, sizes: number): void {
    const flags = flagsOf(sizes);
    if ((flags & FLAG_OWNED) !== 0) this.#ownership.noteOutLocked(shard, ref, this.granulesAt(ref));
    if (this.#references.isPointer(sizes)) this.#references.releaseLocked(shard, ref, sizes);
    if ((flags & FLAG_CHAINED) === 0) this.#pages.freeLocked(shard, ref);
    else if ((flags & FLAG_PINNED) !== 0) this.#chains.orphanLocked(ref);
    else this.#context.write(shard + SHARD.pendingFree, ref);
  }

  /**
   * Counts a removal or a replacement, commits it, and does what must follow it under the same lock. `tag` and `time`
   * are those of the slot that the item had.
   */
  finishRemovalLocked(
    shard: number,
    ref: number,
    sizes: number,
    valueBytes: number,
    cause: number,
    tag: number,
    time: number,
  ): void {
    const type = typeOf(sizes);
    this.#countRemovalLocked(shard, type, cause);
    this.#context.journal.commit();
    this.#ownership.payLocked(shard);
    // The chunk's bytes are still those of the item: nobody can take it before this section ends.
    if (((LOGGED >>> cause) & 1) !== 0 && type < this.#context.layout.typesDeclared) {
      const bytes = this.#references.bytesOf(ref, sizes, valueBytes);
      this.#logLocked(shard, ref, sizes, bytes, cause, this.ticksUnused(shard, tag, time));
      this.emitLocked(EVENT.evict, type, cause, ref, sizes, bytes);
    }
    this.#pages.finishRelease();
    this.#chains.freePendingLocked(shard);
  }

  /** In the transaction in hand: the counts of the causes always tell of all entries that have left. */
  #countRemovalLocked(shard: number, type: number, cause: number): void {
    const { layout, meta } = this.#context;
    const index = shard + layout.removalsOffset + (type * layout.config.removalCauses + cause) * REMOVAL_WORDS;
    const low = (meta[index]! + 1) | 0;
    this.#context.write(index, low);
    if (low === 0) this.#context.write(index + 1, meta[index + 1]! + 1);
  }

  /** How long ago an entry was used last, as far as the policy knows. */
  ticksUnused(shard: number, tag: number, time: number): number {
    const used = (tag & TAG_IDLE) === 0 ? this.#policy.lastUse(shard, tag & MARK_MASK) : time;
    const now = this.clock.coarse();
    // The policy's history begins before the cache does.
    return Math.max(0, Math.min((now - used) | 0, (now - this.#context.createdTick) | 0));
  }

  #logLocked(shard: number, ref: number, sizes: number, valueBytes: number, cause: number, ticksUnused: number): void {
    const { arena, layout } = this.#context;
    const type = typeOf(sizes);
    const tick = this.clock.coarse();
    if (((MAKES_ROOM >>> cause) & 1) !== 0) {
      this.#recent.addLocked(shard + layout.recentOffset, tick, type);
      this.#context.count(type, TYPE_COUNTER.evictionTicks, ticksUnused);
    }
    if (cause === CAUSE.expired) this.#context.count(type, TYPE_COUNTER.expiryTicks, ticksUnused);
    // Of a chained item too: a key as long as what is kept of it lies in the first chunk.
    const keyAt = arena.wordIndex(ref) + (headerBytes(flagsOf(sizes)) >>> 2);
    const keyBytes = keyBytesOf(sizes);
    const bytes = keyBytes + valueBytes;
    const log = shard + layout.evictionsOffset;
    this.#log.appendLocked(log, tick, ticksUnused, type, cause, bytes, keyBytes, arena.wordsOf(ref), keyAt);
  }

  /** Commits, and pays what users' lists are owed by it: nothing else may come between. */
  commitLocked(shard: number): void {
    this.#context.journal.commit();
    this.#ownership.payLocked(shard);
  }

  /** Whether any thread listens for a kind of event. */
  isHeard(kind: number): boolean {
    return (load(this.#context.meta, HEADER.listening) & (1 << kind)) !== 0;
  }

  emitLocked(kind: number, type: number, cause: number, ref: number, sizes: number, valueBytes: number): void {
    if (!this.isHeard(kind)) return;
    const { arena } = this.#context;
    const keyBytes = keyBytesOf(sizes);
    const flags = flagsOf(sizes);
    if ((flags & FLAG_CHAINED) !== 0) {
      this.#chains.copyOut(ref, 0, keyBytes, this.#keyScratch, 0);
      this.emit(kind, type, cause, keyBytes + valueBytes, this.#keyScratch, 0, keyBytes);
      return;
    }
    const start = arena.wordIndex(ref) * 4 + headerBytes(flags);
    this.emit(kind, type, cause, keyBytes + valueBytes, arena.bytesOf(ref), start, keyBytes);
  }

  /** Puts an event into the ring if anybody listens for its kind. */
  emit(kind: number, type: number, cause: number, bytes: number, key: Uint8Array, start: number, length: number): void {
    if (!this.isHeard(kind)) return;
    const { arena, threadId, token } = this.#context;
    this.#events.append(kind, type, cause, bytes, threadId, key, start, length, token, arena.owners);
  }

  /**
   * A number for a chained item that none of this shard's had for 2^32 items. Not in the journal: a death's repair must not give it
   * again, since a reader may have it from a chain whose change is undone.
   */
  nextGenerationLocked(shard: number): number {
    const { meta } = this.#context;
    const next = (meta[shard + SHARD.generation]! + 1) | 0;
    meta[shard + SHARD.generation] = next;
    return next;
  }

  /**
   * Gives a chained item a new generation, so that copies under way fail. Not in the journal either, and before any ref of the chain
   * is changed: a reader that follows such a change has the generation of before it, which stays gone if a repair undoes the change.
   */
  renewGenerationLocked(shard: number, ref: number): void {
    const { arena } = this.#context;
    arena.wordsOf(ref)[arena.wordIndex(ref) + WORD_GENERATION] = this.nextGenerationLocked(shard);
  }
}
