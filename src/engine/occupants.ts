/** Which entry a chunk of a page belongs to, and how cold the entries of a page are. All under the shard's lock. */
import type { Words } from '#atomics';
import { BUCKET, BUCKET_SLOTS } from '../../native-free/index.js';
import type { Chains } from './chains.js';
import type { Context } from './context.js';
import { NOT_EXPIRED } from './expiry.js';
import { type IndexTable, Place } from './index-table.js';
import { FLAG_CHAINED, FLAG_CONTINUATION, flagsOf, WORD_HASH, WORD_SIZES } from './item.js';
import { type PagePool, pageClass } from './page-pool.js';
import type { References } from './references.js';
import type { Victims } from './victims.js';

/** At least so many chunks of a page are looked at, evenly spread, or all if it has fewer. */
const SAMPLE = 16;
/** Above all ranks. */
const PRECEDENCE_STEP: number = 2 ** 24;
/** A page of pointers to values that are stored once must be so many times colder than others: it takes many times its bytes with it. */
const POINTERS_COLDER = 8;
/** Of what is over, and of a page with nothing on it: colder than what goes first. */
const COLDEST: number = PRECEDENCE_STEP * 8;
/** Of a page that can't be emptied now. */
const STAYS = -1;

export class Occupants {
  readonly #context: Context;
  readonly #index: IndexTable;
  readonly #pages: PagePool;
  readonly #chains: Chains;
  readonly #victims: Victims;
  readonly #references: References;
  readonly #place = new Place();
  /** Whether `coldnessLocked` met a pointer. */
  hasPointers = false;

  constructor(
    context: Context,
    index: IndexTable,
    pages: PagePool,
    chains: Chains,
    victims: Victims,
    references: References,
  ) {
    this.#context = context;
    this.#index = index;
    this.#pages = pages;
    this.#chains = chains;
    this.#victims = victims;
    this.#references = references;
  }

  /**
   * How cold the entries of a page are that would go for a type, as the mean of a sample; below 0 if one is in it that holds
   * the page.
   */
  coldnessLocked(shard: number, page: number, forType: number): number {
    const { classes, layout } = this.#context;
    const classId = pageClass(this.#pages.state(page));
    const chunks = classes.chunksPerPage[classId]!;
    const step = Math.max(1, Math.floor(chunks / SAMPLE));
    let sum = 0;
    let seen = 0;
    this.hasPointers = false;
    for (let chunk = 0; chunk < chunks; chunk += step) {
      if (!this.#pages.isUsed(page, chunk)) continue;
      const ref = layout.pageRef(page) + chunk * classes.granules[classId]!;
      if (!this.findLocked(shard, ref, this.#place) || this.#victims.isPinned(this.#place.ref)) return STAYS;
      sum += this.#coldnessAt(shard, this.#place, forType);
      seen += 1;
    }
    return seen === 0 ? COLDEST : sum / seen;
  }

  /** COLDEST for an entry that is over, 0 for one that may not go for the type. */
  #coldnessAt(shard: number, { bucket, slot, ref }: Place, forType: number): number {
    const { arena } = this.#context;
    const words = arena.wordsOf(bucket);
    const at = arena.wordIndex(bucket);
    if (this.#isPointer(ref)) this.hasPointers = true;
    if (this.#victims.expiryAt(shard, words, at, slot) !== NOT_EXPIRED) return COLDEST;
    return this.#victims.mayGo(shard, words, at, slot, forType) ? this.coldnessOf(shard, words, at, slot) : 0;
  }

  /** How cold an entry is that may go: by precedence, then by the policy; 0 if it would stay by the policy. */
  coldnessOf(shard: number, words: Words, at: number, slot: number): number {
    const coldness = this.#victims.coldnessAt(shard, words, at, slot);
    if (coldness === 0) return 0;
    const part = this.#isPointer(words[at + BUCKET.refs + slot * 2]!) ? 1 / POINTERS_COLDER : 1;
    return this.#victims.precedenceAt(words, at, slot) * PRECEDENCE_STEP + coldness * part;
  }

  #isPointer(ref: number): boolean {
    const { arena } = this.#context;
    return this.#references.isPointer(arena.wordsOf(ref)[arena.wordIndex(ref) + WORD_SIZES]!);
  }

  /** Finds the entry that the chunk at `ref` belongs to, as its head or as a later piece. False if the index has none. */
  findLocked(shard: number, ref: number, place: Place): boolean {
    const { arena } = this.#context;
    const hash = arena.wordsOf(ref)[arena.wordIndex(ref) + WORD_HASH]!;
    if (this.#index.locateRefLocked(shard, hash, ref, place)) return true;
    if ((flagsOf(arena.wordsOf(ref)[arena.wordIndex(ref) + WORD_SIZES]!) & FLAG_CONTINUATION) === 0) return false;
    for (let bucket = place.primary; bucket !== 0; bucket = this.#index.overflowOf(bucket)) {
      const words = arena.wordsOf(bucket);
      const at = arena.wordIndex(bucket);
      for (let slot = 0; slot < BUCKET_SLOTS && words[at + BUCKET.refs + slot * 2] !== 0; slot++) {
        const head = words[at + BUCKET.refs + slot * 2]!;
        if (this.predecessorOf(head, ref) === 0) continue;
        place.bucket = bucket;
        place.slot = slot;
        place.ref = head;
        return true;
      }
    }
    return false;
  }

  /** The chunk before `ref` in the chain that begins at `head`, or 0. */
  predecessorOf(head: number, ref: number): number {
    const { arena } = this.#context;
    if ((flagsOf(arena.wordsOf(head)[arena.wordIndex(head) + WORD_SIZES]!) & FLAG_CHAINED) === 0) return 0;
    for (let chunk = head; chunk !== 0; ) {
      const next = this.#chains.nextOf(chunk);
      if (next === ref) return chunk;
      chunk = next;
    }
    return 0;
  }
}
