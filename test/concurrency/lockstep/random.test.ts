/**
 * Goal: no schedule of two or three threads leads to a forbidden outcome. Method: seeded random schedules, in which the
 * threads stop before every atomic operation and journaled store. LOCKSTEP_SEEDS says how many of each scenario;
 * LOCKSTEP_SEED replays one.
 */
import { describe, expect, it } from 'vitest';
import { Lockstep } from './harness.js';
import { FORBIDDEN_ALWAYS, SCENARIOS } from './scenarios.js';

const SEEDS = Number(process.env['LOCKSTEP_SEEDS'] ?? 60);
const ONLY = process.env['LOCKSTEP_SEED'];
/** A run switches threads at one step in so many: finely, and so that whole operations fall between two steps. */
const RARITIES = [2, 5, 12, 30, 80];

describe(`random schedules (${ONLY === undefined ? `seeds 1 to ${SEEDS}` : `seed ${ONLY}`}): never ${FORBIDDEN_ALWAYS.join(', nor ')}`, () => {
  for (const scenario of SCENARIOS) {
    it(`${scenario.name}: never ${scenario.forbidden.join(', nor ')}`, async () => {
      const lockstep = await Lockstep.start(scenario);
      try {
        const first = ONLY === undefined ? 1 : Number(ONLY);
        const last = ONLY === undefined ? SEEDS : first;
        for (let seed = first; seed <= last; seed++) {
          const { problems } = lockstep.run({ seed, rarity: RARITIES[seed % RARITIES.length]! });
          expect(problems, `LOCKSTEP_SEED=${seed}`).toEqual([]);
        }
      } finally {
        await lockstep.close();
      }
    });
  }
});
