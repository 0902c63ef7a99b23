import { describe, expect, it } from 'vitest';
import { GHOST_WAYS, Ghosts, ghostCells } from '../../../../src/policies/adaptive/ghosts.js';
import { freshMark } from '../../../../src/policies/adaptive/mark.js';
import { Random, seedFrom } from '../../../support/random.js';

const SEED = seedFrom('GHOSTS_SEED');
const NOTHING = -1;

describe('ghosts', () => {
  it('give a mark back once', () => {
    const ghosts = new Ghosts(new Int32Array(64), 0, 64);
    ghosts.remember(123, 0xabcde, 10);
    expect(ghosts.recall(124)).toBe(NOTHING);
    expect(ghosts.recall(123)).toBe(0xabcde);
    expect(ghosts.recall(123)).toBe(NOTHING);
  });

  it('forget what was used longest ago when a set is full, also across the wrap of the clock', () => {
    for (const begin of [100, 4_090]) {
      const ghosts = new Ghosts(new Int32Array(GHOST_WAYS), 0, GHOST_WAYS);
      for (let i = 0; i < GHOST_WAYS + 3; i++) ghosts.remember(i, freshMark(begin + i), begin + i);
      const left = Array.from({ length: GHOST_WAYS + 3 }, (_, i) => ghosts.recall(i));
      expect(left.slice(0, 3)).toEqual([NOTHING, NOTHING, NOTHING]);
      expect(left.slice(3)).toEqual(left.slice(3).map((_, i) => freshMark(begin + i + 3)));
    }
  });

  it('use their part of the words, all of it, and nothing else', () => {
    const cells = new Int32Array(8 * 64 + 16).fill(-1);
    cells.fill(0, 8, 8 + 8 * 64);
    const ghosts = new Ghosts(cells, 8, 8 * 64);
    const random = new Random(SEED);
    for (let i = 0; i < 20_000; i++) ghosts.remember(random.below(2 ** 32) | 0, freshMark(i), i);
    expect([...cells.subarray(0, 8), ...cells.subarray(8 + 8 * 64)]).toEqual(new Array(16).fill(-1));
    expect(cells.subarray(8, 8 + 8 * 64).includes(0), `GHOSTS_SEED ${SEED}`).toBe(false);
  });

  it('tell most keys apart that share low bits of their hash, as those of a shard do', () => {
    const ghosts = new Ghosts(new Int32Array(8_192), 0, 8_192);
    for (let i = 0; i < 2_000; i++) ghosts.remember(i << 8, freshMark(i), i);
    let found = 0;
    let strangers = 0;
    for (let i = 0; i < 2_000; i++) if (ghosts.recall(i << 8) !== NOTHING) found += 1;
    for (let i = 0; i < 2_000; i++) ghosts.remember(i << 8, freshMark(i), i);
    for (let i = 2_000; i < 12_000; i++) if (ghosts.recall(i << 8) !== NOTHING) strangers += 1;
    expect(found).toBeGreaterThan(1_950);
    expect(strangers).toBeLessThan(100);
  });

  it('take any content', () => {
    const random = new Random(SEED);
    const cells = Int32Array.from({ length: 64 }, () => random.below(2 ** 32) | 0);
    const ghosts = new Ghosts(cells, 0, 64);
    for (let i = 0; i < 2_000; i++) {
      const mark = ghosts.recall(random.below(2 ** 32) | 0);
      expect(mark === NOTHING || (mark >= 0 && mark < 2 ** 20), `GHOSTS_SEED ${SEED}`).toBe(true);
      if (i % 3 > 0) continue;
      const hash = random.below(2 ** 32) | 0;
      ghosts.remember(hash, i & 0xfffff, i);
      expect(ghosts.recall(hash)).not.toBe(NOTHING);
      cells[random.below(64)] = random.below(2 ** 32) | 0;
    }
  });

  it('of two threads that fit the cells alike find each other’s, and use no others', () => {
    const random = new Random(SEED);
    const cells = new Int32Array(8 * 64);
    const [mine, other] = [new Ghosts(cells, 0, cells.length), new Ghosts(cells, 0, cells.length)];
    for (const count of [8 * 64, 8 * 16, 8, 8 * 2, 8 * 64]) {
      let found = 0;
      cells.fill(0);
      mine.fit(count);
      other.fit(count);
      for (let i = 0; i < 5_000; i++) {
        const hash = random.below(2 ** 32) | 0;
        mine.remember(hash, freshMark(i), i);
        const mark = other.recall(hash);
        expect(mark, `GHOSTS_SEED ${SEED}`).not.toBe(NOTHING);
        if (mark === freshMark(i)) found += 1;
        mine.remember(hash, freshMark(i), i);
      }
      // The others have found that of a key with the same fingerprint.
      expect(found).toBeGreaterThan(4_900);
      expect(cells.subarray(0, count).includes(0), `GHOSTS_SEED ${SEED}`).toBe(false);
      expect(cells.subarray(count).every((cell) => cell === 0)).toBe(true);
    }
  });

  it('are four a resident in small caches and one and a quarter in large ones', () => {
    expect([0, 1, 100, 4_096, 10_000, 100_000].map(ghostCells)).toEqual([8, 8, 400, 16_384, 16_384, 125_000]);
  });
});
