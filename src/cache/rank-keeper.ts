/**
 * The warden's part of the adaptive policy: takes the reports of sampled uses, lets the miniature simulations learn from
 * them, and publishes the ranks. What it has learned is its own: its successor goes on with the published ranks, and
 * learns anew.
 */
import { HEADER, type Layout, SHARD, TYPE_WORDS } from '../../native-free/index.js';
import { NOW_MASK, type Samples } from '../policies/adaptive/samples.js';
import { Shadow } from '../policies/adaptive/shadow.js';
import { type Favour, samplesOf } from '../policies/adaptive.js';
import type { Member } from './member.js';

/** Reports that a round takes: some 0.2 ms. */
const REPORTS_MAX = 512;
/** Rounds between two looks at what the cache holds. */
const RESIZE_ROUNDS = 50;
/** A round that finds so many reports lost samples half as many keys from then on. */
const LOST_MAX = 64;
const SHIFT_MAX = 16;
/** What of the room for items is usually used: the rest is rounding, and pages that fill up. */
const FILL = 0.95;

export class RankKeeper {
  readonly #member: Member;
  readonly #layout: Layout;
  readonly #samples: Samples;
  readonly #shadow: Shadow;
  /** The time of the last report of each shard. The shard's own clock is ahead of what was learned. */
  readonly #times: Int32Array;
  #seen: number;
  #rounds = 0;
  /** At least so many halvings of the sample, since more was reported than taken. */
  #shiftMin = 0;

  constructor(member: Member, favour: Favour) {
    this.#member = member;
    this.#layout = member.arena.layout;
    this.#samples = samplesOf(member.arena.meta, this.#layout);
    this.#shadow = new Shadow({
      favour,
      seed: member.arena.meta[HEADER.hashKey0]!,
      nowOf: (hash) => this.#times[hash & member.store.context.shardMask]!,
    });
    this.#times = Int32Array.from({ length: this.#layout.config.shards }, (_, i) => this.#clockOf(i));
    this.#seen = this.#samples.head;
  }

  /** Called in each round of the warden. */
  round(): void {
    if (this.#rounds % RESIZE_ROUNDS === 0) this.#resize();
    this.#rounds += 1;
    const waiting = (this.#samples.head - this.#seen) | 0;
    let taken = 0;
    this.#seen = this.#samples.read(this.#seen, REPORTS_MAX, (hash, now, size8) => {
      taken += 1;
      if (this.#shadow.sees(hash)) this.#shadow.access(hash, 2 ** (size8 / 8), this.#timeOf(hash, now));
    });
    if (waiting - taken > LOST_MAX) this.#thin();
    if (taken > 0) this.#shadow.publish(this.#member.arena.meta, this.#layout.policyShared);
  }

  #clockOf(shard: number): number {
    return this.#member.arena.meta[this.#layout.shard(shard) + SHARD.stamp]!;
  }

  /** The time that a report has the low bits of. */
  #timeOf(hash: number, low: number): number {
    const shard = hash & this.#member.store.context.shardMask;
    const clock = this.#clockOf(shard);
    const now = (clock - ((clock - low) & NOW_MASK)) | 0;
    if (((now - this.#times[shard]!) | 0) > 0) this.#times[shard] = now;
    return now;
  }

  /** Keys are left out, not uses of them: else what is used again would look as if it were not. */
  #thin(): void {
    this.#shiftMin = Math.min(SHIFT_MAX, this.#shadow.shift + 1);
    this.#resize();
    this.#seen = this.#samples.head;
  }

  /** Fits the simulations to what the cache holds, in bytes of keys and values. */
  #resize(): void {
    const { meta } = this.#member.arena;
    const { config, pages } = this.#layout;
    let entries = 0;
    let granules = 0;
    let payload = 0;
    let indexPages = 0;
    for (let i = 0; i < config.shards; i++) {
      const shard = this.#layout.shard(i);
      entries += meta[shard + SHARD.itemCount]!;
      indexPages += meta[shard + SHARD.directoryUsed]!;
      for (let type = 0; type < config.types; type++) {
        const at = shard + this.#layout.typesOffset + type * TYPE_WORDS;
        granules += meta[at + 1]!;
        payload += meta[at + 3]! * 2 ** 32 + (meta[at + 2]! >>> 0);
      }
    }
    if (entries === 0) return;
    const room = (pages - indexPages) * config.pageBytes * FILL;
    const bytes = granules * 8;
    const fullness = Math.max(room, bytes) / bytes;
    this.#shadow.resize(fullness * payload, fullness * entries, this.#shiftMin);
    this.#samples.setShift(this.#shadow.shift);
  }
}
