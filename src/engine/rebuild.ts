/**
 * The last resort: empties one shard whose invariants fail, and makes it whole again from what other threads still
 * hold in it. No death leads here, since a journal undoes what the dead began; a bug or foreign writes may. Every step
 * can be begun again: the shard stays marked as broken until the last store.
 */
import { load, store } from '#atomics';
import {
  BUCKET,
  BUCKET_GRANULES,
  OWNER_INTENT_COUNT,
  OWNER_INTENTS,
  OWNER_SLOTS,
  PAGE,
  REMOVAL_WORDS,
  RING_WORDS,
  SHARD,
  TYPE_WORDS,
} from '../../native-free/index.js';
import { CAUSE, GLOBAL_COUNTER } from './causes.js';
import { type Chains, INTENT_PIN } from './chains.js';
import type { Context } from './context.js';
import type { Flights } from './flights.js';
import type { IndexTable } from './index-table.js';
import type { Items } from './items.js';
import type { Ownership } from './ownership.js';
import { PAGE_INDEX, PAGE_ITEMS, type PagePool, pageClass, pageKind } from './page-pool.js';
import type { References } from './references.js';

export class Rebuild {
  readonly #context: Context;
  readonly #index: IndexTable;
  readonly #pages: PagePool;
  readonly #chains: Chains;
  readonly #items: Items;
  readonly #ownership: Ownership;
  readonly #flights: Flights;
  readonly #references: References;

  constructor(
    context: Context,
    index: IndexTable,
    pages: PagePool,
    chains: Chains,
    items: Items,
    ownership: Ownership,
    flights: Flights,
    references: References,
  ) {
    this.#references = references;
    this.#context = context;
    this.#flights = flights;
    this.#items = items;
    this.#ownership = ownership;
    this.#index = index;
    this.#pages = pages;
    this.#chains = chains;
  }

  /** False if the lock of a stripe of users can't be had: to be called again. */
  emptyLocked(shard: number): boolean {
    const { layout, meta, journal } = this.#context;
    journal.recover(shard + layout.journalOffset);
    const isInShard = (ref: number) => this.#pages.ownerOf(this.#pages.state(layout.pageOf(ref))) === shard;
    if (!this.#ownership.forgetShardLocked(shard, isInShard, (ref) => this.#items.granulesAt(ref))) return false;
    this.#context.countGlobal(GLOBAL_COUNTER.shardsEmptied, 1);
    this.#clearBuckets(shard);
    meta[shard + SHARD.pendingFree] = 0;
    meta[shard + SHARD.draining] = 0;
    meta[shard + SHARD.itemCount] = 0;
    for (let id = 0; id < this.#context.classes.count; id++) {
      meta[shard + SHARD.partial + id] = 0;
      meta[shard + SHARD.requested + id] = 0;
      meta[shard + layout.ringsOffset + id * RING_WORDS] = 0;
    }
    for (let type = 0; type < layout.config.types; type++) meta[shard + layout.typeRingsOffset + type * RING_WORDS] = 0;
    this.#clearCounts(shard);
    this.#flights.resetLocked(shard);
    this.#references.resetLocked(shard);
    this.#resetPages(shard);
    this.#keepIntents(shard);
    this.#relinkPages(shard);
    journal.commit();
    store(meta, shard + SHARD.condition, 0);
    return true;
  }

  /** Sequences go forward over the emptying, as over any write. */
  #clearBuckets(shard: number): void {
    const { arena, meta } = this.#context;
    for (let number = 0; number < meta[shard + SHARD.bucketCount]!; number++) {
      const bucket = this.#index.bucketRef(shard, number);
      const words = arena.wordsOf(bucket);
      const at = arena.wordIndex(bucket);
      const odd = load(words, at + BUCKET.sequence) | 1;
      store(words, at + BUCKET.sequence, odd);
      load(words, at + BUCKET.sequence);
      words.fill(0, at + BUCKET.overflow, at + BUCKET_GRANULES * 2);
      store(words, at + BUCKET.sequence, (odd + 1) | 0);
    }
  }

