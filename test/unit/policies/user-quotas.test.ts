/** Goal: the limit of a user follows its activity by the rule in README, and stays within its bounds. */
import { describe, expect, it } from 'vitest';
import { UserQuotas } from '../../../src/policies/user-quotas.js';

const QUARTER = 90_000;
const SHARE = 1_600;

describe('UserQuotas', () => {
  const quotas = new UserQuotas();

  /** Activity after sets in these quarters of an hour. */
  function after(...quarters: number[]): number {
    return quarters.reduce((activity, quarter) => quotas.active(activity, quarter * QUARTER + 7), 0);
  }

  function limitAt(quarter: number, activity: number): number {
    return quotas.limit(SHARE, activity, quarter * QUARTER);
  }

  it('begins with the share of the tier', () => {
    expect(limitAt(100, after(100))).toBe(SHARE);
    expect(limitAt(0, after(0))).toBe(SHARE);
  });

  it('rises to one and a half of it for a user active in each of the last sixteen quarters', () => {
    const quarters = Array.from({ length: 16 }, (_, i) => 100 + i);
    expect(limitAt(115, after(...quarters))).toBe(SHARE * 1.5);
    expect(limitAt(130, after(...quarters, ...quarters.map((quarter) => quarter + 15)))).toBe(SHARE * 1.5);
  });

  it('falls by a sixteenth for each quarter without a set that replaces one with, down to a half', () => {
    const quarters = Array.from({ length: 16 }, (_, i) => 100 + i);
    const activity = after(...quarters);
    const limits = Array.from({ length: 20 }, (_, i) => limitAt(115 + i, activity));
    expect(limits.slice(0, 16)).toEqual(Array.from({ length: 16 }, (_, i) => SHARE * (1.5 - i / 16)));
    expect(limits.slice(16)).toEqual([800, 800, 800, 800]);
    expect(limitAt(1_000, after(100, 1_000))).toBe(SHARE * (0.5 + 1 / 16));
  });

  it('does not depend on how often a user stores something within a quarter', () => {
    expect(after(5, 5, 5, 5, 6)).toBe(after(5, 6));
  });

  it('survives the wrap of the tick', () => {
    const late = quotas.active(0, -1);
    expect(quotas.limit(SHARE, late, -1)).toBe(SHARE);
    expect(quotas.limit(SHARE, quotas.active(late, 5), 5)).toBe(SHARE * (0.5 + 1 / 16));
  });
});
