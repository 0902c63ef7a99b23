/** The judgement of pressure: levels with hysteresis, bounded actions, and what the arena's share counts. */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { HOLD_MS } from '../../../src/policies/calm.js';
import {
  delayShare,
  levelOf,
  MARGIN,
  PressureController,
  type PressureState,
  protectedShare,
  REGROW_MAX,
  SHRINK_MAX,
  STEP_THRESHOLDS,
  TICK_MS,
} from '../../../src/policies/pressure.js';
import { LEVELS } from '../../../src/policies/type-rules.js';
import { seedFrom } from '../../support/random.js';

const SEED = seedFrom('FC_SEED');
const ROUND = 1e-9;

/** A controller fed every 100 ms with one reading. */
class Bench {
  readonly states: PressureState[] = [];
  nowMs = 0;
  readonly #controller: PressureController;

  constructor(keepsOccupancy = false, start = { step: 0, headroom: 0 }) {
    this.#controller = new PressureController(keepsOccupancy, start);
  }

  feed(used: number, free = 0): PressureState {
    this.nowMs += TICK_MS;
    const state = this.#controller.update({ nowMs: this.nowMs, readings: [used, undefined, 0], free });
    this.states.push(state);
    return state;
  }

  feedFor(ms: number, used: number, free = 0): PressureState {
    let state = this.feed(used, free);
    for (let left = ms - TICK_MS; left > 0; left -= TICK_MS) state = this.feed(used, free);
    return state;
  }
}

function changes(states: readonly PressureState[]): number {
  return states.filter((state, i) => i > 0 && state.step !== states[i - 1]!.step).length;
}

describe('levels', () => {
  it.each([
    [0, 'normal'],
    [0.6999, 'normal'],
    [0.7, 'elevated'],
    [0.7999, 'elevated'],
    [0.8, 'high'],
    [0.8999, 'high'],
    [0.9, 'critical'],
    [1, 'critical'],
  ])('%d used is %s, at once', (used, level) => {
    expect(LEVELS[new Bench().feed(used).level]).toBe(level);
  });

  it('fall one threshold at a time, each after used has stayed the margin below it for the hold', () => {
    const bench = new Bench();
    bench.feed(0.95);
    const seen: string[] = [];
    for (const [i, threshold] of [...STEP_THRESHOLDS.entries()].reverse()) {
      // On the margin, for ever: nothing falls.
      expect(bench.feedFor(HOLD_MS * 3, threshold - MARGIN).step).toBe(i + 1);
      expect(bench.feedFor(HOLD_MS, threshold - MARGIN - 0.001).step).toBe(i + 1);
      expect(bench.feed(threshold - MARGIN - 0.001).step).toBe(i);
      seen.push(levelOf(i));
    }
    expect(seen).toEqual(['high', 'high', 'elevated', 'elevated', 'normal']);
  });

  it('a moment above the margin begins the hold anew', () => {
    const bench = new Bench();
    bench.feed(0.95);
    for (let i = 0; i < 10; i++) {
      bench.feedFor(HOLD_MS - TICK_MS, 0.1);
      expect(bench.feed(0.88).step).toBe(5);
    }
  });

  it('a clock that stands still holds a level, and one that leaps gives one step back', () => {
    const controller = new PressureController(false);
    const at = (nowMs: number, used: number) => controller.update({ nowMs, readings: [used], free: 0 }).step;
    expect([at(0, 0.95), at(0, 0), at(0, 0), at(1e9, 0), at(1e9, 0), at(2e9, 0)]).toEqual([5, 5, 5, 4, 4, 3]);
  });

  it('the highest source decides; one that is off does not', () => {
    const controller = new PressureController(false);
    const at = (...readings: (number | undefined)[]) => {
      const { used, source } = controller.update({ nowMs: 0, readings, free: 0 });
      return [used, source];
    };
    expect(at(0.1, 0.2, 0.3, 0.25)).toEqual([0.3, 2]);
    expect(at(undefined, 0.2, undefined, 0.3)).toEqual([0.3, 3]);
    expect(at(undefined, undefined, undefined, undefined)).toEqual([0, 0]);
  });

  it('a successor goes on from what holds', () => {
    const bench = new Bench(false, { step: 5, headroom: 0.2 });
    expect(bench.feed(0.88)).toMatchObject({ step: 5, level: 3, headroom: 0.2, leastImportance: 2 });
    const calm = new Bench(false, { step: 5, headroom: 0.2 });
    expect(calm.feedFor(HOLD_MS, 0).step).toBe(5);
    expect(calm.feed(0).step).toBe(4);
  });
});

