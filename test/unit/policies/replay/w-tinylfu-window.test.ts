import { describe, expect, it } from 'vitest';
import { WTinyLfu } from '../../../../src/policies/replay/w-tinylfu.js';
import { Random } from '../../../support/random.js';

const CAPACITY = 100;
const REQUESTS = 30_000;
const KEYS = 3 * REQUESTS;

/** Every object is asked for twice, the second time within 100 requests or soon after: only a large window helps. */
function soonAgain(firstId: number, random: Random): number[] {
  const due = new Map<number, number>();
  let fresh = firstId;
  return Array.from({ length: REQUESTS }, (_, at) => {
    const again = due.get(at);
    if (again !== undefined) return again;
    let later = at + 1 + random.below(100);
    while (due.has(later)) later++;
    due.set(later, fresh);
    return fresh++;
  });
}

/** Half as many objects again as fit, in turn: only a small window helps. */
function loop(firstId: number): number[] {
  return Array.from({ length: REQUESTS }, (_, at) => firstId + (at % (CAPACITY * 1.5)));
}

/** Hit ratio of the last third, when the window has had time to adapt. */
function lateHitRatio(policy: WTinyLfu, ids: readonly number[]): number {
  const hits = ids.filter((id, at) => policy.access(id, 1) && at >= (REQUESTS * 2) / 3);
  return hits.length / (REQUESTS / 3);
}

describe('the window of w-tinylfu', () => {
  it.each([1, 2, 3])('grows for objects that come again soon, and shrinks for a loop, seed %i', (seed) => {
    const random = new Random(seed);
    for (const unit of ['objects', 'bytes'] as const) {
      const policy = new WTinyLfu(CAPACITY, { keys: KEYS, unit, seed, favour: 'objects' });
      // Without a window that adapts: 1 % in the first and third; a window of the whole cache has 0 % in the others.
      expect(lateHitRatio(policy, soonAgain(0, random))).toBeGreaterThan(0.4);
      expect(lateHitRatio(policy, loop(REQUESTS))).toBeGreaterThan(0.4);
      expect(lateHitRatio(policy, soonAgain(2 * REQUESTS, random))).toBeGreaterThan(0.4);
      expect(lateHitRatio(policy, loop(REQUESTS))).toBeGreaterThan(0.4);
    }
  });
});