  #clearCounts(shard: number): void {
    const { layout, meta } = this.#context;
    for (let type = 0; type < layout.config.types; type++) {
      const at = shard + layout.typesOffset + type * TYPE_WORDS;
      const { removalCauses } = layout.config;
      const recovered = shard + layout.removalsOffset + (type * removalCauses + CAUSE.recovered) * REMOVAL_WORDS;
      // In one transaction: begun again, it counts no entry twice.
      this.#context.write(recovered, (meta[recovered]! + Math.max(0, meta[at]!)) | 0);
      for (let word = 0; word < TYPE_WORDS; word++) this.#context.write(at + word, 0);
      this.#context.journal.commit();
    }
  }

  /** All chunks of the shard's item pages become free, and all overflow buckets. */
  #resetPages(shard: number): void {
    const { layout, meta, classes } = this.#context;
    meta[shard + SHARD.overflowFree] = 0;
    for (let page = 0; page < layout.pages; page++) {
      const state = this.#pages.state(page);
      if (this.#pages.ownerOf(state) !== shard) continue;
      if (pageKind(state) === PAGE_ITEMS) this.#pages.clearDescriptor(page, classes.chunksPerPage[pageClass(state)]!);
      if (pageKind(state) === PAGE_INDEX && !this.#isDirectory(shard, page)) this.#freeBuckets(shard, page);
    }
    this.#pages.reclaimSpareLocked(shard);
  }

  #isDirectory(shard: number, page: number): boolean {
    const { layout, meta } = this.#context;
    for (let i = 0; i < meta[shard + SHARD.directoryUsed]!; i++) {
      if (meta[shard + layout.directoryOffset + i] === page + 1) return true;
    }
    return false;
  }

  #freeBuckets(shard: number, page: number): void {
    const { arena, layout, meta } = this.#context;
    for (let i = 0; i < layout.bucketsPerPage; i++) {
      const bucket = layout.pageRef(page) + i * BUCKET_GRANULES;
      const at = arena.wordIndex(bucket);
      arena.wordsOf(bucket).fill(0, at, at + BUCKET_GRANULES * 2);
      arena.wordsOf(bucket)[at + BUCKET.overflow] = meta[shard + SHARD.overflowFree]!;
      meta[shard + SHARD.overflowFree] = bucket;
    }
  }

  /** Chains that threads are building or have pinned stay theirs: their chunks count as used. */
  #keepIntents(shard: number): void {
    const { arena, layout, meta } = this.#context;
    for (let slot = 0; slot < OWNER_SLOTS; slot++) {
      const first = arena.owners.record(slot) + OWNER_INTENTS;
      for (let intent = first; intent < first + OWNER_INTENT_COUNT * 2; intent += 2) {
        const head = meta[intent]!;
        if (head === 0 || layout.shard(meta[intent + 1]! >>> 2) !== shard) continue;
        if ((meta[intent + 1]! & 3) === INTENT_PIN) this.#chains.orphanLocked(head);
        this.#keepChain(shard, head);
      }
    }
  }

  #keepChain(shard: number, head: number): void {
    let last = 0;
    for (let ref = head; ref !== 0; ref = this.#chains.nextOf(ref)) {
      if (!this.#keepChunk(shard, ref)) {
        // A chain that has come to harm ends where it leaves the shard's pages or meets itself: whoever frees it follows it.
        if (last !== 0) this.#chains.endAt(last);
        return;
      }
      last = ref;
    }
  }

  /** Counts a chunk as used; false if it is none of the shard's, or is used already. */
  #keepChunk(shard: number, ref: number): boolean {
    const { layout, meta } = this.#context;
    const page = layout.pageOf(ref);
    if (page < 0 || page >= layout.pages || !this.#pages.holdsItemsOf(this.#pages.state(page), shard)) return false;
    const chunk = this.#pages.chunkOf(ref, page, pageClass(this.#pages.state(page)));
    if (this.#pages.isUsed(page, chunk)) return false;
    meta[layout.descriptor(page) + PAGE.bitmap + (chunk >>> 5)]! |= 1 << (chunk & 31);
    meta[layout.descriptor(page) + PAGE.freeChunks]! -= 1;
    return true;
  }

  #relinkPages(shard: number): void {
    const { layout, meta, classes } = this.#context;
    for (let page = 0; page < layout.pages; page++) {
      const state = this.#pages.state(page);
      if (!this.#pages.holdsItemsOf(state, shard)) continue;
      const free = meta[layout.descriptor(page) + PAGE.freeChunks]!;
      if (free === classes.chunksPerPage[pageClass(state)]) {
        this.#pages.releaseLocked(shard, page);
        this.#context.journal.commit();
        this.#pages.finishRelease();
      } else if (free > 0) {
        this.#pages.linkLocked(shard, pageClass(state), page);
        this.#context.journal.commit();
      }
    }
  }
}
