import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import type { FormCodec } from '../../../src/codecs/codec.js';
import { CodecError } from '../../../src/errors.js';
import { CODEC_NAMES, codecNamed, decoded, encoded, roundTrip } from './support.js';

const { FC_SEED } = process.env;
const SEED = Number(FC_SEED ?? Math.floor(Math.random() * 2 ** 31));

const SAMPLE = {
  id: 12,
  name: 'a name that is long enough for a length byte',
  tags: ['a', 'b', undefined, null, 1.5, -3, 2n ** 60n],
  data: Uint8Array.of(1, 2, 3),
  at: new Date(1e12 + 1),
  track: [
    [4.35171, 50.84965],
    [4.35184, 50.84971],
    [4.35202, 50.85004],
  ],
  temperatures: [11.5, 11.3, null, 10.9, -1024.7, 9],
};

const SAMPLES: Readonly<Record<string, unknown>> = {
  tree: SAMPLE,
  graph: new Map<unknown, unknown>([
    [SAMPLE, new Set([SAMPLE, 'x'])],
    ['e', new Error('m')],
    [/r/g, -0],
    [2n ** 70n, '\ud800'],
    [{ deep: [1, [2]] }, [1, SAMPLE]],
  ]),
};

/** Decodes, and tolerates nothing but a value or a CodecError; the codec must work afterwards. */
function decodeAnyway(codec: FormCodec, bytes: Uint8Array): void {
  try {
    decoded(codec, bytes);
  } catch (error) {
    expect(error).toBeInstanceOf(CodecError);
  }
  expect(Object.keys(Object.prototype)).toEqual([]);
  expect(roundTrip(codec, { ok: [1] })).toEqual({ ok: [1] });
}

for (const name of CODEC_NAMES) {
  describe(`${name} and bytes that are no message (seed ${SEED})`, () => {
    const codec = codecNamed(name);
    const options = { seed: SEED, numRuns: 3_000 };

    test('random bytes', () => {
      fc.assert(
        fc.property(fc.uint8Array({ maxLength: 64 }), (bytes) => decodeAnyway(codec, bytes)),
        options,
      );
    });

    test('random bytes behind the mark of a graph or the header of the format', () => {
      const marks = fc.constantFrom(
        [0xc1],
        [0xc1, 0x91],
        [0xc1, 0x92, 0x94],
        [0xc1, 0x00, 0x04],
        [0xc1, 0x40, 0x09, 0x80],
        [0xff, 0x0f],
        [0xff, 0x0f, 0x5c],
        [0xff, 0x0f, 0x61],
      );
      const forged = fc
        .tuple(marks, fc.uint8Array({ maxLength: 48 }))
        .map(([mark, rest]) => Uint8Array.of(...mark, ...rest));
      fc.assert(
        fc.property(forged, (bytes) => decodeAnyway(codec, bytes)),
        options,
      );
    });

    test('messages with some bytes changed', () => {
      const messages = Object.values(SAMPLES).map((value) => encoded(codec, value));
      const change = fc.tuple(fc.nat(1_000), fc.nat(255));
      const cases = fc.tuple(fc.constantFrom(...messages), fc.array(change, { minLength: 1, maxLength: 4 }));
      const property = fc.property(cases, ([message, changes]) => {
        const bytes = Uint8Array.from(message);
        for (const [at, byte] of changes) bytes[at % bytes.length] = byte;
        decodeAnyway(codec, bytes);
      });
      fc.assert(property, options);
    });

    test('no bytes at all', () => {
      expect(() => codec.decode(new Uint8Array(4), 2, 2)).toThrow(CodecError);
    });

    test('an error has a stable code', () => {
      const error = expect.objectContaining({ code: 'VELOCACHE_CODEC' });
      expect(() => decoded(codec, Uint8Array.of(0xc1, 0xc1))).toThrow(error);
    });
  });
}

