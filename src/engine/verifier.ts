/**
 * Walks the whole structure and says what doesn't add up. Each shard is checked under its lock, so the answer is exact
 * for it on a live cache; the sum over all shards is exact when nobody writes.
 */
import { load } from '#atomics';
import {
  BUCKET,
  BUCKET_SLOTS,
  countBits,
  OWNER_INTENT_COUNT,
  OWNER_INTENTS,
  OWNER_SLOTS,
  PAGE,
  SHARD,
  STRIPE,
  TYPE_WORDS,
  USER,
  USER_OPERATION,
} from '../../native-free/index.js';
import { GLOBAL_COUNTER } from './causes.js';
import { type Chains, INTENT_PIN } from './chains.js';
import type { Context } from './context.js';
import type { Flights } from './flights.js';
import type { IndexTable } from './index-table.js';
import {
  CONTINUATION_BYTES,
  FLAG_CHAINED,
  FLAG_CONTINUATION,
  FLAG_IDLE,
  flagsOf,
  headerBytes,
  keyBytesOf,
  paddedKey,
  typeOf,
  WORD_HASH,
  WORD_SIZES,
} from './item.js';
import type { Items } from './items.js';
import type { Key } from './key.js';
import { PAGE_FREE, PAGE_INDEX, PAGE_ITEMS, PAGE_SPARE, type PagePool, pageClass, pageKind } from './page-pool.js';
import type { ReferenceAudit } from './reference-audit.js';
import { TAG_IDLE, TAG_MASK, tagOf } from './tag.js';
import { NONE, type UserTable } from './user-table.js';

/** Walks until nobody changes anything meanwhile, before what only a quiet cache can tell is left open. */
const TRIES_MAX = 3;

interface Tally {
  readonly chunks: Set<number>;
  readonly buckets: Set<number>;
  entries: number;
  readonly requested: number[];
  readonly types: { entries: number; granules: number; payload: number }[];
}

export class Verifier {
  readonly #context: Context;
  readonly #index: IndexTable;
  readonly #pages: PagePool;
  readonly #items: Items;
  readonly #chains: Chains;
  readonly #users: UserTable;
  readonly #key: Key;
  readonly #flights: Flights;
  readonly #audit: ReferenceAudit;
  /** Entries that say that they are on a user's list. */
  readonly #owned = new Set<number>();
  #problems: string[] = [];
  /**
   * What is wrong only if nobody changes anything meanwhile: entries missed in one of two walks, of their shard and of their
   * user's list; the sum of all pages.
   */
  #torn: string[] = [];
  #where = '';

  constructor(
    context: Context,
    index: IndexTable,
    pages: PagePool,
    items: Items,
    chains: Chains,
    users: UserTable,
    key: Key,
    flights: Flights,
    audit: ReferenceAudit,
  ) {
    this.#context = context;
    this.#audit = audit;
    this.#flights = flights;
    this.#users = users;
    this.#index = index;
    this.#pages = pages;
    this.#items = items;
    this.#chains = chains;
    this.#key = key;
  }

