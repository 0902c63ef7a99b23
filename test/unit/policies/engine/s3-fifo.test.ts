import { describe, expect, it } from 'vitest';
import { MAY_GO } from '../../../../src/engine/ports.js';
import { PolicyBed } from '../../../support/policy-bed.js';

const ENTRIES = 512;

/** The mark of an entry that came into the main queue by its uses. */
function inMain(bed: PolicyBed): number {
  return bed.judge(bed.touch(bed.admit(), 2));
}

describe('S3-FIFO in marks', () => {
  it('lets an entry out of the small queue unless it was used twice', () => {
    const bed = new PolicyBed('s3-fifo', ENTRIES);
    const mark = bed.admit();
    bed.pass(5);
    expect(bed.judge(mark)).toBe(MAY_GO);
    expect(bed.judge(bed.touch(mark))).toBe(MAY_GO);
    expect(bed.judge(bed.touch(mark, 2))).not.toBe(MAY_GO);
  });

  it('has an entry go round the main queue once for each use, three times at most', () => {
    const bed = new PolicyBed('s3-fifo', ENTRIES);
    let mark = bed.touch(inMain(bed), 9);
    for (let round = 0; round < 3; round++) {
      bed.pass(20);
      const next = bed.judge(mark);
      expect(next, `round ${round}`).not.toBe(MAY_GO);
      expect(bed.rank(next)).toBeLessThan(bed.rank(mark));
      mark = next;
    }
    expect(bed.judge(mark)).toBe(MAY_GO);
  });

  it('counts no use before the main queue there', () => {
    const bed = new PolicyBed('s3-fifo', ENTRIES);
    expect(bed.judge(inMain(bed))).toBe(MAY_GO);
  });

  it('stores a ghost of the small queue in the main queue, once', () => {
    const bed = new PolicyBed('s3-fifo', ENTRIES);
    const hash = bed.freshHash();
    const mark = bed.admit(hash);
    bed.forget(mark, hash);
    const back = bed.touch(bed.admit(hash));
    // One use would not do in the small queue.
    expect(bed.judge(back)).not.toBe(MAY_GO);
    expect(bed.judge(bed.touch(bed.admit(hash)))).toBe(MAY_GO);
  });

  it('keeps no ghost of the main queue', () => {
    const bed = new PolicyBed('s3-fifo', ENTRIES);
    const hash = bed.freshHash();
    bed.forget(inMain(bed), hash);
    expect(bed.judge(bed.touch(bed.admit(hash)))).toBe(MAY_GO);
  });

  it('forgets a ghost after nine tenths of the entries have become ghosts', () => {
    for (const [others, isKnown] of [
      [440, true],
      [480, false],
    ] as const) {
      const bed = new PolicyBed('s3-fifo', ENTRIES);
      const hash = bed.freshHash();
      bed.forget(bed.admit(hash), hash);
      for (let i = 0; i < others; i++) {
        const other = bed.freshHash();
        bed.forget(bed.admit(other), other);
      }
      expect(bed.judge(bed.touch(bed.admit(hash))) !== MAY_GO, `${others} others`).toBe(isKnown);
    }
  });

  it('ranks the small queue higher the longer it is, and lower when it is short', () => {
    const bed = new PolicyBed('s3-fifo', ENTRIES);
    const small = bed.admit();
    const main = inMain(bed);
    bed.pass(50);
    const before = bed.rank(small);
    for (let i = 0; i < 400; i++) bed.judge(i % 2 === 0 ? main : small);
    for (let i = 0; i < 4_000; i++) bed.rank(i % 2 === 0 ? small : main);
    for (let i = 0; i < 40; i++) bed.judge(main);
    const long = bed.rank(small);
    expect(long).toBeGreaterThan(before);
    for (let i = 0; i < 4_000; i++) bed.rank(main);
    for (let i = 0; i < 80; i++) bed.judge(small);
    expect(bed.rank(small)).toBeLessThan(long);
  });

  it('counts at most one use of a renewed idle time for each look', () => {
    const bed = new PolicyBed('s3-fifo', ENTRIES);
    const stored = bed.clock.shared().coarse();
    const mark = bed.admit();
    bed.pass(40);
    expect(bed.touchAt(mark, stored)).toBe(mark);
    const tick = bed.clock.shared().coarse() - 8;
    const once = bed.touchAt(mark, tick);
    expect(bed.touchAt(once, tick)).toBe(once);
    expect(bed.judge(once)).toBe(MAY_GO);
    bed.pass(40);
    const twice = bed.touchAt(once, bed.clock.shared().coarse() - 8);
    expect(bed.judge(twice)).not.toBe(MAY_GO);
  });

  it('goes on across the wrap of virtual time', () => {
    const bed = new PolicyBed('s3-fifo', ENTRIES);
    bed.setTime(0x7fffffff - 20);
    const older = bed.admit();
    bed.pass(30);
    const newer = bed.admit();
    bed.pass(30);
    expect(bed.rank(older)).toBe(2 * bed.rank(newer));
    expect(bed.rank(newer)).toBeGreaterThan(0);
  });
});
