/** What the statistics say, and that they balance wherever an operation was cut short. */
import { describe, expect, it } from 'vitest';
import { SHARD } from '../../../native-free/index.js';
import { CONDITION_BROKEN } from '../../../src/engine/context.js';
import { cutAt } from '../../support/cut.js';
import { Engine, type EngineOptions } from '../../support/engine.js';
import { pattern, useEngines } from '../../support/engines.js';
import { imbalances } from '../../support/sums.js';

const STEPS_MAX = 3_000;
const VALUE = pattern(100, 1);

function checkSums(engine: Engine, where: string): void {
  const stats = engine.stats();
  expect(imbalances(stats, stats.byType), where).toEqual([]);
}

/** A full engine of two types, with entries of one chunk and of several, expired ones among them. */
function filled(options: EngineOptions = {}): Engine {
  const engine = Engine.create({ capacityBytes: 1 << 20, itemBytesMax: 100_000, types: 2, ...options });
  for (let i = 0; i < 60; i++) engine.set(`key ${i}`, VALUE, { type: i % 2 });
  engine.set('chained', pattern(30_000, 3));
  for (let i = 0; i < 5; i++) engine.set(`brief ${i}`, VALUE, { ttlMs: 10 });
  engine.clock.advance(50);
  return engine;
}

describe('sums balance', () => {
  const engines = useEngines();

  it('in an empty cache, where no ratio is NaN', () => {
    const engine = engines.create({ types: 3 });
    checkSums(engine, 'empty');
    expect(engine.stats()).toMatchObject({ fragmentation: 1, hitRatio: 0, byteHitRatio: 0, accessesPerEntry: 0 });
    for (const stats of engine.stats().classes) expect(stats.fragmentation).toBe(1);
  });

  it('through sets, evictions, deletes, expiry and clearing', () => {
    const engine = engines.create({ capacityBytes: 1 << 20, types: 3, shards: 2 });
    for (let i = 0; i < 9_000; i++) {
      const key = `key ${i % 3 === 0 ? i % 300 : i}`;
      engine.set(key, pattern(50 + (i % 7) * 90, i), { type: i % 3, ttlMs: i % 5 === 0 ? 900 : 0 });
      if (i % 11 === 0) engine.delete(key, i % 3);
      if (i % 100 === 0) engine.clock.advance(30);
      if (i % 1_000 === 0) engine.store.sweeper.step(64);
      if (i % 1_500 === 0) checkSums(engine, `after ${i}`);
    }
    const { removals, sets, evictions, expirations } = engine.stats();
    expect(sets).toBe(9_000);
    for (const cause of ['explicit', 'replaced', 'expired', 'size'] as const)
      expect(removals[cause]).toBeGreaterThan(10);
    expect(evictions).toBe(removals.size);
    expect(expirations).toBe(removals.expired + removals.idle);
    engine.store.clear(1);
    checkSums(engine, 'after clear');
  });

  // What a death leaves is the same as what a thread that lives on leaves: the store that was to come is missing.
  const OPERATIONS: [string, boolean, (engine: Engine) => void][] = [
    ['set of a new key', true, (engine) => engine.set('new', pattern(90, 2))],
    ['set of a known key', true, (engine) => engine.set('key 4', pattern(90, 2))],
    ['set of an expired key', true, (engine) => engine.set('brief 1', pattern(90, 2))],
    ['set of a chained item', true, (engine) => engine.set('chained', pattern(40_000, 2))],
    ['delete', false, (engine) => engine.delete('key 6')],
    ['delete of a chained item', false, (engine) => engine.delete('chained')],
    ['sweep', false, (engine) => engine.store.sweeper.step(64)],
    ['clear', false, (engine) => engine.store.clear(-1)],
  ];

  it.each(OPERATIONS)('after a death at any step of: %s', (_name, isSet, act) => {
    let counted = 0;
    for (let step = 0; step < STEPS_MAX; step++) {
      const survivor = filled();
      const before = survivor.stats().sets;
      const dying = survivor.join(7);
      const isCut = cutAt(step, () => act(dying));
      survivor.store.recovery.recoverOwner(dying.slot, 7);
      checkSums(survivor, `step ${step}`);
      const sets = survivor.stats().sets - before;
      // A set either took place or didn't; nothing else may seem to be one.
      expect(isSet ? [0, 1] : [0], `step ${step}`).toContain(sets);
      expect(sets, 'counted sets go on counting from a step on').toBeGreaterThanOrEqual(counted);
      counted = sets;
      if (!isCut) return expect(counted).toBe(isSet ? 1 : 0);
    }
    return expect.fail('never came to its end');
  });

  it('when a broken shard has been emptied', () => {
    const engine = filled();
    const { sets } = engine.stats();
    engine.meta[engine.layout.shard(0) + SHARD.condition] = CONDITION_BROKEN;
    engine.get('key 1', 1);
    engine.set('key 1', VALUE, { type: 1 });
    checkSums(engine, 'emptied');
    expect(engine.stats()).toMatchObject({ shardsEmptied: 1, sets: sets + 1, entries: 1, removals: { recovered: 66 } });
  });

  it('past 2^32 removals for one cause', () => {
    const engine = engines.create();
    const word = engine.layout.shard(0) + engine.layout.removalsOffset + 2;
    engine.meta[word] = -2;
    for (let i = 0; i < 4; i++) engine.set('key', VALUE);
    expect(engine.stats().removals.replaced).toBe(2 ** 32 + 1);
    expect(engine.stats().sets).toBe(2 ** 32 + 2);
  });
});

