import { expect, test } from 'vitest';
import { ExactLru } from '../../../../src/policies/replay/lru.js';
import { Random, seedFrom } from '../../../support/random.js';

const SEED = seedFrom('POLICY_SEED');
const KEYS = 40;

test(`hits and misses as a map in order of use does, POLICY_SEED ${SEED}`, () => {
  const random = new Random(SEED);
  for (let capacity = 1; capacity <= 20; capacity++) {
    const lru = new ExactLru(capacity, { keys: KEYS, unit: 'objects', seed: 0, favour: 'objects' });
    const model = new Map<number, true>();
    for (let i = 0; i < 1_000; i++) {
      const key = random.below(KEYS);
      const isHit = model.delete(key);
      if (!isHit && model.size === capacity) model.delete(model.keys().next().value!);
      model.set(key, true);
      expect(lru.access(key, 1)).toBe(isHit);
    }
  }
});
