import { describe, expect, it } from 'vitest';
import { SHARD } from '../../../../native-free/index.js';
import { MAY_GO } from '../../../../src/engine/ports.js';
import { PolicyBed } from '../../../support/policy-bed.js';

const ENTRIES = 512;

/** A bed that has been full for a while: main entries of so many uses are what the sweep sees, and a few of the window. */
function fullBed(usesOfVictims: number): { bed: PolicyBed; main: number } {
  const bed = new PolicyBed('w-tinylfu', ENTRIES);
  // Before the sweep begins, the main region is filled.
  const main = bed.touch(bed.admit(), usesOfVictims - 1);
  const probation = usesOfVictims === 1 ? main : bed.judge(main);
  bed.pass(30);
  for (let i = 0; i < 2_000; i++) bed.rank(probation);
  return { bed, main: probation };
}

/** The mark of an entry at the end of the window after so many uses in all. */
function inWindow(bed: PolicyBed, uses: number): number {
  const mark = bed.touch(bed.admit(), uses - 1);
  bed.pass(3);
  return mark;
}

describe('W-TinyLFU in marks', () => {
  it('lets a candidate out of the window unless it was used more than the victims of the main region', () => {
    const { bed } = fullBed(3);
    for (const [uses, stays] of [
      [2, false],
      [3, false],
      [4, true],
    ] as const) {
      expect(bed.judge(inWindow(bed, uses)) !== MAY_GO, `${uses} uses`).toBe(stays);
    }
  });

  it('protects what is used on probation, and puts it on probation again before it goes', () => {
    const { bed, main } = fullBed(2);
    expect(bed.judge(main)).toBe(MAY_GO);
    const isProtected = bed.touch(main);
    bed.pass(3);
    const again = bed.judge(isProtected);
    expect(again).not.toBe(MAY_GO);
    expect(bed.judge(again)).toBe(MAY_GO);
  });

  it('remembers the uses of what goes in its ghost, and takes them out', () => {
    const { bed } = fullBed(3);
    const hash = bed.freshHash();
    bed.forget(bed.touch(bed.admit(hash), 2), hash);
    const back = bed.admit(hash);
    bed.pass(3);
    expect(bed.judge(back)).not.toBe(MAY_GO);
    const third = bed.admit(hash);
    bed.pass(3);
    expect(bed.judge(third)).toBe(MAY_GO);
  });

  it('halves the uses when ten requests for each entry have been seen', () => {
    const { bed } = fullBed(3);
    const mark = inWindow(bed, 5);
    expect(bed.judge(mark)).not.toBe(MAY_GO);
    for (let i = 0; i < ENTRIES * 11; i++) bed.policy.observe(bed.shard, 0, 1);
    bed.pass(2);
    expect(bed.judge(mark)).toBe(MAY_GO);
  });

  it('counts up to fifteen uses, and renews the stamp alone behind them', () => {
    const bed = new PolicyBed('w-tinylfu', ENTRIES);
    const mark = bed.touch(bed.admit(), 20);
    expect(bed.touch(mark)).toBe(mark);
    bed.pass(2);
    expect(bed.rank(mark)).toBeGreaterThan(bed.rank(bed.touch(mark)));
  });

  it('counts a renewed idle time once, at its time', () => {
    const bed = new PolicyBed('w-tinylfu', ENTRIES);
    const stored = bed.clock.shared().coarse();
    const mark = bed.admit();
    bed.pass(60);
    expect(bed.touchAt(mark, stored)).toBe(mark);
    const tick = bed.clock.shared().coarse() - 16;
    const renewed = bed.touchAt(mark, tick);
    expect(bed.rank(renewed)).toBeLessThan(bed.rank(mark));
    expect(bed.rank(renewed)).toBeGreaterThan(0);
    expect(bed.touchAt(renewed, tick)).toBe(renewed);
  });

  it('goes on across the wrap of virtual time', () => {
    const bed = new PolicyBed('w-tinylfu', ENTRIES);
    bed.setTime(0x7fffffff - 20);
    const older = bed.admit();
    bed.pass(30);
    const newer = bed.admit();
    bed.pass(30);
    expect(bed.meta[bed.shard + SHARD.stamp]).toBeLessThan(0);
    expect(bed.rank(older)).toBe(2 * bed.rank(newer));
    expect(bed.rank(newer)).toBeGreaterThan(0);
  });
});