describe('what is counted', () => {
  const engines = useEngines();

  it('bytes of inserts are those of keys that were absent or over', () => {
    const engine = engines.create();
    engine.set('key', pattern(97, 1), { ttlMs: 100 });
    engine.set('key', pattern(197, 1), { ttlMs: 100 });
    engine.clock.advance(200);
    engine.set('key', pattern(7, 1));
    expect(engine.stats()).toMatchObject({ sets: 3, inserts: 2, bytesInserted: 100 + 10 });
  });

  it('evictions of the last minute leave the count as time goes by', () => {
    const engine = engines.create({ capacityBytes: 1 << 20, types: 2 });
    engine.clock.set(8_000);
    for (let i = 0; i < 5_000; i++) engine.set(`key ${i}`, pattern(400, i), { type: 1 });
    const { evictions } = engine.stats();
    expect(evictions).toBeGreaterThan(1_000);
    const perMinute = () => engine.stats().byType.map((stats) => stats.evictionsPerMinute);
    expect(perMinute()).toEqual([0, evictions]);
    engine.clock.advance(59_990);
    expect(perMinute()).toEqual([0, evictions]);
    engine.clock.advance(2_010);
    expect(perMinute()).toEqual([0, Math.round(evictions / 2)]);
    engine.clock.advance(2_000);
    expect(perMinute()).toEqual([0, 0]);
    engine.clock.advance(4_000_000);
    expect(perMinute()).toEqual([0, 0]);
  });

  it('the age of evicted entries is that since their last use, to some 1/32 of a turnover', () => {
    const engine = engines.create({ capacityBytes: 1 << 20 });
    const ageOf = (count: number): number => {
      const { evictionAgeMs, evictions } = engine.stats();
      for (let i = 0; i < count; i++) {
        engine.clock.advance(10);
        engine.set(`key ${engine.clock.now()}`, pattern(400, i));
      }
      const after = engine.stats();
      return (
        (after.evictionAgeMs * after.evictions - evictionAgeMs * evictions) / Math.max(1, after.evictions - evictions)
      );
    };
    ageOf(8_000);
    // One set each 10 ms, nothing is read: an entry is as old as the cache has entries, when it leaves.
    const turnoverMs = engine.stats().entries * 10;
    expect(ageOf(8_000) / turnoverMs).toBeGreaterThan(0.85);
    expect(ageOf(8_000) / turnoverMs).toBeLessThan(1.15);
  });
});