describe(`hysteresis (FC_SEED=${SEED})`, () => {
  const share = fc.double({ min: 0, max: 1, noNaN: true });

  it('a saw-tooth that is faster than the hold, or smaller than the margin, changes nothing after its first tooth', () => {
    const fast = fc.record({ low: share, swing: share, ticks: fc.integer({ min: 2, max: HOLD_MS / TICK_MS }) });
    const small = fc.record({
      low: share,
      swing: fc.double({ min: 0, max: MARGIN - ROUND, noNaN: true }),
      ticks: fc.integer({ min: 2, max: 400 }),
    });
    const property = fc.property(fc.oneof(fast, small), ({ low, swing, ticks }) => {
      const bench = new Bench();
      const tooth = () => {
        for (let i = 0; i < ticks; i++) bench.feed(Math.min(1, low + (swing * i) / (ticks - 1)));
      };
      tooth();
      const settled = bench.states.at(-1)!.step;
      for (let i = 0; i < 8; i++) tooth();
      expect(bench.states.slice(ticks).every(({ step }) => step === settled)).toBe(true);
    });
    fc.assert(property, { seed: SEED, numRuns: 200 });
  });

  it('whatever the load: up to what it reaches, down at most once in a hold, never below what it needs', () => {
    const property = fc.property(
      fc.array(fc.tuple(share, fc.integer({ min: 1, max: 80 })), { maxLength: 40 }),
      (load) => {
        const bench = new Bench();
        let lastFallMs = Number.NEGATIVE_INFINITY;
        let before = 0;
        for (const [used, ticks] of load) {
          for (let i = 0; i < ticks; i++) {
            const { step } = bench.feed(used);
            const reached = STEP_THRESHOLDS.filter((threshold) => used >= threshold).length;
            expect(step).toBe(Math.max(reached, step));
            if (step > before) expect(step).toBe(reached);
            if (step < before) {
              expect([before - step, bench.nowMs - lastFallMs >= HOLD_MS]).toEqual([1, true]);
              expect(used).toBeLessThan(STEP_THRESHOLDS[before - 1]! - MARGIN);
              lastFallMs = bench.nowMs;
            }
            before = step;
          }
        }
      },
    );
    fc.assert(property, { seed: SEED, numRuns: 200 });
  });
});

