/** Keys are stored and compared by words, so what pads the last word must never tell keys apart, or make two equal. */
import { expect, test } from 'vitest';
import { WhiteBox } from '../../../bench/white-box.js';

const BYTES = 256 * 1_024;

/** Keys of 1 to 12 bytes, each a beginning of the next, in one-, two- and four-byte characters. */
const KEYS = ['abcdefghijkl', 'äöüßéè', '\u{1f6b2}\u{1f6b4}\u{1f6b5}', 'aä\u{1f6b2}xyz'].flatMap((text) => {
  const characters = [...text];
  return characters.map((_, i) => characters.slice(0, i + 1).join(''));
});

test('a key is told from its own beginnings, whatever its chunk held before', () => {
  const box = new WhiteBox(BYTES);
  const value = new Uint8Array(20);
  for (const before of ['z'.repeat(12), '\u0001'.repeat(12)]) {
    for (const key of new Set(KEYS)) {
      // Puts a longer key where the next one will come to lie.
      expect(box.set(before, value)).toBe(true);
      expect(box.delete(before)).toBe(true);
      expect(box.set(key, value)).toBe(true);
      for (const other of new Set(KEYS)) expect(box.read(other), `${other} beside ${key}`).toBe(other === key);
      expect(box.delete(key)).toBe(true);
    }
  }
  expect(box.store.verify()).toEqual([]);
});

test('replacing a value by one of any other size leaves exact accounts', () => {
  const box = new WhiteBox(BYTES);
  const sizes = [0, 1, 3, 4, 20, 64, 65, 300, 900, 1_000, 3_000, 9_000];
  for (const from of sizes) {
    for (const to of sizes) {
      expect(box.set('key', new Uint8Array(from))).toBe(true);
      expect(box.set('key', new Uint8Array(to))).toBe(true);
      expect(box.store.verify(), `${from} bytes replaced by ${to}`).toEqual([]);
      const stats = box.store.stats();
      expect([stats.entries, stats.bytesPayload]).toEqual([1, 3 + to]);
    }
  }
});
