import { describe, expect, it } from 'vitest';
import { mix } from '../../../../src/policies/adaptive/mix.js';
import { EXPERT_LEARNED, EXPERT_REUSE, RANK_WORDS } from '../../../../src/policies/adaptive/ranks.js';
import { Shadow } from '../../../../src/policies/adaptive/shadow.js';
import { TRACKED_MAX } from '../../../../src/policies/adaptive/tracked.js';
import { Random } from '../../../support/random.js';

const REQUESTS = 20_000;

/** A shadow of a cache of objects whose shards have clocks of their own, and all that it is told. */
class Cache {
  readonly shadow: Shadow;
  readonly words: Int32Array = new Int32Array(RANK_WORDS);
  readonly #offsets: readonly number[];
  readonly #capacity: number;
  #requests = 0;

  constructor(capacity: number, offsets: readonly number[] = [0]) {
    this.#capacity = capacity;
    this.#offsets = offsets;
    this.shadow = new Shadow({ favour: 'bytes', seed: 1, nowOf: (hash) => this.#nowOf(hash) });
    this.shadow.resize(capacity, capacity);
  }

  /** As if each one were an insert. */
  ask(ids: readonly number[]): this {
    for (const id of ids) {
      this.#requests += 1;
      const hash = mix(id);
      if (this.shadow.sees(hash)) this.shadow.access(hash, 1, this.#nowOf(hash));
    }
    return this;
  }

  get expert(): number {
    this.shadow.publish(this.words, 0);
    return this.words[0]!;
  }

  #nowOf(hash: number): number {
    const shard = hash & (this.#offsets.length - 1);
    return (Math.floor((this.#requests * 256) / this.#capacity) + this.#offsets[shard]!) | 0;
  }
}

function loop(length: number): number[] {
  return Array.from({ length: REQUESTS }, (_, at) => at % length);
}

/** Every object is asked for some times while it is new, and never again. */
function passing(random: Random): number[] {
  return Array.from({ length: REQUESTS }, (_, at) => 1_000_000 + Math.floor(at / 4) + random.below(200));
}

describe('the shadow', () => {
  it('chooses reuse distance for a loop, and the learned ranks for objects that pass', () => {
    expect(new Cache(300).ask(loop(600)).expert).toBe(EXPERT_REUSE);
    expect(new Cache(300).ask(passing(new Random(1))).expert).toBe(EXPERT_LEARNED);
  });

  it('changes over when the load does', () => {
    const cache = new Cache(300).ask(loop(600));
    expect(cache.expert).toBe(EXPERT_REUSE);
    expect(cache.ask(passing(new Random(2))).expert).toBe(EXPERT_LEARNED);
  });

  it('chooses the same from a sample of a large cache', () => {
    const cache = new Cache(10_000).ask(Array.from({ length: 250_000 }, (_, at) => at % 20_000));
    expect(cache.shadow.shift).toBe(3);
    expect(cache.expert).toBe(EXPERT_REUSE);
  });

  it('compares no times of different shards', () => {
    const random = new Random(5);
    const offsets = Array.from({ length: 16 }, () => random.below(2 ** 32) | 0);
    const together = new Cache(300).ask(loop(600));
    const apart = new Cache(300, offsets).ask(loop(600));
    expect(apart.expert).toBe(together.expert);
    expect(new Cache(300, offsets).ask(passing(new Random(1))).expert).toBe(EXPERT_LEARNED);
    // Chances are drawn from the clock, so that some uses are counted otherwise: up to a twentieth of an octave.
    const gaps = together.words.map((word, at) => Math.abs(word - apart.words[at]!));
    expect(gaps.toSorted()[Math.floor(gaps.length / 2)]!).toBeLessThan((1 << 14) / 20);
  });

  it('tells once what has changed', () => {
    const cache = new Cache(300);
    const words = new Int32Array(RANK_WORDS + 2).fill(-7);
    cache.ask([1, 2, 3]);
    expect(cache.shadow.publish(words, 1)).toBe(false);
    expect(new Set(words)).toEqual(new Set([-7]));
    cache.ask(loop(600));
    expect(cache.shadow.publish(words, 1)).toBe(true);
    expect(cache.shadow.publish(words, 1)).toBe(false);
    expect([words[0], words[RANK_WORDS + 1]]).toEqual([-7, -7]);
    expect(words.subarray(1, -1).includes(-7)).toBe(false);
  });

  it('takes one key in 2^shift, and thins out the keys that it has', () => {
    const cache = new Cache(2_048);
    expect(cache.shadow.shift).toBe(0);
    cache.ask(loop(9_000));
    const before = cache.shadow.tracked;
    cache.shadow.resize(40_000, 40_000);
    expect(cache.shadow.shift).toBe(5);
    expect(cache.shadow.tracked).toBeLessThan(before / 20);
    const seen = Array.from({ length: 100_000 }, (_, id) => mix(id)).filter((hash) => cache.shadow.sees(hash));
    expect(Math.abs(seen.length / (100_000 / 32) - 1)).toBeLessThan(0.1);
    cache.shadow.resize(1_000, 1_000);
    expect(cache.shadow.shift).toBe(0);
    // Two miniatures and four ghosts for each of their entries, whatever comes.
    cache.ask(Array.from({ length: 20_000 }, (_, at) => 2_000_000 + at));
    expect(cache.shadow.tracked).toBeLessThanOrEqual(6_000);
    expect(cache.shadow.tracked).toBeGreaterThan(4_000);
    cache.shadow.resize(500, 500);
    cache.ask(Array.from({ length: 20_000 }, (_, at) => 3_000_000 + at));
    expect(cache.shadow.tracked).toBeLessThanOrEqual(3_000);
  });

  it('is bounded, whatever the hashes', () => {
    const random = new Random(3);
    let now = 0;
    let most = 0;
    const shadow = new Shadow({ favour: 'objects', seed: 1, nowOf: () => now });
    shadow.resize(2 ** 40, 100);
    // So much room that nothing is ever evicted, and hashes of which all are sampled for long.
    for (let i = 0; i < 60_000; i++) {
      now = i >> 5;
      const hash = i % 2 === 0 ? random.below(2 ** 24) : random.below(2 ** 32) | 0;
      if (shadow.sees(hash)) shadow.access(hash, random.below(10_000), now);
      most = Math.max(most, shadow.tracked);
    }
    expect(most).toBe(TRACKED_MAX);
    expect(shadow.shift).toBeGreaterThan(0);
  });

  it('goes on with sizes that change, objects of no size and larger than the sample has room', () => {
    const random = new Random(4);
    let now = 0;
    const shadow = new Shadow({ favour: 'bytes', seed: 1, nowOf: () => now });
    const words = new Int32Array(RANK_WORDS);
    for (let i = 0; i < 60_000; i++) {
      now = i >> 3;
      if (i % 5_000 === 0) shadow.resize(random.below(100_000) + 1, random.below(20_000));
      const hash = mix(random.below(4_000));
      if (shadow.sees(hash))
        shadow.access(hash, random.below(4) === 0 ? random.below(300_000) : random.below(100), now);
    }
    shadow.publish(words, 0);
    expect(words.every((word) => word >= 0 && word < 2 ** 24)).toBe(true);
    expect(shadow.tracked).toBeGreaterThan(0);
  });

  it('weighs whole bytes, so that a hit moves nothing', () => {
    const shadow = new Shadow({ favour: 'objects', seed: 1, nowOf: () => 0 });
    // Room for these 50 keys, and for few that have left.
    shadow.resize(50 * 91, 1);
    for (let i = 0; i < 5_000; i++) shadow.access(mix(i % 50), 90.5, 0);
    expect(shadow.tracked).toBe(50);
  });
});
