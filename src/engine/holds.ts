/**
 * Values on their way out, piece by piece: a chained item is pinned for as long as it takes, so that what was there at the
 * beginning is what is read to the end, whatever becomes of its entry. Between two steps the intent stands for the hold.
 */
import { checkpoint } from '#atomics';
import { assert, copyBytes } from '../../native-free/index.js';
import type { Chains } from './chains.js';
import type { Context } from './context.js';
import { type IndexTable, Place } from './index-table.js';
import {
  CONTINUATION_BYTES,
  FLAG_CHAINED,
  FORM_PLAIN,
  flagsOf,
  formOf,
  headerBytes,
  paddedKey,
  WORD_SIZES,
} from './item.js';
import type { Items } from './items.js';
import type { Key } from './key.js';

/** Items that one thread may hold. */
export const HOLDS_MAX = 4;

/** An item that is pinned, once `take` has done so, and where its reader is. */
export class Hold {
  shard = 0;
  intent = 0;
  /** Bytes of the value. */
  length = 0;
  /** Bytes still to be read. */
  left = 0;
  /** The piece that the next byte lies in, and how many bytes of that lie before it. */
  piece = 0;
  skip = 0;
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

  /** Whether an item that was found, with so many bytes of key and value in a form, is one to be held. */
  mayTake(payloadBytes: number, form: number): boolean {
    const isChained = payloadBytes > this.#context.classes.singleBytesMax;
    return isChained && form === FORM_PLAIN && this.#context.countStanding(Hold) < HOLDS_MAX;
  }

  /**
   * Pins the item of a key that was just found live, if it is chained and its value bytes as they were given. False
   * otherwise, and if this thread holds as many as it may or a lock can't be had: then it is to be copied. Until `keep` it is
   * what an operation that is cut short leaves behind.
   */
  take(hold: Hold, key: Key): boolean {
    if (this.#context.countStanding(Hold) >= HOLDS_MAX) return false;
    const shard = this.#context.shardOf(key.hash);
    if (!this.#context.enter(shard)) return false;
    const intent = this.#pinLocked(shard, key);
    this.#context.leave(shard);
    if (intent === 0) return false;
    this.#fill(hold, shard, intent, key);
    this.#chains.hintPinned(intent, hold.skip + hold.length);
    return true;
  }

  /** From now on a hold that was taken stands until it is released: the last step of whatever makes use of it. */
  keep(hold: Hold): void {
    this.#context.stand(hold.intent, hold);
  }

  #pinLocked(shard: number, key: Key): number {
    const { arena } = this.#context;
    const place = this.#place;
    place.primary = this.#index.primaryLocked(shard, key.hash);
    if (!this.#index.findLocked(place, key, this.#chains)) return 0;
    const flags = flagsOf(arena.wordsOf(place.ref)[arena.wordIndex(place.ref) + WORD_SIZES]!);
    if ((flags & FLAG_CHAINED) === 0 || formOf(flags) !== FORM_PLAIN) return 0;
    return this.#chains.pinLocked(shard, place.ref);
  }

  #fill(hold: Hold, shard: number, intent: number, key: Key): void {
    const { arena } = this.#context;
    const { ref } = this.#place;
    const flags = flagsOf(arena.wordsOf(ref)[arena.wordIndex(ref) + WORD_SIZES]!);
    hold.shard = shard;
    hold.intent = intent;
    hold.length = this.#items.valueBytes(ref);
    hold.left = hold.length;
    hold.piece = ref;
    hold.skip = headerBytes(flags) + paddedKey(key.byteLength);
  }

  /** Copies the next bytes of what is held to `to`, as many as it takes or as are left. Under no lock. Returns how many. */
  read(hold: Hold, to: Uint8Array): number {
    const { arena } = this.#context;
    let { piece, skip } = hold;
    const wanted = Math.min(to.length, hold.left);
    let done = 0;
    while (done < wanted) {
      const bytes = this.#chains.chunkBytes(piece);
      // So each hop brings the end nearer, whatever the chain has become.
      assert(bytes > CONTINUATION_BYTES, 'a held chain ends before its value');
      // A key may take more than the first piece.
      if (skip >= bytes) {
        skip += CONTINUATION_BYTES - bytes;
        piece = this.#chains.nextOf(piece);
        continue;
      }
      checkpoint();
      const part = Math.min(bytes - skip, wanted - done);
      const start = arena.wordIndex(piece) * 4 + skip;
      copyBytes(to, done, arena.bytesOf(piece).subarray(start, start + part));
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
    if (hold.intent === 0 || !this.#context.takeOut(hold.intent, hold) || !this.#context.enter(hold.shard)) return;
    this.#chains.unpinLocked(hold.shard, hold.intent);
    this.#context.leave(hold.shard);
  }
}
