/** The ring of sampled uses: what is reported is read once, in order; what is overwritten is left out, never torn apart. */
import { describe, expect, it } from 'vitest';
import { isSampled, NOW_MASK, Samples, sampleWords } from '../../../src/policies/adaptive/samples.js';

const RECORDS = 64;

function ring(): Samples {
  return new Samples(new Int32Array(new SharedArrayBuffer(sampleWords(RECORDS) * 4 + 40)), 5, RECORDS);
}

function readAll(samples: Samples, from: number, most = 1_000): { next: number; hashes: number[] } {
  const hashes: number[] = [];
  const next = samples.read(from, most, (hash) => hashes.push(hash));
  return { next, hashes };
}

describe('Samples', () => {
  it('hands on hash, time and size as they were reported', () => {
    const samples = ring();
    samples.report(-123, 0x7fff_ffff, 1_000);
    const seen: number[][] = [];
    samples.read(0, 10, (...record) => seen.push(record));
    expect(seen).toEqual([[-123, 0x7fff_ffff & NOW_MASK, 79]]);
    // 79 eighths of an octave: 2^9.875, within an eighth of the size.
    expect(2 ** (79 / 8)).toBeLessThan(1_000);
    expect(2 ** (80 / 8)).toBeGreaterThan(1_000);
  });

  it('goes on where it ended, no more at a time than asked for', () => {
    const samples = ring();
    for (let hash = 1; hash <= 20; hash++) samples.report(hash, 0, 100);
    const first = readAll(samples, samples.head - 20, 8);
    expect(first.hashes).toEqual([1, 2, 3, 4, 5, 6, 7, 8]);
    expect(readAll(samples, first.next).hashes).toEqual([9, 10, 11, 12, 13, 14, 15, 16, 17, 18, 19, 20]);
  });

  it('leaves out what was overwritten, and what is about to be', () => {
    const samples = ring();
    for (let hash = 0; hash < 1_000; hash++) samples.report(hash, 0, 100);
    const { hashes, next } = readAll(samples, 0);
    expect(next).toBe(1_000);
    expect(hashes).toEqual(Array.from({ length: hashes.length }, (_, i) => 1_000 - hashes.length + i));
    expect(hashes.length).toBeGreaterThan(RECORDS / 2);
    expect(hashes.length).toBeLessThan(RECORDS);
  });

  it('takes all keys or one in 2^shift, always the same', () => {
    const samples = ring();
    const hashes = Array.from({ length: 4_096 }, (_, i) => Math.imul(i, 0x9e3779b1));
    expect(hashes.every((hash) => isSampled(hash, 0))).toBe(true);
    samples.setShift(6);
    for (const hash of hashes) samples.report(hash, 0, 100);
    const sampled = hashes.filter((hash) => isSampled(hash, 6));
    expect(sampled.length).toBeGreaterThan(32);
    expect(sampled.length).toBeLessThan(128);
    expect(samples.head).toBe(sampled.length);
  });
});
