import { describe, expect, it } from 'vitest';
import { KINDS, poolSizeFor, ValuePool } from '../../../src/cli/payloads.js';
import { DEMO_TYPES } from '../../../src/cli/profile.js';
import { sizeAt } from '../../../src/cli/sizes.js';

function sizesOf(pool: ValuePool<(typeof DEMO_TYPES)[number]>): number[] {
  return pool.bodies.map((body) => Buffer.byteLength(JSON.stringify(body))).sort((a, b) => a - b);
}

function percentile(sorted: readonly number[], share: number): number {
  return sorted[Math.round(share * (sorted.length - 1))] ?? Number.NaN;
}

describe.each(DEMO_TYPES)('values of type %s', (type) => {
  const { sizes } = KINDS[type];
  const pool = new ValuePool(type, 1);

  it('are the same for the same seed, and others for another', () => {
    expect(new ValuePool(type, 1).bodies).toEqual(pool.bodies);
    expect(new ValuePool(type, 2).bodies).not.toEqual(pool.bodies);
  });

  it('have the recorded percentiles of size, within a tenth', () => {
    const measured = sizesOf(pool);
    for (const [share, expected] of [
      [0.5, sizes.p50],
      [0.9, sizes.p90],
      [1, sizes.max],
    ] as const) {
      expect(Math.abs(percentile(measured, share) / expected - 1)).toBeLessThan(0.1);
    }
  });

  it('stay within the recorded bounds, but for the smallest shape', () => {
    const measured = sizesOf(pool);
    expect(percentile(measured, 0)).toBeGreaterThan(sizes.min * 0.8);
    expect(percentile(measured, 0)).toBeLessThan(sizes.min * 1.25);
    expect(percentile(measured, 1)).toBeLessThanOrEqual(sizes.max * 1.01);
  });

  it('carry their key and survive JSON', () => {
    const value = pool.valueOf(12, 'some-key');
    expect(value.key).toBe('some-key');
    expect(JSON.parse(JSON.stringify(value))).toEqual(value);
  });

  it('are told by rank alone: each is used equally often, and the most popular has the middle size', () => {
    const used = new Set(pool.bodies.map((_, rank) => JSON.stringify(pool.valueOf(rank, ''))));
    expect(used.size).toBe(pool.bodies.length);
    const { key: _, ...first } = pool.valueOf(0, '');
    expect(first).toEqual(pool.bodies[pool.bodies.length / 2]);
  });
});

describe('poolSizeFor', () => {
  it('shrinks with the number of threads, within bounds, in powers of two', () => {
    expect([1, 3, 8, 9, 17, 33, 65].map(poolSizeFor)).toEqual([256, 256, 256, 128, 64, 32, 32]);
  });
});

describe('routes', () => {
  it('are GeoJSON line strings on the globe', () => {
    for (const { type, geometry } of new ValuePool('route', 3).bodies) {
      expect([type, geometry.type]).toEqual(['Feature', 'LineString']);
      const onGlobe = geometry.coordinates.every(([lon, lat]) => Math.abs(lon) <= 180 && Math.abs(lat) <= 90);
      expect(onGlobe).toBe(true);
    }
  });
});

describe('sizeAt', () => {
  const profile = { min: 100, p50: 400, p90: 1_600, max: 6_400, rise: 1, tail: 1 };

  it('meets the given points and grows by ratio between them', () => {
    expect([0, 0.5, 0.9, 1].map((share) => Math.round(sizeAt(profile, share)))).toEqual([100, 400, 1_600, 6_400]);
    expect(sizeAt(profile, 0.25)).toBeCloseTo(200);
    expect(sizeAt(profile, 0.7)).toBeCloseTo(800);
  });

  it('never falls', () => {
    const sizes = Array.from({ length: 101 }, (_, i) => sizeAt({ ...profile, rise: 0.2, tail: 8 }, i / 100));
    expect(sizes.every((size, i) => i === 0 || size >= (sizes[i - 1] ?? 0))).toBe(true);
  });

  it('refuses shares outside 0 to 1', () => {
    expect(() => sizeAt(profile, 1.01)).toThrow(RangeError);
    expect(() => sizeAt(profile, Number.NaN)).toThrow(RangeError);
  });
});
