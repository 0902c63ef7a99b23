/** Columns of numbers, and numbers of few decimals: what is written as such, what isn't, and that each comes back as it was. */
import { deepStrictEqual } from 'node:assert/strict';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { CodecError } from '../../../src/errors.js';
import { codecNamed, decoded, encoded, roundTrip } from './support.js';

const { FC_SEED } = process.env;
const SEED = Number(FC_SEED ?? Math.floor(Math.random() * 2 ** 31));
const codec = codecNamed('shapes');

const HEAD = 3;
const NUMBERS = 0xdc;
const ROWS = 0xde;
const DECIMAL = 0xca;
/** The tail of 2⁵³ − 1. */
const LARGEST = [0x3f, 0xff, 0xff, 0xff, 0xff, 0xff, 0xfe];

/** What stands for `value` in the shaped form, which is all but the head: of a value without strings. */
function bytesOf(value: unknown): number[] {
  const bytes = encoded(codec, value);
  expect([...bytes.subarray(0, HEAD)]).toEqual([0xc1, 0, 0]);
  return [...bytes.subarray(HEAD)];
}

function read(bytes: readonly number[]): unknown {
  return decoded(codec, Uint8Array.of(0xc1, 0, 0, ...bytes));
}

/** A walk of so many steps of up to `step`, each place in so many decimals. */
function walk(length: number, decimals: number, step: number): number[] {
  let at = 52.3676;
  return Array.from({ length }, (_, i) => {
    at += step * Math.sin(i * i);
    return Number(at.toFixed(decimals));
  });
}

describe('a column', () => {
  const columns: Readonly<Record<string, readonly [readonly unknown[], readonly number[]]>> = {
    'of decimals is integers over a power of ten, and how each differs from the one before': [
      [10.5, 10.6, 10.4, 10.5],
      [NUMBERS, 4, 0x11, 0x80, 2, 3, 2, 210],
    ],
    'of a steady rise is how the rises differ': [
      [1000, 2000, 3000, 4000, 5000],
      [NUMBERS, 5, 0x20, 0x87, 0x87, 0, 0, 0, 0xd0, 0xd0],
    ],
    'of numbers far apart is the numbers': [
      [1, -700, 700, -700, 1],
      [NUMBERS, 5, 0x00, 2, 0x85, 0x85, 0x85, 2, 0x77, 0x78, 0x77],
    ],
    'with nulls says where the numbers are': [
      [0.5, null, 0.4, null, null, 0.6, 0.5, 0.5, null],
      [NUMBERS, 9, 0x51, 0b1110_0101, 0, 10, 1, 4, 1, 0],
    ],
    'of the largest numbers is eight bytes for each': [
      [2 ** 53 - 1, 1 - 2 ** 53, 0, 2 ** 53 - 1],
      [NUMBERS, 4, 0x00, 0xfe, 0xfe, 0, 0xfe, ...LARGEST, ...LARGEST.with(-1, 0xfd), ...LARGEST],
    ],
    'of pairs is one for each place': [
      [
        [4.5, 50],
        [4.6, 51],
        [4.6, 50],
      ],
      [ROWS, 3, 2, 0x11, 90, 2, 0, 0x10, 100, 2, 1],
    ],
    'of triples is three': [
      [
        [1, 2, -0.001],
        [1, 2, -0.002],
        [1, 3, -0.003],
      ],
      [ROWS, 3, 3, 0x10, 2, 0, 0, 0x10, 4, 0, 2, 0x23, 1, 1, 0],
    ],
  };

  for (const [what, [value, bytes]] of Object.entries(columns)) {
    test(what, () => {
      expect(bytesOf(value)).toEqual(bytes);
      deepStrictEqual(read(bytes), value);
    });
  }

  test('has the length of codes by their size, and gives back each', () => {
    const edges = Array.from({ length: 8 }, (_, tail) => 2 ** (6 + 7 * tail)).filter((edge) => edge < 2 ** 53);
    for (const edge of edges) {
      for (const number of [edge - 1, edge, -edge, -edge - 1]) {
        const value = [number, 1e12 - number, 5e14 - 3, number];
        deepStrictEqual(roundTrip(codec, value), value);
      }
    }
  });

  test('of more numbers than there is kept room for, with others after it', () => {
    const long = walk(50_000, 7, 1e-3);
    const pairs = long.map((x, i) => [x, long[i >> 1]]);
    for (const value of [long, pairs, [1.5, 2.5, 3.5, 4.5], long.map((x) => (x > 52.3676 ? x : null))]) {
      deepStrictEqual(roundTrip(codec, value), value);
    }
  });

  test('makes arrays that share nothing with each other and with what is read later', () => {
    const value = { one: walk(10, 3, 1), pairs: walk(10, 3, 1).map((x) => [x, x]) };
    const bytes = encoded(codec, value);
    const first = decoded(codec, bytes) as typeof value;
    first.one[0] = 7;
    first.pairs[0]![1] = 7;
    first.pairs.pop();
    deepStrictEqual(decoded(codec, bytes), value);
  });

  test('takes a byte or two of a number, where a double takes nine', () => {
    const route = walk(2_000, 6, 1e-4).map((x, i) => [x, Number((5 + Math.cos(i)).toFixed(1))]);
    expect(encoded(codec, route).length).toBeLessThan(2 * 2_000 * 1.6);
    expect(encoded(codec, walk(1_000, 1, 1)).length).toBeLessThan(1_020);
  });
});

