import { describe, expect, it } from 'vitest';
import { KEY_OK, Key } from '../../../src/engine/key.js';
import { Random } from '../../support/random.js';
import { halfSipHash, wordsOfBytes, wordsOfKey } from './half-siphash.js';

/** `vectors_hsip32` of the authors' repository: key 00 01 … 07, message 00 01 … of growing length, 2-4 rounds. */
const OFFICIAL = ['a9359f5b', '27475ab8', 'fa62a603', '8afee704', '2a6e4689', 'c5fab669', '5863fc23', '8bcf63c5'];

function littleEndian(value: number): string {
  const bytes = Buffer.alloc(4);
  bytes.writeInt32LE(value);
  return bytes.toString('hex');
}

describe('the reference', () => {
  it.each([...OFFICIAL.entries()])('official vector %d is %s', (length, expected) => {
    const message = Array.from({ length }, (_, i) => i);
    expect(littleEndian(halfSipHash(wordsOfBytes(message), 0x03020100, 0x07060504, 2, 4))).toBe(expected);
  });
});

function hashOf(k0: number, k1: number, text: string, salt: number): number {
  const key = new Key(k0, k1);
  expect(key.prepare(text, salt)).toBe(KEY_OK);
  return key.hash;
}

describe('KeyHash', () => {
  const SEED = 20_260;

  it(`is HalfSipHash-1-3 over a key's bytes (seed ${SEED})`, () => {
    const random = new Random(SEED);
    for (let i = 0; i < 3_000; i++) {
      const [k0, k1] = [random.below(2 ** 32) | 0, random.below(2 ** 32) | 0];
      const limit = i % 2 === 0 ? 0x80 : 0x10000;
      const units = Array.from({ length: random.below(40) }, () => random.below(limit));
      const key = `k${String.fromCharCode(...units).toWellFormed()}`;
      const salt = random.below(256);
      expect(hashOf(k0, k1, key, salt), JSON.stringify(key)).toBe(halfSipHash(wordsOfKey(key, salt), k0, k1, 1, 3));
    }
  });

  it('depends on the key, the salt and both words of its own key', () => {
    const hashes = new Set<number>();
    for (const [k0, k1] of [
      [1, 2],
      [2, 1],
      [1, 3],
      [0, 0],
    ] as const) {
      for (const key of ['a', 'b', 'aa', 'a\0', '\0', '\0\0', 'ab', 'ba']) {
        for (let salt = 0; salt < 256; salt++) hashes.add(hashOf(k0, k1, key, salt));
      }
    }
    // 8,192 hashes of 32 bits: 0.01 collisions are to be expected.
    expect(hashes.size).toBeGreaterThanOrEqual(8_191);
  });

  it('forgets the key before: a short key behind a long one hashes as if it were the first', () => {
    const key = new Key(1, 2);
    for (const text of ['a', 'ab', 'abc', 'é', '漢', 'ab\x80', '\x7f']) {
      key.prepare('x'.repeat(200), 0);
      key.prepare(text, 0);
      expect(key.hash, JSON.stringify(text)).toBe(hashOf(1, 2, text, 0));
    }
  });

  it('spreads keys that differ in their last digits over the lowest and the highest bits', () => {
    const key = new Key(0x1234, 0x5678);
    const low = new Int32Array(256);
    const high = new Int32Array(256);
    for (let i = 0; i < 65_536; i++) {
      key.prepare(`user:${i}`, 0);
      const h = key.hash;
      low[h & 255]! += 1;
      high[h >>> 24]! += 1;
    }
    // Chi-squared with 255 degrees of freedom: above 370 once in 200,000.
    for (const counts of [low, high]) {
      expect(counts.reduce((sum, count) => sum + (count - 256) ** 2 / 256, 0)).toBeLessThan(370);
    }
  });
});
