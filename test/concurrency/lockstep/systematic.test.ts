/**
 * Goal: what random schedules may miss. Method: every schedule of two small threads with one switch between them, and a
 * seeded sample of those with two (LOCKSTEP_PAIRS=n takes n of each scenario). A run is named by its plan: the thread
 * that begins, and the steps at which it is another's turn.
 */
import { describe, expect, it } from 'vitest';
import { Lockstep, type Run, type Schedule } from './harness.js';
import { PAIRS } from './pairs.js';
import { SCENARIOS } from './scenarios.js';
import { aroundDeath } from './schedules.js';

const SAMPLES = Number(process.env['LOCKSTEP_PAIRS'] ?? 25);
const SEED = Number(process.env['LOCKSTEP_SEED'] ?? 1);

function check(lockstep: Lockstep, plan: NonNullable<Schedule['plan']>): Run {
  const run = lockstep.run({ seed: SEED, plan });
  expect(run.problems, JSON.stringify(plan)).toEqual([]);
  return run;
}

/** Switches at every step of the thread that begins. Returns how many steps a run has. */
function checkOneSwitch(lockstep: Lockstep, start: number): number {
  const { steps, ends } = check(lockstep, { start, switches: [] });
  for (let step = 1; step <= ends[start - 1]!; step++) check(lockstep, { start, switches: [[step, 3 - start]] });
  return steps;
}

function checkTwoSwitches(lockstep: Lockstep, start: number, steps: number): void {
  for (let i = 0, x = SEED; i < SAMPLES; i++) {
    // Steps from a generator of full period (Park and Miller), so that a sample is the seed's.
    x = (x * 48_271) % 0x7fffffff;
    const first = 1 + (x % steps);
    x = (x * 48_271) % 0x7fffffff;
    const second = first + 1 + (x % steps);
    check(lockstep, {
      start,
      switches: [
        [first, 3 - start],
        [second, start],
      ],
    });
  }
}

describe(`schedules with few switches, seed ${SEED}`, () => {
  for (const scenario of PAIRS) {
    it(scenario.name, async () => {
      const lockstep = await Lockstep.start(scenario);
      try {
        for (const start of [1, 2]) checkTwoSwitches(lockstep, start, checkOneSwitch(lockstep, start));
      } finally {
        await lockstep.close();
      }
    });
  }

  it('a get on both sides of a death and its recovery', async () => {
    const scenario = SCENARIOS.find(({ name }) => name === 'a writer that dies, beside a reader')!;
    const lockstep = await Lockstep.start(scenario);
    try {
      for (const schedule of aroundDeath()) {
        const { problems } = lockstep.run(schedule);
        expect(problems, JSON.stringify(schedule)).toEqual([]);
      }
    } finally {
      await lockstep.close();
    }
  });

  it('is the same run for the same words', async () => {
    const lockstep = await Lockstep.start(PAIRS[0]!);
    try {
      for (let seed = 1; seed <= 20; seed++) {
        const { steps } = lockstep.run({ seed, rarity: 3 });
        expect(lockstep.run({ seed, rarity: 3 }).steps).toBe(steps);
      }
    } finally {
      await lockstep.close();
    }
  });
});
