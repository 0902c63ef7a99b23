/**
 * Values on their way in, piece by piece, over as much time as their streams take: see native-free/README.md, section 19.
 *
 * A draft is a chain on an intent that grows at its end by whole pages, which nobody else can see. Its owner fills them as
 * bytes arrive; the last part comes with the end, in pieces of smaller classes, so that what is published has the very pieces
 * of a value that was set at once. Its bytes are the stream of an item: the key, padded, and the value.
 *
 * Between two steps the intent stands for the draft (context.ts). A step that is cut short leaves an intent that stands for
 * nothing, which the thread's next operation lets go of, and the draft is lost.
 */
import { checkpoint } from '#atomics';
import { assert, copyBytes } from '../../native-free/index.js';
import { REJECT } from './causes.js';
import type { Chains } from './chains.js';
import type { Context } from './context.js';
import { CONTINUATION_BYTES, FLAG_CHAINED, FORM_SHIFT, headerBytes } from './item.js';
import type { Key } from './key.js';
import { ADMITTED, OVER_QUOTA, type Quota } from './quota.js';
import type { Shares } from './shares.js';
import type { User } from './user.js';
import { BUSY, flagsFor, type Lifetime, NO_LOCK, NO_ROOM, STORED, type Steal, type Writer } from './writer.js';

/** This thread has as many drafts as it may. */
export const CROWDED = 5;
/** All drafts together have as many pages as they may. */
export const OUT_OF_BOUNDS = 6;
/** A step before was cut short: nothing is left of the draft. */
export const CUT_SHORT = 7;

/** Drafts of one thread with memory of their own. */
export const DRAFTS_MAX = 8;
/** Part of all pages that drafts may have together, if one of the largest values doesn't take more. */
const PAGES_SHARE = 1 / 4;

/** What a value that comes in pieces has by now. */
export class Draft {
  /** Flags of the item that it will be. */
  readonly flags: number;
  /** Its user is at its quota: the next piece takes nothing but free memory. */
  isAtQuota = false;
  /** Why a set of what has come would be refused, if it is. */
  reason: number = REJECT.room;
  intent = 0;
  /** Its last piece. */
  tail = 0;
  pieces = 0;

  constructor(form: number, isIdle: boolean, isOwned: boolean) {
    this.flags = flagsFor(isIdle, isOwned) | FLAG_CHAINED | (form << FORM_SHIFT);
  }
}

export class Drafts {
  /** Pages that all drafts of the cache may have together. */
  readonly pagesMax: number;
  readonly #context: Context;
  readonly #chains: Chains;
  readonly #writer: Writer;
  readonly #shares: Shares;
  readonly #quota: Quota;

  constructor(context: Context, chains: Chains, writer: Writer, shares: Shares, quota: Quota, itemBytesMax: number) {
    this.#context = context;
    this.#chains = chains;
    this.#writer = writer;
    this.#shares = shares;
    this.#quota = quota;
    const { pages } = context.layout;
    // An item's bytes are those of its key, too; headers take no more than one page beside them.
    this.pagesMax = Math.max(Math.floor(pages * PAGES_SHARE), this.pagesFor(itemBytesMax));
  }

  /** Whole pages that a value of so many bytes takes, with the longest header and its key in them. */
  pagesFor(bytes: number): number {
    return Math.ceil(bytes / (this.#pageBytes - CONTINUATION_BYTES)) + 1;
  }

  get #pageBytes(): number {
    return this.#context.layout.config.pageBytes;
  }

  /** Bytes that the next piece of a draft takes. */
  roomOf(draft: Draft): number {
    return this.#pageBytes - (draft.pieces === 0 ? headerBytes(draft.flags) : CONTINUATION_BYTES);
  }

  /**
   * Adds a piece with `bytes`, which fill it, to a draft of the key; `pages`: how many it will have, as far as is known.
   * STORED, NO_ROOM, BUSY, CROWDED, OUT_OF_BOUNDS or CUT_SHORT.
   */
  append(draft: Draft, key: Key, bytes: Uint8Array, pages: number, user: User | undefined, steal: Steal): number {
    const begun = this.#mayGrow(draft, key.type, user) ? this.#begin(draft) : NO_ROOM;
    if (begun !== STORED) return begun;
    const outcome = this.#takePage(draft, key, pages, steal);
    if (outcome === STORED)
      this.#write(draft.tail, draft.pieces === 1 ? headerBytes(draft.flags) : CONTINUATION_BYTES, bytes);
    if (draft.pieces > 0) this.#context.stand(draft.intent, draft);
    else this.#forget(draft);
    return outcome;
  }

  /** False, with the reason, if the type's share or the user's quota is less than the draft would have with another page. */
  #mayGrow(draft: Draft, type: number, user: User | undefined): boolean {
    const granules = (draft.pieces + 1) * this.#context.layout.pageGranules;
    if (!this.#shares.mayEverFit(type, granules)) {
      draft.reason = REJECT.share;
      return false;
    }
    if (user === undefined) return true;
    // What can't be known now is seen at the end: meanwhile the draft costs nobody else anything.
    const quota = this.#quota.foresee(user, granules);
    draft.isAtQuota = quota !== ADMITTED;
    draft.reason = draft.isAtQuota ? REJECT.quota : REJECT.room;
    return quota !== OVER_QUOTA;
  }

