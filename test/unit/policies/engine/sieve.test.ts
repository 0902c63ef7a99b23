import { describe, expect, it } from 'vitest';
import { MAY_GO } from '../../../../src/engine/ports.js';
import { PolicyBed } from '../../../support/policy-bed.js';

const ENTRIES = 512;

describe('SIEVE in marks', () => {
  it('evicts the unvisited, lets the visited stay once for any number of uses', () => {
    const bed = new PolicyBed('sieve', ENTRIES);
    const mark = bed.admit();
    bed.pass(4);
    expect(bed.judge(mark)).toBe(MAY_GO);
    const visited = bed.touch(mark, 3);
    expect(bed.touch(visited)).toBe(visited);
    const spared = bed.judge(visited);
    expect(spared).not.toBe(MAY_GO);
    expect(bed.judge(spared)).toBe(MAY_GO);
  });

  it('leaves the rank to insertion: a use does not change it', () => {
    const bed = new PolicyBed('sieve', ENTRIES);
    const older = bed.admit();
    bed.pass(10);
    const newer = bed.admit();
    bed.pass(10);
    expect(bed.rank(bed.touch(older))).toBe(bed.rank(older));
    expect(bed.rank(older)).toBeGreaterThan(bed.rank(newer));
  });

  it('comes to what it has passed behind all that it has not, even at the same stamp', () => {
    const bed = new PolicyBed('sieve', ENTRIES);
    const visited = bed.touch(bed.admit());
    bed.pass(40);
    const passed = bed.judge(visited);
    const stored = bed.admit();
    bed.pass(3);
    expect(bed.rank(stored)).toBeGreaterThan(bed.rank(passed));
  });

  it('begins a lap when hardly any entry of the last is left, and keeps the order of passing', () => {
    const bed = new PolicyBed('sieve', ENTRIES);
    const marks = [bed.admit(), bed.admit()].map((mark) => bed.touch(mark));
    bed.pass(20);
    const first = bed.judge(marks[0]!);
    bed.pass(5);
    const second = bed.judge(marks[1]!);
    bed.pass(5);
    const late = bed.admit();
    bed.pass(2);
    expect(bed.rank(late)).toBeGreaterThan(bed.rank(first));
    for (let i = 0; i < 4_000; i++) bed.rank(i % 2 === 0 ? first : second);
    expect(bed.rank(first)).toBeGreaterThan(bed.rank(second));
    expect(bed.rank(first)).toBeGreaterThan(bed.rank(late));
  });

  it('counts a renewed idle time as a visit only if it is later than the stamp', () => {
    const bed = new PolicyBed('sieve', ENTRIES);
    const stored = bed.clock.shared().coarse();
    const mark = bed.admit();
    bed.pass(40);
    expect(bed.touchAt(mark, stored)).toBe(mark);
    const visited = bed.touchAt(mark, bed.clock.shared().coarse() - 8);
    expect(visited).not.toBe(mark);
    const spared = bed.judge(visited);
    expect(bed.touchAt(spared, bed.clock.shared().coarse() - 8)).toBe(spared);
  });

  it('goes on across the wrap of virtual time', () => {
    const bed = new PolicyBed('sieve', ENTRIES);
    bed.setTime(0x7fffffff - 20);
    const older = bed.admit();
    bed.pass(30);
    const newer = bed.admit();
    bed.pass(30);
    expect(bed.rank(older)).toBe(61);
    expect(bed.rank(newer)).toBe(31);
  });
});
