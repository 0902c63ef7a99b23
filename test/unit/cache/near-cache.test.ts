/** The bounds of a near cache, what leaves first, and what of it is left under pressure. */
import { describe, expect, it } from 'vitest';
import { NearCache, resolveNear } from '../../../src/cache/near-cache.js';
import type { ReadProof } from '../../../src/engine/proofs.js';
import { LEVELS } from '../../../src/policies/type-rules.js';
import { Engine } from '../../support/engine.js';

const NORMAL = LEVELS.indexOf('normal');
const HIGH = LEVELS.indexOf('high');
const CRITICAL = LEVELS.indexOf('critical');

function aProof(): ReadProof {
  const engine = Engine.create();
  engine.set('k', new Uint8Array(8));
  return engine.prove('k')!;
}

const PROOF = aProof();

function filled(near: NearCache<number>, count: number, bytes = 100): NearCache<number> {
  for (let i = 0; i < count; i++) near.keep(`key ${i}`, i, bytes, PROOF, NORMAL);
  return near;
}

describe('a near cache', () => {
  it('keeps no more entries than it may, the oldest that were not used going first', () => {
    const near = filled(new NearCache<number>({ entries: 8, bytes: 1 << 20 }), 8);
    for (const i of [0, 2]) near.find(`key ${i}`)!.wasUsed = true;
    for (let i = 8; i < 12; i++) near.keep(`key ${i}`, i, 100, PROOF, NORMAL);
    const kept = Array.from({ length: 12 }, (_, i) => i).filter((i) => near.find(`key ${i}`) !== undefined);
    expect(kept).toEqual([0, 2, 6, 7, 8, 9, 10, 11]);
    expect(near.stats.entries).toBe(8);
  });

  it('lets go of one in the end, though all were used', () => {
    const near = filled(new NearCache<number>({ entries: 100, bytes: 1 << 20 }), 100);
    for (let i = 0; i < 100; i++) near.find(`key ${i}`)!.wasUsed = true;
    near.keep('next', 1, 100, PROOF, NORMAL);
    expect([near.stats.entries, near.find('next')?.value]).toEqual([100, 1]);
  });

  it('takes no more bytes than it may, and no value of more than half of them', () => {
    const near = filled(new NearCache<number>({ entries: 1_000, bytes: 20_000 }), 100, 1_000);
    expect(near.stats.bytes).toBeLessThanOrEqual(20_000);
    expect(near.stats.entries).toBeGreaterThan(10);
    near.keep('large', 1, 11_000, PROOF, NORMAL);
    expect(near.find('large')).toBeUndefined();
  });

  it('counts what it keeps: replaced, dropped and cleared', () => {
    const near = filled(new NearCache<number>({ entries: 100, bytes: 1 << 20 }), 3);
    const { bytes } = near.stats;
    near.keep('key 1', 7, 600, PROOF, NORMAL);
    expect([near.find('key 1')?.value, near.stats]).toEqual([7, { entries: 3, bytes: bytes + 500 }]);
    near.drop('key 1');
    near.drop('never there');
    expect(near.stats.entries).toBe(2);
    for (const i of [0, 2]) near.drop(`key ${i}`);
    expect(near.stats).toEqual({ entries: 0, bytes: 0 });
    filled(near, 3).clear();
    expect(near.stats).toEqual({ entries: 0, bytes: 0 });
  });

  it('has a quarter left at level high, nothing at critical, and keeps nothing there', () => {
    const near = filled(new NearCache<number>({ entries: 100, bytes: 1 << 20 }), 100);
    near.fit(HIGH);
    expect(near.stats.entries).toBe(25);
    near.keep('k', 1, 100, PROOF, HIGH);
    expect(near.stats.entries).toBe(25);
    near.fit(CRITICAL);
    near.keep('k', 1, 100, PROOF, CRITICAL);
    expect(near.stats).toEqual({ entries: 0, bytes: 0 });
  });

  it('lets hits be quick for as long as the proof says, and never again by the wrap of the clock', () => {
    const near = filled(new NearCache<number>({ entries: 10, bytes: 1 << 20 }), 1);
    const kept = near.find('key 0')!;
    for (const until of [5, 0x7fffffff, -0x80000000]) {
      kept.quickUntil = until;
      const isQuick = (ticks: number): boolean => kept.isQuickAt((until + ticks) | 0);
      expect([-10, -1, 0, 1, -11, 2 ** 31, 2 ** 31 + 5].map(isQuick)).toEqual([
        true,
        true,
        false,
        false,
        false,
        false,
        false,
      ]);
    }
  });

  it('wants a key at its second read', () => {
    const near = new NearCache<number>({ entries: 10, bytes: 1 << 20 });
    expect([near.wants(77), near.wants(78), near.wants(77), near.wants(78)]).toEqual([false, false, true, true]);
  });
});

describe('the bounds of a near cache', () => {
  it('have defaults, and are checked', () => {
    expect(resolveNear('near', {})).toEqual({ entries: 10_000, bytes: 16 << 20 });
    expect(resolveNear('near', { entries: 1, bytes: '4kb' })).toEqual({ entries: 1, bytes: 4_096 });
    for (const entries of [0, 1.5, -1, 1_000_001, Number.NaN, '5' as never])
      expect(() => resolveNear('types.a.near', { entries })).toThrow(/types\.a\.near\.entries .* from 1 to 1000000/);
    for (const bytes of [0, '1kb', '9gb'] as const)
      expect(() => resolveNear('types.a.near', { bytes })).toThrow(/types\.a\.near\.bytes/);
  });
});
