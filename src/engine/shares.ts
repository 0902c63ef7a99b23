/**
 * Keeps types within their shares. Before an entry of a limited type is stored, entries of that type make room for it,
 * coldest first, in its own shard if they can, else in the others in turn: one shard lock at a time. Threads that store
 * at the same moment don't see each other's entry, so a share may be exceeded by as many entries as there are threads.
 */
import { SHARD, TYPE_WORDS } from '../../native-free/index.js';
import type { Context } from './context.js';
import { type Evictor, SWEEP_BUCKETS_MAX } from './evictor.js';
import type { EvictionRules } from './ports.js';
import type { References } from './references.js';

/** Sections that one set may spend on giving up more than it must. */
const AHEAD_SECTIONS_MAX = 4;

/** Rounds of one set: more than two are due only while other threads store entries of the type. */
const ROUNDS_MAX = 4;

/** The type may store the entry now; it can't; a lock can't be had. */
export const SHARE_ROOM = 0;
export const SHARE_FULL = 1;
export const SHARE_BUSY = 2;

export class Shares {
  readonly #context: Context;
  readonly #evictor: Evictor;
  readonly #rules: EvictionRules;
  readonly #references: References;

  constructor(context: Context, evictor: Evictor, rules: EvictionRules, references: References) {
    this.#context = context;
    this.#evictor = evictor;
    this.#rules = rules;
    this.#references = references;
  }

  /**
   * Makes room for `granules` of a type in its share. `replaced`: granules of the entry that the new one replaces, asked
   * under the lock of its shard.
   */
  makeRoom(shard: number, type: number, granules: number, replaced: () => number): number {
    if (!this.#rules.isLimited(type)) return SHARE_ROOM;
    let surplus = this.#rules.surplus(type, granules);
    // The entry that is replaced may be among those given up: then it counts no more, and a second round is due.
    for (let round = 0; round < ROUNDS_MAX; round++) {
      if (surplus <= 0) return SHARE_ROOM;
      const excess = this.#rules.excess(type, granules);
      if (excess === Number.POSITIVE_INFINITY) return SHARE_FULL;
      if (!this.#context.enter(shard)) return SHARE_BUSY;
      const own = replaced();
      this.#context.leave(shard);
      if (surplus <= own) return SHARE_ROOM;
      const outcome = this.#giveUp(shard, type, excess - own, surplus - own);
      if (outcome !== SHARE_ROOM) return outcome;
      surplus = this.#rules.excess(type, granules);
    }
    return SHARE_FULL;
  }

  /**
   * Granules that a type must give up before one of its entries may take so many; 0 if none, or if it never may.
   * -1 if a lock can't be had.
   */
  excess(shard: number, type: number, granules: number, replaced: () => number): number {
    if (!this.#rules.isLimited(type)) return 0;
    const excess = this.#rules.excess(type, granules);
    if (excess <= 0 || excess === Number.POSITIVE_INFINITY) return 0;
    if (!this.#context.enter(shard)) return -1;
    const own = replaced();
    this.#context.leave(shard);
    return Math.max(0, excess - own);
  }

  /** Whether an entry of so many granules is within the share of its type, if that gives up others. */
  mayEverFit(type: number, granules: number): boolean {
    return !this.#rules.isLimited(type) || this.#rules.excess(type, granules) !== Number.POSITIVE_INFINITY;
  }

  /** Whether a type may have so many granules more without giving up any. */
  fits(type: number, granules: number): boolean {
    return !this.#rules.isLimited(type) || this.#rules.excess(type, granules) <= 0;
  }

  #giveUp(first: number, type: number, excess: number, surplus: number): number {
    const { layout } = this.#context;
    const { shards } = layout.config;
    const start = (first - layout.shards) / layout.shardWords;
    let freed = 0;
    let ahead = AHEAD_SECTIONS_MAX;
    for (let i = 0; i < shards; i++) {
      const shard = layout.shard((start + i) % shards);
      // One that has found something may have seen no more than a few buckets.
      for (let vain = this.#sections(shard); vain > 0; ) {
        if (freed >= excess && (freed >= surplus || --ahead < 0)) return SHARE_ROOM;
        if (!this.#context.enter(shard)) return SHARE_BUSY;
        const part = this.#evictor.evictOwnLocked(shard, this.#heavier(shard, type), Math.max(excess, surplus) - freed);
        this.#references.leave(shard);
        freed += part;
        if (part === 0) vain -= 1;
        if (part === 0 && this.#evictor.isEmptyOf(shard, this.#heavier(shard, type))) break;
      }
    }
    return freed >= excess ? SHARE_ROOM : SHARE_FULL;
  }

  /** Of a type and its payloads, which count for the same share, the one that has more in a shard. */
  #heavier(shard: number, type: number): number {
    const { layout } = this.#context;
    const declared = layout.declaredTypeOf(type);
    const payloads = layout.payloadTypeOf(declared);
    if (payloads < 0) return type;
    return this.#granules(shard, payloads) > this.#granules(shard, declared) ? payloads : declared;
  }

  #granules(shard: number, type: number): number {
    const { layout, meta } = this.#context;
    return meta[shard + layout.typesOffset + type * TYPE_WORDS + 1]!;
  }

  /** Sections without a find in which the hand gets round a shard, twice at most: what was used since the first look goes in the second. */
  #sections(shard: number): number {
    return 2 * Math.ceil(this.#context.meta[shard + SHARD.bucketCount]! / SWEEP_BUCKETS_MAX);
  }
}
