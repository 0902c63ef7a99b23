/**
 * W-TinyLFU without lists and without a sketch (Einziger, Friedman, Manes, "TinyLFU: a highly efficient cache admission
 * policy", ACM Transactions on Storage 13(4), 2017; the window that adapts itself: Einziger, Eytan, Friedman, Manes,
 * "Adaptive software cache management", Middleware 2018). New entries enter a window; at its end they stay, on probation
 * in the main region, if they were used more often than an entry at the end of that region; else they go. A use on
 * probation makes an entry protected, up to four fifths of the region. The mark:
 *
 *     segment 2 | uses 4 | stamp 14
 *
 * - stamp: the virtual time of the last use, or of the last change of segment.
 * - uses: halved whenever a sample of requests ends (window-climber.ts), ten for each entry of the shard. A mark tells by
 *   its stamp how many have ended since it was written.
 *
 * The counts lie in the marks, and when an entry goes, with its ghost: a sketch would be a third cache line for every
 * read, which has to write nothing at all beside the mark. It costs what the ghosts forget: counts of keys that were gone
 * for longer than their table lasts, and a key counts its reads only while it is stored, which in a cache that
 * is filled on misses are all but the first ones.
 *
 * Against the form that is replayed alone: the victims' count is that of an entry of the sweep that was about as cold as
 * those that go, and no warm candidate wins by chance, since which victim it meets is chance already. A window that has
 * to shrink by much lets half of its end over without a contest.
 *
 * Requests are counted by each thread for itself and brought in with its next insert, so a thread's death loses a few.
 * After each sample the window's share takes a step in the direction that has raised the hit ratio. It isn't
 * made smaller than the sweep can hold it.
 */
import { type Layout, SHARD, type SharedClock } from '../../native-free/index.js';
import { type EvictionPolicy, MAY_GO } from '../engine/ports.js';
import { mix } from './adaptive/mix.js';
import { BALANCE_WORDS, QueueBalance } from './queue-balance.js';
import { GHOST_STAMP_MASK, GHOST_STAMP_SHIFT, ghostWords, ShardGhosts } from './shard-ghosts.js';
import { ageOf } from './stamp.js';
import { VIRTUAL_TIME_WORDS, VirtualTime } from './virtual-time.js';
import { CLIMBER_WORDS, WindowClimber } from './window-climber.js';

export const PROTECTED_SHARE = 0.8;

const STAMP_MASK = (1 << 14) - 1;
const USES_SHIFT = 14;
const USES_MAX = 15;
const SEGMENT_SHIFT = 18;
const WINDOW = 0;
const PROBATION = 1;
const PROTECTED = 2;

/** Samples that are remembered: after so many halvings nothing is left of any count. */
const SAMPLES = 4;
/** A candidate needs to be this near the highest rank on probation to stand for the victims. */
const NEAR = 7 / 8;
/** What is left of that highest rank with each entry on probation that is passed. */
const FADE = 1 - 1 / 128;
/** The window may exceed its share by this before half of its end moves over without a contest. */
const EXCESS_MAX = 1 / 8;

const WINDOW_BALANCE: number = VIRTUAL_TIME_WORDS;
const PROBATION_BALANCE: number = WINDOW_BALANCE + BALANCE_WORDS;
const CLIMBER: number = PROBATION_BALANCE + BALANCE_WORDS;
/** Stamps at which the last samples ended, and the number of the last one. */
const SAMPLE_ENDS: number = CLIMBER + CLIMBER_WORDS;
const SAMPLE_NUMBER: number = SAMPLE_ENDS + SAMPLES;
/** Rank and uses of an entry at the end of the main region. */
const VICTIM_RANK: number = SAMPLE_NUMBER + 1;
const VICTIM_USES: number = VICTIM_RANK + 1;
const CELLS: number = VICTIM_USES + 1;

