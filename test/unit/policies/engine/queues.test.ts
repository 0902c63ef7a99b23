import { describe, expect, it } from 'vitest';
import { QueueShare, SHARE_WORDS } from '../../../../src/policies/queue-share.js';
import { ageOf } from '../../../../src/policies/stamp.js';
import { CLIMBER_WORDS, WindowClimber } from '../../../../src/policies/window-climber.js';

describe('the share of a queue', () => {
  it('is that of the bytes which the sweep sees, and an entry that is seen twice counts once', () => {
    const share = new QueueShare(new Int32Array(SHARE_WORDS), 0);
    expect(share.isKnown(0)).toBe(false);
    expect(share.of(0)).toBe(0);
    for (let i = 0; i < 4_000; i++) share.see(0, i % 4 === 0, i % 4 === 0 ? 30 : 10);
    expect(share.isKnown(0)).toBe(true);
    expect(share.of(0)).toBeCloseTo(0.5, 1);
    const before = share.of(0);
    for (let i = 0; i < 1_000; i++) {
      share.see(0, true, 30);
      share.unsee(0);
    }
    expect(share.of(0)).toBe(before);
  });
});

describe('the climber', () => {
  /** Ends a sample of 1,000 requests with so many inserts; returns the share then. */
  function sample(climber: WindowClimber, inserts: number): number {
    for (let i = 1; i < inserts; i++) climber.note(0, 0, 100);
    expect(climber.note(0, 1_000, 100)).toBe(true);
    return climber.share(0);
  }

  function fresh(): WindowClimber {
    const climber = new WindowClimber(new Int32Array(CLIMBER_WORDS), 0);
    climber.format(0);
    return climber;
  }

  it('goes on while the hit ratio rises, and turns round when it falls', () => {
    const climber = fresh();
    const shares = [climber.share(0), ...[500, 490, 480].map((inserts) => sample(climber, inserts))];
    expect(shares).toEqual(shares.toSorted((a, b) => a - b));
    expect(new Set(shares).size).toBe(4);
    expect(sample(climber, 490)).toBeLessThan(shares[3]!);
  });

  it('takes smaller steps, and large ones anew when the hit ratio jumps', () => {
    const climber = fresh();
    sample(climber, 500);
    let before = climber.share(0);
    const steps: number[] = [];
    for (const inserts of [499, 498, 497, 300, 299]) {
      const share = sample(climber, inserts);
      steps.push(share - before);
      before = share;
    }
    expect(steps[1]).toBeLessThan(steps[0]!);
    expect(steps[2]).toBeLessThan(steps[1]!);
    expect(steps[4]).toBeGreaterThan(steps[3]!);
  });

  it('stays within its bounds', () => {
    const climber = fresh();
    for (let inserts = 900; inserts > 100; inserts -= 10) sample(climber, inserts);
    expect(climber.share(0)).toBeCloseTo(0.8, 5);
    const shrinking = fresh();
    sample(shrinking, 100);
    for (let inserts = 200; inserts < 900; inserts += 10) {
      const share = sample(shrinking, inserts);
      expect(share).toBeGreaterThanOrEqual(1 / 32);
      expect(share).toBeLessThanOrEqual(0.8);
    }
  });
});

describe('an age', () => {
  it('counts across the wrap of the stamp and of the time, and takes what is a little ahead as new', () => {
    const mask = 0xfff;
    expect(ageOf(5, 4_090, mask)).toBe(11);
    expect(ageOf(-2_147_483_648, 2_147_483_640, mask)).toBe(8);
    expect(ageOf(10, 12, mask)).toBe(0);
    expect(ageOf(4_000, 0, mask)).toBe(4_000);
  });
});
