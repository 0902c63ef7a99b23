import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { getsCompressed, OffloadCosts, SizedCost, setsCompressed, TripCost } from '../../../../src/cache/pool/costs.js';

/** Of a type that isn't compressed. */
const PLAIN = Number.POSITIVE_INFINITY;

describe('the cost by size', () => {
  it('is the prior until something is measured', () => {
    expect(new SizedCost(() => 3).estimate(1_000)).toBe(3_000);
  });

  it('comes to what is measured, from below and from above', () => {
    for (const ns of [100, 1e6]) {
      const cost = new SizedCost(() => 2);
      for (let i = 0; i < 100; i++) cost.note(10_000, ns);
      expect(cost.estimate(10_000) / ns).toBeCloseTo(1, 1);
    }
  });

  it('tells sizes apart, and takes the nearest for those that were never measured', () => {
    const cost = new SizedCost(() => 2);
    for (let i = 0; i < 100; i++) {
      cost.note(1_000, 10_000);
      cost.note(1_000_000, 1_000_000);
    }
    expect(cost.estimate(1_000)).toBeCloseTo(10_000, -2);
    expect(cost.estimate(1_000_000)).toBeCloseTo(1_000_000, -4);
    expect(cost.estimate(500)).toBeCloseTo(5_000, -2);
    expect(cost.estimate(4_000_000)).toBeCloseTo(4_000_000, -5);
  });

  it('is moved little by one measurement that was disturbed', () => {
    const cost = new SizedCost(() => 2);
    for (let i = 0; i < 100; i++) cost.note(1_000, 1_000);
    cost.note(1_000, 30_000_000);
    expect(cost.estimate(1_000)).toBeLessThan(6_000);
  });

  it('is a finite number above 0 for any sizes and times', () => {
    const notes = fc.array(fc.tuple(fc.nat(2 ** 31 - 1), fc.double({ min: 0, max: 1e12, noNaN: true })));
    const check = fc.property(notes, fc.nat(2 ** 31 - 1), (noted, bytes) => {
      const cost = new SizedCost(() => 1);
      for (const [size, ns] of noted) cost.note(size, ns);
      const estimate = cost.estimate(bytes);
      expect(Number.isFinite(estimate) && estimate >= 0).toBe(true);
    });
    fc.assert(check, { seed: 4_711 });
  });
});

describe('what is worth a trip', () => {
  it('is work that takes twice what sending it does', () => {
    const trip = new TripCost();
    const costs = new OffloadCosts(trip, PLAIN);
    for (let i = 0; i < 200; i++) {
      trip.note(40_000);
      costs.work.note(1_000, 20_000);
      costs.work.note(20_000, 400_000);
      costs.carriage.note(1_000, 100);
      costs.carriage.note(20_000, 2_000);
    }
    expect([costs.isWorth(1_000), costs.isWorth(20_000)]).toEqual([false, true]);
    for (let i = 0; i < 500; i++) trip.note(400_000);
    expect(costs.isWorth(20_000)).toBe(false);
  });

  it('is nothing that only sending would take as long, however large', () => {
    const costs = new OffloadCosts(new TripCost(), PLAIN);
    for (let i = 0; i < 200; i++) {
      costs.work.note(5_000_000, 1_000_000);
      costs.carriage.note(5_000_000, 600_000);
    }
    expect(costs.isWorth(5_000_000)).toBe(false);
  });

  it('before anything is measured is what has some tens of kilobytes', () => {
    const costs = new OffloadCosts(new TripCost(), PLAIN);
    expect([costs.isWorth(1_000), costs.isWorth(20_000), costs.isWorth(500_000)]).toEqual([false, false, true]);
  });

  it('before anything is measured is less where a compressor is at work, from the size on at which it is', () => {
    const costs = new OffloadCosts(new TripCost(), 15_000);
    expect([14_000, 16_000].map((bytes) => costs.isWorth(bytes))).toEqual([false, true]);
    const plan = { with: 'zlib', above: 40_000, atSet: true } as const;
    expect([setsCompressed(plan), getsCompressed(plan)]).toEqual([40_000, 10_000]);
    expect([setsCompressed({ ...plan, atSet: false }), setsCompressed(undefined)]).toEqual([PLAIN, PLAIN]);
    expect([getsCompressed({ ...plan, atSet: false }), getsCompressed(undefined)]).toEqual([10_000, PLAIN]);
  });

  it('is what a compressor is soon found to take long for, and no longer what it leaves alone', () => {
    const costs = new OffloadCosts(new TripCost(), 10_000);
    for (let i = 0; i < 40; i++) {
      costs.work.note(5_000, 40 * 5_000);
      costs.work.note(20_000, 0.5 * 20_000);
    }
    expect([costs.isWorth(5_000), costs.isWorth(20_000)]).toEqual([true, false]);
  });
});

it('the time of a trip follows the short ones at once, and the long ones slowly', () => {
  const trip = new TripCost();
  trip.note(20_000);
  expect(trip.ns).toBe(20_000);
  trip.note(100_000_000);
  expect(trip.ns).toBeLessThan(25_000);
  trip.note(-5);
  expect(trip.ns).toBeGreaterThan(0);
});
