/**
 * The share that one queue of a shard has of the bytes, where there are no lists to count: a moving average over the
 * entries that the sweep passes.
 *
 *     word 0   granules of the queue's entries
 *     word 1   granules of all entries
 */

export const SHARE_WORDS = 2;

const OWN = 0;
const ALL = 1;

/** The averages run over about so many entries. */
const ENTRIES = 256;
/** Units of a granule. */
const SCALE = 2 ** 8;

export class QueueShare {
  readonly #meta: Int32Array;
  /** Where its words lie in a shard's record. */
  readonly #offset: number;
  /** The words before the entry seen last. */
  #ownBefore = 0;
  #allBefore = 0;

  constructor(meta: Int32Array, offset: number) {
    this.#meta = meta;
    this.#offset = offset;
  }

  /** The sweep passes an entry, which is in the queue or isn't. Under the shard's lock. */
  see(shard: number, isOwn: boolean, granules: number): void {
    const at = shard + this.#offset;
    const own = this.#meta[at + OWN]!;
    const all = this.#meta[at + ALL]!;
    const seen = granules * SCALE;
    this.#ownBefore = own;
    this.#allBefore = all;
    this.#meta[at + OWN] = own + Math.round(((isOwn ? seen : 0) - own) / ENTRIES);
    this.#meta[at + ALL] = all + Math.round((seen - all) / ENTRIES);
  }

  /** The entry seen last was a candidate, which the sweep has passed before. In the same section. */
  unsee(shard: number): void {
    this.#meta[shard + this.#offset + OWN] = this.#ownBefore;
    this.#meta[shard + this.#offset + ALL] = this.#allBefore;
  }

  /** Whether the sweep has begun, so that there is something to tell. */
  isKnown(shard: number): boolean {
    return this.#meta[shard + this.#offset + ALL]! > 0;
  }

  /** 0 to 1; 0 as long as nothing is known. */
  of(shard: number): number {
    const all = this.#meta[shard + this.#offset + ALL]!;
    return all <= 0 ? 0 : Math.min(1, Math.max(0, this.#meta[shard + this.#offset + OWN]! / all));
  }

  /** All entries are in the queue now. */
  fill(shard: number): void {
    this.#meta[shard + this.#offset + OWN] = this.#meta[shard + this.#offset + ALL]!;
  }
}
