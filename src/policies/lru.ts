/**
 * LRU by stamps: the mark of an entry is the virtual time of its last use. There are no lists: a read writes a mark at
 * most, and only when it has changed; nothing has to be repaired after a death.
 */
import type { Layout, SharedClock } from '../../native-free/index.js';
import { type EvictionPolicy, MARK_MASK, MAY_GO } from '../engine/ports.js';
import { VIRTUAL_TIME_WORDS, VirtualTime } from './virtual-time.js';

/** An entry is at most this old; marks further back would look new again after the wrap. */
const AGE_MAX = MARK_MASK >>> 1;

export class LruPolicy implements EvictionPolicy {
  /** A quarter of a turnover. */
  readonly tolerance: number = 64;
  readonly #time: VirtualTime;

  constructor(meta: Int32Array, layout: Layout, clock: SharedClock) {
    this.#time = new VirtualTime(meta, layout, clock);
  }

  static words(): number {
    return VIRTUAL_TIME_WORDS;
  }

  format(): void {}

  admit(shard: number): number {
    return this.#time.insert(shard) & MARK_MASK;
  }

  touch(shard: number): number {
    return this.#time.now(shard) & MARK_MASK;
  }

  refresh(_shard: number, mark: number): number {
    return mark;
  }

  touchAt(shard: number, mark: number, tick: number): number {
    const age = this.#time.sinceTick(shard, tick);
    return age >= this.rank(shard, mark) ? mark : (this.#time.now(shard) - age) & MARK_MASK;
  }

  rank(shard: number, mark: number): number {
    const age = (this.#time.now(shard) - mark) & MARK_MASK;
    // A reader's mark may be ahead of the time seen here by a moment.
    return age > AGE_MAX ? 0 : age;
  }

  coldness(shard: number, mark: number): number {
    return this.rank(shard, mark);
  }

  drift(shard: number): number {
    return this.#time.now(shard);
  }

  lastUse(shard: number, mark: number): number {
    return this.#time.tickBefore(shard, this.rank(shard, mark));
  }

  judge(): number {
    return MAY_GO;
  }

  forget(): void {}

  observe(): void {}
}