  /** One sentence for each violation; none when all is well. */
  verify(): string[] {
    for (let tries = 1; ; tries++) {
      const turns = this.#turns();
      this.#verifyOnce();
      if (this.#torn.length === 0) return this.#problems;
      // Nobody but this thread has held the lock of a shard meanwhile, and it repaired nothing: nothing came or went.
      if (this.#turns() === turns + this.#context.layout.config.shards) return [...this.#problems, ...this.#torn];
      if (tries === TRIES_MAX) return this.#problems;
    }
  }

  /** How often the locks of all shards were let go of, and shards repaired; NaN, which equals nothing, if one is held. */
  #turns(): number {
    const { counters, layout, meta } = this.#context;
    let turns = counters.sum(layout.config.types * layout.config.countersPerType + GLOBAL_COUNTER.recoveries);
    for (let i = 0; i < layout.config.shards; i++) {
      const lock = layout.shard(i) + SHARD.lock;
      turns += load(meta, lock) === 0 ? meta[lock + 1]! >>> 0 : Number.NaN;
    }
    return turns;
  }

  #verifyOnce(): void {
    this.#problems = [];
    this.#torn = [];
    this.#owned.clear();
    this.#audit.begin();
    const { layout } = this.#context;
    let owned = 0;
    for (let i = 0; i < layout.config.shards; i++) {
      const shard = layout.shard(i);
      this.#where = `shard ${i}`;
      if (!this.#context.enter(shard)) {
        this.#problem('its lock could not be had');
        continue;
      }
      owned += this.#verifyShardLocked(shard);
      this.#context.leave(shard);
    }
    let free = 0;
    for (let page = 0; page < layout.pages; page++) if (this.#pages.state(page) === PAGE_FREE) free++;
    // Others may have taken pages or given them to the pool meanwhile: counted twice, or not at all.
    if (owned + free !== layout.pages)
      this.#torn.push(`pages: free and owned pages: ${owned + free} instead of ${layout.pages}`);
    this.#verifyUsers();
    this.#torn.push(...this.#audit.miscounts());
    this.#where = 'log';
    for (const sentence of this.#context.log.problems()) this.#problem(sentence);
  }

  /** Lists, records and sums of a stripe under its lock; that each entry is on a list is exact when nobody writes. */
  #verifyUsers(): void {
    for (let stripe = 0; stripe < this.#users.region.stripes; stripe++) {
      this.#where = `users ${stripe}`;
      if (!this.#users.enter(stripe)) {
        this.#problem('its lock could not be had');
        continue;
      }
      this.#verifyStripeLocked(stripe);
      this.#users.leave();
    }
    if (this.#owned.size !== 0) this.#torn.push(`users: ${this.#owned.size} entries are on no list`);
  }

  #verifyStripeLocked(stripe: number): void {
    const { meta } = this.#context;
    const { region } = this.#users;
    const at = region.stripe(stripe);
    const sums = { active: 0, granules: 0, entries: 0 };
    this.#expect(meta[at + STRIPE.journal]!, 0, 'journal entries at rest');
    this.#users.eachLocked((record) => {
      const hash0 = this.#users.get(record, USER.hash0);
      this.#expect(region.stripeOf(hash0), stripe, 'stripe of a user');
      this.#expect(this.#users.findLocked(hash0, this.#users.get(record, USER.hash1)), record, 'record of a user');
      let granules = 0;
      const isSound = this.#users.walkLocked(record, (ref) => {
        granules += this.#items.granulesAt(ref);
        if (!this.#owned.delete(ref)) this.#torn.push(`${this.#where}: a list holds an entry that is not in the index`);
        return true;
      });
      if (!isSound) this.#problem(`the list of user ${record} does not agree with itself`);
      this.#expect(this.#users.get(record, USER.granules), granules, `granules of user ${record}`);
      sums.active += 1;
      sums.granules += granules;
      sums.entries += this.#users.get(record, USER.entries);
    });
    this.#expect(meta[at + STRIPE.active]!, sums.active, 'users');
    this.#expect(meta[at + STRIPE.granules]!, sums.granules, 'granules of users');
    this.#expect(meta[at + STRIPE.entries]!, sums.entries, 'entries of users');
    this.#expect(this.#users.freeLocked() + sums.active, meta[at + STRIPE.fresh]!, 'free and used records');
  }

  #problem(sentence: string): void {
    this.#problems.push(`${this.#where}: ${sentence}`);
  }

  #expect(actual: number, expected: number, what: string): void {
    if (actual !== expected) this.#problem(`${what}: ${actual} instead of ${expected}`);
  }

  /** Returns how many pages the shard owns. */
  #verifyShardLocked(shard: number): number {
    const { layout, meta } = this.#context;
    const types = Array.from({ length: layout.config.types }, () => ({ entries: 0, granules: 0, payload: 0 }));
    const requested = this.#context.classes.bytes.map(() => 0);
    const tally: Tally = { chunks: new Set(), buckets: new Set(), entries: 0, types, requested };
    this.#expect(meta[shard + layout.journalOffset]!, 0, 'journal entries at rest');
    this.#expect(meta[shard + SHARD.pendingFree]!, 0, 'chain waiting to be freed');
    this.#expect(meta[shard + SHARD.draining]!, 0, 'page being emptied');
    this.#expect(meta[shard + layout.userOperationOffset + USER_OPERATION.pending]!, 0, 'debt to lists of users');
    for (let number = 0; number < meta[shard + SHARD.bucketCount]!; number++) {
      this.#verifyChainLocked(shard, number, tally);
    }
    this.#expect(meta[shard + SHARD.itemCount]!, tally.entries, 'entries counted');
    this.#verifyTypes(shard, tally);
    tally.requested.forEach((bytes, id) => {
      this.#expect(meta[shard + SHARD.requested + id]! >>> 0, bytes, `bytes asked for of class ${id}`);
    });
    this.#tallyIntents(shard, tally);
    this.#tallyFreeBuckets(shard, tally);
    for (const problem of this.#flights.problemsLocked(shard)) this.#problem(problem);
    for (const problem of this.#audit.problemsLocked(shard)) this.#problem(problem);
    return this.#verifyPages(shard, tally);
  }

  #verifyTypes(shard: number, tally: Tally): void {
    const { layout, meta } = this.#context;
    tally.types.forEach((sums, type) => {
      const at = shard + layout.typesOffset + type * TYPE_WORDS;
      this.#expect(meta[at]!, sums.entries, `entries of type ${type}`);
      this.#expect(meta[at + 1]!, sums.granules, `granules of type ${type}`);
      const payload = meta[at + 3]! * 2 ** 32 + (meta[at + 2]! >>> 0);
      this.#expect(payload, sums.payload, `payload bytes of type ${type}`);
    });
  }

  #verifyChainLocked(shard: number, number: number, tally: Tally): void {
    const { arena } = this.#context;
    const primary = this.#index.bucketRef(shard, number);
    const sequence = arena.wordsOf(primary)[arena.wordIndex(primary) + BUCKET.sequence]!;
    if ((sequence & 1) !== 0) this.#problem(`bucket ${number} has an odd sequence at rest`);
    let isEnded = false;
    for (let bucket = primary; bucket !== 0; bucket = this.#index.overflowOf(bucket)) {
      if (tally.buckets.has(bucket)) {
        this.#problem(`bucket ${number} has a chain that meets another or itself`);
        return;
      }
      tally.buckets.add(bucket);
      const words = arena.wordsOf(bucket);
      const at = arena.wordIndex(bucket);
      for (let slot = 0; slot < BUCKET_SLOTS; slot++) {
        const ref = words[at + BUCKET.refs + slot * 2]!;
        if (ref === 0) {
          isEnded = true;
          continue;
        }
        if (isEnded) this.#problem(`bucket ${number} has an empty slot before a taken one`);
        this.#verifyEntry(shard, number, ref, words[at + BUCKET.tags + slot]!, tally);
      }
    }
  }

  #verifyEntry(shard: number, number: number, ref: number, tag: number, tally: Tally): void {
    const { arena, layout, meta } = this.#context;
    if (!this.#tallyChunk(shard, ref, tally)) return;
    const words = arena.wordsOf(ref);
    const at = arena.wordIndex(ref);
    const sizes = words[at + WORD_SIZES]!;
    const hash = words[at + WORD_HASH]!;
    const flags = flagsOf(sizes);
    const count = meta[shard + SHARD.bucketCount]!;
    if (this.#index.bucketNumber(hash, count) !== number)
      this.#problem(`an entry of bucket ${number} belongs elsewhere`);
    if (((tag ^ tagOf(hash, typeOf(sizes))) & TAG_MASK) !== 0)
      this.#problem(`an entry of bucket ${number} has another tag than its hash and type`);
    if (((tag & TAG_IDLE) !== 0) !== ((flags & FLAG_IDLE) !== 0))
      this.#problem(`an entry of bucket ${number} is half idle`);
    if ((flags & FLAG_CONTINUATION) !== 0) this.#problem(`bucket ${number} holds the middle of a chain`);
    if (typeOf(sizes) >= layout.config.types) {
      this.#problem(`an entry of bucket ${number} has type ${typeOf(sizes)}`);
      return;
    }
    const valueBytes = this.#items.valueBytes(ref);
    if (valueBytes < 0) {
      this.#problem(`an entry of bucket ${number} has ${valueBytes} value bytes`);
      return;
    }
    this.#verifyKey(ref, sizes, hash, number);
    this.#audit.noteLocked(ref, sizes);
    if (this.#users.ownerOf(ref) !== NONE) this.#owned.add(ref);
    const stream = paddedKey(keyBytesOf(sizes)) + valueBytes;
    if ((flags & FLAG_CHAINED) !== 0) this.#tallyPieces(shard, ref, stream, headerBytes(flags), tally);
    else tally.requested[this.#context.classes.classFor(stream + headerBytes(flags))]! += stream + headerBytes(flags);
    const sums = tally.types[typeOf(sizes)]!;
    tally.entries += 1;
    sums.entries += 1;
    sums.granules += this.#items.granules(keyBytesOf(sizes), valueBytes, flags);
    sums.payload += keyBytesOf(sizes) + valueBytes;
  }

  #verifyKey(ref: number, sizes: number, hash: number, number: number): void {
    const { arena } = this.#context;
    const flags = flagsOf(sizes);
    const bytes = new Uint8Array(keyBytesOf(sizes));
    const start = arena.wordIndex(ref) * 4 + headerBytes(flags);
    if ((flags & FLAG_CHAINED) !== 0) this.#chains.copyOut(ref, 0, bytes.length, bytes, 0);
    else bytes.set(arena.bytesOf(ref).subarray(start, start + bytes.length));
    this.#key.prepareBytes(bytes, typeOf(sizes));
    if (this.#key.hash !== hash) this.#problem(`an entry of bucket ${number} has another hash than its key`);
  }

  /** The continuations of a chained item, which must be the pieces that its size asks for. */
  #tallyPieces(shard: number, head: number, streamBytes: number, headBytes: number, tally: Tally): void {
    const { layout, classes } = this.#context;
    const pieces = classes.pieces(streamBytes, headBytes);
    let rest = streamBytes;
    let header = headBytes;
    let found = 0;
    for (let ref = head; ref !== 0; ref = this.#chains.nextOf(ref)) {
      if (ref !== head && !this.#tallyChunk(shard, ref, tally)) return;
      const classId = pageClass(this.#pages.state(layout.pageOf(ref)));
      if (classId !== pieces[found]) {
        this.#problem(`a chained item has a piece of class ${classId} at ${found}`);
        return;
      }
      const taken = Math.min(rest, classes.bytes[classId]! - header);
      tally.requested[classId]! += taken + header;
      rest -= taken;
      header = CONTINUATION_BYTES;
      found++;
    }
    this.#expect(found, pieces.length, 'pieces of a chained item');
  }

  /** Notes a chunk as used; false, with a problem, if it isn't one of the shard's or was noted before. */
  #tallyChunk(shard: number, ref: number, tally: Tally): boolean {
    const { layout, classes } = this.#context;
    const page = layout.pageOf(ref);
    const state = page >= 0 && page < layout.pages ? this.#pages.state(page) : PAGE_FREE;
    let problem = '';
    if (!this.#pages.holdsItemsOf(state, shard)) problem = 'outside the item pages of the shard';
    else if ((ref - layout.pageRef(page)) % classes.granules[pageClass(state)]! !== 0) problem = 'between two chunks';
    else if (!this.#pages.isUsed(page, this.#pages.chunkOf(ref, page, pageClass(state)))) problem = 'to a free chunk';
    else if (tally.chunks.has(ref)) problem = 'to a chunk that has another owner too';
    if (problem !== '') this.#problem(`a ref points ${problem}`);
    else tally.chunks.add(ref);
    return problem === '';
  }

  #tallyIntents(shard: number, tally: Tally): void {
    const { arena, layout, meta } = this.#context;
    for (let slot = 0; slot < OWNER_SLOTS; slot++) {
      const first = arena.owners.record(slot) + OWNER_INTENTS;
      for (let intent = first; intent < first + OWNER_INTENT_COUNT * 2; intent += 2) {
        const head = meta[intent]!;
        const tag = meta[intent + 1]!;
        if (head === 0 || layout.shard(tag >>> 2) !== shard) continue;
        if ((tag & 3) === INTENT_PIN && (!this.#chains.isOrphan(head) || tally.chunks.has(head))) continue;
        for (let ref = head; ref !== 0 && this.#tallyChunk(shard, ref, tally); ref = this.#chains.nextOf(ref));
      }
    }
  }

  #tallyFreeBuckets(shard: number, tally: Tally): void {
    for (
      let bucket = this.#context.meta[shard + SHARD.overflowFree]!;
      bucket !== 0;
      bucket = this.#index.overflowOf(bucket)
    ) {
      if (tally.buckets.has(bucket)) {
        this.#problem('a free overflow bucket is in use too');
        return;
      }
      tally.buckets.add(bucket);
    }
  }

  #verifyPages(shard: number, tally: Tally): number {
    const { layout, meta } = this.#context;
    const listed = this.#listedPages(shard);
    let owned = 0;
    let indexPages = 0;
    let used = 0;
    for (let page = 0; page < layout.pages; page++) {
      const state = this.#pages.state(page);
      if (pageKind(state) === PAGE_FREE || this.#pages.ownerOf(state) !== shard) continue;
      owned += 1;
      if (pageKind(state) === PAGE_INDEX) indexPages += 1;
      if (pageKind(state) === PAGE_SPARE) this.#problem(`page ${page} is spare at rest`);
      if (pageKind(state) === PAGE_ITEMS) used += this.#verifyItemPage(page, listed);
    }
    if (listed.size !== 0) this.#problem('a list of pages holds a page that is full, or not an item page of the shard');
    this.#expect(used, tally.chunks.size, 'used chunks');
    const unborn = meta[shard + SHARD.directoryUsed]! * layout.bucketsPerPage - meta[shard + SHARD.bucketCount]!;
    this.#expect(tally.buckets.size + unborn, indexPages * layout.bucketsPerPage, 'buckets');
    return owned;
  }

  /** Returns the page's used chunks, and takes it off the list if it has free ones. */
  #verifyItemPage(page: number, listed: Set<number>): number {
    const { layout, meta, classes } = this.#context;
    const descriptor = layout.descriptor(page);
    const chunks = classes.chunksPerPage[pageClass(meta[descriptor]!)]!;
    let bits = 0;
    for (let i = PAGE.bitmap; i < layout.descriptorWords; i++) bits += countBits(meta[descriptor + i]!);
    const used = bits - ((layout.descriptorWords - PAGE.bitmap) * 32 - chunks);
    const free = meta[descriptor + PAGE.freeChunks]!;
    this.#expect(free + used, chunks, `free and used chunks of page ${page}`);
    if (free > 0 && !listed.delete(page)) this.#problem(`page ${page} has free chunks and is on no list`);
    return used;
  }

  #listedPages(shard: number): Set<number> {
    const { layout, meta, classes } = this.#context;
    const listed = new Set<number>();
    for (let id = 0; id < classes.count; id++) {
      let before = 0;
      for (
        let link = meta[shard + SHARD.partial + id]!;
        link !== 0;
        link = meta[layout.descriptor(link - 1) + PAGE.next]!
      ) {
        const page = link - 1;
        if (listed.has(page)) {
          this.#problem(`the list of class ${id} meets itself`);
          break;
        }
        listed.add(page);
        if (meta[layout.descriptor(page) + PAGE.previous] !== before)
          this.#problem(`page ${page} has a wrong link back`);
        if (pageClass(this.#pages.state(page)) !== id) this.#problem(`page ${page} is on the list of class ${id}`);
        before = link;
      }
    }
    return listed;
  }
}