for (const name of ['msgpack', 'shapes'] as const) {
  const codec = codecNamed(name);

  for (const [form, value] of Object.entries(SAMPLES)) {
    test(`${name} refuses every truncation of a message, whatever bytes follow it (${form})`, () => {
      for (let i = 0; i < 3; i++) codec.encode(value);
      const bytes = encoded(codec, value);
      for (let end = 0; end < bytes.length; end++) expect(() => codec.decode(bytes, 0, end)).toThrow(CodecError);
    });

    test(`${name} refuses a message with a byte too many (${form})`, () => {
      const bytes = Uint8Array.of(...encoded(codec, value), 0);
      expect(() => decoded(codec, bytes)).toThrow(CodecError);
    });
  }
}

describe('msgpack refuses', () => {
  const codec = codecNamed('msgpack');

  const forged: Readonly<Record<string, readonly number[]>> = {
    'an array of 2³²−1 elements': [0xdd, 0xff, 0xff, 0xff, 0xff, 1],
    'an object of 2³²−1 keys': [0xdf, 0xff, 0xff, 0xff, 0xff, 0xa1, 0x61, 1],
    'a text of 2³²−1 bytes': [0xdb, 0xff, 0xff, 0xff, 0xff, 1],
    'a Buffer of 2³²−1 bytes': [0xc6, 0xff, 0xff, 0xff, 0xff, 1],
    'an extension of 2³²−1 bytes': [0xc9, 0xff, 0xff, 0xff, 0xff, 0x74, 1],
    'the unused byte 0xc1 inside a message': [0x91, 0xc1],
    'a record definition': [0xd4, 0x72, 0x40, 0x91, 0xa1, 0x61, 1],
    'an unknown extension': [0xd4, 0x55, 0],
    'an object whose key is no string': [0x81, 1, 1],
    'a typed array cut inside an element': [0xc7, 4, 0x74, 8, 1, 2, 3],
    'an unknown class of typed array': [0xd5, 0x74, 99, 0],
    'a graph inside a graph': [0xc1, 0xc1, 0x91, 1],
    'a graph without a table': [0xc1, 1],
    'a graph with an empty table': [0xc1, 0x90],
    'an index outside of the table': [0xc1, 0x91, 0x92, 2, 5],
    'an index that is no number': [0xc1, 0x91, 0x92, 2, 0xa1, 0x30],
    'an unknown kind of node': [0xc1, 0x91, 0x91, 99],
    'a pattern that is none': [0xc1, 0x93, 0x93, 6, 1, 2, 0xa1, 0x28, 0xa0],
    'a record without shapes': [0xc1, 0, 0, 0x80, 0],
    'a text that is longer than the message': [0xc1, 0, 9, 0x90],
    'more text than strings': [0xc1, 0, 1, 0x90, 0x61],
    'less text than strings': [0xc1, 0, 1, 0xa2, 0x61],
    'a mark alone': [0xc1],
    'a mark and half a length': [0xc1, 0],
    'a class of error that is none': [0xc1, 0x92, 0x92, 7, 1, 0xab, ...Buffer.from('constructor')],
  };

  for (const [what, bytes] of Object.entries(forged)) {
    test(what, () => expect(() => decoded(codec, Uint8Array.from(bytes))).toThrow(CodecError));
  }

  test('a million levels, without exhausting the stack', () => {
    for (const open of [0x91, 0x81]) {
      const bytes = new Uint8Array(1_000_000).fill(open);
      expect(() => decoded(codec, bytes)).toThrow(CodecError);
    }
  });

  test('a range outside of the source', () => {
    const source = Uint8Array.of(1, 2);
    expect(() => codec.decode(source, 1, 3)).toThrow(CodecError);
    expect(() => codec.decode(source, -1, 1)).toThrow(CodecError);
    expect(() => codec.decode(source, 2, 1)).toThrow(CodecError);
  });
});

