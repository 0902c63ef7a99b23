/** CBOR: what is on the wire, strict reading, and calls within a call, which cbor-x does not stand. */
import { decode } from 'cbor-x/index-no-eval';
import { describe, expect, it, vi } from 'vitest';
import { CodecError } from '../../../src/errors.js';
import { codecNamed, decoded, encoded, roundTrip } from './support.js';

const codec = codecNamed('cbor');

const SAMPLES: Readonly<Record<string, unknown>> = {
  tree: {
    id: 12,
    name: 'a name that is long enough for a length byte',
    tags: ['a', undefined, null, 1.5, -3, -70_000, 2n ** 60n, -5n],
    data: [Uint8Array.of(1, 2, 3), Float64Array.of(1.5), Buffer.from('b')],
    at: new Date(1e12 + 1),
  },
  graph: new Map<unknown, unknown>([
    ['e', new Error('m')],
    [new DataView(Uint8Array.of(1, 2).buffer), Uint8Array.of(3).buffer],
    [2n ** 70n, '\ud800'],
  ]),
};

describe('cbor on the wire', () => {
  it('a tree of plain data is CBOR that other readers read', () => {
    const value = {
      id: 7,
      name: 'a',
      list: [1, -1, 1.5, null, true, undefined],
      big: 2n ** 63n,
      at: new Date(1e12 + 5),
    };
    expect(decode(encoded(codec, value))).toEqual(value);
  });

  it('numbers take the fewest bytes that the format has for whole ones', () => {
    const lengths = [0, 23, 24, 255, 256, 65_535, 65_536, -1, -24, -25, -(2 ** 32), 2 ** 32, 1.5].map(
      (n) => encoded(codec, n).length,
    );
    expect(lengths).toEqual([1, 1, 2, 2, 3, 3, 5, 1, 1, 2, 5, 9, 9]);
  });
});

describe('cbor refuses', () => {
  for (const [form, value] of Object.entries(SAMPLES)) {
    it(`every truncation of a message, whatever bytes follow it (${form})`, () => {
      const bytes = encoded(codec, value);
      for (let end = 0; end < bytes.length; end++) expect(() => codec.decode(bytes, 0, end)).toThrow(CodecError);
    });

    it(`a message with a byte too many (${form})`, () => {
      expect(() => decoded(codec, Uint8Array.of(...encoded(codec, value), 0))).toThrow(CodecError);
    });
  }

  it.each<[string, readonly number[]]>([
    ['an array of 2³²−1 elements', [0x9a, 0xff, 0xff, 0xff, 0xff, 1]],
    ['an array of 2⁶⁴−1 elements', [0x9b, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 1]],
    ['an object of 2³²−1 keys', [0xba, 0xff, 0xff, 0xff, 0xff, 0x61, 0x61, 1]],
    ['a text of 2³²−1 bytes', [0x7a, 0xff, 0xff, 0xff, 0xff, 1]],
    ['a key of 2³²−1 bytes', [0xa1, 0x7a, 0xff, 0xff, 0xff, 0xff, 1]],
    ['bytes of 2³²−1 bytes', [0x5a, 0xff, 0xff, 0xff, 0xff, 1]],
    ['an array of unknown length', [0x9f, 1, 0xff]],
    ['a text of unknown length', [0x7f, 0x61, 0x61, 0xff]],
    ['an object of unknown length', [0xbf, 0x61, 0x61, 1, 0xff]],
    ['a reserved head', [0x1c]],
    ['an unknown simple value', [0xe0]],
    ['a number of half precision', [0xf9, 0x3c, 0]],
    ['a record definition', [0xd9, 0xdf, 0xff, 0x83, 0x19, 0xe0, 0, 0x81, 0x61, 0x61, 1]],
    ['a shared value', [0xd8, 28, 0x80]],
    ['a packed table', [0xd8, 51, 0x84, 0x81, 1, 0x80, 0x80, 0xe0]],
    ['an unknown tag of bytes', [0xd8, 99, 0x41, 1]],
    ['a tag of something else', [0xd8, 64, 1]],
    ['a date of a text', [0xc1, 0x61, 0x31]],
    ['a typed array cut inside an element', [0xd8, 86, 0x43, 1, 2, 3]],
    ['an object whose key is no string', [0xa1, 1, 1]],
    ['a graph inside a graph', [0xff, 0xff, 0x81, 1]],
    ['a graph without a table', [0xff, 1]],
    ['a graph with an empty table', [0xff, 0x80]],
    ['an index outside of the table', [0xff, 0x81, 0x82, 2, 5]],
  ])('%s', (_, bytes) => {
    expect(() => decoded(codec, Uint8Array.from(bytes))).toThrow(CodecError);
  });

  it.each([0x81, 0xa1, 0xc1, 0xd8])('a million levels of %s, without exhausting the stack', (open) => {
    expect(() => decoded(codec, new Uint8Array(1_000_000).fill(open))).toThrow(CodecError);
  });

  it('a range outside of the source', () => {
    const source = Uint8Array.of(1, 2);
    for (const [start, end] of [
      [1, 3],
      [-1, 1],
      [2, 1],
    ] as const) {
      expect(() => codec.decode(source, start, end)).toThrow(CodecError);
    }
  });
});

it('`__proto__` becomes an own property, in a tree and in a graph', () => {
  const key = [0x69, ...Buffer.from('__proto__')];
  const tree = decoded(codec, Uint8Array.of(0xa1, ...key, 0xa1, 0x61, 0x78, 1));
  const graph = decoded(codec, Uint8Array.of(0xff, 0x83, 0x83, 1, 1, 2, ...key, 0xa1, 0x61, 0x78, 1));
  for (const value of [tree, graph]) {
    expect(Object.getPrototypeOf(value)).toBe(Object.prototype);
    expect(Object.getOwnPropertyDescriptor(value, '__proto__')?.value).toEqual({ x: 1 });
  }
});

describe('calls of cbor within a call', () => {
  const LARGE = { text: 'x'.repeat(60_000), numbers: [1.5, -2.25, 70_000] };

  it('by another codec of the thread spoil neither', () => {
    const other = codecNamed('cbor');
    for (const inner of [LARGE, { small: 1 }, new Map([[1, LARGE]])]) {
      const value = {
        before: [1.5, 'b'.repeat(3_000)],
        get now() {
          return Buffer.from(other.encode(inner)).toString('hex');
        },
        after: LARGE,
      };
      const now = Buffer.from(encoded(other, inner)).toString('hex');
      expect(roundTrip(codec, value)).toEqual({ before: value.before, now, after: LARGE });
    }
  });

  it('a getter that turns into a function is refused', () => {
    let reads = 0;
    const value = {
      get now() {
        reads += 1;
        return reads === 1 ? 1 : () => 1;
      },
    };
    expect(() => codec.encode(value)).toThrow('codec "cbor" cannot store a function at .now');
  });

  it('a call that was cut short while the buffer was exchanged leaves nothing behind', () => {
    const copy = vi.spyOn(Buffer.prototype, 'copy').mockImplementation(() => {
      throw new RangeError('cut');
    });
    try {
      expect(() => codecNamed('cbor').encode(LARGE)).toThrow('cut');
    } finally {
      copy.mockRestore();
    }
    expect(roundTrip(codec, LARGE)).toEqual(LARGE);
  });
});
