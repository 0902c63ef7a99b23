/**
 * What each codec keeps, one row per kind of value. The tests assert every row, and that docs/codecs.md shows this
 * table word for word.
 */

/**
 * `kept`: comes back deeply equal; `throws`: `encode` refuses it, or each element of an array; otherwise what it
 * becomes, in words and as a value.
 */
export type Outcome = 'kept' | 'throws' | { readonly becomes: string; readonly as: () => unknown };

export interface Row {
  readonly kind: string;
  readonly value: () => unknown;
  /** Of cbor too: it takes the same values, and the graph form for the same. */
  readonly msgpack: Outcome;
  readonly structured: Outcome;
  readonly json: Outcome;
  /** What deep equality does not see, such as identity. Not asserted of json where it doesn't keep the value. */
  readonly check?: (copy: unknown) => boolean;
}

class Point {
  readonly x = 1;
  readonly #hidden = 2;
  sum(): number {
    return this.x + this.#hidden;
  }
}

class Price {
  toJSON(key: string): unknown {
    return { key, amount: 5 };
  }
}

class Tagged {
  readonly x = 1;
  get [Symbol.toStringTag](): string {
    return 'Tagged';
  }
}

class MapOfMine extends Map<unknown, unknown> {}
class BytesOfMine extends Uint8Array {}
class ArrayOfMine extends Array<unknown> {}

class Failure extends TypeError {
  readonly status = 404;
  override readonly name = 'Failure';
}

interface Looped {
  self: Looped | undefined;
  readonly map: Map<unknown, unknown[]>;
  readonly set: Set<unknown>;
}

function cycle(): Looped {
  const node: Looped = { self: undefined, map: new Map(), set: new Set() };
  node.self = node;
  node.map.set(node, [node]);
  node.set.add(node);
  return node;
}

function isCycle(copy: unknown): boolean {
  const { self, map, set } = copy as Looped;
  return self === copy && map.get(copy)?.[0] === copy && set.has(copy);
}

function twice(): unknown {
  const shared = { tags: ['a'] };
  const date = new Date(5);
  return { first: shared, second: shared, dates: [date, date] };
}

function copies(): unknown {
  const date = '1970-01-01T00:00:00.005Z';
  return { first: { tags: ['a'] }, second: { tags: ['a'] }, dates: [date, date] };
}

function buffers(): Buffer[] {
  return [Buffer.from('bytes'), Buffer.alloc(0), Buffer.alloc(70_000, 7)];
}

function dates(): Date[] {
  return [0, -1, 999, 1e12 + 5, 2 ** 32 * 1000, 8.64e15 - 1, 8.64e15, 1 - 8.64e15].map((time) => new Date(time));
}

function isTwice(copy: unknown): boolean {
  const { first, second, dates } = copy as { first: unknown; second: unknown; dates: unknown[] };
  return first === second && dates[0] === dates[1];
}

function* anIterator(): Generator<number> {
  yield 1;
}

function nested(depth: number): unknown {
  let value: unknown = 'innermost';
  for (let i = 0; i < depth; i++) value = i % 2 === 0 ? { value } : [value];
  return value;
}

function failureLike(): Error {
  const error = new TypeError('no such user');
  Object.defineProperty(error, 'name', { value: 'Failure', configurable: true, writable: true });
  return Object.assign(error, { status: 404 });
}

