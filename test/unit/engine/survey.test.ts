/** The survey: the same figures as the statistics, gathered in steps of any size. */
import { describe, expect, it, vi } from 'vitest';
import { Candidates } from '../../../src/engine/candidates.js';
import { REMOVAL_CAUSES } from '../../../src/engine/causes.js';
import { pattern, useEngines } from '../../support/engines.js';
import { Random } from '../../support/random.js';

describe('the survey', () => {
  const engines = useEngines();

  it.each([1, 7, 500, 1_000_000])('in steps of %d cells finds what the statistics say (seed 3)', (cells) => {
    const random = new Random(3);
    const engine = engines.create({ capacityBytes: 2 << 20, shards: 2, types: 3 });
    for (let i = 0; i < 3_000; i++) {
      const entry = { type: random.below(3), ttlMs: random.below(2) * 10 };
      engine.set(`key ${random.below(2_000)}`, pattern(random.below(random.below(20) === 0 ? 30_000 : 900), i), entry);
      engine.get(`key ${random.below(2_000)}`, random.below(3));
      if (i % 500 === 0) engine.clock.advance(20);
    }
    const { survey } = engine.store;
    expect(survey.figures).toBeUndefined();
    let steps = 1;
    while (!survey.step(cells)) steps += 1;
    const stats = engine.stats();
    const figures = survey.figures!;
    expect(figures.pagesFree).toBe(stats.pagesFree);
    expect(figures.pagesIndex * stats.pageBytes).toBe(stats.bytesIndex);
    expect(figures.types.map(({ removals, expiryTicks, ...type }) => ({ ...type, removals: [...removals] }))).toEqual(
      stats.byType.map(({ entries, bytesUsed, hits, misses, removals }) => ({
        entries,
        bytes: bytesUsed,
        hits,
        misses,
        removals: REMOVAL_CAUSES.map((cause) => removals[cause]),
      })),
    );
    expect(figures.classes).toEqual(
      stats.classes.map(({ pages, chunksUsed, bytesRequested }) => ({ pages, chunksUsed, bytesRequested })),
    );
    expect(stats.removals.expired).toBeGreaterThan(0);
    expect(figures.types.every(({ expiryTicks }) => expiryTicks > 0)).toBe(true);
    expect(steps === 1).toBe(cells === 1_000_000);
    engine.set('one more', pattern(10, 1));
    const { entries } = figures.types[0]!;
    while (!survey.step(cells));
    expect(survey.figures!.types[0]!.entries).toBe(entries + 1);
  });
});

describe('trimming', () => {
  const engines = useEngines();

  it('frees as many bytes of pages as it says, at least as many as asked for, and ends when nothing is left', () => {
    const engine = engines.create({ capacityBytes: 2 << 20, shards: 2 });
    for (let i = 0; i < 3_000; i++) engine.set(`key ${i}`, pattern(800, i));
    const before = engine.stats();
    const freed = engine.store.trim(100_000);
    expect(freed).toBeGreaterThanOrEqual(100_000);
    const after = engine.stats();
    expect((after.pagesFree - before.pagesFree) * after.pageBytes).toBe(freed);
    expect(after.entries).toBeLessThan(before.entries);
    expect(engine.store.trim(1e9)).toBeLessThan(2 << 20);
    expect(engine.stats().entries).toBe(0);
    expect(engine.store.trim(1)).toBe(0);
  });

  it('frees a page of its own, whatever other shards give to the pool meanwhile', () => {
    const engine = engines.create({ capacityBytes: 2 << 20, shards: 2 });
    const other = engine.join(1);
    const keys = Array.from({ length: 3_000 }, (_, i) => `key ${i}`);
    for (const [i, key] of keys.entries()) engine.set(key, pattern(800, i));
    const before = engine.stats().pagesFree;
    let given = 0;
    const { isColdAt } = Candidates.prototype;
    const spy = vi.spyOn(Candidates.prototype, 'isColdAt').mockImplementationOnce(function (
      this: Candidates,
      shard,
      ...ranked
    ) {
      for (const key of keys) if (engine.shardOf(key) !== shard) other.delete(key);
      given = other.stats().pagesFree - before;
      return isColdAt.call(this, shard, ...ranked);
    });
    expect(engine.store.trim(1)).toBe(engine.stats().pageBytes);
    expect(spy).toHaveBeenCalled();
    spy.mockRestore();
    expect(given).toBeGreaterThan(10);
    expect(engine.stats().pagesFree).toBe(before + given + 1);
  });

  it('frees a page that holds nothing before it evicts', () => {
    const engine = engines.create({ capacityBytes: 2 << 20, shards: 1 });
    for (let i = 0; i < 200; i++) engine.set(`small ${i}`, pattern(100, i));
    for (let i = 0; i < 200; i++) engine.set(`large ${i}`, pattern(800, i));
    for (let i = 0; i < 200; i++) engine.delete(`small ${i}`);
    const before = engine.stats();
    const kept = before.classes.filter(({ pages, chunksUsed }) => pages > 0 && chunksUsed === 0).length;
    expect(kept).toBeGreaterThan(0);
    for (let i = 0; i < kept; i++) expect(engine.store.trim(1)).toBe(before.pageBytes);
    expect(engine.stats().entries).toBe(before.entries);
    engine.store.trim(1);
    expect(engine.stats().entries).toBeLessThan(before.entries);
  });

  it('while another verifies is no violation', () => {
    const engine = engines.create({ capacityBytes: 2 << 20, shards: 2 });
    for (let i = 0; i < 3_000; i++) engine.set(`key ${i}`, pattern(800, i));
    const { store } = engine.join(7);
    const { context } = engine.store;
    const leave = context.leave.bind(context);
    let freed = 0;
    context.leave = (shard) => {
      leave(shard);
      freed += store.trim(1);
    };
    expect(engine.verify()).toEqual([]);
    context.leave = leave;
    expect(freed).toBeGreaterThan(0);
  });
});
