import { describe, expect, it } from 'vitest';
import { alignUp, ceilPower, countBits, isPower, lowestBit } from '../../../native-free/index.js';
import { Random } from '../../support/random.js';

const WORDS = [0, 1, 2, 3, 0x80000000 | 0, -1, 0x7fffffff, 0x55555555, 0xaaaaaaaa | 0, -2];

describe('bits', () => {
  it('lowestBit and countBits agree with counting one by one', () => {
    const random = new Random(7);
    for (const word of [...WORDS, ...Array.from({ length: 2_000 }, () => random.below(2 ** 32) | 0)]) {
      const bits = [...(word >>> 0).toString(2).padStart(32, '0')].reverse();
      expect(countBits(word), String(word)).toBe(bits.filter((bit) => bit === '1').length);
      expect(lowestBit(word), String(word)).toBe(word === 0 ? 32 : bits.indexOf('1'));
    }
  });

  it('powers of two', () => {
    expect([0, 1, 2, 3, 4, 5, 1023, 1024, 1025, 2 ** 33 + 1].map(ceilPower)).toEqual([
      1,
      1,
      2,
      4,
      4,
      8,
      1024,
      1024,
      2048,
      2 ** 34,
    ]);
    expect([0, 0.5, 1, 2, 3, 4, 6, 2 ** 40, -2].map(isPower)).toEqual([
      false,
      false,
      true,
      true,
      false,
      true,
      false,
      true,
      false,
    ]);
  });

  it('alignUp, beyond 32 bits too', () => {
    expect([alignUp(0, 8), alignUp(1, 8), alignUp(8, 8), alignUp(9, 8), alignUp(2 ** 34 + 1, 16)]).toEqual([
      0,
      8,
      8,
      16,
      2 ** 34 + 16,
    ]);
  });
});
