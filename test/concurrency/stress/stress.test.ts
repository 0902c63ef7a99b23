import { expect, it } from 'vitest';
import { stress } from './stress.js';

const { STRESS_SEED, STRESS_SECONDS } = process.env;
const SEED = Number(STRESS_SEED ?? Math.floor(Math.random() * 2 ** 31));
const SECONDS = Number(STRESS_SECONDS ?? 6);

it(`threads on a few hot keys see nothing that no order of the operations allows (STRESS_SEED=${SEED})`, {
  timeout: SECONDS * 1_000 + 120_000,
}, async () => {
  const { problems, operations, hits, evictions, pagesMoved, decompressions } = await stress(SEED, SECONDS);
  expect(problems.slice(0, 20)).toEqual([]);
  // The run did what it is for.
  for (const count of [operations, hits, evictions, pagesMoved, decompressions]) expect(count).toBeGreaterThan(0);
});
