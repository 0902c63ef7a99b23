/**
 * Goal: what the engine promises holds whichever policy decides who goes. `verify` must find nothing behind each test
 * (engines.ts).
 */
import { describe, expect, it } from 'vitest';
import { ENGINE_POLICIES } from '../../../src/policies/engine-policies.js';
import { pattern, useEngines } from '../../support/engines.js';

const KEYS = 10_000;
const VALUE_BYTES = 180;
const HOT = 20;

describe.each(ENGINE_POLICIES)('an engine that evicts by %s', (policy) => {
  const engines = useEngines();

  it('takes every set far over its capacity, and what it holds is right', () => {
    const engine = engines.create({ policy, capacityBytes: 1 << 20 });
    let stored = 0;
    for (let i = 0; i < KEYS; i++) stored += engine.set(`k${i}`, pattern(40 + (i % 5) * 90, i));
    expect(stored).toBe(KEYS);
    const { entries } = engine.stats();
    expect(entries).toBeGreaterThan(1_500);
    expect(entries).toBeLessThan(KEYS / 2);
    let found = 0;
    for (let i = 0; i < KEYS; i++) {
      const value = engine.get(`k${i}`);
      if (value === undefined) continue;
      found++;
      if (Buffer.compare(value, pattern(40 + (i % 5) * 90, i)) !== 0) expect.fail(`k${i} has another value`);
    }
    expect(found).toBe(entries);
    expect(new Set(engine.keys()).size).toBe(entries);
  });

  it('keeps a hot set while others pass by once', () => {
    const engine = engines.create({ policy, capacityBytes: 1 << 20 });
    let hits = 0;
    for (let i = 0; i < KEYS * 2; i++) {
      engine.clock.advance(1);
      const hot = `hot${i % 200}`;
      if (engine.get(hot) !== undefined) hits++;
      else engine.set(hot, pattern(VALUE_BYTES, i % 200));
      engine.set(`once${i}`, pattern(VALUE_BYTES, i));
    }
    expect(hits / (KEYS * 2)).toBeGreaterThan(0.98);
  });

  // Of one size with the others, then in slab classes that have a single page.
  it.each([180, 20, 2_500].flatMap((bytes) => [1, 2].map((seed) => ({ bytes, seed }))))(
    'keeps each of a few keys that are read all the time, of $bytes bytes, as it becomes full, seed $seed',
    ({ bytes, seed }) => {
      const engine = engines.create({ policy, capacityBytes: 1 << 20, hashKey: [seed, 4] });
      for (let i = 0; i < HOT; i++) engine.set(`hot${i}`, pattern(bytes, i));
      const lost: string[] = [];
      for (let i = 0; i < KEYS; i++) {
        engine.clock.advance(1);
        engine.set(`once${i}`, pattern(VALUE_BYTES, i));
        if (engine.get(`hot${i % HOT}`) === undefined) lost.push(`hot${i % HOT} at ${i}`);
      }
      expect(lost).toEqual([]);
    },
  );

  it('keeps hot entries with an idle time, whose reads leave the mark alone', () => {
    const engine = engines.create({ policy, capacityBytes: 1 << 20 });
    let hits = 0;
    for (let i = 0; i < KEYS * 2; i++) {
      engine.clock.advance(5);
      const hot = `hot${i % 200}`;
      if (engine.get(hot) !== undefined) hits++;
      else engine.set(hot, pattern(VALUE_BYTES, i % 200), { idleMs: 600_000 });
      engine.set(`once${i}`, pattern(VALUE_BYTES, i), { idleMs: 600_000 });
    }
    expect(hits / (KEYS * 2)).toBeGreaterThan(0.95);
  });

  it('lets go of what has expired, and holds as much again behind it', () => {
    const engine = engines.create({ policy, capacityBytes: 1 << 20 });
    for (let i = 0; i < KEYS; i++) engine.set(`k${i}`, pattern(VALUE_BYTES, i), { ttlMs: 1_000 });
    const { entries } = engine.stats();
    engine.clock.advance(2_000);
    expect(engine.get(`k${KEYS - 1}`)).toBeUndefined();
    for (let i = 0; i < KEYS; i++) engine.set(`n${i}`, pattern(VALUE_BYTES, i));
    expect(engine.get(`n${KEYS - 1}`)).toEqual(pattern(VALUE_BYTES, KEYS - 1));
    expect(engine.stats().entries).toBeGreaterThan(entries * 0.98);
  });

  it('takes room for large items from small ones and gives it back', () => {
    const engine = engines.create({ policy, capacityBytes: 1 << 20 });
    for (let i = 0; i < KEYS; i++) engine.set(`k${i}`, pattern(VALUE_BYTES, i));
    for (let i = 0; i < 60; i++) expect(engine.set(`large${i}`, pattern(60_000, i))).toBe(1);
    expect(engine.get('large59')).toEqual(pattern(60_000, 59));
    for (let i = 0; i < KEYS; i++) engine.set(`n${i}`, pattern(VALUE_BYTES, i));
    expect(engine.get(`n${KEYS - 1}`)).toEqual(pattern(VALUE_BYTES, KEYS - 1));
    expect(engine.stats().entries).toBeGreaterThan(1_500);
  });

  it('is the same to a second thread: marks and words are shared', () => {
    const engine = engines.create({ policy, capacityBytes: 1 << 20 });
    const other = engine.join(1);
    for (let i = 0; i < KEYS; i++) (i % 2 === 0 ? engine : other).set(`k${i}`, pattern(VALUE_BYTES, i));
    expect(other.verify()).toEqual([]);
    expect(other.stats().entries).toBe(engine.stats().entries);
  });
});
