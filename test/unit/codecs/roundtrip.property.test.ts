import { deepStrictEqual } from 'node:assert/strict';
import fc from 'fast-check';
import { describe, test } from 'vitest';
import { CODEC_NAMES, codecNamed, roundTrip } from './support.js';

const { FC_SEED } = process.env;
const SEED = Number(FC_SEED ?? Math.floor(Math.random() * 2 ** 31));
const OPTIONS = { seed: SEED, numRuns: 1_500 };

const text = fc.oneof(fc.string({ unit: 'binary', maxLength: 100 }), fc.string({ unit: 'grapheme', maxLength: 20 }));
const ill = fc.array(fc.nat(0xffff), { maxLength: 80 }).map((units) => String.fromCharCode(...units));
const key = fc.oneof(
  text,
  ill,
  fc.constantFrom('__proto__', 'constructor', 'toJSON', 'hasOwnProperty', '__keys__', '0', ''),
);

const leaf = fc.oneof(
  fc.constantFrom<unknown>(null, undefined, true, false, Number.NaN, -0, Infinity, -Infinity),
  fc.integer(),
  fc.maxSafeInteger(),
  fc.double(),
  fc.bigInt(),
  fc.bigInt({ min: -(2n ** 2_000n), max: 2n ** 2_000n }),
  text,
  ill,
  fc.date({ noInvalidDate: true }),
  fc.uint8Array(),
  fc.float64Array(),
  fc.uint8Array().map((bytes) => bytes.buffer),
);

const { value } = fc.letrec<{ value: unknown }>((tie) => ({
  value: fc.oneof(
    { depthSize: 'small', withCrossShrink: true },
    leaf,
    fc.array(tie('value'), { maxLength: 8 }),
    fc.dictionary(key, tie('value'), { maxKeys: 8, noNullPrototype: true }),
    fc.array(fc.tuple(tie('value'), tie('value')), { maxLength: 4 }).map((entries) => new Map(entries)),
    fc.array(tie('value'), { maxLength: 4 }).map((members) => new Set(members)),
    tie('value').map((shared) => [shared, { again: shared }]),
    fc.sparseArray(tie('value'), { maxNumElements: 4, maxLength: 12 }),
  ),
}));

describe(`round trips, compared with structuredClone (seed ${SEED})`, () => {
  for (const name of CODEC_NAMES) {
    const codec = codecNamed(name);

    test(`${name}: any value`, () => {
      fc.assert(
        fc.property(value, (v) => deepStrictEqual(roundTrip(codec, v), structuredClone(v))),
        OPTIONS,
      );
    });

    test(`${name}: JSON values`, () => {
      fc.assert(
        fc.property(fc.jsonValue(), (v) => deepStrictEqual(roundTrip(codec, v), structuredClone(v))),
        OPTIONS,
      );
    });

    test(`${name}: identity, as a graph of nodes that refer to each other`, () => {
      const edges = fc.array(fc.tuple(fc.nat(9), fc.nat(9)), { maxLength: 30 });
      fc.assert(
        fc.property(edges, (pairs) => deepStrictEqual(shape(roundTrip(codec, web(pairs))), shape(web(pairs)))),
        OPTIONS,
      );
    });
  }
});

interface WebNode {
  readonly id: number;
  readonly links: WebNode[];
}

/** Ten nodes that link to each other as `pairs` say. */
function web(pairs: readonly (readonly [number, number])[]): unknown {
  const nodes: WebNode[] = Array.from({ length: 10 }, (_, id) => ({ id, links: [] }));
  for (const [from, to] of pairs) nodes[from]?.links.push(nodes[to] as WebNode);
  return nodes;
}

/** For each node whom it links to by position: wrong unless copies of one object are one object. */
function shape(nodes: unknown): number[][] {
  return (nodes as WebNode[]).map((node) => node.links.map((link) => (nodes as WebNode[]).indexOf(link)));
}
