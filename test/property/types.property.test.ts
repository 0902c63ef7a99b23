/**
 * Goal: whatever is stored, in whatever order, the rules of the types hold. Method: random sets of several types, with
 * sizes from a few bytes to chained, at random levels of pressure, on an arena far too small for them; after each set
 * the rules are checked against what is still there.
 */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { HEADER, TYPE_WORDS } from '../../native-free/index.js';
import { REJECT_REASONS } from '../../src/engine/causes.js';
import { IMPORTANCES, type TypeShare, UNLIMITED } from '../../src/policies/type-rules.js';
import { Engine } from '../support/engine.js';

const CAPACITY = 1 << 19;
const SEED = Number(process.env['FC_SEED'] ?? 20_261);
const RUNS = { seed: SEED, numRuns: 12 };

interface Step {
  readonly type: number;
  readonly key: number;
  readonly bytes: number;
  readonly level: number;
}

const steps = (types: number, level: fc.Arbitrary<number>): fc.Arbitrary<Step[]> =>
  fc.array(
    fc.record({
      type: fc.nat(types - 1),
      key: fc.nat(3_000),
      bytes: fc.oneof({ weight: 8, arbitrary: fc.nat(2_000) }, { weight: 1, arbitrary: fc.nat(40_000) }),
      level,
    }),
    { minLength: 300, maxLength: 700, size: 'max' },
  );

/** The engine, and the keys that each type holds. */
class World {
  readonly engine: Engine;
  readonly held: readonly Set<string>[];

  constructor(shares: readonly TypeShare[], shards = 1) {
    this.engine = Engine.create({ capacityBytes: CAPACITY, pageBytes: 4_096, shares, shards });
    this.held = shares.map(() => new Set<string>());
  }

  set({ type, key, bytes, level }: Step): boolean {
    this.engine.meta[HEADER.level] = level;
    const name = `key ${key}`;
    const isStored = this.engine.set(name, new Uint8Array(bytes), { type }) === 1;
    if (isStored) this.held[type]!.add(name);
    else this.held[type]!.delete(name);
    return isStored;
  }

  /** How many entries each type has lost since the last look. */
  lost(): number[] {
    return this.held.map((keys, type) => {
      let lost = 0;
      for (const key of keys) {
        if (this.engine.has(key, type)) continue;
        keys.delete(key);
        lost += 1;
      }
      return lost;
    });
  }

  used(type: number): number {
    const { layout, meta } = this.engine;
    let granules = 0;
    for (let i = 0; i < layout.config.shards; i++) {
      granules += meta[layout.shard(i) + layout.typesOffset + type * TYPE_WORDS + 1]!;
    }
    return granules * 8;
  }
}

const share = (importance: (typeof IMPORTANCES)[number], part: Partial<TypeShare> = {}): TypeShare => ({
  ...UNLIMITED,
  importance: IMPORTANCES.indexOf(importance),
  ...part,
});

