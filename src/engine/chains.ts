/**
 * Chained items: building, reading, freeing and pinning them.
 *
 * A chain is built last piece first, a few pieces to a section, and hangs on an intent of its owner until it is
 * published; a death frees it from there. Its bytes are written under no lock. A chain that has left the index is
 * freed from the shard's `pendingFree` word, which advances piece by piece, so whoever repairs the shard goes on.
 *
 * A reader copies a chain without a lock and then asks whether the slot and the generation of the head still stand;
 * the sequence of the bucket would never stand still that long beside a busy neighbour. When it fails three times it
 * pins: an intent of its owner, and a flag in the head, under which nobody frees or moves the item.
 *
 *     intent:  ref of the chain, kind (2 bits) and shard number (from bit 2)
 */
import { checkpoint } from '#atomics';
import {
  assert,
  copyBytes,
  OWNER_INTENT_COUNT,
  OWNER_INTENTS,
  OWNER_SLOTS,
  PAGE,
  SHARD,
} from '../../native-free/index.js';
import type { Context } from './context.js';
import {
  CONTINUATION_BYTES,
  FLAG_CHAINED,
  FLAG_CONTINUATION,
  FLAG_PINNED,
  flagsOf,
  headerBytes,
  KEY_BYTES_MAX,
  keyBytesOf,
  packSizes,
  typeOf,
  WORD_HASH,
  WORD_NEXT,
  WORD_SIZES,
} from './item.js';
import type { Key } from './key.js';
import { PAGE_ITEMS, type PagePool, pageClass, pageKind } from './page-pool.js';

export const INTENT_BUILDING = 1;
export const INTENT_PIN = 2;

export class Chains {
  readonly #context: Context;
  readonly #pages: PagePool;
  readonly #keyScratch = new Uint8Array(KEY_BYTES_MAX + 1);

  constructor(context: Context, pages: PagePool) {
    this.#context = context;
    this.#pages = pages;
  }

  /** Takes a chunk of a class that has room and puts it before the chain on the intent. Its own transaction. */
  prependLocked(shard: number, intent: number, classId: number, hash: number): boolean {
    const ref = this.#pages.allocateLocked(shard, classId);
    if (ref === 0) return false;
    this.#fillPiece(ref, this.#context.meta[intent]!, hash);
    this.#beginChainLocked(shard, intent, ref);
    this.#context.journal.commit();
    return true;
  }

  /**
   * Takes a chunk of a class that has room and puts it behind `tail`, the last piece of the chain on the intent, 0 if that has
   * none yet. Its own transaction. Returns the chunk, or 0.
   */
  appendLocked(shard: number, intent: number, tail: number, classId: number, hash: number): number {
    const { arena, journal } = this.#context;
    const ref = this.#pages.allocateLocked(shard, classId);
    if (ref === 0) return 0;
    this.#fillPiece(ref, 0, hash);
    if (tail === 0) this.#beginChainLocked(shard, intent, ref);
    else journal.write(arena.segmentOf(tail), arena.wordIndex(tail) + WORD_NEXT, ref);
    this.#hint(ref, intent);
    journal.commit();
    return ref;
  }

