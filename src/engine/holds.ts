/**
 * Values on their way out, piece by piece: a chained item is pinned for as long as it takes, so that what was there at the
 * beginning is what is read to the end, whatever becomes of its entry. Between two steps the intent stands for the hold.
 */
import { checkpoint } from '#atomics';
import type { Chains } from './chains.js';
import type { Context } from './context.js';
import { type IndexTable, Place } from './index-table.js';
import { CONTINUATION_BYTES, FLAG_CHAINED, flagsOf, formOf, headerBytes, paddedKey, WORD_SIZES } from './item.js';
import type { Items } from './items.js';
import type { Key } from './key.js';

/** Items that one thread may hold. */
export const HOLDS_MAX = 4;

/** An item that is pinned, and where its reader is. */
export class Hold {
  readonly shard: number;
  readonly intent: number;
  /** Bytes of the value. */
  readonly length: number;
  /** Bytes still to be read. */
  left: number;
  /** The piece that the next byte lies in, and how many bytes of that lie before it. */
  piece: number;
  skip: number;

  constructor(shard: number, intent: number, length: number, piece: number, skip: number) {
    this.shard = shard;
    this.intent = intent;
    this.length = length;
    this.left = length;
    this.piece = piece;
    this.skip = skip;
  }
}

export class Holds {
  readonly #context: Context;
  readonly #index: IndexTable;
  readonly #items: Items;
  readonly #chains: Chains;
  readonly #place = new Place();

  constructor(context: Context, index: IndexTable, items: Items, chains: Chains) {
    this.#context = context;
    this.#index = index;
    this.#items = items;
    this.#chains = chains;
  }

  /**
   * Holds the item of a key that was just found live, if it is chained and its value bytes as they were given (form 0).
   * Undefined otherwise, and if this thread holds as many as it may or a lock can't be had: then it is to be copied.
   */
  take(key: Key): Hold | undefined {
    if (this.#context.countStanding(Hold) >= HOLDS_MAX) return undefined;
    const shard = this.#context.shardOf(key.hash);
    if (!this.#context.enter(shard)) return undefined;
    const intent = this.#pinLocked(shard, key);
    this.#context.leave(shard);
    return intent === 0 ? undefined : this.#holdOf(shard, intent, key);
  }

  #pinLocked(shard: number, key: Key): number {
    const { arena } = this.#context;
    const place = this.#place;
    place.primary = this.#index.primaryLocked(shard, key.hash);
    if (!this.#index.findLocked(place, key, this.#chains)) return 0;
    const flags = flagsOf(arena.wordsOf(place.ref)[arena.wordIndex(place.ref) + WORD_SIZES]!);
    if ((flags & FLAG_CHAINED) === 0 || formOf(flags) !== 0) return 0;
    return this.#chains.pinLocked(shard, place.ref);
  }

  #holdOf(shard: number, intent: number, key: Key): Hold {
    const { arena } = this.#context;
    const { ref } = this.#place;
    const flags = flagsOf(arena.wordsOf(ref)[arena.wordIndex(ref) + WORD_SIZES]!);
    const skip = headerBytes(flags) + paddedKey(key.byteLength);
    const hold = new Hold(shard, intent, this.#items.valueBytes(ref), ref, skip);
    this.#context.stand(intent, hold);
    return hold;
  }

  /** Copies the next bytes of what is held to `to`, as many as it takes or as are left. Under no lock. Returns how many. */
  read(hold: Hold, to: Uint8Array): number {
    const { arena } = this.#context;
    let { piece, skip } = hold;
    const wanted = Math.min(to.length, hold.left);
    let done = 0;
    while (done < wanted) {
      const bytes = this.#chains.chunkBytes(piece);
      // A key may take more than the first piece.
      if (skip >= bytes) {
        skip += CONTINUATION_BYTES - bytes;
        piece = this.#chains.nextOf(piece);
        continue;
      }
      checkpoint();
      const part = Math.min(bytes - skip, wanted - done);
      const start = arena.wordIndex(piece) * 4 + skip;
      to.set(arena.bytesOf(piece).subarray(start, start + part), done);
      skip += part;
      done += part;
    }
    hold.piece = piece;
    hold.skip = skip;
    hold.left -= done;
    return done;
  }

  /** Lets go of what is held, once. What can't be let go of now is let go of by this thread's next operation. */
  release(hold: Hold): void {
    if (!this.#context.takeOut(hold.intent, hold) || !this.#context.enter(hold.shard)) return;
    this.#chains.unpinLocked(hold.shard, hold.intent);
    this.#context.leave(hold.shard);
  }
}