export class WTinyLfuPolicy implements EvictionPolicy {
  /** A quarter of a turnover. */
  readonly tolerance: number = 64;
  readonly #meta: Int32Array;
  readonly #layout: Layout;
  readonly #own: number;
  readonly #time: VirtualTime;
  readonly #window: QueueBalance;
  readonly #probation: QueueBalance;
  readonly #climber: WindowClimber;
  readonly #ghosts: ShardGhosts;
  /** By shard: requests that this thread has seen and not brought in. */
  readonly #requests: Int32Array;

  constructor(meta: Int32Array, layout: Layout, clock: SharedClock) {
    this.#meta = meta;
    this.#layout = layout;
    this.#own = layout.policyOffset;
    this.#time = new VirtualTime(meta, layout, clock);
    this.#window = new QueueBalance(meta, this.#own + WINDOW_BALANCE);
    this.#probation = new QueueBalance(meta, this.#own + PROBATION_BALANCE);
    this.#climber = new WindowClimber(meta, this.#own + CLIMBER);
    this.#ghosts = new ShardGhosts(meta, layout, CELLS);
    this.#requests = new Int32Array(layout.config.shards);
  }

  /** Words for a shard of so many bytes. */
  static words(shardBytes: number): number {
    return CELLS + ghostWords(shardBytes);
  }

  format(): void {
    const { shards } = this.#layout.config;
    for (let index = 0; index < shards; index++) this.#climber.format(this.#layout.shard(index));
  }