describe('actions', () => {
  it.each([
    [0.69, 0, 0, 0],
    [0.74, 0, 0, 0],
    [0.75, 0.05, 0, 0],
    [0.79, 0.05, 0, 0],
    [0.8, 0.1, 0, 0],
    [0.84, 0.1, 0, 0],
    [0.85, 0.1, 1, 0],
    [0.9, 0.2, 2, 2],
  ])('at %d used: head-room %d, TTLs by 2^-%d, sets from importance %d', (used, target, ttlShift, leastImportance) => {
    const bench = new Bench();
    expect(bench.feedFor(3_000, used)).toMatchObject({ target, headroom: target, ttlShift, leastImportance });
  });

  it('end by themselves when pressure falls', () => {
    const bench = new Bench();
    bench.feedFor(1_000, 0.95);
    expect(bench.feedFor(6 * HOLD_MS, 0.3)).toMatchObject({
      level: 0,
      target: 0,
      headroom: 0,
      trim: 0,
      ttlShift: 0,
      leastImportance: 0,
    });
    expect(changes(bench.states)).toBe(STEP_THRESHOLDS.length);
  });

  it('the head-room moves once a tick, however often asked and however late, and back slower than there', () => {
    const controller = new PressureController(false);
    const at = (nowMs: number, used: number) => controller.update({ nowMs, readings: [used], free: 0 });
    expect(at(0, 0.95)).toMatchObject({ headroom: 0.05, trim: 0.05 });
    expect(at(TICK_MS - 1, 0.95)).toMatchObject({ headroom: 0.05, trim: 0 });
    expect(at(TICK_MS, 0.95).headroom).toBe(0.1);
    expect(at(60_000, 0.95).headroom).toBe(0.15);
    expect(at(3_600_000, 0.95).headroom).toBe(0.2);
    expect(REGROW_MAX).toBeLessThan(SHRINK_MAX);
  });

  it(`in any load no tick moves it, or frees, more than its bound, and no free room is freed again (FC_SEED=${SEED})`, () => {
    const share = fc.double({ min: 0, max: 1, noNaN: true });
    const moment = fc.tuple(share, share, fc.integer({ min: 0, max: 100_000 }));
    const property = fc.property(fc.boolean(), fc.array(moment, { maxLength: 200 }), (keepsOccupancy, moments) => {
      const controller = new PressureController(keepsOccupancy);
      let nowMs = 0;
      let before = 0;
      for (const [used, free, elapsedMs] of moments) {
        nowMs += elapsedMs;
        const { headroom, trim } = controller.update({ nowMs, readings: [used], free });
        expect(headroom - before).toBeLessThanOrEqual(SHRINK_MAX + ROUND);
        expect(before - headroom).toBeLessThanOrEqual(REGROW_MAX + ROUND);
        expect(trim).toBeLessThanOrEqual(SHRINK_MAX);
        expect(trim).toBeLessThanOrEqual(Math.max(0, headroom - free));
        expect(trim).toBeGreaterThanOrEqual(0);
        before = headroom;
      }
    });
    fc.assert(property, { seed: SEED, numRuns: 300 });
  });

  it('with occupancy the cache is kept at the first threshold, whatever flows in', () => {
    const bench = new Bench(true);
    let occupancy = 0.5;
    for (let i = 0; i < 600; i++) {
      const { trim } = bench.feed(occupancy, 1 - occupancy);
      occupancy = Math.min(1, occupancy - trim + 0.01);
    }
    expect(occupancy).toBeLessThanOrEqual(0.71 + ROUND);
    expect(LEVELS[bench.states.at(-1)!.level]).toBe('elevated');
    expect(changes(bench.states)).toBe(1);
  });
});

describe('the share of the arena', () => {
  const type = (bytes: number, importance: number, reserveBytes = 0) => ({ bytes, importance, reserveBytes });

  it.each([
    ['nothing', [], 0, 0],
    ['evictable bytes do not count', [type(900, 1), type(100, 0)], 0, 0],
    ['critical bytes do', [type(400, 3), type(100, 3)], 0, 0.5],
    ['what is in flight does', [type(400, 1)], 100, 0.1],
    ['reserves count as far as they are filled', [type(100, 1, 300), type(400, 0, 200)], 0, 0.3],
    ['a critical type counts once', [type(500, 3, 300)], 0, 0.5],
    ['important bytes count', [type(500, 2), type(200, 3)], 0, 0.7],
    ['important bytes alone lift it to high, not to critical', [type(950, 2)], 0, 0.8999],
    ['nor together with others', [type(500, 2), type(450, 3)], 0, 0.8999],
    ['an important type within its reserve is protected', [type(950, 2, 950)], 0, 0.95],
    ['critical bytes reach critical', [type(920, 3), type(80, 2)], 0, 0.92],
    ['never above one', [type(900, 3)], 200, 1],
  ])('%s', (_, types, fixedBytes, share) => {
    expect(protectedShare(types, fixedBytes, 1_000)).toBeCloseTo(share, 9);
  });
});

describe('the share of an event loop', () => {
  it.each([
    [0, 0],
    [100, 0.35],
    [200, 0.7],
    [60_000, 0.74],
  ])('a delay of %d ms is %d', (delayMs, share) => {
    expect(delayShare(delayMs)).toBeCloseTo(share, 9);
  });

  it('asks for no eviction, however long', () => {
    expect(new Bench().feedFor(1_000, delayShare(1e9))).toMatchObject({ level: 1, target: 0, trim: 0, ttlShift: 0 });
  });
});
