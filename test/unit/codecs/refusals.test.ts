import { describe, expect, test } from 'vitest';
import { ValueError } from '../../../src/errors.js';
import { CODEC_NAMES, codecNamed, roundTrip } from './support.js';

function aFunction(): void {}

const PLACES: readonly (readonly [path: string, place: (refused: unknown) => unknown])[] = [
  ['the top level', (refused) => refused],
  ['.user.onClick', (refused) => ({ user: { id: 1, onClick: refused } })],
  ['["odd key"]', (refused) => ({ 'odd key': refused })],
  ['[1][0]', (refused) => [0, [refused]]],
  ['.list[70]', (refused) => ({ list: [...new Array(70).fill({}), refused] })],
  [
    '.values()[1].deep',
    (refused) =>
      new Map<unknown, unknown>([
        [1, 2],
        ['k', { deep: refused }],
      ]),
  ],
  ['.keys()[0]', (refused) => new Map([[refused, 1]])],
  ['.values()[2]', (refused) => new Set([1, 2, refused])],
  ['.error.cause', (refused) => ({ error: new Error('outer', { cause: refused }) })],
];

const REFUSED: readonly (readonly [what: string, value: unknown])[] = [
  ['a function', aFunction],
  ['a function', class {}],
  ['a symbol', Symbol('s')],
  ['a Promise', Promise.resolve()],
  ['a WeakMap', new WeakMap()],
  ['a SharedArrayBuffer', new SharedArrayBuffer(8)],
];

for (const name of CODEC_NAMES) {
  describe(`${name} refuses, and says what and where`, () => {
    for (const [what, refused] of REFUSED) {
      for (const [path, place] of PLACES) {
        test(`${what} at ${path}`, () => {
          const codec = codecNamed(name);
          const message = `codec "${codec.name}" cannot store ${what} at ${path}`;
          expect(() => codec.encode(place(refused))).toThrow(new ValueError(message));
          expect(roundTrip(codec, { usable: true })).toEqual({ usable: true });
        });
      }
    }

    test('with a stable code', () => {
      expect(() => codecNamed(name).encode(aFunction)).toThrow(expect.objectContaining({ code: 'VELOCACHE_VALUE' }));
    });
  });

  describe(`${name} and user code`, () => {
    test('an error thrown by a getter passes through and leaves the codec usable', () => {
      const codec = codecNamed(name);
      const thrown = new Error('from the getter');
      const throwing = {
        before: 'text',
        get bad(): never {
          throw thrown;
        },
      };
      for (const value of [throwing, [[throwing]], new Map([['k', throwing]])]) {
        expect(() => codec.encode(value)).toThrow(thrown);
        expect(roundTrip(codec, [1, { a: 'b' }])).toEqual([1, { a: 'b' }]);
      }
    });

    test('a getter that uses the codec gets its own bytes and spoils nobody else’s', () => {
      const codec = codecNamed(name);
      const inner = { inner: 'x'.repeat(5_000), map: new Map([[1, 2]]) };
      const outer = (wrap: (value: unknown) => unknown): unknown => ({
        first: 'a'.repeat(3_000),
        get nested() {
          return wrap([roundTrip(codec, inner), roundTrip(codec, { small: 1 })]);
        },
        last: ['tail', 2 ** 40],
      });
      const plain = { first: 'a'.repeat(3_000), last: ['tail', 2 ** 40] };
      for (const wrap of [(value: unknown) => value, (value: unknown) => new Set([value])]) {
        expect(roundTrip(codec, outer(wrap))).toEqual({ ...plain, nested: wrap([inner, { small: 1 }]) });
      }
    });

    test('a getter that encodes what is refused, and swallows the error, spoils nothing', () => {
      const codec = codecNamed(name);
      const value = {
        a: 'before',
        get b() {
          expect(() => codec.encode({ c: aFunction })).toThrow(ValueError);
          return 'after';
        },
      };
      expect(roundTrip(codec, value)).toEqual({ a: 'before', b: 'after' });
    });
  });
}

describe('msgpack and toJSON', () => {
  test('an error of toJSON passes through', () => {
    const codec = codecNamed('msgpack');
    const thrown = new Error('from toJSON');
    const value = {
      toJSON(): never {
        throw thrown;
      },
    };
    expect(() => codec.encode([value])).toThrow(thrown);
    expect(roundTrip(codec, 'usable')).toBe('usable');
  });

  test('it is called once for each object, and not on its own result', () => {
    let calls = 0;
    const result = { toJSON: 'data', kept: true };
    const value = {
      toJSON() {
        calls++;
        return result;
      },
    };
    expect(roundTrip(codecNamed('msgpack'), [value, value])).toEqual([result, result]);
    expect(calls).toBe(1);
  });

  test('what it returns is checked as any other value', () => {
    const value = { amount: { toJSON: () => aFunction } };
    expect(() => codecNamed('msgpack').encode(value)).toThrow('a function at .amount');
  });
});

describe('depth', () => {
  function chain(levels: number): unknown {
    let value: unknown = null;
    for (let i = 0; i < levels; i++) value = { value };
    return value;
  }

  function depthOf(value: unknown): number {
    let depth = 0;
    for (let at = value; at !== null; at = (at as { value: unknown }).value) depth++;
    return depth;
  }

  test('msgpack stores 65,536 levels and refuses more', () => {
    const codec = codecNamed('msgpack');
    expect(depthOf(roundTrip(codec, chain(65_536)))).toBe(65_536);
    expect(() => codec.encode(chain(65_540))).toThrow('more than 65536 levels');
    for (const levels of [255, 256, 257, 258, 259, 511, 512, 513]) {
      expect(depthOf(roundTrip(codec, chain(levels)))).toBe(levels);
    }
  });

  test('msgpack refuses objects that make new objects without end', () => {
    const endless = (): object => Object.defineProperty({}, 'next', { get: endless, enumerable: true });
    expect(() => codecNamed('msgpack').encode(endless())).toThrow(ValueError);
  });

  test('structured throws a RangeError when the stack ends, and stays usable', () => {
    const codec = codecNamed('structured');
    expect(() => codec.encode(chain(200_000))).toThrow(RangeError);
    expect(roundTrip(codec, { usable: true })).toEqual({ usable: true });
  });
});
