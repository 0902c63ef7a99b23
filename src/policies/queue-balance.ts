/**
 * Holds one queue to its share where there are no lists. Ranks grow with age, and the ages of the queue are multiplied by
 * a factor: the entries of the highest ranks go, so a higher factor makes the queue shorter. Whenever the end of the wrong
 * queue is taken (this one's, though it is too short; another's, though this one is too long), the factor moves by a step
 * in proportion to the error. So it follows what is evicted, and stands still while nothing is.
 *
 *     word 0, 1   the share (queue-share.ts)
 *     word 2      log2 of the factor
 */
import { SHARD } from '../../native-free/index.js';
import { QueueShare, SHARE_WORDS } from './queue-share.js';

export const BALANCE_WORDS: number = SHARE_WORDS + 1;

/** Units of the factor's logarithm in one octave, and how far it may go. */
const OCTAVE = 2 ** 16;
const OCTAVES_MAX = 12;
/** Octaves that one turnover's evictions move the factor at an error as large as the share. */
const GAIN = 24;
/** An error counts as so many shares at most. */
const ERROR_MAX = 3;
/** Fewer entries than this count as so many. */
const ENTRIES_MIN = 64;
/** What a unit of age is in ranks at a factor of 1, and the highest rank. */
const RANK_UNIT = 16;
const RANK_MAX = 2 ** 24 - 1;

export class QueueBalance {
  readonly share: QueueShare;
  readonly #meta: Int32Array;
  readonly #factor: number;

  /** `offset`: where its words lie in a shard's record. */
  constructor(meta: Int32Array, offset: number) {
    this.share = new QueueShare(meta, offset);
    this.#meta = meta;
    this.#factor = offset + SHARE_WORDS;
  }

  /** The rank of an entry of so many units of age, in this queue or in another. */
  rank(shard: number, isOwn: boolean, age: number): number {
    const factor = isOwn ? 2 ** (this.#meta[shard + this.#factor]! / OCTAVE) : 1;
    return Math.min(RANK_MAX, Math.ceil(age * factor * RANK_UNIT));
  }

  /** The end of this queue is taken, or of another. `wanted`: the share that this one should have. Under the shard's lock. */
  taken(shard: number, isOwn: boolean, wanted: number): void {
    const error = Math.min(this.share.of(shard) / wanted - 1, ERROR_MAX);
    if (isOwn === error > 0) return;
    const entries = Math.max(ENTRIES_MIN, this.#meta[shard + SHARD.itemCount]!);
    const at = shard + this.#factor;
    const factor = this.#meta[at]! + Math.round((error * GAIN * OCTAVE) / entries);
    this.#meta[at] = Math.min(OCTAVES_MAX * OCTAVE, Math.max(-OCTAVES_MAX * OCTAVE, factor));
  }
}
