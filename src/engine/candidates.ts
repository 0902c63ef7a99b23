/**
 * Entries that a sweep found cold, in small rings: one for each slab class, one for each type with a share of its own.
 * A candidate is a position in the index (a bucket's ref, whose low bits are 0, and a slot) and an order: who goes
 * first. All of it is hints without journal: a position is checked against the index before it is used.
 *
 * What is cold is decided by thresholds that follow the 15/16 quantile of the ranks seen, one for each precedence and
 * each limited type, by stochastic approximation (Robbins and Monro, "A stochastic approximation method", 1951): up 15
 * steps for a rank above it, down one for a rank below. So about one entry in sixteen is a candidate, and the coldest
 * of those few goes first. Evicting from among the coldest sixteenth instead of the very coldest changes the rank at
 * which entries leave by a few per cent around the same mean, which costs hit ratio only in the second order.
 */
import { PRECEDENCES, RING_ENTRIES, RING_WORDS } from '../../native-free/index.js';
import type { Context } from './context.js';

/** The coldest 1 in COLD_SHARE entries are candidates. */
const COLD_SHARE = 16;
/** A threshold counts in 1/64 of a rank, and moves by 1/512 of itself. */
const THRESHOLD_SHIFT = 6;
const STEP_SHIFT = 9;
/** By 1/32 of the distance, where that is more: from ranks of about twice the threshold on. */
const CATCH_UP_SHIFT = 5;
const RANK_MAX = 2 ** 24 - 1;
/** An order has the precedence above these bits, and below it the rank less the policy's drift, which may wrap. */
const ORDER_BITS = 28;

/** A pause: a ceiling above these bits, and for how many questions it holds. */
const PAUSE_BITS = 8;
const PAUSE_MASK = (1 << PAUSE_BITS) - 1;

const COUNT = 0;
const PAUSE = 1;
const FIRST = 2;

/** An order to compare with those of other moments. */
export function orderOf(precedence: number, rank: number, drift: number): number {
  return (precedence << ORDER_BITS) | ((rank - drift) & ((1 << ORDER_BITS) - 1));
}

export function precedenceOf(order: number): number {
  return order >>> ORDER_BITS;
}

/** Whether an entry of order `a` goes before one of order `b`. */
export function goesBefore(a: number, b: number): boolean {
  const difference = precedenceOf(a) - precedenceOf(b);
  return difference === 0 ? (a - b) << (32 - ORDER_BITS) > 0 : difference > 0;
}

/** Whether an entry of order `a` goes before one of order `b`, and not just about. */
export function goesFarBefore(a: number, b: number, tolerance: number): boolean {
  const difference = precedenceOf(a) - precedenceOf(b);
  return difference === 0 ? (a - b - tolerance) << (32 - ORDER_BITS) > 0 : difference > 0;
}

export class Candidates {
  /** The candidate that `take` took. */
  position = 0;
  order = 0;
  readonly #context: Context;

  constructor(context: Context) {
    this.#context = context;
  }

  ofClass(shard: number, classId: number): number {
    return shard + this.#context.layout.ringsOffset + classId * RING_WORDS;
  }

  ofType(shard: number, type: number): number {
    return shard + this.#context.layout.typeRingsOffset + type * RING_WORDS;
  }

  /** The order of the candidate of a ring that goes first; the ring isn't empty. */
  firstOrder(ring: number): number {
    return this.#context.meta[ring + FIRST + this.#find(ring, true) * 2 + 1]!;
  }

  count(ring: number): number {
    return this.#context.meta[ring + COUNT]!;
  }

  /** Whether a rank is among the coldest sixteenth of the entries of a precedence. */
  isColdAt(shard: number, precedence: number, rank: number): boolean {
    return this.#isCold(shard + this.#context.layout.thresholdsOffset + precedence, rank);
  }

  /** Whether a rank is among the coldest sixteenth of the entries of a type. */
  isColdIn(shard: number, type: number, rank: number): boolean {
    return this.#isCold(shard + this.#context.layout.thresholdsOffset + PRECEDENCES + type, rank);
  }

  #isCold(at: number, rank: number): boolean {
    const { meta } = this.#context;
    const threshold = meta[at]!;
    const step = (threshold >>> STEP_SHIFT) + 1;
    const distance = (Math.min(rank, RANK_MAX) << THRESHOLD_SHIFT) - threshold;
    if (rank === 0 || distance < 0) {
      meta[at] = Math.max(0, threshold - step);
      return false;
    }
    // Far off, as at first, it comes nearer faster.
    const rise = threshold === 0 ? distance : Math.max(step * (COLD_SHARE - 1), distance >>> CATCH_UP_SHIFT);
    meta[at] = Math.min(2 ** 30, threshold + rise);
    return true;
  }

  /** Puts a candidate on a ring; on a full one in the place of the last to go, if it goes before that. */
  note(ring: number, position: number, order: number): void {
    const { meta } = this.#context;
    let at = meta[ring + COUNT]!;
    if (at < RING_ENTRIES) meta[ring + COUNT] = at + 1;
    else {
      at = this.#find(ring, false);
      if (!goesBefore(order, meta[ring + FIRST + at * 2 + 1]!)) return;
    }
    meta[ring + FIRST + at * 2] = position;
    meta[ring + FIRST + at * 2 + 1] = order;
  }

  /** Takes the candidate that goes first off a ring, if it has at least that precedence. */
  take(ring: number, precedence: number): boolean {
    const { meta } = this.#context;
    const last = meta[ring + COUNT]! - 1;
    if (last < 0) return false;
    const first = this.#find(ring, true);
    this.position = meta[ring + FIRST + first * 2]!;
    this.order = meta[ring + FIRST + first * 2 + 1]!;
    if (precedenceOf(this.order) < precedence) return false;
    meta[ring + FIRST + first * 2] = meta[ring + FIRST + last * 2]!;
    meta[ring + FIRST + first * 2 + 1] = meta[ring + FIRST + last * 2 + 1]!;
    meta[ring + COUNT] = last;
    return true;
  }

  /** The place on a ring of the candidate that goes first, or last. */
  #find(ring: number, first: boolean): number {
    const { meta } = this.#context;
    let found = 0;
    for (let i = 1; i < meta[ring + COUNT]!; i++) {
      const order = meta[ring + FIRST + i * 2 + 1]!;
      if (goesBefore(order, meta[ring + FIRST + found * 2 + 1]!) === first) found = i;
    }
    return found;
  }

  clear(ring: number): void {
    this.#context.meta[ring + COUNT] = 0;
  }

  /** Precedences from this on need not be looked for: of those, none was found lately. Each question counts down. */
  ceiling(ring: number): number {
    const { meta } = this.#context;
    const pause = meta[ring + PAUSE]!;
    if (pause === 0) return PRECEDENCES;
    meta[ring + PAUSE] = (pause & PAUSE_MASK) === 1 ? 0 : pause - 1;
    return pause >>> PAUSE_BITS;
  }

  /** Leaves out the precedences from one on for so many questions. */
  setCeiling(ring: number, precedence: number, questions: number): void {
    this.#context.meta[ring + PAUSE] = (precedence << PAUSE_BITS) | questions;
  }
}