describe('no column is made of', () => {
  const hollow: unknown[] = [1.5, 2.5, 3.5, 4.5];
  delete hollow[2];
  const others: Readonly<Record<string, unknown[]>> = {
    'less than four numbers': [1.5, 2.5, 3.5],
    'four elements of which not four are numbers': [1.5, null, 2.5, 3.5],
    'nulls alone': [null, null, null, null],
    'small integers': [0, 127, -32, 5, null],
    'numbers with a word among them': [1.5, 2.5, 3.5, 'four', 5.5],
    'a number that is no decimal of 15 places': [1.5, 2.5, 0.1 + 0.2, 3.5],
    'numbers that need more than 53 bits together': [2 ** 51, 0.001, 1, 1],
    'an integer of 54 bits': [1, 2, 3, 2 ** 53],
    NaN: [1.5, Number.NaN, 2.5, 3.5],
    Infinity: [1.5, 2.5, 3.5, -Infinity],
    'undefined among numbers': [1.5, undefined, 2.5, 3.5, 4.5],
    'numbers past all columns': [1e21, 1e22, 1.5e300, 5e-324],
    'rows of various lengths': [[1.5, 2.5], [1.5], [3.5, 4.5]],
    'rows with a null': [
      [1.5, 2.5],
      [1.5, null],
      [1.5, 2.5],
    ],
    'rows of four': Array.from({ length: 5 }, () => [1.5, 2, 3, 4]),
    'rows without numbers': [[], [], [], []],
    'rows that end in something else': [[1.5, 2.5], [2.5, 3.5], [3.5, 4.5], null],
    'typed arrays': [Float64Array.of(1, 2), Float64Array.of(1, 2), Float64Array.of(1, 2)],
  };

  for (const [what, value] of Object.entries(others)) {
    test(what, () => {
      expect([NUMBERS, ROWS]).not.toContain(encoded(codec, value)[HEAD]);
      deepStrictEqual(roundTrip(codec, value), structuredClone(value));
    });
  }

  test('numbers with a hole, with −0, and rows that are one array or share one with others', () => {
    const row = [1.5, 2.5];
    const again = [[1.5, 2.5], row, [2.5, 1.5]];
    const looped: unknown[] = [1.5, 2.5, 3.5, 4.5];
    looped.push(looped);
    const shared = { again, row };
    for (const value of [hollow, [1.5, -0, 2.5, 3.5], [row, [1.5, -0], [1, 2]], [row, row, row], shared, looped]) {
      deepStrictEqual(roundTrip(codec, value), structuredClone(value));
    }
    const copy = roundTrip(codec, shared) as typeof shared;
    expect(copy.again[1]).toBe(copy.row);
  });
});

test('elements that change while they are read are stored as they were read once, or as an array', () => {
  const array = [1.5, 2.5, 3.5, 4.5, 5.5];
  let reads = 0;
  Object.defineProperty(array, 1, { get: () => (reads++ % 2 === 0 ? 2.5 : 'text'), enumerable: true });
  expect([2.5, 'text']).toContain((roundTrip(codec, array) as unknown[])[1]);
  const growing = [1.5, 2.5, 3.5, 4.5];
  Object.defineProperty(growing, 0, { get: () => growing.push(roundTrip(codec, walk(9, 2, 1)) as never) && 1.5 });
  expect(() => roundTrip(codec, growing)).not.toThrow();
});