  admit(shard: number, hash: number): number {
    const now = this.#time.insert(shard);
    this.#bringIn(shard, now);
    const ghost = this.#ghosts.of(shard).recall(hash);
    const uses = ghost < 0 ? 1 : Math.min(USES_MAX, this.#ghostUses(shard, ghost) + 1);
    // As long as there is room for all, the main region is filled.
    return markOf(this.#window.share.isKnown(shard) ? WINDOW : PROBATION, uses, now);
  }

  touch(shard: number, mark: number): number {
    return this.#used(shard, mark, this.#time.now(shard));
  }

  refresh(_shard: number, mark: number): number {
    return mark;
  }

  touchAt(shard: number, mark: number, tick: number): number {
    // A use at the tick of the insertion itself isn't surely behind it.
    const age = this.#time.sinceTickMost(shard, tick - 1);
    return age >= this.#age(shard, mark) ? mark : this.#used(shard, mark, this.#time.now(shard) - age);
  }

  rank(shard: number, mark: number, granules: number): number {
    const age = this.#age(shard, mark);
    // Newcomers are shown at their insertion too, beside the sweep.
    if (age === 0) return 0;
    const segment = segmentOf(mark);
    this.#window.share.see(shard, segment === WINDOW, granules);
    if (segment === WINDOW) return this.#window.rank(shard, true, age);
    this.#probation.share.see(shard, segment === PROBATION, granules);
    const rank = this.#probation.rank(shard, segment === PROBATION, age);
    if (segment === PROBATION) this.#sample(shard, mark, rank);
    return rank;
  }

  /** Who wins at the end of the window isn't known before. */
  coldness(shard: number, mark: number): number {
    const segment = segmentOf(mark);
    const age = this.#age(shard, mark);
    if (segment === WINDOW) return this.#window.rank(shard, true, age);
    return segment === PROBATION ? this.#probation.rank(shard, true, age) : 0;
  }

  drift(): number {
    return 0;
  }

  /** That of the stamp, which after a change of segment is behind it. */
  lastUse(shard: number, mark: number): number {
    return this.#time.tickBefore(shard, this.#age(shard, mark));
  }

  judge(shard: number, mark: number, hash: number): number {
    const segment = segmentOf(mark);
    this.#window.share.unsee(shard);
    this.#window.taken(shard, segment === WINDOW, this.#climber.share(shard));
    const uses = this.#usesOf(shard, mark);
    const now = this.#time.now(shard);
    if (segment === WINDOW) return this.#wins(shard, uses, hash ^ now) ? markOf(PROBATION, uses, now) : MAY_GO;
    this.#probation.share.unsee(shard);
    this.#probation.taken(shard, segment === PROBATION, 1 - PROTECTED_SHARE);
    return segment === PROBATION ? MAY_GO : markOf(PROBATION, uses, now);
  }

  forget(shard: number, mark: number, hash: number): void {
    const now = this.#time.now(shard) & GHOST_STAMP_MASK;
    this.#ghosts.of(shard).remember(hash, (now << GHOST_STAMP_SHIFT) | this.#usesOf(shard, mark), now);
  }

  observe(shard: number): void {
    const index = (shard - this.#layout.shards) / this.#layout.shardWords;
    this.#requests[index] = this.#requests[index]! + 1;
  }

  /** Counts the requests of this thread, and ends the sample if it is complete. */
  #bringIn(shard: number, now: number): void {
    const index = (shard - this.#layout.shards) / this.#layout.shardWords;
    const isOver = this.#climber.note(shard, this.#requests[index]!, this.#meta[shard + SHARD.itemCount]!);
    this.#requests[index] = 0;
    if (!isOver) return;
    const at = shard + this.#own;
    const number = (this.#meta[at + SAMPLE_NUMBER]! + 1) | 0;
    this.#meta[at + SAMPLE_ENDS + (number & (SAMPLES - 1))] = now;
    this.#meta[at + SAMPLE_NUMBER] = number;
  }

  #wins(shard: number, uses: number, random: number): boolean {
    const excess = this.#window.share.of(shard) - this.#climber.share(shard);
    return (excess > EXCESS_MAX && (mix(random) & 1) === 0) || uses > this.#meta[shard + this.#own + VICTIM_USES]!;
  }

  /** Has an entry stand for those that go next from the main region, if it is about as cold as those that did. */
  #sample(shard: number, mark: number, rank: number): void {
    const at = shard + this.#own;
    const highest = Math.floor(this.#meta[at + VICTIM_RANK]! * FADE);
    this.#meta[at + VICTIM_RANK] = Math.max(rank, highest);
    if (rank >= highest * NEAR) this.#meta[at + VICTIM_USES] = this.#usesOf(shard, mark);
  }

  #used(shard: number, mark: number, stamp: number): number {
    const segment = segmentOf(mark) === WINDOW ? WINDOW : PROTECTED;
    return markOf(segment, Math.min(USES_MAX, this.#usesOf(shard, mark) + 1), stamp);
  }

  #usesOf(shard: number, mark: number): number {
    return ((mark >>> USES_SHIFT) & USES_MAX) >>> this.#halvings(shard, this.#age(shard, mark));
  }

  #ghostUses(shard: number, ghost: number): number {
    const age = ageOf(this.#time.now(shard), ghost >>> GHOST_STAMP_SHIFT, GHOST_STAMP_MASK);
    return (ghost & USES_MAX) >>> this.#halvings(shard, age);
  }

  /** Samples that have ended within so many units. */
  #halvings(shard: number, age: number): number {
    const at = shard + this.#own;
    const now = this.#time.now(shard);
    const ended = Math.min(SAMPLES, this.#meta[at + SAMPLE_NUMBER]! >>> 0);
    let halvings = 0;
    for (let sample = 0; sample < ended; sample++) {
      if (
        (now - this.#meta[at + SAMPLE_ENDS + ((this.#meta[at + SAMPLE_NUMBER]! - sample) & (SAMPLES - 1))]!) >>> 0 <
        age
      )
        halvings++;
    }
    return halvings;
  }

  #age(shard: number, mark: number): number {
    return ageOf(this.#time.now(shard), mark, STAMP_MASK);
  }
}

function markOf(segment: number, uses: number, stamp: number): number {
  return (segment << SEGMENT_SHIFT) | (uses << USES_SHIFT) | (stamp & STAMP_MASK);
}

function segmentOf(mark: number): number {
  return mark >>> SEGMENT_SHIFT;
}
