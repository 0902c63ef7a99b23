/** What holds for every policy. */
import { describe, expect, it } from 'vitest';
import type { ReplayPolicy, Unit } from '../../../../src/policies/replay/policy.js';
import { Random, seedFrom } from '../../../support/random.js';
import { ALL_POLICIES, create, replay, type Sequence, stored } from './support.js';

const SEED = seedFrom('POLICY_SEED');
const REQUESTS = 3_000;
const KEYS = 200;
/** Requests from one full account to the next; odd, so that it falls on every kind of moment. */
const ACCOUNT_EVERY = 17;

/** Requests of which half go to a tenth of the keys; every key has one size, or several if `grows`. */
function randomSequence(seed: number, grows = false): Required<Sequence> {
  const random = new Random(seed);
  const own = Array.from({ length: KEYS }, () => random.below(60));
  const ids = Array.from({ length: REQUESTS }, () => random.below(random.below(2) === 0 ? KEYS / 10 : KEYS));
  const sizes = ids.map((id) => (grows ? random.below(60) : own[id]!));
  return { ids, sizes };
}

/** What was found wrong, request by request. `weights` has, by object, that with which it was last seen stored. */
function violations(policy: ReplayPolicy, { ids, sizes }: Required<Sequence>, capacity: number, unit: Unit): string[] {
  const weights = new Map<number, number>();
  const found: string[] = [];
  for (const [at, id] of ids.entries()) {
    const wasStored = policy.has(id);
    const isHit = policy.access(id, sizes[at]!);
    if (isHit !== wasStored) found.push(`request ${at} for ${id}: hit ${isHit}, stored before ${wasStored}`);
    if (policy.has(id)) weights.set(id, unit === 'bytes' ? sizes[at]! : 1);
    if (policy.used > capacity) found.push(`request ${at}: ${policy.used} used of ${capacity}`);
    if (at % ACCOUNT_EVERY > 0) continue;
    let used = 0;
    for (const [other, weight] of weights) if (policy.has(other)) used += weight;
    if (policy.used !== used) found.push(`request ${at}: ${policy.used} used, ${used} stored`);
  }
  return found;
}

describe.each(ALL_POLICIES)(`%s (POLICY_SEED ${SEED})`, (name) => {
  it.each([1, 2, 7, 20, 64, 1_000])('counts objects and never holds over %i', (capacity) => {
    const sequence = randomSequence(SEED);
    expect(violations(create(name, sequence, { capacity }), sequence, capacity, 'objects')).toEqual([]);
  });

  it.each([1, 30, 300, 3_000, 100_000])('counts bytes and never holds over %i', (capacity) => {
    const sequence = randomSequence(SEED);
    const policy = create(name, sequence, { capacity, unit: 'bytes' });
    expect(violations(policy, sequence, capacity, 'bytes')).toEqual([]);
  });

  it.each([1, 30, 300, 3_000])('follows objects that change their size, in %i bytes', (capacity) => {
    const sequence = randomSequence(SEED, true);
    const policy = create(name, sequence, { capacity, unit: 'bytes' });
    expect(violations(policy, sequence, capacity, 'bytes')).toEqual([]);
  });

  it('lets an object go that has become too large', () => {
    const sequence = { ids: [1, 2, 1, 2, 1, 2], sizes: [5, 5, 101, 5, 5, 5] };
    const policy = create(name, sequence, { capacity: 100, unit: 'bytes' });
    expect(replay(policy, sequence).slice(0, 5)).toEqual([false, false, true, true, false]);
    expect(policy.used).toBeLessThanOrEqual(10);
  });

  it('is the same for the same seed', () => {
    const sequence = randomSequence(SEED);
    for (const unit of ['objects', 'bytes'] as const) {
      const runs = [1, 2].map(() => replay(create(name, sequence, { capacity: 40, unit, seed: 7 }), sequence));
      expect(runs[0]).toEqual(runs[1]);
    }
  });

  it("doesn't store an object larger than the cache, and displaces nothing for it", () => {
    const sequence = { ids: [1, 2, 3, 3, 1, 2, 3, 1, 2], sizes: [4, 4, 101, 101, 4, 4, 101, 4, 4] };
    const policy = create(name, sequence, { capacity: 100, unit: 'bytes' });
    const hits = replay(policy, sequence);
    expect(hits).toEqual([false, false, false, false, true, true, false, true, true]);
    expect(policy.has(3)).toBe(false);
  });

  it('holds everything where there is room for it', () => {
    const sequence = { ids: Array.from({ length: 400 }, (_, at) => at % 40) };
    const hits = replay(create(name, sequence, { capacity: 40 }), sequence);
    expect(hits.filter((isHit) => isHit)).toHaveLength(360);
  });

  it('serves one key', () => {
    const sequence = { ids: new Array<number>(50).fill(0) };
    for (const unit of ['objects', 'bytes'] as const) {
      const policy = create(name, sequence, { capacity: 100, unit });
      expect(replay(policy, sequence).indexOf(false, 1)).toBe(-1);
    }
  });

  it('works with room for one object', () => {
    const sequence = { ids: [0, 0, 1, 1, 0, 2, 2, 1] };
    const policy = create(name, sequence, { capacity: 1 });
    replay(policy, sequence);
    expect(stored(policy, sequence).length).toBeLessThanOrEqual(1);
  });
});

describe(`the bound (POLICY_SEED ${SEED})`, () => {
  it.each([1, 5, 20, 60, 150])('is reached by nobody else, with %i objects', (capacity) => {
    const sequence = randomSequence(SEED);
    const hits = (name: (typeof ALL_POLICIES)[number], room: number): number =>
      replay(create(name, sequence, { capacity: room }), sequence).filter(Boolean).length;
    // The bound stores all it is asked for; a policy that may refuse is worth at most one that has a place more for that.
    for (const name of ALL_POLICIES) {
      expect(hits(name, capacity), name).toBeLessThanOrEqual(
        hits('opt', name === 'adaptive' ? capacity + 1 : capacity),
      );
    }
  });
});
