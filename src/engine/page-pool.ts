/**
 * Pages and their chunks. A page's state word says what the page is and whose:
 *
 *     kind (2 bits): free, spare, items, index      shard (9 bits, from bit 2)      class (6 bits, from bit 12)
 *
 * A page leaves the pool by a compare-exchange free -> spare(shard) and goes back by a store of free. Both stand
 * outside the journal, which can't undo what other shards see. In between, all its words belong to the shard's lock
 * and are journaled. A death leaves at most a page spare: it counts as reserved, is taken before any other by its
 * shard, and is freed by the repair. Index pages never serve anything else: readers write stamps in buckets, and a
 * late one must not hit a value.
 *
 * The pool needs no count: `pageReleases` moves with each release, and a shard whose scan found nothing scans again
 * only when it has moved.
 */
import { add, compareExchange, load, store } from '#atomics';
import { HEADER, lowestBit, PAGE, SHARD } from '../../native-free/index.js';
import type { Context } from './context.js';

export const PAGE_FREE = 0;
export const PAGE_SPARE = 1;
export const PAGE_ITEMS = 2;
export const PAGE_INDEX = 3;

export function pageKind(state: number): number {
  return state & 3;
}

export function pageClass(state: number): number {
  return (state >>> 12) & 63;
}

export class PagePool {
  readonly #context: Context;
  readonly #shardWords: number;
  readonly #shardsStart: number;
  /** Pages that this thread has given to the pool; of what others give it says nothing. Wraps. */
  given = 0;
  /** The class that `reclaimEmptyLocked` looked at last. */
  #emptyCursor = 0;

  constructor(context: Context) {
    this.#context = context;
    this.#shardWords = context.layout.shardWords;
    this.#shardsStart = context.layout.shards;
  }

