import { describe, expect, it } from 'vitest';
import { Random } from '../../../support/random.js';
import { create, replay, type Sequence, type Setup } from './support.js';

const REQUESTS = 30_000;

function hitPercent(name: 'adaptive' | 'lru', sequence: Sequence, setup: Setup): number {
  const hits = replay(create(name, sequence, setup), sequence).filter(Boolean).length;
  return (hits / sequence.ids.length) * 100;
}

function sequenceOf(id: (at: number) => number): Sequence {
  return { ids: Array.from({ length: REQUESTS }, (_, at) => id(at)) };
}

describe('adaptive', () => {
  it.each([1, 2, 3])('keeps as much of a loop as there is room for, seed %i', (seed) => {
    const loop = sequenceOf((at) => at % 300);
    expect(hitPercent('lru', loop, { capacity: 200 })).toBe(0);
    // 66.7 % at best.
    expect(hitPercent('adaptive', loop, { capacity: 200, seed })).toBeGreaterThan(62);
  });

  it.each([1, 2, 3])('is as good as lru where only recency tells, seed %i', (seed) => {
    const random = new Random(seed);
    const passing = sequenceOf((at) => Math.floor(at / 4) + random.below(150));
    const lru = hitPercent('lru', passing, { capacity: 200 });
    expect(lru).toBeGreaterThan(70);
    expect(hitPercent('adaptive', passing, { capacity: 200, seed })).toBeGreaterThan(lru - 1);
  });

  it.each([1, 2, 3])('keeps what is asked for again in spite of a scan, seed %i', (seed) => {
    const random = new Random(seed);
    const scan = sequenceOf((at) => (at % 2 === 0 ? 1_000 + at : random.below(150)));
    expect(hitPercent('lru', scan, { capacity: 200 })).toBeLessThan(30);
    // 50 % at best.
    expect(hitPercent('adaptive', scan, { capacity: 200, seed })).toBeGreaterThan(45);
  });

  it('follows a load that changes', () => {
    const loop = sequenceOf((at) => at % 300);
    const random = new Random(1);
    const passing = sequenceOf((at) => 1_000 + Math.floor(at / 4) + random.below(150));
    const ids = [...passing.ids, ...loop.ids, ...passing.ids.map((id) => id + 100_000), ...loop.ids];
    const hits = replay(create('adaptive', { ids }, { capacity: 200 }), { ids });
    const parts = [0, 1, 2, 3].map(
      (part) => hits.slice(part * REQUESTS, (part + 1) * REQUESTS).filter(Boolean).length / REQUESTS,
    );
    expect(Math.min(parts[0]!, parts[2]!)).toBeGreaterThan(0.7);
    expect(Math.min(parts[1]!, parts[3]!)).toBeGreaterThan(0.6);
  });

  it('keeps small objects rather than large ones, all else being equal, for the ratio of hits', () => {
    const random = new Random(2);
    const ids = Array.from({ length: REQUESTS }, () => random.below(400));
    const sizes = ids.map((id) => (id < 200 ? 10 : 1_000));
    const sequence = { ids, sizes };
    const setup: Setup = { capacity: 20_000, unit: 'bytes' };
    // The 200 small ones take 2,000 bytes, and half of the requests go to them.
    expect(hitPercent('adaptive', sequence, setup)).toBeGreaterThan(50);
    expect(hitPercent('lru', sequence, setup)).toBeLessThan(25);
  });
});