const BUFFER_ROWS: readonly Row[] = [
  {
    kind: 'typed arrays, all eleven classes',
    value: () => [
      Int8Array.of(-1),
      Uint8Array.of(1, 2),
      Uint8ClampedArray.of(255),
      Int16Array.of(-300),
      Uint16Array.of(300),
      Int32Array.of(-70_000),
      Uint32Array.of(70_000),
      Float32Array.of(1.5),
      Float64Array.of(Number.NaN, -0, 1e300),
      BigInt64Array.of(-5n),
      BigUint64Array.of(5n, 2n ** 64n - 1n),
      new Float64Array(0),
    ],
    msgpack: 'kept',
    structured: 'kept',
    json: 'throws',
  },
  {
    kind: 'Buffer (Uint8Array stays Uint8Array)',
    value: buffers,
    msgpack: 'kept',
    structured: 'kept',
    json: { becomes: '`{ type, data }`, by its `toJSON`', as: () => buffers().map((buffer) => buffer.toJSON()) },
  },
  {
    kind: 'ArrayBuffer',
    value: () => Uint8Array.of(1, 2, 3).buffer,
    msgpack: 'kept',
    structured: 'kept',
    json: 'throws',
  },
  {
    kind: 'DataView and views of part of a buffer: that part, in a buffer of its own',
    value: () => [new DataView(Uint8Array.of(1, 2, 3).buffer), Uint8Array.of(1, 2, 3).subarray(1)],
    msgpack: 'kept',
    structured: 'kept',
    json: 'throws',
    check: (copy) => (copy as Uint8Array[])[1]?.buffer.byteLength === 2,
  },
  {
    kind: 'subclasses of typed arrays',
    value: () => BytesOfMine.of(1, 2),
    msgpack: { becomes: 'the typed array', as: () => Uint8Array.of(1, 2) },
    structured: { becomes: 'the typed array', as: () => Uint8Array.of(1, 2) },
    json: 'throws',
  },
  {
    kind: 'SharedArrayBuffer',
    value: () => new SharedArrayBuffer(8),
    msgpack: 'throws',
    structured: 'throws',
    json: 'throws',
  },
];

const PRIMITIVE_ROWS: readonly Row[] = [
  { kind: 'null, booleans', value: () => [null, true, false], msgpack: 'kept', structured: 'kept', json: 'kept' },
  {
    kind: 'undefined by itself and in arrays, Map and Set',
    value: () => [undefined, [undefined], new Map([[undefined, undefined]]), new Set([undefined])],
    msgpack: 'kept',
    structured: 'kept',
    json: 'throws',
  },
  {
    kind: 'undefined as a property',
    value: () => ({ a: undefined, b: 1 }),
    msgpack: 'kept',
    structured: 'kept',
    json: { becomes: 'left out', as: () => ({ b: 1 }) },
  },
  {
    kind: 'numbers',
    value: () => [0, -1, 127, 128, -129, 65_536, 2 ** 31, -(2 ** 31), 2 ** 32, -(2 ** 32) - 1, 2 ** 53, 1.1, 5e-324],
    msgpack: 'kept',
    structured: 'kept',
    json: 'kept',
  },
  { kind: '−0', value: () => -0, msgpack: 'kept', structured: 'kept', json: { becomes: '0', as: () => 0 } },
  {
    kind: 'NaN and ±Infinity',
    value: () => [Number.NaN, Infinity, -Infinity],
    msgpack: 'kept',
    structured: 'kept',
    json: 'throws',
  },
  {
    kind: 'strings, of any length and script',
    value: () => ['', 'a', 'é€😀', 'x'.repeat(70_000), '한국어'.repeat(50), '\ufffd'],
    msgpack: 'kept',
    structured: 'kept',
    json: 'kept',
  },
  {
    kind: 'strings with lone surrogates',
    value: () => ['\ud800', `${'a'.repeat(100)}\udfff`, { '\udead': 1 }],
    msgpack: 'kept',
    structured: 'kept',
    json: 'kept',
  },
  {
    kind: 'BigInt of any size',
    value: () => [0n, -1n, 2n ** 63n, -(2n ** 63n), 2n ** 64n, -(2n ** 64n), 7n ** 5_000n, -(7n ** 5_000n)],
    msgpack: 'kept',
    structured: 'kept',
    json: 'throws',
  },
  { kind: 'symbols', value: () => Symbol('s'), msgpack: 'throws', structured: 'throws', json: 'throws' },
  { kind: 'functions and classes', value: () => [() => 1], msgpack: 'throws', structured: 'throws', json: 'throws' },
  {
    kind: 'boxed primitives',
    value: () => [new Number(1), new String('s'), new Boolean(false)],
    msgpack: 'throws',
    structured: 'kept',
    json: { becomes: 'the primitive', as: () => [1, 's', false] },
  },
];

