/** JSON: what it refuses and where, strict reading, and user code that runs within. */
import { deepStrictEqual } from 'node:assert/strict';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { CodecError, ValueError } from '../../../src/errors.js';
import { codecNamed, decoded, encoded, roundTrip } from './support.js';

const SEED = Number(process.env['FC_SEED'] ?? Math.floor(Math.random() * 2 ** 31));
const codec = codecNamed('json');

const PLACES: readonly (readonly [path: string, place: (refused: unknown) => unknown])[] = [
  ['the top level', (refused) => refused],
  ['.user.onClick', (refused) => ({ user: { id: 1, onClick: refused } })],
  ['["odd key"]', (refused) => ({ 'odd key': refused })],
  ['[1][0]', (refused) => [0, [refused]]],
  ['.price.amount', (refused) => ({ price: { toJSON: () => ({ amount: refused }) } })],
  ['.again.list[70]', (refused) => ({ list: [1], again: { list: [...new Array(70).fill({}), refused] } })],
];

const REFUSED: readonly (readonly [what: string, value: unknown])[] = [
  ['a function', () => 1],
  ['a symbol', Symbol('s')],
  ['a bigint', 1n],
  ['NaN', Number.NaN],
  ['Infinity', Infinity],
  ['an invalid Date', new Date(Number.NaN)],
  ['a Map', new Map([[1, 2]])],
  ['a Uint8Array', Uint8Array.of(1)],
  ['an Error', new Error('e')],
  ['a Number', new Number(Number.NaN)],
  ['a Symbol', Object(Symbol('s'))],
];

describe('json refuses, and says what and where', () => {
  for (const [what, refused] of REFUSED) {
    it.each(PLACES)(`${what} at %s`, (path, place) => {
      expect(() => codec.encode(place(refused))).toThrow(
        new ValueError(`codec "json" cannot store ${what} at ${path}`),
      );
    });
  }

  it('undefined where it would vanish or become null', () => {
    expect(() => codec.encode(undefined)).toThrow('cannot store undefined at the top level');
    expect(() => codec.encode({ a: [1, undefined] })).toThrow('cannot store undefined at .a[1]');
    expect(() => codec.encode({ toJSON: () => undefined })).toThrow('cannot store undefined at the top level');
  });

  it('cycles, also through arrays', () => {
    const list: unknown[] = [1];
    const node = { inner: { list } };
    list.push(node);
    expect(() => codec.encode(node)).toThrow(new ValueError('codec "json" cannot store a cycle at .inner.list[1]'));
    expect(() => codec.encode({ node })).toThrow('a cycle at .node.inner.list[1]');
  });

  it('nothing that merely occurs twice', () => {
    const shared = { at: new Date(5), price: { toJSON: () => 'p' } };
    const copy = { at: '1970-01-01T00:00:00.005Z', price: 'p' };
    expect(roundTrip(codec, [shared, { shared }, shared])).toEqual([copy, { shared: copy }, copy]);
  });
});

describe('json and user code', () => {
  it('errors of getters and toJSON pass through', () => {
    const thrown = new Error('of the user');
    const getter = Object.defineProperty({ date: new Map() }, 'bad', {
      enumerable: true,
      get: () => {
        throw thrown;
      },
    });
    const toJSON = (): never => {
      throw thrown;
    };
    for (const value of [{ a: 1, getter: { ...{ b: 2 }, toJSON } }, Object.assign(getter, { date: 1 })]) {
      expect(() => codec.encode(value)).toThrow(thrown);
    }
    expect(roundTrip(codec, 'usable')).toBe('usable');
  });

  it('toJSON and getters may use the codec', () => {
    const value = {
      first: 'a'.repeat(3_000),
      get nested() {
        return roundTrip(codec, { inner: 'x'.repeat(5_000) });
      },
      last: { toJSON: () => roundTrip(codec, [1, 2]) },
    };
    expect(roundTrip(codec, value)).toEqual({
      first: 'a'.repeat(3_000),
      nested: { inner: 'x'.repeat(5_000) },
      last: [1, 2],
    });
  });
});

describe(`json and its bytes (seed ${SEED})`, () => {
  it('any JSON value comes back, compared with structuredClone', () => {
    fc.assert(
      fc.property(fc.jsonValue({ noUnicodeString: false }), (value) => {
        // JSON has no −0.
        const plain = JSON.parse(JSON.stringify(value));
        deepStrictEqual(roundTrip(codec, plain), structuredClone(plain));
      }),
      { seed: SEED, numRuns: 2_000 },
    );
  });

  it('whatever is stored is what JSON.stringify writes, or refused', () => {
    fc.assert(
      fc.property(fc.anything({ withDate: true, withMap: true, withBigInt: true, withSparseArray: true }), (value) => {
        let bytes: Uint8Array | undefined;
        try {
          bytes = encoded(codec, value);
        } catch (error) {
          expect(error).toBeInstanceOf(ValueError);
        }
        if (bytes !== undefined) expect(Buffer.from(bytes).toString()).toBe(JSON.stringify(value));
      }),
      { seed: SEED, numRuns: 2_000 },
    );
  });

  it('every truncation, foreign text and bytes that are no UTF-8 are refused', () => {
    const bytes = encoded(codec, { name: 'Ädä', rides: [1, { km: 2.5 }], text: '\ud800' });
    for (let end = 0; end < bytes.length; end++) expect(() => codec.decode(bytes, 0, end)).toThrow(CodecError);
    for (const text of ['', ' ', '{"a":1}}', '{"a":1', "{'a':1}", 'NaN', 'undefined', '\ufeff1', '[1,]']) {
      expect(() => decoded(codec, Buffer.from(text)), text).toThrow(CodecError);
    }
    expect(() => decoded(codec, Uint8Array.of(0x22, 0xc3, 0x22))).toThrow(CodecError);
  });

  it('random bytes, and messages with some bytes changed, are a value or a CodecError', () => {
    const message = encoded(codec, { name: 'Ädä', rides: [1, { km: 2.5 }], text: '\ud800', ok: [true, null] });
    const change = fc.tuple(fc.nat(message.length - 1), fc.nat(255));
    const changed = fc.array(change, { minLength: 1, maxLength: 4 }).map((changes) => {
      const bytes = Uint8Array.from(message);
      for (const [at, byte] of changes) bytes[at] = byte;
      return bytes;
    });
    const property = fc.property(fc.oneof(changed, fc.uint8Array({ maxLength: 40 })), (bytes) => {
      try {
        decoded(codec, bytes);
      } catch (error) {
        expect(error).toBeInstanceOf(CodecError);
      }
      expect(Object.keys(Object.prototype)).toEqual([]);
    });
    fc.assert(property, { seed: SEED, numRuns: 3_000 });
  });

  it('a million levels are read or refused without exhausting the stack', () => {
    const bytes = new Uint8Array(1_000_000).fill(0x5b);
    expect(() => decoded(codec, bytes)).toThrow(CodecError);
  });

  it('`__proto__` becomes an own property', () => {
    const value = decoded(codec, Buffer.from('{"__proto__":{"polluted":1},"a":{"__proto__":[]}}')) as object;
    expect(Object.getPrototypeOf(value)).toBe(Object.prototype);
    expect(Object.keys(value)).toEqual(['__proto__', 'a']);
    expect('polluted' in {}).toBe(false);
  });
});
