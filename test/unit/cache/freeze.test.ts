/** Which values a freeze makes immutable in all depth, and what it says of the others. */
import { describe, expect, it } from 'vitest';
import { deepFreeze, type Makers } from '../../../src/cache/freeze.js';

const MAKERS: readonly Makers[] = ['plain', 'any'];

function isDeeplyFrozen(value: unknown, seen = new Set<unknown>()): boolean {
  if (typeof value !== 'object' || value === null || seen.has(value)) return true;
  seen.add(value);
  return Object.isFrozen(value) && Object.values(value).every((part) => isDeeplyFrozen(part, seen));
}

describe.each(MAKERS)('deepFreeze of what %s makes', (makers) => {
  it('freezes plain objects and arrays in all depth, and knows what they take', () => {
    const shared = { n: 1 };
    const value = {
      a: [1, [2.5, { b: 'text' }], shared],
      shared,
      none: null,
      absent: undefined,
      big: 10n,
      ['__proto__x']: {},
    };
    expect(deepFreeze(value, makers)).toBeGreaterThan(200);
    expect(isDeeplyFrozen(value)).toBe(true);
    expect(() => (value.a as unknown[]).push(1)).toThrow(TypeError);
    expect(() => Object.assign(shared, { n: 2 })).toThrow(TypeError);
  });

  it('comes to an end in cycles, and at any depth', () => {
    const cycle: { self?: unknown; list: unknown[] } = { list: [] };
    cycle.self = cycle;
    cycle.list.push(cycle);
    expect(deepFreeze(cycle, makers)).toBeLessThan(1_000);
    let deep: unknown[] = [];
    for (let i = 0; i < 100_000; i++) deep = [deep];
    expect(deepFreeze(deep, makers)).toBeGreaterThan(100_000);
    expect(Object.isFrozen(deep)).toBe(true);
  });

  it.each([
    ['a Map', new Map([[1, {}]])],
    ['a Set', new Set([1])],
    ['a Date', new Date(0)],
    ['a view', new Uint8Array(3)],
    ['a Buffer', Buffer.from('x')],
    ['an ArrayBuffer', new ArrayBuffer(8)],
    ['a RegExp', /x/g],
    ['an object of a class', new (class Point {})()],
  ])('says of %s, by itself or within, that it is not immutable', (_, value) => {
    expect(deepFreeze(value, makers)).toBeNaN();
    const within = { list: [{ value }], rest: { n: 1 } };
    expect(deepFreeze(within, makers)).toBeNaN();
    // The rest is frozen all the same: hot or cold alike.
    expect([Object.isFrozen(within.rest), Object.isFrozen(within.list[0])]).toEqual([true, true]);
  });

  it.each([
    ['text', 'éa'],
    ['a number', 0.5],
    ['a boolean', true],
    ['null', null],
    ['a BigInt', 2n ** 70n],
  ])('has nothing to freeze in %s', (_, value) => {
    expect(deepFreeze(value, makers)).toBeGreaterThan(0);
  });
});

describe('deepFreeze of what user code makes', () => {
  it('looks into what was frozen before, hidden properties, and those of arrays', () => {
    const inner = { n: 1 };
    const hidden = Object.defineProperty({}, 'hidden', { value: { n: 2 }, enumerable: false });
    const list = Object.assign([0], { extra: { n: 3 } });
    const value = { outer: Object.freeze({ inner }), hidden, list, [Symbol.for('s')]: { n: 4 } };
    expect(deepFreeze(value, 'any')).toBeGreaterThan(0);
    const parts = [inner, (hidden as { hidden: object }).hidden, list.extra, value[Symbol.for('s')]];
    expect(parts.map((part) => Object.isFrozen(part))).toEqual([true, true, true, true]);
  });

  it('does not run accessors, which may give anything', () => {
    const value = {
      get now(): object {
        return expect.fail('it was run');
      },
    };
    expect(deepFreeze(value, 'any')).toBeNaN();
  });

  it('takes a sparse array for as many elements as it has', () => {
    const sparse: number[] = [];
    sparse[4_000_000_000] = 1;
    expect(deepFreeze(sparse, 'any')).toBeLessThan(200);
  });
});