describe('a number of few decimals by itself', () => {
  const numbers: readonly (readonly [number, readonly number[]])[] = [
    [0.1, [DECIMAL, 0x11, 1]],
    [-23.37, [DECIMAL, 0xa2, 0x09, 0x21]],
    [1e-9, [DECIMAL, 0x19, 1]],
    [1_700_000_000_000, [DECIMAL, 0x60, 0x01, 0x8b, 0xcf, 0xe5, 0x68, 0x00]],
    [2 ** 40 + 0.5, [DECIMAL, 0x61, 0x0a, 0, 0, 0, 0, 5]],
    [2 ** 53 - 1, [DECIMAL, 0x70, 0x1f, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff]],
  ];
  for (const [number, bytes] of numbers) {
    test(`${number}`, () => {
      expect(bytesOf([number])).toEqual([0x91, ...bytes]);
      expect(read([0x91, ...bytes])).toEqual([number]);
    });
  }

  test('is a double if it is none', () => {
    for (const number of [0.1 + 0.2, 1e-10, 2 ** 53, 5e-324, 1e300, Number.NaN, Infinity, Math.PI, 2 ** 30 / 7]) {
      expect(bytesOf([number])[1]).toBe(0xcb);
      deepStrictEqual(roundTrip(codec, [number]), [number]);
    }
  });
});

const decimal = fc
  .tuple(fc.oneof(fc.integer(), fc.maxSafeInteger(), fc.integer({ min: -999, max: 999 })), fc.nat(17))
  .map(([digits, decimals]) => Number(`${digits}e-${decimals}`));
const edge = fc
  .tuple(fc.nat(53), fc.integer({ min: -3, max: 3 }), fc.boolean())
  .map(([bits, more, isNegative]) => (isNegative ? -1 : 1) * (2 ** bits + more));
const odd = fc.constantFrom(-0, 1e21, -1e21, 5e-324, Number.MAX_VALUE, Number.NaN, Infinity, 2 ** 53 - 1, 2 ** 53);

/** Numbers of one kind, and of all kinds. */
const kinds: readonly fc.Arbitrary<number>[] = [decimal, fc.double(), fc.integer(), fc.maxSafeInteger(), edge];
const sameDecimals = fc
  .tuple(fc.nat(17), fc.array(fc.oneof(fc.integer(), edge), { maxLength: 40 }))
  .map(([decimals, all]) => all.map((digits) => Number(`${digits}e-${decimals}`)));
const numbers = fc.oneof(
  sameDecimals,
  ...kinds.map((kind) => fc.array(kind, { maxLength: 40 })),
  fc.array(fc.oneof(...kinds, odd), { maxLength: 40 }),
);
const rows = fc.oneof(
  fc.tuple(sameDecimals, sameDecimals).map(([a, b]) => a.slice(0, b.length).map((x, i) => [x, b[i]])),
  ...kinds.map((kind) => fc.array(fc.tuple(kind, kind), { maxLength: 12 })),
  fc.array(fc.tuple(decimal, decimal, fc.oneof(decimal, fc.constant(null))), { maxLength: 12 }),
  fc.array(fc.array(fc.oneof(decimal, odd), { maxLength: 4 }), { maxLength: 12 }),
);
const sparse = numbers.chain((all) =>
  fc
    .array(fc.nat(3), { minLength: all.length, maxLength: all.length })
    .map((places) => all.map((number, i) => (places[i] === 0 ? null : number))),
);

describe(`what comes back, compared with structuredClone (seed ${SEED})`, () => {
  const values = {
    numbers,
    'numbers and nulls': sparse,
    rows,
    'a tree of them': fc.array(fc.oneof(numbers, sparse, rows)),
  };
  for (const [what, value] of Object.entries(values)) {
    test(what, () => {
      fc.assert(
        fc.property(value, (v) => deepStrictEqual(roundTrip(codec, [v]), structuredClone([v]))),
        { seed: SEED, numRuns: 3_000 },
      );
    });
  }
});