  state(page: number): number {
    return load(this.#context.meta, this.#context.layout.descriptor(page) + PAGE.state);
  }

  /** Record of the shard that a page with this state belongs to. */
  ownerOf(state: number): number {
    return this.#shardsStart + ((state >>> 2) & 0x1ff) * this.#shardWords;
  }

  stateOf(kind: number, shard: number, classId: number): number {
    return kind | (((shard - this.#shardsStart) / this.#shardWords) << 2) | (classId << 12);
  }

  /** Whether a page holds items of the shard. */
  holdsItemsOf(state: number, shard: number): boolean {
    return pageKind(state) === PAGE_ITEMS && this.ownerOf(state) === shard;
  }

  /** Pages that belong to nothing, counted under no lock. */
  countFree(): number {
    const { layout } = this.#context;
    let free = 0;
    for (let page = 0; page < layout.pages; page++) if (pageKind(this.state(page)) === PAGE_FREE) free++;
    return free;
  }

  /** Takes a page out of the pool for the shard and makes it `kind`, in the transaction in hand; -1 if none is free. */
  acquireLocked(shard: number, kind: number, classId: number): number {
    const page = this.#takeLocked(shard);
    if (page < 0) return -1;
    this.clearDescriptor(page, kind === PAGE_ITEMS ? this.#context.classes.chunksPerPage[classId]! : 0);
    this.#context.write(this.#context.layout.descriptor(page) + PAGE.state, this.stateOf(kind, shard, classId));
    return page;
  }

  #takeLocked(shard: number): number {
    const { meta, layout } = this.#context;
    // Stored with the lowest bit set, so that a fresh shard's 0 means "never failed".
    const releases = (load(meta, HEADER.pageReleases) << 1) | 1;
    if (meta[shard + SHARD.failedScan] === releases) return -1;
    const spare = this.stateOf(PAGE_SPARE, shard, 0);
    const start = load(meta, HEADER.pageHint);
    for (let i = 0; i < layout.pages; i++) {
      const page = (start + i) % layout.pages;
      const word = layout.descriptor(page) + PAGE.state;
      const state = meta[word]!;
      const isFree = state === PAGE_FREE && compareExchange(meta, word, PAGE_FREE, spare) === PAGE_FREE;
      if (!isFree && state !== spare) continue;
      store(meta, HEADER.pageHint, (page + 1) % layout.pages);
      return page;
    }
    meta[shard + SHARD.failedScan] = releases;
    return -1;
  }

  /** The page is spare: nobody looks at its descriptor, and no undo needs it. */
  clearDescriptor(page: number, chunks: number): void {
    const { meta, layout } = this.#context;
    const descriptor = layout.descriptor(page);
    for (let i = PAGE.freeChunks; i < layout.descriptorWords; i++) meta[descriptor + i] = 0;
    meta[descriptor + PAGE.freeChunks] = chunks;
    // Bits beyond the last chunk count as used.
    for (let bit = chunks; bit < (layout.descriptorWords - PAGE.bitmap) * 32; bit++) {
      meta[descriptor + PAGE.bitmap + (bit >>> 5)]! |= 1 << (bit & 31);
    }
  }

  /** Whether a chunk of the class can be had without evicting anything; takes a page from the pool for it if need be. */
  hasRoomLocked(shard: number, classId: number): boolean {
    if (this.#context.meta[shard + SHARD.partial + classId] !== 0) return true;
    const page = this.acquireLocked(shard, PAGE_ITEMS, classId);
    if (page < 0) return false;
    this.linkLocked(shard, classId, page);
    this.#context.journal.commit();
    return true;
  }

  /** The same, also by a page that a class has kept empty. */
  findsRoomLocked(shard: number, classId: number): boolean {
    if (this.hasRoomLocked(shard, classId)) return true;
    return this.reclaimEmptyLocked(shard) && this.hasRoomLocked(shard, classId);
  }

  /** Takes a chunk of a class that has room, in the transaction in hand. Returns its ref, or 0. */
  allocateLocked(shard: number, classId: number): number {
    const { meta, layout, classes } = this.#context;
    const page = meta[shard + SHARD.partial + classId]! - 1;
    if (page < 0) return 0;
    const descriptor = layout.descriptor(page);
    const words = (classes.chunksPerPage[classId]! + 31) >>> 5;
    const hint = meta[descriptor + PAGE.hint]! % words;
    for (let i = 0; i < words; i++) {
      const at = hint + i < words ? hint + i : hint + i - words;
      const used = meta[descriptor + PAGE.bitmap + at]!;
      if (used === -1) continue;
      const bit = lowestBit(~used);
      meta[descriptor + PAGE.hint] = at;
      this.#context.write(descriptor + PAGE.bitmap + at, used | (1 << bit));
      const free = meta[descriptor + PAGE.freeChunks]! - 1;
      this.#context.write(descriptor + PAGE.freeChunks, free);
      if (free === 0) this.unlinkLocked(shard, classId, page);
      return layout.pageRef(page) + (at * 32 + bit) * classes.granules[classId]!;
    }
    return 0;
  }

  /** Gives a chunk back, in the transaction in hand; call `finishRelease` after its commit. */
  freeLocked(shard: number, ref: number): void {
    const { meta, layout, classes } = this.#context;
    const page = layout.pageOf(ref);
    const descriptor = layout.descriptor(page);
    const classId = pageClass(meta[descriptor + PAGE.state]!);
    const chunk = this.chunkOf(ref, page, classId);
    const word = descriptor + PAGE.bitmap + (chunk >>> 5);
    this.#context.write(word, meta[word]! & ~(1 << (chunk & 31)));
    const free = meta[descriptor + PAGE.freeChunks]! + 1;
    this.#context.write(descriptor + PAGE.freeChunks, free);
    if (meta[shard + SHARD.draining] === page + 1) return;
    if (free === 1) this.linkLocked(shard, classId, page);
    // One empty page a class stays, so that a set behind a delete doesn't fetch it from the pool again.
    if (free === classes.chunksPerPage[classId] && this.#hasOtherPartial(shard, classId, page)) {
      this.unlinkLocked(shard, classId, page);
      this.releaseLocked(shard, page);
    }
  }

  /**
   * Gives an empty page that a class has kept back to the pool, for a class that finds none there. Looks at so many classes,
   * each in turn: a set that has to evict looks at one first.
   */
  reclaimEmptyLocked(shard: number, looks: number = 1): boolean {
    const { meta, layout, classes, journal } = this.#context;
    for (let look = 0; look < looks; look++) {
      this.#emptyCursor = (this.#emptyCursor + 1) % classes.count;
      const page = meta[shard + SHARD.partial + this.#emptyCursor]! - 1;
      if (page < 0) continue;
      if (meta[layout.descriptor(page) + PAGE.freeChunks] !== classes.chunksPerPage[this.#emptyCursor]) continue;
      this.unlinkLocked(shard, this.#emptyCursor, page);
      this.releaseLocked(shard, page);
      journal.commit();
      this.finishRelease();
      return true;
    }
    return false;
  }

  chunkOf(ref: number, page: number, classId: number): number {
    return ((ref - this.#context.layout.pageRef(page)) / this.#context.classes.granules[classId]!) | 0;
  }

  isUsed(page: number, chunk: number): boolean {
    const descriptor = this.#context.layout.descriptor(page);
    return (this.#context.meta[descriptor + PAGE.bitmap + (chunk >>> 5)]! & (1 << (chunk & 31))) !== 0;
  }

  #hasOtherPartial(shard: number, classId: number, page: number): boolean {
    const { meta, layout } = this.#context;
    return meta[shard + SHARD.partial + classId] !== page + 1 || meta[layout.descriptor(page) + PAGE.next] !== 0;
  }

  /** Turns an unlinked page without used chunks spare; it is free once `finishRelease` has run. */
  releaseLocked(shard: number, page: number): void {
    this.#context.write(this.#context.layout.descriptor(page) + PAGE.state, this.stateOf(PAGE_SPARE, shard, 0));
    this.#context.releasing = page;
  }

  /** After a commit: gives the page that the transaction let go back to the pool. */
  finishRelease(): void {
    const page = this.#context.releasing;
    if (page < 0) return;
    this.#toPool(page);
    this.#context.releasing = -1;
    this.given = (this.given + 1) | 0;
  }

  #toPool(page: number): void {
    const { meta, layout } = this.#context;
    store(meta, layout.descriptor(page) + PAGE.state, PAGE_FREE);
    store(meta, HEADER.pageHint, page);
    add(meta, HEADER.pageReleases, 1);
  }

  /** Repair: frees every page that is spare for the shard, and lets all shards scan again. */
  reclaimSpareLocked(shard: number): void {
    const spare = this.stateOf(PAGE_SPARE, shard, 0);
    this.#context.releasing = -1;
    for (let page = 0; page < this.#context.layout.pages; page++) {
      if (this.state(page) === spare) this.#toPool(page);
    }
    this.recountReleases();
  }

  /** Lets all shards scan the pool again: the dead may have freed a page without having counted it. */
  recountReleases(): void {
    add(this.#context.meta, HEADER.pageReleases, 1);
  }

  linkLocked(shard: number, classId: number, page: number): void {
    const { meta, layout } = this.#context;
    const head = meta[shard + SHARD.partial + classId]!;
    this.#context.write(layout.descriptor(page) + PAGE.previous, 0);
    this.#context.write(layout.descriptor(page) + PAGE.next, head);
    if (head !== 0) this.#context.write(layout.descriptor(head - 1) + PAGE.previous, page + 1);
    this.#context.write(shard + SHARD.partial + classId, page + 1);
  }

  unlinkLocked(shard: number, classId: number, page: number): void {
    const { meta, layout } = this.#context;
    const descriptor = layout.descriptor(page);
    const previous = meta[descriptor + PAGE.previous]!;
    const next = meta[descriptor + PAGE.next]!;
    if (previous === 0) this.#context.write(shard + SHARD.partial + classId, next);
    else this.#context.write(layout.descriptor(previous - 1) + PAGE.next, next);
    if (next !== 0) this.#context.write(layout.descriptor(next - 1) + PAGE.previous, previous);
    this.#context.write(descriptor + PAGE.previous, 0);
    this.#context.write(descriptor + PAGE.next, 0);
  }

  /** Takes a page off its class's list, so that nothing is put there while it is emptied. One at a time per shard. */
  beginDrainLocked(shard: number, page: number): void {
    const { meta, layout } = this.#context;
    const descriptor = layout.descriptor(page);
    if (meta[descriptor + PAGE.freeChunks] !== 0) this.unlinkLocked(shard, pageClass(meta[descriptor]!), page);
    this.#context.write(shard + SHARD.draining, page + 1);
    this.#context.journal.commit();
  }

  /** Ends the drain: gives the page back to the pool if it is empty, or else to its class. True if it was empty. */
  endDrainLocked(shard: number): boolean {
    const { meta, layout, classes } = this.#context;
    const page = meta[shard + SHARD.draining]! - 1;
    if (page < 0) return false;
    const descriptor = layout.descriptor(page);
    const classId = pageClass(meta[descriptor + PAGE.state]!);
    const free = meta[descriptor + PAGE.freeChunks]!;
    const isEmpty = free === classes.chunksPerPage[classId];
    this.#context.write(shard + SHARD.draining, 0);
    if (isEmpty) this.releaseLocked(shard, page);
    else if (free !== 0) this.linkLocked(shard, classId, page);
    this.#context.journal.commit();
    this.finishRelease();
    return isEmpty;
  }
}
