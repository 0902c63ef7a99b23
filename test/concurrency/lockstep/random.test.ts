/**
 * Goal: no schedule of two or three threads leads to a forbidden outcome. Method: seeded random schedules, in which the
 * threads stop before every atomic operation and journaled store. LOCKSTEP_SEEDS says how many of each scenario;
 * LOCKSTEP_SEED replays one.
 */
import { describe, expect, it } from 'vitest';
import { Lockstep, type Schedule } from './harness.js';
import { FORBIDDEN_ALWAYS, type Scenario } from './scenario.js';
import { SCENARIOS } from './scenarios.js';

const SEEDS = Number(process.env['LOCKSTEP_SEEDS'] ?? 40);
const ONLY = process.env['LOCKSTEP_SEED'];
/** About as many turns as the operations of a victim take. */
const DEATH_TURNS = 331;
/** A run switches threads at one step in so many: finely, and so that whole operations fall between two steps. */
const RARITIES = [2, 5, 12, 30, 80];

/** Where a scenario has somebody to recover, thread 2 dies, early in some schedules and late in others. */
function scheduleOf({ threads }: Scenario, seed: number): Schedule {
  const rarity = RARITIES[seed % RARITIES.length]!;
  const isDeadly = threads.flat().some(({ kind }) => kind === 'recover');
  return isDeadly ? { seed, rarity, victim: { thread: 2, turn: 1 + ((seed * 37) % DEATH_TURNS) } } : { seed, rarity };
}

/** For the long versions. */
const TIMEOUT_MS = 1_800_000;

describe(`random schedules (${ONLY === undefined ? `seeds 1 to ${SEEDS}` : `seed ${ONLY}`}): never ${FORBIDDEN_ALWAYS.join(', nor ')}`, () => {
  for (const scenario of SCENARIOS) {
    it(
      `${scenario.name}: never ${scenario.forbidden.join(', nor ')}`,
      async () => {
        const lockstep = await Lockstep.start(scenario);
        try {
          const first = ONLY === undefined ? 1 : Number(ONLY);
          const last = ONLY === undefined ? SEEDS : first;
          for (let seed = first; seed <= last; seed++) {
            const { problems } = lockstep.run(scheduleOf(scenario, seed));
            expect(problems, `LOCKSTEP_SEED=${seed}`).toEqual([]);
          }
        } finally {
          await lockstep.close();
        }
      },
      TIMEOUT_MS,
    );
  }
});
