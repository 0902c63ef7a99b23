/** Shapes of objects in a log that threads share: what is learned, what isn't, and that nobody mistakes one for another. */
import { deepStrictEqual } from 'node:assert/strict';
import fc from 'fast-check';
import { afterEach, describe, expect, test } from 'vitest';
import type { AppendLog } from '../../../native-free/index.js';
import type { FormCodec } from '../../../src/codecs/codec.js';
import { createMsgpackCodec } from '../../../src/codecs/msgpack.js';
import { CodecError } from '../../../src/errors.js';
import { type LogBed, logBed } from '../../support/logs.js';
import { decoded, encoded, roundTrip } from './support.js';

const { FC_SEED } = process.env;
const SEED = Number(FC_SEED ?? Math.floor(Math.random() * 2 ** 31));
const LOG_BYTES = 2 ** 16;
const PLAIN = createMsgpackCodec();
const USER = { id: 1, name: 'Anaïs', email: 'anais@example.org', roles: ['rider'] };

interface Thread {
  readonly codec: FormCodec;
  readonly log: AppendLog;
}

function threadOf(bed: LogBed): Thread {
  const log = bed.join();
  return { log, codec: createMsgpackCodec(log) };
}

function thread(bytes = LOG_BYTES): Thread {
  return threadOf(logBed(bytes));
}

function shapesIn(log: AppendLog): string[][] {
  return Array.from({ length: log.count }, (_, n) => JSON.parse(Buffer.from(log.read(n)).toString()) as string[]);
}

/** An object with so many keys, each of them `prefix` and a number. */
function wide(keys: number, prefix = 'k'): Record<string, number> {
  return Object.fromEntries(Array.from({ length: keys }, (_, i) => [`${prefix}${i}`, i]));
}

describe('a shape is learned', () => {
  test('when a thread meets it for the second time, and then only its number is stored', () => {
    const { codec, log } = thread();
    const first = encoded(codec, USER);
    expect(log.count).toBe(0);
    const second = encoded(codec, { ...USER, id: 2 });
    expect(shapesIn(log)).toEqual([Object.keys(USER)]);
    expect(first.length - second.length).toBeGreaterThan('idnameemailroles'.length);
    expect(second.length).toBeLessThan(encoded(PLAIN, USER).length);
    expect([decoded(codec, first), decoded(codec, second)]).toEqual([USER, { ...USER, id: 2 }]);
  });

  test('for all threads: those that never met it read it, and write it from the first time on', () => {
    const bed = logBed(LOG_BYTES);
    const [one, other] = [threadOf(bed), threadOf(bed)];
    one.codec.encode([USER, USER, { ...USER }, { ...USER }]);
    one.codec.encode([{ ...USER }, { ...USER }]);
    const bytes = encoded(one.codec, { ...USER });
    expect(decoded(other.codec, bytes)).toEqual(USER);
    expect(encoded(other.codec, { ...USER })).toEqual(bytes);
    expect(other.log.count).toBe(1);
  });

  test('within one value, too', () => {
    const { codec, log } = thread();
    const users = Array.from({ length: 50 }, (_, id) => ({ ...USER, id, roles: [] }));
    const bytes = encoded(codec, users);
    expect(log.count).toBe(1);
    expect(bytes.length).toBeLessThan(encoded(PLAIN, users).length * 0.65);
    expect(decoded(codec, bytes)).toEqual(users);
  });

  test('by its keys in their order; one may be the beginning of another', () => {
    const { codec, log } = thread();
    const values = [{ a: 1, b: 2 }, { b: 2, a: 1 }, { a: 1 }, {}, { a: 1, b: 2, c: 3 }, { 2: 'x', 1: 'y' }];
    for (let i = 0; i < 3; i++) for (const value of values) deepStrictEqual(roundTrip(codec, value), value);
    expect(shapesIn(log)).toEqual(values.map((value) => Object.keys(value)));
  });

  test('with any number of others: numbers of up to 24 bits', () => {
    const { codec, log } = thread(2 ** 20);
    for (let i = 0; i < 4_200; i++) for (let j = 0; j < 2; j++) codec.encode({ [`key ${i}`]: 1 });
    // Each quarter of the room asks for more sightings.
    for (let i = 4_000; i < 4_200; i++) for (let j = 0; j < 8; j++) codec.encode({ [`key ${i}`]: 1 });
    expect(log.count).toBeGreaterThan(0x1000);
    for (const i of [0, 1, 0xfff, 0x1000, log.count - 1]) {
      const [key] = shapesIn(log)[i]!;
      const bytes = encoded(codec, { [key!]: 7 });
      expect(bytes.length).toBe(i < 0x1000 ? 6 : 8);
      expect(decoded(codec, bytes)).toEqual({ [key!]: 7 });
    }
  });
});