describe('msgpack and forged keys', () => {
  test('`__proto__` becomes an own property, in a tree and in a graph', () => {
    const codec = codecNamed('msgpack');
    const key = [0xa9, ...Buffer.from('__proto__')];
    const tree = decoded(codec, Uint8Array.of(0x81, ...key, 0x81, 0xa1, 0x78, 1));
    const graph = decoded(codec, Uint8Array.of(0xc1, 0x93, 0x93, 1, 1, 2, ...key, 0x81, 0xa1, 0x78, 1));
    for (const value of [tree, graph]) {
      expect(Object.getPrototypeOf(value)).toBe(Object.prototype);
      expect(Object.getOwnPropertyDescriptor(value, '__proto__')?.value).toEqual({ x: 1 });
    }
  });

  test('a sparse array takes no memory for its holes', () => {
    const bytes = Uint8Array.of(0xc1, 0x91, 0x94, 3, 0xce, 1, 0xc9, 0xc3, 0x80, 5, 0);
    const before = process.memoryUsage().rss;
    const arrays = Array.from({ length: 20 }, () => decoded(codecNamed('msgpack'), bytes) as unknown[]);
    expect(arrays[0]?.length).toBe(30_000_000);
    expect(process.memoryUsage().rss - before).toBeLessThan(200e6);
  });
});

for (const name of ['msgpack', 'shapes'] as const) {
  describe(`${name} passes over properties that nobody asked for (seed ${SEED})`, () => {
    const codec = codecNamed(name);
    const fields = (bytes: Uint8Array, names: readonly string[]): unknown =>
      codec.decodeFields?.(bytes, 0, bytes.length, new Set(names));

    test('of any object, as exactly as if it read them', () => {
      const value = fc.dictionary(fc.string({ maxLength: 3 }), fc.anything({ withBigInt: true, withDate: true }), {
        maxKeys: 6,
        noNullPrototype: true,
      });
      fc.assert(
        fc.property(value, fc.array(fc.string({ maxLength: 3 }), { maxLength: 3 }), (given, others) => {
          const bytes = encoded(codec, given);
          const whole = decoded(codec, bytes) as Record<string, unknown>;
          for (const names of [others, Object.keys(given).slice(1, 3), []]) {
            const found = fields(bytes, names) as Record<string, unknown>;
            for (const key of names.filter((name) => Object.hasOwn(whole, name)))
              expect(found[key]).toEqual(whole[key]);
          }
        }),
        { seed: SEED, numRuns: 500 },
      );
    });

    test('of every kind, without making them', () => {
      for (let i = 0; i < 3; i++) codec.encode(SAMPLE);
      // One object in two places would take the graph form, which is read whole.
      const nested = [[structuredClone(SAMPLE)], { a: { b: -1e9 } }];
      const bytes = encoded(codec, { ...SAMPLE, long: 'é'.repeat(5_000), nested, last: 'x' });
      expect(fields(bytes, ['last'])).toEqual({ last: 'x' });
      expect(fields(bytes, ['id', 'nested'])).toEqual({ id: 12, nested });
      expect(fields(bytes, [])).toEqual({});
    });

    test('and refuses every truncation, and a byte too many', () => {
      for (let i = 0; i < 3; i++) codec.encode(SAMPLE);
      const bytes = encoded(codec, SAMPLE);
      for (let end = 0; end < bytes.length; end++) expect(() => fields(bytes.slice(0, end), [])).toThrow(CodecError);
      expect(() => fields(Uint8Array.of(...bytes, 0), [])).toThrow(CodecError);
    });

    test('and of changed bytes gives a value or a CodecError', () => {
      const bytes = encoded(codec, SAMPLE);
      const change = fc.tuple(fc.nat(1_000), fc.nat(255));
      const property = fc.property(fc.array(change, { minLength: 1, maxLength: 4 }), (changes) => {
        const forged = Uint8Array.from(bytes);
        for (const [at, byte] of changes) forged[at % forged.length] = byte;
        try {
          fields(forged, ['tags']);
        } catch (error) {
          expect(error).toBeInstanceOf(CodecError);
        }
      });
      fc.assert(property, { seed: SEED, numRuns: 3_000 });
    });
  });
}