  #fillPiece(ref: number, next: number, hash: number): void {
    const { arena } = this.#context;
    const words = arena.wordsOf(ref);
    const at = arena.wordIndex(ref);
    words[at + WORD_SIZES] = packSizes(0, 0, FLAG_CONTINUATION);
    words[at + WORD_NEXT] = next;
    words[at + WORD_HASH] = hash;
  }

  #beginChainLocked(shard: number, intent: number, head: number): void {
    this.#context.holdsIntents = true;
    this.#context.write(intent, head);
    this.#context.write(intent + 1, this.intentTag(shard, INTENT_BUILDING));
  }

  #hint(ref: number, intent: number): void {
    const { layout, meta } = this.#context;
    const descriptor = layout.descriptor(layout.pageOf(ref));
    meta[descriptor + PAGE.intent] = intent;
    meta[descriptor + PAGE.head] = meta[intent]!;
  }

  /**
   * Hints in all pages of the item that an intent has pinned, of so many bytes with its header: it stays where it is, so no lock
   * is needed.
   */
  hintPinned(intent: number, bytes: number): void {
    let ref = this.#context.meta[intent]!;
    for (let left = bytes - CONTINUATION_BYTES; left > 0; ref = this.nextOf(ref)) {
      const room = this.chunkBytes(ref) - CONTINUATION_BYTES;
      // A chain that has come to harm, as whoever reads it will say.
      if (room <= 0) return;
      checkpoint();
      this.#hint(ref, intent);
      left -= room;
    }
  }

  /** Whether a page holds a piece of a stream that is on its way in or out, as its hints have it. */
  isOfStreamLocked(page: number): boolean {
    const { layout, meta } = this.#context;
    const descriptor = layout.descriptor(page);
    const intent = meta[descriptor + PAGE.intent]!;
    const head = meta[descriptor + PAGE.head]!;
    if (intent === 0 || head === 0) return false;
    if (meta[intent] === head && (meta[intent + 1]! & 3) !== 0) return true;
    // Of several pins of an item the one that was hinted last may have been the first to end.
    const pin = this.#pinBeside(head, intent);
    if (pin !== 0) meta[descriptor + PAGE.intent] = pin;
    return pin !== 0;
  }

  intentTag(shard: number, kind: number): number {
    const { layout } = this.#context;
    return kind | (((shard - layout.shards) / layout.shardWords) << 2);
  }

  /** Takes the chain off the intent, in the transaction in hand. */
  clearIntentLocked(intent: number): void {
    this.#context.write(intent, 0);
    this.#context.write(intent + 1, 0);
  }

  /** Frees the chain on an intent. Its own transactions. */
  abandonLocked(shard: number, intent: number): void {
    this.#context.write(shard + SHARD.pendingFree, this.#context.meta[intent]!);
    this.clearIntentLocked(intent);
    this.#context.journal.commit();
    this.freePendingLocked(shard);
    if (this.#context.isMine(intent)) this.#context.recountIntents();
  }

  /** Frees what hangs on `pendingFree`, a transaction a piece. */
  freePendingLocked(shard: number): void {
    const { arena, meta, journal } = this.#context;
    for (let ref = meta[shard + SHARD.pendingFree]!; ref !== 0; ref = meta[shard + SHARD.pendingFree]!) {
      const next = arena.wordsOf(ref)[arena.wordIndex(ref) + WORD_NEXT]!;
      this.#pages.freeLocked(shard, ref);
      this.#context.write(shard + SHARD.pendingFree, next);
      journal.commit();
      this.#pages.finishRelease();
    }
  }

  /** Bytes of the chunk at `ref`, or 0 if it is not in a page of items, as a torn ref may not be. */
  chunkBytes(ref: number): number {
    const { layout, classes } = this.#context;
    const page = layout.pageOf(ref);
    if (page < 0 || page >= layout.pages) return 0;
    const state = this.#pages.state(page);
    return pageKind(state) === PAGE_ITEMS ? classes.bytes[pageClass(state)]! : 0;
  }

  /** The chunk behind `ref` in its chain, 0 at the end. */
  nextOf(ref: number): number {
    const { arena } = this.#context;
    return arena.wordsOf(ref)[arena.wordIndex(ref) + WORD_NEXT]!;
  }

  /** Ends a chain behind `ref`, for a shard that is emptied. Outside any transaction. */
  endAt(ref: number): void {
    const { arena } = this.#context;
    arena.wordsOf(ref)[arena.wordIndex(ref) + WORD_NEXT] = 0;
  }

  /**
   * Copies `length` bytes from `from` on of a chain's stream. False if the chain is not what it should be, as a reader
   * under no lock may find: every ref, the length and so the hops are checked.
   */
  copyOut(head: number, from: number, length: number, to: Uint8Array, toStart: number): boolean {
    const { arena } = this.#context;
    const sizes = arena.wordsOf(head)[arena.wordIndex(head) + WORD_SIZES]!;
    let header = headerBytes(flagsOf(sizes));
    let skip = from;
    let done = 0;
    for (let ref = head; done < length; ref = this.nextOf(ref)) {
      const room = this.chunkBytes(ref) - header;
      if (room <= 0) return false;
      if (skip < room) {
        const bytes = arena.bytesOf(ref);
        const start = arena.wordIndex(ref) * 4 + header + skip;
        const part = Math.min(room - skip, length - done);
        copyBytes(to, toStart + done, bytes.subarray(start, start + part));
        done += part;
      }
      skip = Math.max(0, skip - room);
      header = CONTINUATION_BYTES;
    }
    return true;
  }

  /** Writes `source` into the stream of an unpublished chain from `from` on; the chain has room for it. */
  copyIn(head: number, headHeader: number, from: number, source: Uint8Array): void {
    const { arena } = this.#context;
    let header = headHeader;
    let skip = from;
    let done = 0;
    for (let ref = head; done < source.length; ref = this.nextOf(ref)) {
      const room = this.chunkBytes(ref) - header;
      assert(room > 0, 'a chain ends before its value');
      if (skip < room) {
        const part = Math.min(room - skip, source.length - done);
        const start = arena.wordIndex(ref) * 4 + header + skip;
        copyBytes(arena.bytesOf(ref), start, source.subarray(done, done + part));
        done += part;
      }
      skip = Math.max(0, skip - room);
      header = CONTINUATION_BYTES;
    }
  }

  /** Whether the item at `ref`, chained or not, has this key. The ref lies in the arena; its chunk may be torn. */
  holdsKey(ref: number, key: Key): boolean {
    const { arena } = this.#context;
    const words = arena.wordsOf(ref);
    const at = arena.wordIndex(ref);
    if (words[at + WORD_HASH] !== key.hash) return false;
    const sizes = words[at + WORD_SIZES]!;
    if (keyBytesOf(sizes) !== key.byteLength || typeOf(sizes) !== key.type) return false;
    const flags = flagsOf(sizes);
    if ((flags & FLAG_CHAINED) === 0) return key.equalsWords(words, at + (headerBytes(flags) >>> 2));
    return this.copyOut(ref, 0, key.byteLength, this.#keyScratch, 0) && key.equals(this.#keyScratch, 0);
  }

  /** Pins a chained item: its own transaction. Returns the intent, or 0 if this thread holds too many. */
  pinLocked(shard: number, ref: number): number {
    const intent = this.#context.freeIntent();
    if (intent === 0) return 0;
    this.#context.holdsIntents = true;
    this.#context.write(intent, ref);
    this.#context.write(intent + 1, this.intentTag(shard, INTENT_PIN));
    this.#writeFlag(ref, FLAG_PINNED, true);
    this.#context.journal.commit();
    return intent;
  }

  /** Lets go of a pin; frees the item if it has left the index meanwhile. Its own transactions. */
  unpinLocked(shard: number, intent: number): void {
    const { meta, journal } = this.#context;
    const ref = meta[intent]!;
    this.clearIntentLocked(intent);
    if (this.#pinBeside(ref, intent) === 0) {
      if (this.isOrphan(ref)) this.#context.write(shard + SHARD.pendingFree, ref);
      this.#writeFlag(ref, FLAG_PINNED, false);
    }
    journal.commit();
    this.freePendingLocked(shard);
    if (this.#context.isMine(intent)) this.#context.recountIntents();
  }

  /** A pinned item that leaves the index becomes an orphan: the last pin frees it. In the transaction in hand. */
  orphanLocked(ref: number): void {
    this.#writeFlag(ref, FLAG_CONTINUATION, true);
  }

  /** A head that is flagged as a continuation too: it has left the index, and only pins hold it. */
  isOrphan(ref: number): boolean {
    const { arena } = this.#context;
    return (flagsOf(arena.wordsOf(ref)[arena.wordIndex(ref) + WORD_SIZES]!) & FLAG_CONTINUATION) !== 0;
  }

  /** An intent other than `intent` that pins the item at `ref`; 0 if none does. */
  #pinBeside(ref: number, intent: number): number {
    const { arena, meta } = this.#context;
    for (let slot = 0; slot < OWNER_SLOTS; slot++) {
      // A slot is freed last.
      if (arena.owners.threadOf(slot) < 0) continue;
      const first = arena.owners.record(slot) + OWNER_INTENTS;
      for (let i = first; i < first + OWNER_INTENT_COUNT * 2; i += 2) {
        if (i !== intent && meta[i] === ref && (meta[i + 1]! & 3) === INTENT_PIN) return i;
      }
    }
    return 0;
  }

  #writeFlag(ref: number, flag: number, on: boolean): void {
    const { arena, journal } = this.#context;
    const index = arena.wordIndex(ref) + WORD_SIZES;
    const sizes = arena.wordsOf(ref)[index]!;
    const bit = flag << 24;
    journal.write(arena.segmentOf(ref), index, on ? sizes | bit : sizes & ~bit);
  }
}