  #begin(draft: Draft): number {
    if (draft.intent !== 0) return this.#context.takeOut(draft.intent, draft) ? STORED : CUT_SHORT;
    if (this.#context.countStanding(Draft) >= DRAFTS_MAX) return CROWDED;
    draft.intent = this.#context.freeIntent();
    this.#context.holdsIntents = true;
    return draft.intent === 0 ? CROWDED : STORED;
  }

  #takePage(draft: Draft, key: Key, pages: number, steal: Steal): number {
    if (!this.#context.enterLarge()) return BUSY;
    const outcome = this.#reserves(draft, Math.max(pages, draft.pieces + 1))
      ? this.#take(draft, key, this.#context.classes.count - 1, steal)
      : OUT_OF_BOUNDS;
    this.#context.leaveLarge();
    return outcome;
  }

  /** Reserves pages for a draft. Under the large lock: so the sum over all threads stands, but for drafts that end. */
  #reserves({ intent }: Draft, pages: number): boolean {
    const { arena, meta, slot } = this.#context;
    const word = arena.owners.reserved(slot, intent);
    const before = meta[word]!;
    if (before >= pages) return true;
    if (arena.owners.reservedPages() - before + pages > this.pagesMax) return false;
    meta[word] = pages;
    checkpoint();
    return true;
  }

  #take(draft: Draft, key: Key, classId: number, steal: Steal): number {
    const ref = this.#writer.takePiece(draft, key, classId, draft.pieces, draft.isAtQuota, steal);
    if (ref === NO_LOCK) return BUSY;
    if (ref === 0) return NO_ROOM;
    draft.tail = ref;
    draft.pieces += 1;
    return STORED;
  }

  /** Writes a piece that nobody can see, under no lock. */
  #write(ref: number, header: number, bytes: Uint8Array): void {
    const { arena } = this.#context;
    checkpoint();
    copyBytes(arena.bytesOf(ref), arena.wordIndex(ref) * 4 + header, bytes);
  }

  /** Writes over bytes of a draft that has pieces for them, `from` counting from the start of its key. False if it is lost. */
  overwrite(draft: Draft, from: number, bytes: Uint8Array): boolean {
    const { intent } = draft;
    if (!this.#context.takeOut(intent, draft)) return false;
    this.#chains.copyIn(this.#context.meta[intent]!, headerBytes(draft.flags), from, bytes);
    this.#context.stand(intent, draft);
    return true;
  }

  /**
   * Stores a draft and the rest of its bytes under its key, as a set does: STORED, NO_ROOM, BUSY or CUT_SHORT. The draft is
   * done with in any case.
   */
  publish(
    draft: Draft,
    key: Key,
    rest: Uint8Array,
    valueBytes: number,
    lifetime: Lifetime,
    user: User | undefined,
    steal: Steal,
  ): number {
    const { intent, flags } = draft;
    if (!this.#context.takeOut(intent, draft)) return CUT_SHORT;
    const outcome = this.#writer.setBuilt(key, valueBytes, flags, lifetime, user, intent, () =>
      this.#complete(draft, key, rest, steal),
    );
    this.#letGo(draft);
    return outcome;
  }

  /** Takes the last pieces, and writes them. */
  #complete(draft: Draft, key: Key, rest: Uint8Array, steal: Steal): number {
    if (!this.#context.enterLarge()) return BUSY;
    const last = draft.tail;
    const { classes } = this.#context;
    let outcome = STORED;
    for (let left = rest.length; left > 0 && outcome === STORED; ) {
      const id = classes.pieceClass(left, CONTINUATION_BYTES);
      outcome = this.#take(draft, key, id, steal);
      left -= classes.bytes[id]! - CONTINUATION_BYTES;
    }
    this.#context.leaveLarge();
    if (outcome === STORED) this.#fill(this.#chains.nextOf(last), rest);
    return outcome;
  }

  #fill(first: number, rest: Uint8Array): void {
    let ref = first;
    for (let at = 0; at < rest.length; ref = this.#chains.nextOf(ref)) {
      const room = this.#chains.chunkBytes(ref) - CONTINUATION_BYTES;
      assert(room > 0, 'a chain ends before its value');
      this.#write(ref, CONTINUATION_BYTES, rest.subarray(at, at + room));
      at += room;
    }
  }

  /** Gives up a draft. */
  abandon(draft: Draft): void {
    if (draft.intent !== 0 && this.#context.takeOut(draft.intent, draft)) this.#letGo(draft);
  }

  /** What can't be let go of now stays on the intent, and this thread's next operation lets go of it. */
  #letGo(draft: Draft): void {
    const { meta, layout } = this.#context;
    const { intent } = draft;
    if (meta[intent] !== 0) {
      const shard = layout.shard(meta[intent + 1]! >>> 2);
      if (!this.#context.enter(shard)) return;
      this.#chains.abandonLocked(shard, intent);
      this.#context.leave(shard);
    }
    this.#forget(draft);
  }

  #forget(draft: Draft): void {
    const { arena, meta, slot } = this.#context;
    meta[arena.owners.reserved(slot, draft.intent)] = 0;
    draft.intent = 0;
    this.#context.recountIntents();
  }
}
