/** Entries as the shard accounts for them: removing one, and the counts by type. Everything here is under its lock. */

import { load } from '#atomics';
import { EventRing, HEADER, SHARD, type SharedClock, TYPE_WORDS } from '../../native-free/index.js';
import { CAUSE, TYPE_COUNTER } from './causes.js';
import type { Chains } from './chains.js';
import type { Context } from './context.js';
import type { IndexTable, Place } from './index-table.js';
import {
  CONTINUATION_BYTES,
  FLAG_CHAINED,
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
import type { PagePool } from './page-pool.js';

/** Kinds of events, as stored in the ring and as bits of the words that say who listens. */
export const EVENT = { evict: 1, reject: 2, recover: 3 } as const;

/** Causes that listeners of evictions hear of. */
const EVICTED =
  (1 << CAUSE.size) |
  (1 << CAUSE.share) |
  (1 << CAUSE.pressure) |
  (1 << CAUSE.expired) |
  (1 << CAUSE.idle) |
  (1 << CAUSE.recovered);

export class Items {
  readonly clock: SharedClock;
  readonly #context: Context;
  readonly #index: IndexTable;
  readonly #pages: PagePool;
  readonly #chains: Chains;
  readonly #events: EventRing;
  readonly #keyScratch = new Uint8Array(65_536);

  constructor(context: Context, index: IndexTable, pages: PagePool, chains: Chains) {
    this.clock = context.clock;
    this.#context = context;
    this.#index = index;
    this.#pages = pages;
    this.#chains = chains;
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

  /** Granules of all chunks of an item that is stored. */
  granulesOf(ref: number): number {
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
    this.#index.openLocked(place.primary);
    this.#index.removeLocked(shard, place.primary, place.bucket, place.slot);
    this.accountLocked(shard, sizes, valueBytes, -1);
    this.releaseChunksLocked(shard, ref, sizes);
    this.finishRemovalLocked(shard, ref, sizes, valueBytes, cause);
  }

  /** Gives an item's chunks back, in the transaction in hand: a chain is only marked to be freed behind its commit. */
  releaseChunksLocked(shard: number, ref: number, sizes: number): void {
    const flags = flagsOf(sizes);
    if ((flags & FLAG_CHAINED) === 0) this.#pages.freeLocked(shard, ref);
    else if ((flags & FLAG_PINNED) !== 0) this.#chains.orphanLocked(ref);
    else this.#context.write(shard + SHARD.pendingFree, ref);
  }

  /** Commits a removal or a replacement, and does what must follow it under the same lock. */
  finishRemovalLocked(shard: number, ref: number, sizes: number, valueBytes: number, cause: number): void {
    this.#context.journal.commit();
    // The chunk's bytes are still those of the item: nobody can take it before this section ends.
    const type = typeOf(sizes);
    this.#context.count(type, TYPE_COUNTER.causes + cause, 1);
    if (((EVICTED >>> cause) & 1) !== 0) this.emitLocked(EVENT.evict, type, cause, ref, sizes, valueBytes);
    this.#pages.finishRelease();
    this.#chains.freePendingLocked(shard);
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

  /** A number for a chained item that none of this shard's had for 2^32 items. In the transaction in hand. */
  nextGenerationLocked(shard: number): number {
    const next = (this.#context.meta[shard + SHARD.generation]! + 1) | 0;
    this.#context.write(shard + SHARD.generation, next);
    return next;
  }

  /** Gives a chained item a new generation, so that copies under way fail. In the transaction in hand. */
  renewGenerationLocked(shard: number, ref: number): void {
    const { arena, journal } = this.#context;
    const generation = this.nextGenerationLocked(shard);
    journal.write(arena.segmentOf(ref), arena.wordIndex(ref) + WORD_GENERATION, generation);
  }
}