describe('a shape is not learned', () => {
  test.each([
    ['of a dictionary whose keys are ever new', (i: number) => ({ [`user ${i}`]: 1, [`route ${i}`]: 2 })],
    ['of objects with more than 64 keys', () => wide(65)],
    ['of keys that take more than 2 KiB', () => wide(20, 'x'.repeat(120))],
    ['with a key __proto__', () => JSON.parse('{"a":1,"__proto__":[2]}') as object],
  ])('%s', (_, make) => {
    const { codec, log } = thread();
    for (let i = 0; i < 3_000; i++) codec.encode({ list: make(i) });
    for (let i = 5_000; i < 5_003; i++) deepStrictEqual(roundTrip(codec, make(i)), make(i));
    expect(shapesIn(log)).toEqual([['list']]);
  });

  test('once shapes have half of the log: what is known stays, the rest are plain maps', () => {
    const { codec, log } = thread(2_048);
    for (let i = 0; i < 200; i++) for (let j = 0; j < 20; j++) codec.encode({ [`a key of its own ${i}`]: j });
    expect(log.bytesUsed).toBeGreaterThanOrEqual(log.bytesTotal / 2);
    expect(log.bytesUsed).toBeLessThan(log.bytesTotal / 2 + 64);
    const { count } = log;
    for (let i = 0; i < 200; i++)
      expect(roundTrip(codec, { [`a key of its own ${i}`]: i })).toEqual({ [`a key of its own ${i}`]: i });
    expect([log.count, log.problems()]).toEqual([count, []]);
  });

  test('while the lock of the log can not be had; values are stored, and only the first of them waits', () => {
    const bed = logBed(LOG_BYTES);
    const { codec, log } = threadOf(bed);
    const holder = bed.join();
    let waits = 0;
    const append = log.append.bind(log);
    log.append = (...args) => {
      waits += 1;
      return append(...args);
    };
    codec.encode(USER);
    // The token of a thread that is there: the second, of slot 1.
    bed.words[0] = (3 << 9) | (1 << 1);
    for (let i = 0; i < 100; i++) expect(roundTrip(codec, { ...USER })).toEqual(USER);
    expect([waits, holder.count]).toEqual([1, 0]);
    bed.words[0] = 0;
    for (let i = 0; i < 10_100; i++) codec.encode({ ...USER });
    expect(holder.count).toBe(1);
  });
});

describe('two threads that learn at once', () => {
  test('the same shape give it one number', () => {
    const bed = logBed(LOG_BYTES);
    const [one, other] = [threadOf(bed), threadOf(bed)];
    one.codec.encode({ a: 1 });
    other.codec.encode({ a: 1 });
    beforeAppend(one.log, () => other.codec.encode({ a: 2 }));
    const bytes = encoded(one.codec, { a: 3 });
    expect(shapesIn(one.log)).toEqual([['a']]);
    expect(bytes).toEqual(encoded(other.codec, { a: 3 }));
  });

  test('different shapes give them different numbers', () => {
    const bed = logBed(LOG_BYTES);
    const [one, other] = [threadOf(bed), threadOf(bed)];
    one.codec.encode({ a: 1 });
    other.codec.encode({ b: 1 });
    let others: Uint8Array = new Uint8Array(0);
    beforeAppend(one.log, () => {
      others = encoded(other.codec, { b: 2 });
    });
    const bytes = encoded(one.codec, { a: 3 });
    expect(shapesIn(one.log)).toEqual([['b'], ['a']]);
    expect([decoded(other.codec, bytes), decoded(one.codec, others)]).toEqual([{ a: 3 }, { b: 2 }]);
  });

  test('any values, in any turn: each reads what the others wrote', () => {
    const key = fc.constantFrom('a', 'b', 'c', 'd', '__proto__', '1', 'name');
    const { value } = fc.letrec<{ value: unknown }>((tie) => ({
      value: fc.oneof(
        { depthSize: 'small' },
        fc.constantFrom<unknown>(null, true, -1, 1.5, 'text', 'é\ud83d', undefined, 2n ** 60n, -0),
        fc.array(tie('value'), { maxLength: 4 }),
        fc.dictionary(key, tie('value'), { maxKeys: 4, noNullPrototype: true }),
      ),
    }));
    const turns = fc.array(fc.tuple(fc.nat(2), fc.nat(2), value), { maxLength: 40 });
    fc.assert(
      fc.property(turns, (steps) => {
        const bed = logBed(1_024);
        const threads = [threadOf(bed), threadOf(bed), threadOf(bed)];
        for (const [writer, reader, v] of steps) {
          deepStrictEqual(decoded(threads[reader]!.codec, encoded(threads[writer]!.codec, v)), structuredClone(v));
        }
        const shapes = shapesIn(threads[0]!.log).map((keys) => JSON.stringify(keys));
        expect(new Set(shapes).size).toBe(shapes.length);
      }),
      { seed: SEED, numRuns: 300 },
    );
  });
});