const OBJECT_ROWS: readonly Row[] = [
  {
    kind: 'plain objects, in key order, whatever the keys',
    value: () => ({
      b: 1,
      a: { '': 2, 'odd key': 3 },
      1: 4,
      constructor: 'c',
      hasOwnProperty: 0,
      toString: 1,
      toJSON: 2,
    }),
    msgpack: 'kept',
    structured: 'kept',
    json: 'kept',
    check: (copy) => Object.keys(copy as object).join() === '1,b,a,constructor,hasOwnProperty,toString,toJSON',
  },
  {
    kind: 'own key `__proto__`: stays an own property',
    value: () => JSON.parse('{"__proto__":{"polluted":true},"inner":{"__proto__":1}}') as unknown,
    msgpack: 'kept',
    structured: 'kept',
    json: 'kept',
    check: (copy) => Object.hasOwn(copy as object, '__proto__') && !('polluted' in {}),
  },
  {
    kind: 'objects without a prototype',
    value: () => Object.assign(Object.create(null), { a: 1 }) as unknown,
    msgpack: { becomes: 'a plain object', as: () => ({ a: 1 }) },
    structured: { becomes: 'a plain object', as: () => ({ a: 1 }) },
    json: { becomes: 'a plain object', as: () => ({ a: 1 }) },
  },
  {
    kind: 'symbol keys and non-enumerable properties',
    value: () => Object.defineProperty({ a: 1, [Symbol('s')]: 2 }, 'hidden', { value: 3 }),
    msgpack: { becomes: 'left out', as: () => ({ a: 1 }) },
    structured: { becomes: 'left out', as: () => ({ a: 1 }) },
    json: { becomes: 'left out', as: () => ({ a: 1 }) },
  },
  {
    kind: 'getters',
    value: () => ({
      get a() {
        return 1;
      },
    }),
    msgpack: { becomes: 'what they return', as: () => ({ a: 1 }) },
    structured: { becomes: 'what they return', as: () => ({ a: 1 }) },
    json: { becomes: 'what they return', as: () => ({ a: 1 }) },
  },
  {
    kind: 'instances of other classes, without `toJSON`',
    value: () => new Point(),
    msgpack: { becomes: 'a plain object of their own enumerable properties', as: () => ({ x: 1 }) },
    structured: { becomes: 'a plain object of their own enumerable properties', as: () => ({ x: 1 }) },
    json: { becomes: 'a plain object of their own enumerable properties', as: () => ({ x: 1 }) },
  },
  {
    kind: 'instances with `toJSON`',
    value: () => ({ price: new Price() }),
    msgpack: { becomes: 'what `toJSON(key)` returns', as: () => ({ price: { key: 'price', amount: 5 } }) },
    structured: { becomes: 'as without `toJSON`', as: () => ({ price: {} }) },
    json: { becomes: 'what `toJSON(key)` returns', as: () => ({ price: { key: 'price', amount: 5 } }) },
  },
  {
    kind: 'plain objects with `toJSON`',
    value: () => ({ a: 1, toJSON: () => 'text' }),
    msgpack: { becomes: 'what it returns', as: () => 'text' },
    structured: 'throws',
    json: { becomes: 'what it returns', as: () => 'text' },
  },
  {
    kind: 'one object in several places: stays one',
    value: twice,
    msgpack: 'kept',
    structured: 'kept',
    json: { becomes: 'a copy at each', as: copies },
    check: isTwice,
  },
  { kind: 'cycles', value: cycle, msgpack: 'kept', structured: 'kept', json: 'throws', check: isCycle },
  { kind: 'nesting to 1,000 levels', value: () => nested(1_000), msgpack: 'kept', structured: 'kept', json: 'kept' },
];

