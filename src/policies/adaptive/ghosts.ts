/**
 * The marks of entries that have left, four bytes each, so that one that comes back goes on where it was.
 *
 *     cell: fingerprint 12, never 0 | mark 20; 0 is empty
 *
 * A key has one set of eight cells, half a cache line. A full set forgets what was used longest ago. One in some 500
 * recalls finds the mark of another key, which does no harm. Any content is a valid one, and every change is one store.
 */
import { MARK_MASK } from '../../engine/ports.js';
import { STAMP_MASK, stampOf } from './mark.js';
import { mix } from './mix.js';

export const GHOST_WAYS = 8;
/** Of MARK_MASK. */
const MARK_BITS = 20;
const PRINT_MASK = 0xfff;

/** Ghosts for each resident entry. */
const SHARE = 1.25;
/** Small caches have more: up to so many each, from so many cells together. */
const SHARE_MAX = 4;
const CELLS_SMALL = 16_384;

/** Cells for so many residents, a multiple of GHOST_WAYS. More than SHARE_MAX a resident would outlive their stamps. */
export function ghostCells(residents: number): number {
  const wanted = Math.max(residents * SHARE, Math.min(residents * SHARE_MAX, CELLS_SMALL));
  return Math.max(1, Math.ceil(wanted / GHOST_WAYS)) * GHOST_WAYS;
}

export class Ghosts {
  readonly #cells: Int32Array;
  readonly #start: number;
  #sets = 0;

  /** `count` cells from index `start` on: a multiple of GHOST_WAYS, at least one set. */
  constructor(cells: Int32Array, start: number, count: number) {
    this.#cells = cells;
    this.#start = start;
    this.fit(count);
  }

  /**
   * Takes so many cells from now on, a multiple of GHOST_WAYS, of those that there are. What was remembered in other sets is
   * forgotten, or found by a wrong key, once.
   */
  fit(count: number): void {
    this.#sets = Math.floor(count / GHOST_WAYS);
  }

  /** Keeps the mark that an entry had when it left, in place of the one of its set that was used longest ago. */
  remember(hash: number, mark: number, now: number): void {
    const spread = mix(hash);
    const first = this.#setOf(spread);
    let oldest = first;
    let oldestAge = -1;
    for (let at = first; at < first + GHOST_WAYS; at++) {
      const cell = this.#cells[at]!;
      const age = cell === 0 ? STAMP_MASK + 1 : (now - stampOf(cell)) & STAMP_MASK;
      if (age <= oldestAge) continue;
      oldestAge = age;
      oldest = at;
    }
    this.#cells[oldest] = (printOf(spread) << MARK_BITS) | (mark & MARK_MASK);
  }

  /** The mark that was remembered, taken out; -1 if there is none. */
  recall(hash: number): number {
    const spread = mix(hash);
    const first = this.#setOf(spread);
    const print = printOf(spread);
    for (let at = first; at < first + GHOST_WAYS; at++) {
      const cell = this.#cells[at]!;
      if (cell >>> MARK_BITS !== print) continue;
      this.#cells[at] = 0;
      return cell & MARK_MASK;
    }
    return -1;
  }

  /** By the high bits, the fingerprint by the low ones; of the mixed hash, since a shard's keys share bits of the other. */
  #setOf(spread: number): number {
    return this.#start + Math.floor(((spread >>> 0) / 2 ** 32) * this.#sets) * GHOST_WAYS;
  }
}

function printOf(spread: number): number {
  return spread & PRINT_MASK || 1;
}
