/** A policy on a shard without an engine: the words that it reads, and time that a test moves on. */
import { Arena, Layout, ManualClock, SHARD } from '../../native-free/index.js';
import { type EvictionPolicy, MARK_MASK, MAY_GO } from '../../src/engine/ports.js';
import { createEnginePolicy, type EnginePolicy, policyWordsOf } from '../../src/policies/engine-policies.js';

const CAPACITY_BYTES = 1 << 20;
/** Granules of every entry. */
const GRANULES = 16;

export class PolicyBed {
  readonly policy: EvictionPolicy;
  readonly clock: ManualClock = new ManualClock(1_000);
  readonly meta: Arena['meta'];
  readonly shard: number;
  #hash = 0;

  /** The shard says that it has so many entries. */
  constructor(name: EnginePolicy, entries: number) {
    const layout = new Layout({
      capacityBytes: CAPACITY_BYTES,
      pageBytes: 4_096,
      chunkBytesMin: 64,
      shards: 1,
      types: 1,
      countersPerType: 1,
      countersGlobal: 1,
      ...policyWordsOf({ name, favour: 'objects' }, CAPACITY_BYTES, 1),
      removalCauses: 1,
      evictionRecords: 1,
      eventWords: 64,
      segmentBytes: 2 ** 30,
      users: 0,
    });
    this.meta = Arena.create(layout, { configHash: 1, random: [1, 2, 3, 4] }).meta;
    this.shard = layout.shard(0);
    this.meta[this.shard + SHARD.itemCount] = entries;
    this.policy = createEnginePolicy({ name, favour: 'objects' }, this.meta, layout, this.clock.shared());
    this.policy.format();
  }

  /** A hash that no entry has had. */
  freshHash(): number {
    this.#hash += 1;
    return Math.imul(this.#hash, 0x9e3779b1);
  }

  admit(hash: number = this.freshHash()): number {
    return this.#checked(this.policy.admit(this.shard, hash));
  }

  touch(mark: number, times: number = 1): number {
    let touched = mark;
    for (let i = 0; i < times; i++) touched = this.#checked(this.policy.touch(this.shard, touched, 0));
    return touched;
  }

  touchAt(mark: number, tick: number): number {
    return this.#checked(this.policy.touchAt(this.shard, mark, tick));
  }

  rank(mark: number): number {
    return this.policy.rank(this.shard, mark, GRANULES);
  }

  /** The mark with which an entry stays whose rank was asked before, as the evictor does; MAY_GO if it doesn't. */
  judge(mark: number, hash: number = 0): number {
    this.rank(mark);
    const verdict = this.policy.judge(this.shard, mark, hash);
    return verdict === MAY_GO ? verdict : this.#checked(verdict);
  }

  forget(mark: number, hash: number): void {
    this.policy.forget(this.shard, mark, hash);
  }

  /** Inserts other entries until virtual time has moved on by so many units; a unit takes at least 10 ms. */
  pass(units: number): void {
    const { meta, shard } = this;
    const end = (meta[shard + SHARD.stamp]! + units) | 0;
    while (meta[shard + SHARD.stamp] !== end) {
      const before = meta[shard + SHARD.stamp];
      this.admit();
      if (meta[shard + SHARD.stamp] !== before) this.clock.advance(10);
    }
  }

  /** Sets virtual time close to its wrap. */
  setTime(stamp: number): void {
    this.meta[this.shard + SHARD.stamp] = stamp;
  }

  #checked(mark: number): number {
    if ((mark & ~MARK_MASK) !== 0) throw new Error(`${mark} is no mark`);
    return mark;
  }
}