/** Has `act` run just before the next append of this thread. */
function beforeAppend(log: AppendLog, act: () => void): void {
  const append = log.append.bind(log);
  log.append = (...args) => {
    log.append = append;
    act();
    return append(...args);
  };
}

describe('the shaped form', () => {
  test('a number that no shape has is an error, and an error each time', () => {
    const { codec } = thread();
    for (let i = 0; i < 2; i++) expect(() => decoded(codec, Uint8Array.of(0xc1, 0, 0, 0x80, 5))).toThrow(CodecError);
  });

  test.each([0, 1, 31, 32, 63, 64, 65, 255, 256, 4_095, 4_096, 4_097, 21_845, 21_846, 70_000])(
    'strings of %d characters, in one, two and three bytes',
    (length) => {
      const { codec } = thread();
      const texts = ['x', 'é', '語'].map((character) => character.repeat(length));
      for (const text of texts) expect(roundTrip(codec, [text, { [text]: text }])).toEqual([text, { [text]: text }]);
      expect(roundTrip(codec, texts)).toEqual(texts);
    },
  );

  test('many strings, of which some have no room in the text', () => {
    const { codec } = thread();
    const texts = Array.from({ length: 400 }, (_, i) => `${i % 7 === 0 ? 'é' : 'e'} number ${i}`);
    expect(roundTrip(codec, texts)).toEqual(texts);
  });

  test('halves of a surrogate pair in two strings stay where they are', () => {
    const { codec } = thread();
    for (const value of [['\ud83d', '\ude00'], ['\ude00', '\ud83d'], { '\ud83d': '\ude00' }])
      deepStrictEqual(roundTrip(codec, value), value);
  });

  test.each([0, 1, 127, 128, 255, 256, 65_535, 65_536, 2 ** 31 - 1, 2 ** 31, 2 ** 32 - 1, 2 ** 32, 2 ** 53, 1e21])(
    'the number %d, and its negative',
    (number) => {
      const value = [number, number === 0 ? 0 : -number, -number - 1, number + 0.5];
      deepStrictEqual(roundTrip(thread().codec, value), value);
    },
  );

  test('a getter that changes the object under way gives what it was in the end', () => {
    const { codec } = thread();
    const shrinking = () => ({
      a: 1,
      get b() {
        delete (this as { c?: number }).c;
        return 2;
      },
      c: 3,
    });
    for (let i = 0; i < 4; i++) expect(roundTrip(codec, shrinking())).toEqual({ a: 1, b: 2 });
    const growing = (list: number[]) => ({
      list: [
        {
          get more() {
            return list.push(0);
          },
        },
      ],
      after: list,
    });
    for (let i = 0; i < 4; i++) {
      const { after } = roundTrip(codec, growing([])) as { after: number[] };
      expect(after.every((zero) => zero === 0)).toBe(true);
    }
  });

  test('a getter may use the codec', () => {
    const { codec } = thread();
    const value = () => ({
      before: 'text before',
      get inner(): unknown {
        return roundTrip(codec, { text: 'inner', list: [1, 2] });
      },
      after: 'text after',
    });
    const expected = { before: 'text before', inner: { text: 'inner', list: [1, 2] }, after: 'text after' };
    for (let i = 0; i < 4; i++) expect(roundTrip(codec, value())).toEqual(expected);
  });

  describe('with a property that all objects inherit', () => {
    afterEach(() => {
      delete (Object.prototype as { inherited?: number }).inherited;
    });

    test('it is nobody’s own', () => {
      const { codec, log } = thread();
      Object.assign(Object.prototype, { inherited: 1 });
      for (let i = 0; i < 3; i++) expect(Object.keys(roundTrip(codec, { own: 1 }) as object)).toEqual(['own']);
      expect(log.count).toBe(0);
    });
  });
});
