import { expect, test } from 'vitest';
import { ExactLru } from '../../../bench/exact-lru.js';
import { Random } from '../../../src/cli/random.js';

const SEED = Number(process.env['SEED'] ?? 1);

test(`hits and misses as a map in order of use does, seed ${SEED}`, () => {
  const random = new Random(SEED);
  for (let capacity = 1; capacity <= 20; capacity++) {
    const lru = new ExactLru(capacity, 40);
    const model = new Map<number, true>();
    for (let i = 0; i < 1_000; i++) {
      const key = random.between(0, 39);
      const isHit = model.delete(key);
      if (!isHit && model.size === capacity) model.delete(model.keys().next().value!);
      model.set(key, true);
      expect(lru.access(key)).toBe(isHit);
    }
  }
});
