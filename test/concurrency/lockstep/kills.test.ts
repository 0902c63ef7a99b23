/**
 * Goal: an operation may be killed at any of its steps, or be refused the locks of users from any of them on. After it,
 * and after the death of the recovery at any of its own: verify() is [], every page and chunk is accounted for, the key
 * has its old value or its new one, all other keys are as they were, and nobody hangs. LOCKSTEP_STRIDE=1 does so in every mode, and kills each recovery at every
 * step, not at one in a few.
 */
import { describe, expect, it } from 'vitest';
import { DEATH_MODES, DEATHS } from './death-cases.js';
import { killAtEveryStep } from './kill-all.js';

const STRIDE = Number(process.env['LOCKSTEP_STRIDE'] ?? 307);

/** In the short version each step is gone through in half of the modes. */
const EVERY = STRIDE === 1 ? 1 : 2;

/** For the long versions. */
const TIMEOUT_MS = 1_800_000;

describe('death at every step', () => {
  for (const deathCase of DEATHS) {
    it(
      deathCase.name,
      async () => {
        const { steps, deaths, problems } = await killAtEveryStep(deathCase, DEATH_MODES, EVERY, STRIDE);
        expect(problems).toEqual([]);
        expect(steps).toBeGreaterThan(10);
        expect(deaths).toBeGreaterThan(steps);
      },
      TIMEOUT_MS,
    );
  }
});