describe(`types (seed ${SEED})`, () => {
  it('a type within its reserve loses no entry to another type', () => {
    const shares = [share('standard'), share('standard', { reserve: 0.3 }), share('optional', { reserve: 0.2 })];
    fc.assert(
      fc.property(steps(3, fc.nat(2)), fc.constantFrom(1, 4), (sequence, shards) => {
        const world = new World(shares, shards);
        for (const step of sequence) {
          const before = shares.map((_, type) => world.used(type));
          world.set(step);
          world.lost().forEach((lost, type) => {
            if (type === step.type || before[type]! > shares[type]!.reserve * CAPACITY) return;
            expect(lost, `entries of type ${type}`).toBe(0);
          });
        }
        expect(world.engine.verify()).toEqual([]);
      }),
      RUNS,
    );
  });

  it('a type gives up no entry for one of its own that its reserve has room for, while others may go', () => {
    const shares = [share('standard'), share('optional', { reserve: 0.4 })];
    const grew: number[] = [];
    fc.assert(
      fc.property(steps(2, fc.nat(2)), (sequence) => {
        const world = new World(shares);
        // A cache full of what others have borrowed: any room that the type gets is taken from them.
        for (let key = 0; key < 2_000; key++) world.set({ type: 0, key, bytes: 1_000, level: 0 });
        world.lost();
        for (const step of sequence) {
          const withIt = world.used(1) + 1.5 * step.bytes;
          world.set(step);
          const lost = world.lost();
          if (withIt <= shares[1]!.reserve * CAPACITY) expect(lost[1]).toBe(0);
        }
        grew.push(world.used(1));
        expect(world.engine.verify()).toEqual([]);
      }),
      RUNS,
    );
    expect(Math.max(...grew)).toBeGreaterThan(0.3 * CAPACITY);
  });

  it('critical entries survive all but critical pressure, important ones all below high', () => {
    const shares = [share('standard'), share('important', { maxShare: 0.3 }), share('critical', { maxShare: 0.3 })];
    fc.assert(
      fc.property(steps(3, fc.nat(3)), (sequence) => {
        const world = new World(shares);
        for (const step of sequence) {
          world.set(step);
          const lost = world.lost();
          if (step.type !== 1 && step.level < 2) expect(lost[1], 'important entries').toBe(0);
          if (step.type !== 2 && step.level < 3) expect(lost[2], 'critical entries').toBe(0);
        }
        expect(world.engine.verify()).toEqual([]);
      }),
      RUNS,
    );
  });

  it('no type exceeds its share, and the capacity holds', () => {
    const shares = [
      share('standard', { maxShare: 0.5 }),
      share('critical', { maxShare: 0.2 }),
      share('optional', { maxShare: 0.1, isAggressive: true }),
    ];
    fc.assert(
      fc.property(steps(3, fc.nat(3)), fc.constantFrom(1, 4), (sequence, shards) => {
        const world = new World(shares, shards);
        for (const step of sequence) {
          world.set(step);
          shares.forEach(({ maxShare }, type) => {
            expect(world.used(type)).toBeLessThanOrEqual(maxShare * CAPACITY);
          });
        }
        const stats = world.engine.stats();
        expect(stats.bytesUsed + stats.bytesIndex + stats.bytesMetadata).toBeLessThanOrEqual(CAPACITY);
        expect(world.engine.verify()).toEqual([]);
      }),
      RUNS,
    );
  });

  it('when nothing may go, sets end with false, are counted, and what is there stays', () => {
    const world = new World([share('critical'), share('standard')]);
    let refused = 0;
    for (let key = 0; refused < 50; key++) {
      if (!world.set({ type: 0, key, bytes: 700, level: 0 })) refused += 1;
      expect(world.lost()).toEqual([0, 0]);
      expect(key).toBeLessThan(3_000);
    }
    expect(world.set({ type: 1, key: 1, bytes: 700, level: 0 })).toBe(false);
    const { byType } = world.engine.stats();
    expect(byType[0]!.rejectsByReason.room).toBe(50);
    expect(byType[1]!.rejectsByReason.room).toBe(1);
    expect(REJECT_REASONS.reduce((sum, reason) => sum + byType[0]!.rejectsByReason[reason], 0)).toBe(50);
    expect(world.engine.verify()).toEqual([]);
    // In an emergency it may.
    expect(world.set({ type: 1, key: 1, bytes: 700, level: 3 })).toBe(true);
  });

  it.each([
    { level: 0, order: ['optional', 'standard'] },
    { level: 1, order: ['optional', 'standard'] },
    { level: 2, order: ['optional', 'standard', 'important'] },
    { level: 3, order: ['optional', 'standard', 'important', 'critical'] },
  ])('at level $level the least important goes first', ({ level, order }) => {
    const world = new World(IMPORTANCES.map((importance) => share(importance)));
    const bytes = 500;
    // Most important first, so that recency alone would have it leave first.
    for (const type of [3, 2, 1, 0]) {
      for (let key = 0; key < 100; key++) expect(world.set({ type, key, bytes, level: 0 })).toBe(true);
    }
    const gone: string[] = [];
    for (let key = 1_000; gone.length < order.length && key < 20_000; key++) {
      world.set({ type: 3, key, bytes, level });
      world.lost();
      IMPORTANCES.forEach((importance, type) => {
        const old = [...world.held[type]!].filter((name) => Number(name.slice(4)) < 100);
        if (old.length === 0 && !gone.includes(importance)) gone.push(importance);
      });
    }
    expect(gone).toEqual(order);
  });

  it('a type that evicts aggressively goes down to 80 % of its share, others to the share', () => {
    const shares = [share('standard', { maxShare: 0.3 }), share('standard', { maxShare: 0.3, isAggressive: true })];
    const least = shares.map((_, type) => {
      const world = new World(shares);
      let lowest = CAPACITY;
      let key = 0;
      while (world.lost()[type] === 0) world.set({ type, key: key++, bytes: 500, level: 0 });
      for (let i = 0; i < 300; i++) {
        world.set({ type, key: key++, bytes: 500, level: 0 });
        lowest = Math.min(lowest, world.used(type));
      }
      return lowest / CAPACITY;
    });
    expect(least[0]).toBeGreaterThan(0.29);
    expect(least[1]).toBeLessThanOrEqual(0.24);
    expect(least[1]).toBeGreaterThan(0.23);
  });
});
