/** The chunk sizes that options make: none below the smallest asked for, whatever the page. */
import { describe, expect, it } from 'vitest';
import { chunkSizes } from '../../../src/engine/size-classes.js';

describe.each([2 ** 12, 2 ** 13, 2 ** 14, 2 ** 17, 2 ** 20])('chunks of pages of %d bytes', (pageBytes) => {
  it.each([32, 64, 200, 512, 520, 1_024])('grow from %d bytes to a whole page', (chunkBytesMin) => {
    const sizes = chunkSizes(pageBytes, chunkBytesMin, 1.25);
    expect(sizes.at(-1)).toBe(pageBytes);
    expect(sizes[0]).toBeGreaterThanOrEqual(chunkBytesMin);
    // The first is what was asked for, unless that is more than a page's eighth: then the smallest part of one that is enough.
    const parts = [8, 7, 6, 5, 4].map((divisor) => Math.floor(pageBytes / divisor / 8) * 8);
    const first = chunkBytesMin <= pageBytes / 8 ? chunkBytesMin : parts.find((part) => part >= chunkBytesMin);
    expect(sizes[0]).toBe(first);
    for (const [i, size] of sizes.entries()) {
      expect(size % 8).toBe(0);
      if (i > 0) expect(size).toBeGreaterThan(sizes[i - 1]!);
    }
  });
});