const COLLECTION_ROWS: readonly Row[] = [
  {
    kind: 'arrays',
    value: () => [[], [[1]], Array.from({ length: 70_000 }, (_, i) => i)],
    msgpack: 'kept',
    structured: 'kept',
    json: 'kept',
  },
  {
    kind: 'sparse arrays: holes stay holes',
    // biome-ignore lint/suspicious/noSparseArray: the holes are what is tested.
    value: () => [[, 1, , 2], Object.assign([], { length: 5 }), Object.assign([], { 4000000000: 1 })],
    msgpack: 'kept',
    structured: 'kept',
    json: 'throws',
    check: (copy) => !(0 in ((copy as unknown[][])[0] ?? [0])),
  },
  {
    kind: 'named properties of arrays',
    value: () => Object.assign([1], { extra: 2 }),
    msgpack: { becomes: 'left out', as: () => [1] },
    structured: 'kept',
    json: { becomes: 'left out', as: () => [1] },
  },
  {
    kind: 'subclasses of Array',
    value: () => ArrayOfMine.of(1, 2),
    msgpack: { becomes: 'an array', as: () => [1, 2] },
    structured: { becomes: 'an array', as: () => [1, 2] },
    json: { becomes: 'an array', as: () => [1, 2] },
  },
  {
    kind: 'Map, with keys of any kind, in order',
    value: () =>
      new Map<unknown, unknown>([
        ['k', 1],
        [1, new Map()],
        [{ a: 1 }, {}],
        [Number.NaN, new Map([[null, []]])],
      ]),
    msgpack: 'kept',
    structured: 'kept',
    json: 'throws',
    check: (copy) => [...(copy as Map<unknown, unknown>).keys()][1] === 1,
  },
  {
    kind: 'Set, in order',
    value: () => new Set(['b', 'a', { x: new Set([1]) }]),
    msgpack: 'kept',
    structured: 'kept',
    json: 'throws',
  },
  {
    kind: 'subclasses of Map and Set',
    value: () => new MapOfMine([[1, 2]]),
    msgpack: { becomes: 'a Map or Set', as: () => new Map([[1, 2]]) },
    structured: { becomes: 'a Map or Set', as: () => new Map([[1, 2]]) },
    json: 'throws',
  },
];

const OTHER_ROWS: readonly Row[] = [
  {
    kind: 'Date',
    value: dates,
    msgpack: 'kept',
    structured: 'kept',
    json: { becomes: 'its ISO text', as: () => dates().map((date) => date.toISOString()) },
  },
  { kind: 'invalid Date', value: () => new Date(Number.NaN), msgpack: 'kept', structured: 'kept', json: 'throws' },
  {
    kind: 'RegExp (`lastIndex` starts again at 0)',
    value: () => [/a\/[b]/giu, /(?:)/],
    msgpack: 'kept',
    structured: 'kept',
    json: 'throws',
  },
  {
    kind: 'Error and its standard subclasses: message, stack, cause',
    value: () => new RangeError('outer', { cause: new Error('inner') }),
    msgpack: 'kept',
    structured: 'kept',
    json: 'throws',
    check: (copy) =>
      ((copy as Error).cause as Error).message === 'inner' && /RangeError: outer\n/.test((copy as Error).stack ?? ''),
  },
  {
    kind: 'other errors, and own properties of errors',
    value: () => new Failure('no such user'),
    msgpack: { becomes: 'the standard class they extend, with their name and properties', as: () => failureLike() },
    structured: { becomes: 'Error, without properties', as: () => new Error('no such user') },
    json: 'throws',
  },
  { kind: 'Promise', value: () => ({ p: Promise.resolve() }), msgpack: 'throws', structured: 'throws', json: 'throws' },
  {
    kind: 'WeakMap, WeakSet, WeakRef, iterators, generators',
    value: () => [new WeakMap(), new WeakSet(), new WeakRef({}), new Map().keys(), anIterator()],
    msgpack: 'throws',
    structured: 'throws',
    json: 'throws',
  },
  {
    kind: 'Intl objects',
    value: () => new Intl.NumberFormat(),
    msgpack: 'throws',
    structured: 'throws',
    json: 'throws',
  },
  {
    kind: 'instances that name themselves by `Symbol.toStringTag`, such as URLSearchParams, without `toJSON`',
    value: () => new Tagged(),
    msgpack: 'throws',
    structured: { becomes: 'a plain object of their own enumerable properties', as: () => ({ x: 1 }) },
    json: 'throws',
  },
];

export const FIDELITY: readonly Row[] = [
  ...PRIMITIVE_ROWS,
  ...OBJECT_ROWS,
  ...COLLECTION_ROWS,
  ...BUFFER_ROWS,
  ...OTHER_ROWS,
];

/** The table as docs/codecs.md shows it. */
export function renderFidelity(): string {
  const cell = (outcome: Outcome): string => (typeof outcome === 'string' ? outcome : outcome.becomes);
  const lines = FIDELITY.map(
    (row) => `| ${row.kind} | ${cell(row.msgpack)} | ${cell(row.structured)} | ${cell(row.json)} |`,
  );
  return ['| value | msgpack, cbor | structured | json |', '|---|---|---|---|', ...lines].join('\n');
}
