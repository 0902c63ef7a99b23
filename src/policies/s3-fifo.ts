/**
 * S3-FIFO without queues (Yang, Zhang, Qiu, Yue, Rashmi, "FIFO queues are all you need for cache eviction", SOSP 2023). A
 * tenth of a shard's bytes is the small queue's, which new entries enter. Used twice there they go on to the main queue;
 * else they go, and a ghost remembers them: stored again, they enter the main queue at once. In the main queue an entry
 * goes round once more for every use, up to three. The mark:
 *
 *     main 1 | uses 2 | noted 4 | stamp 13
 *
 * - stamp: the virtual time at which the entry entered its queue, or the main one again.
 * - noted: when an idle time was last found renewed, in steps of 8 units of virtual time, modulo 16: of what happens to
 *   such an entry between two looks of the sweep, one use is counted.
 *
 * Which queue gives way is decided by ranks: queue-balance.ts. Ghosts last for nine tenths of the entries' number, counted
 * in entries that became ghosts, as far as the ghosts' words go.
 */
import { type Layout, SHARD, type SharedClock } from '../../native-free/index.js';
import { type EvictionPolicy, MAY_GO } from '../engine/ports.js';
import { BALANCE_WORDS, QueueBalance } from './queue-balance.js';
import { GHOST_STAMP_MASK, GHOST_STAMP_SHIFT, ghostWords, ShardGhosts } from './shard-ghosts.js';
import { ageOf } from './stamp.js';
import { HISTORY_SHIFT, HISTORY_STAMPS, STAMPS_PER_TURNOVER, VIRTUAL_TIME_WORDS, VirtualTime } from './virtual-time.js';

export const SMALL_SHARE = 0.1;
export const GHOST_SHARE = 0.9;
/** Uses in the small queue that let an entry into the main one. */
export const USES_TO_STAY = 2;
export const USES_MAX = 3;

const STAMP_MASK = (1 << 13) - 1;
const NOTED_SHIFT = 13;
const NOTED_MASK = 0xf;
const USES_SHIFT = 17;
const MAIN = 1 << 19;

/** Behind virtual time and the balance: the ghosts' clock, a stamp and the ghosts made since. */
const GHOST_STAMP: number = VIRTUAL_TIME_WORDS + BALANCE_WORDS;
const GHOSTS_SINCE: number = GHOST_STAMP + 1;
const CELLS: number = GHOSTS_SINCE + 1;

export class S3FifoPolicy implements EvictionPolicy {
  /** A quarter of a turnover. */
  readonly tolerance: number = 64;
  readonly #meta: Int32Array;
  readonly #own: number;
  readonly #time: VirtualTime;
  readonly #small: QueueBalance;
  readonly #ghosts: ShardGhosts;

  constructor(meta: Int32Array, layout: Layout, clock: SharedClock) {
    this.#meta = meta;
    this.#own = layout.policyOffset;
    this.#time = new VirtualTime(meta, layout, clock);
    this.#small = new QueueBalance(meta, layout.policyOffset + VIRTUAL_TIME_WORDS);
    this.#ghosts = new ShardGhosts(meta, layout, CELLS);
  }

  /** Words for a shard of so many bytes. */
  static words(shardBytes: number): number {
    return CELLS + ghostWords(shardBytes);
  }

  format(): void {}

  admit(shard: number, hash: number): number {
    const now = this.#time.insert(shard);
    const entered = enteredAt(now) | (((now >> HISTORY_SHIFT) & NOTED_MASK) << NOTED_SHIFT);
    return this.#recalls(shard, hash) ? MAIN | entered : entered;
  }

  touch(_shard: number, mark: number): number {
    return usesOf(mark) === USES_MAX ? mark : mark + (1 << USES_SHIFT);
  }

  refresh(_shard: number, mark: number): number {
    return mark;
  }

  touchAt(shard: number, mark: number, tick: number): number {
    // A use at the tick of the insertion itself isn't surely behind it.
    const age = this.#time.sinceTick(shard, tick - 1);
    if (age >= HISTORY_STAMPS) return mark;
    const noted = ((this.#time.now(shard) - age) >> HISTORY_SHIFT) & NOTED_MASK;
    const ahead = (noted - (mark >>> NOTED_SHIFT)) & NOTED_MASK;
    if (ahead === 0 || ahead === NOTED_MASK) return mark;
    return this.touch(shard, (mark & ~(NOTED_MASK << NOTED_SHIFT)) | (noted << NOTED_SHIFT));
  }

  rank(shard: number, mark: number, granules: number): number {
    const age = this.#age(shard, mark);
    // Newcomers are shown at their insertion too, beside the sweep.
    if (age === 0) return 0;
    const isSmall = (mark & MAIN) === 0;
    this.#small.share.see(shard, isSmall, granules);
    return this.#small.rank(shard, isSmall, age);
  }

  coldness(shard: number, mark: number): number {
    const isSmall = (mark & MAIN) === 0;
    return mayStay(mark, isSmall) ? 0 : this.#small.rank(shard, isSmall, this.#age(shard, mark));
  }

  drift(): number {
    return 0;
  }

  /** That of the stamp: uses since have no time. */
  lastUse(shard: number, mark: number): number {
    return this.#time.tickBefore(shard, this.#age(shard, mark));
  }

  judge(shard: number, mark: number): number {
    const isSmall = (mark & MAIN) === 0;
    this.#small.share.unsee(shard);
    this.#small.taken(shard, isSmall, SMALL_SHARE);
    if (!mayStay(mark, isSmall)) return MAY_GO;
    const noted = mark & (NOTED_MASK << NOTED_SHIFT);
    const left = isSmall ? 0 : usesOf(mark) - 1;
    return MAIN | (left << USES_SHIFT) | noted | enteredAt(this.#time.now(shard));
  }

  forget(shard: number, mark: number, hash: number): void {
    if ((mark & MAIN) !== 0) return;
    const meta = this.#meta;
    const at = shard + this.#own;
    const since = meta[at + GHOSTS_SINCE]! + 1;
    const isNext = since * STAMPS_PER_TURNOVER >= meta[shard + SHARD.itemCount]!;
    meta[at + GHOSTS_SINCE] = isNext ? 0 : since;
    const stamp = (meta[at + GHOST_STAMP]! + (isNext ? 1 : 0)) & GHOST_STAMP_MASK;
    meta[at + GHOST_STAMP] = stamp;
    this.#ghosts.of(shard).remember(hash, stamp << GHOST_STAMP_SHIFT, stamp);
  }

  observe(): void {}

  #recalls(shard: number, hash: number): boolean {
    const ghost = this.#ghosts.of(shard).recall(hash);
    if (ghost < 0) return false;
    const age = (this.#meta[shard + this.#own + GHOST_STAMP]! - (ghost >>> GHOST_STAMP_SHIFT)) & GHOST_STAMP_MASK;
    // A stamp stands for one ghost at the least.
    return age <= GHOST_SHARE * Math.min(STAMPS_PER_TURNOVER, this.#meta[shard + SHARD.itemCount]!);
  }

  #age(shard: number, mark: number): number {
    return ageOf(this.#time.now(shard), mark, STAMP_MASK);
  }
}

function enteredAt(now: number): number {
  return now & STAMP_MASK;
}

/** Whether an entry was used often enough to stay when its turn comes. */
function mayStay(mark: number, isSmall: boolean): boolean {
  return usesOf(mark) >= (isSmall ? USES_TO_STAY : 1);
}

function usesOf(mark: number): number {
  return (mark >>> USES_SHIFT) & USES_MAX;
}