describe('a column is refused', () => {
  const forged: Readonly<Record<string, readonly number[]>> = {
    'that is not there': [NUMBERS],
    'without a head': [NUMBERS, 4],
    'of more numbers than bytes': [NUMBERS, 5, 0x00, 1, 2, 3, 4],
    'of 2³¹−1 numbers': [NUMBERS, 0xff, 0xff, 0xff, 0xff, 0x00, 1, 2, 3],
    'of 2³¹−1 numbers and nulls': [NUMBERS, 0xff, 0xff, 0xff, 0xff, 0x40, 1, 2, 3],
    'of 2³¹−1 pairs': [ROWS, 0xff, 0xff, 0xff, 0xff, 2, 0x00, 1, 2, 3],
    'with half a length': [NUMBERS, 0x80, 0],
    'without the tail of a number': [NUMBERS, 2, 0x00, 1, 0x80],
    'without the end of a tail': [NUMBERS, 1, 0x00, 0xfe, 1, 2, 3, 4, 5, 6],
    'with a head of eight ones': [NUMBERS, 1, 0x00, 0xff, 1, 2, 3, 4, 5, 6, 7, 8],
    'with a number of more than 53 bits': [NUMBERS, 1, 0x00, 0xfe, 0x40, 0, 0, 0, 0, 0, 0],
    'with numbers whose sum is one': [NUMBERS, 2, 0x10, 0xfe, 0xfe, ...LARGEST, ...LARGEST],
    'with an unknown promise': [NUMBERS, 1, 0x30, 1],
    'with an unknown bit': [NUMBERS, 1, 0x80, 1],
    'with fewer numbers than its bits say': [NUMBERS, 4, 0x40, 0x0f, 1, 2, 3],
    'with bits for more elements than it has': [NUMBERS, 4, 0x40, 0xff, 1, 2, 3, 4, 5, 6, 7, 8],
    'of pairs with nulls': [ROWS, 1, 2, 0x40, 1, 1, 0x40, 1, 1],
    'of pairs with one column': [ROWS, 1, 2, 0x00, 1],
    'of rows without numbers': [ROWS, 1, 0],
    'of rows of four numbers': [ROWS, 1, 4, 0, 1, 0, 1, 0, 1, 0, 1],
    'with a byte too many': [NUMBERS, 1, 0x00, 1, 1],
    'if it is a number without digits': [DECIMAL, 0x01],
    'if it is a number without all its digits': [DECIMAL, 0x21, 1],
    'if it is a number of more than 53 bits': [DECIMAL, 0x71, 0x20, 0, 0, 0, 0, 0, 0],
    'if it is a number that is 0': [DECIMAL, 0x92, 0],
  };

  for (const [what, bytes] of Object.entries(forged)) {
    test(what, () => expect(() => read(bytes)).toThrow(CodecError));
  }

  test('at every truncation, and with a byte more', () => {
    const value = [
      walk(40, 6, 1),
      walk(40, 2, 900).map((x, i) => (i % 5 ? x : null)),
      walk(20, 9, 1).map((x) => [x, -x, 3]),
      0.75,
    ];
    const bytes = encoded(codec, value);
    deepStrictEqual(decoded(codec, bytes), value);
    for (let end = 0; end < bytes.length; end++) expect(() => codec.decode(bytes, 0, end)).toThrow(CodecError);
    expect(() => decoded(codec, Uint8Array.of(...bytes, 0))).toThrow(CodecError);
  });

  test('without taking memory for numbers that are not there', () => {
    const before = process.memoryUsage().arrayBuffers;
    for (const token of [NUMBERS, ROWS]) {
      for (let i = 0; i < 50; i++) expect(() => read([token, 0xc0, 0, 0, 0, 2, 1, 1, 1, 1])).toThrow(CodecError);
    }
    expect(process.memoryUsage().arrayBuffers - before).toBeLessThan(50e6);
  });

  test(`or read as numbers, and nothing else is thrown, whatever its bytes are (seed ${SEED})`, () => {
    const head = fc.constantFrom(
      [NUMBERS],
      [ROWS],
      [NUMBERS, 9],
      [ROWS, 5, 2],
      [NUMBERS, 20, 0x51],
      [0x91, DECIMAL, 0x23],
    );
    const byte = fc.oneof(fc.nat(255), fc.nat(0x7f), fc.integer({ min: 0xc0, max: 0xff }));
    fc.assert(
      fc.property(head, fc.array(byte, { maxLength: 48 }), (start, rest) => {
        const elements = orRefusal(() => read([...start, ...rest]));
        for (const number of [elements].flat(3)) expect(number === null || Number.isFinite(number)).toBe(true);
      }),
      { seed: SEED, numRuns: 20_000 },
    );
  });
});

/** What `action` returns; null if it throws a CodecError. */
function orRefusal(action: () => unknown): unknown {
  try {
    return action();
  } catch (error) {
    expect(error).toBeInstanceOf(CodecError);
    return null;
  }
}

test('plain MessagePack has its own meaning for the same tokens', () => {
  const plain = codecNamed('msgpack');
  expect(decoded(plain, Uint8Array.of(0xdc, 0, 2, 1, 2))).toEqual([1, 2]);
  expect(decoded(plain, Uint8Array.of(0xde, 0, 1, 0xa1, 0x61, 2))).toEqual({ a: 2 });
  expect(decoded(plain, Uint8Array.of(0xca, 0x3f, 0xc0, 0, 0))).toBe(1.5);
});
