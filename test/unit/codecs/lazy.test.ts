/** Values with heavy properties: in parts, each decoded and decompressed when it is needed, and the same as if they were whole. */
import { deepStrictEqual } from 'node:assert/strict';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { createCompressors } from '../../../src/codecs/compressors.js';
import { FORM_FRAME, FORM_PARTS, frame } from '../../../src/codecs/frame.js';
import { joinParts, LIGHT, type Part, sectionsIn } from '../../../src/codecs/parts.js';
import { CodecError, ValueError } from '../../../src/errors.js';
import { ITEM_BYTES_MAX, LAZY_CODECS, type LazyBed, lazyBed, stored, unpacked } from './lazy-bed.js';
import { encoded } from './support.js';

const { FC_SEED } = process.env;
const SEED = Number(FC_SEED ?? Math.floor(Math.random() * 2 ** 31));

const POINTS = Array.from({ length: 300 }, (_, i) => [i / 7, -(i + 1) / 3]);
const SERIES = Array.from({ length: 200 }, (_, i) => ({ at: i * 1_000, speed: i % 37, note: `lap ${i}` }));
const route = (): Record<string, unknown> => ({
  id: 7,
  geometry: POINTS,
  name: 'to the lake',
  series: SERIES,
  km: 12.5,
});

const isDeferred = (value: unknown, name: string): boolean =>
  Object.getOwnPropertyDescriptor(value as object, name)?.get !== undefined;

describe.each(LAZY_CODECS)('heavy properties by %s', (codec) => {
  it('are decoded when they are read, one by one', () => {
    const bed = lazyBed({ codec });
    const { isInParts, ...bytes } = stored(bed, route());
    const value = unpacked(bed, bytes) as Record<string, unknown>;
    expect([isInParts, bed.decodes, isDeferred(value, 'geometry'), isDeferred(value, 'series')]).toEqual([
      true,
      1,
      true,
      true,
    ]);
    expect([value['id'], Object.keys(value), bed.decodes]).toEqual([7, Object.keys(route()), 1]);
    expect([value['series'], bed.decodes, isDeferred(value, 'series')]).toEqual([SERIES, 2, false]);
    deepStrictEqual(value, structuredClone(route()));
    expect(bed.decodes).toBe(3);
    deepStrictEqual(value, structuredClone(route()));
    expect(bed.decodes).toBe(3);
  });

  it.each([...createCompressors().keys()])('are decompressed when they are read, by %s', (compressor) => {
    const bed = lazyBed({ codec, compressor, hasCrc: true });
    const bytes = stored(bed, route());
    expect(bytes.bytes.length).toBeLessThan(stored(lazyBed({ codec, hasCrc: true }), route()).bytes.length);
    const value = unpacked(bed, bytes) as Record<string, unknown>;
    expect([bytes.isInParts, bed.expansions, value['km'], bed.expansions]).toEqual([true, 0, 12.5, 0]);
    expect([value['geometry'], bed.expansions, value['series'], bed.expansions]).toEqual([POINTS, 1, SERIES, 2]);
    deepStrictEqual(value, structuredClone(route()));
  });

  it('that are named are decoded, and no others', () => {
    const bed = lazyBed({ codec, compressor: 'zlib' });
    const bytes = stored(bed, route());
    expect([unpacked(bed, bytes, ['series']), bed.decodes, bed.expansions]).toEqual([{ series: SERIES }, 1, 1]);
    expect(unpacked(bed, bytes, ['km', 'name'])).toMatchObject({ km: 12.5, name: 'to the lake' });
    expect([bed.decodes, bed.expansions]).toEqual([2, 1]);
    expect(unpacked(bed, bytes, ['geometry', 'id', 'none'])).toMatchObject({ geometry: POINTS, id: 7 });
    expect([bed.decodes, bed.expansions]).toEqual([4, 2]);
  });

  it.each<[string, unknown]>([
    ['no object', 'x'.repeat(2_000)],
    ['an array', [POINTS]],
    ['without any', { id: 1, points: POINTS }],
    ['with small ones', { geometry: [1, 2], series: 'short', id: 1 }],
    ['with an own toJSON', { toJSON: () => ({ geometry: POINTS }), geometry: POINTS }],
  ])('of a value %s are none', (_, value) => {
    const bed = lazyBed({ codec });
    if (codec === 'structured' && JSON.stringify(value) !== JSON.stringify(structuredCloneOr(value))) return;
    const bytes = stored(bed, value);
    expect(bytes.isInParts).toBe(false);
    const copy = unpacked(bed, bytes);
    deepStrictEqual(copy, JSON.parse(JSON.stringify(value)));
  });

  it('that are refused are named with all of their path', () => {
    const bed = lazyBed({ codec });
    const refused = { id: 1, geometry: { points: [...POINTS, [() => 1]] } };
    expect(() => stored(bed, refused)).toThrow(ValueError);
    expect(() => stored(bed, refused)).toThrow(/cannot store a function at \.geometry\.points\[300\]\[0\]$/);
  });

  it('compacted are the same in fewer bytes, until there is no more to gain', () => {
    const bed = lazyBed({ codec, compressor: 'zlib', hasCrc: true, version: 3 });
    const plain = stored(lazyBed({ beside: bed, hasCrc: true, version: 3 }), route());
    const compacted = Uint8Array.from(bed.packer.compact(plain.form, plain.bytes)!);
    expect([bed.packer.form, compacted.length < plain.bytes.length]).toEqual([FORM_FRAME, true]);
    const value = unpacked(bed, { form: FORM_FRAME, bytes: compacted }) as Record<string, unknown>;
    expect([isDeferred(value, 'geometry'), bed.packer.unpackedVersion]).toEqual([true, 3]);
    deepStrictEqual(value, structuredClone(route()));
    expect(bed.packer.compact(FORM_FRAME, compacted)).toBeUndefined();
  });

  it('opened by another thread and decoded in this one are the same', () => {
    const bed = lazyBed({ codec, compressor: 'zlib', version: 2 });
    const { form, bytes } = stored(bed, route());
    const opened = bed.packer.open(form, bytes, 0, bytes.length, 2);
    expect([bed.expansions, bed.decodes]).toEqual([2, 0]);
    const value = bed.packer.decode(opened) as Record<string, unknown>;
    expect([isDeferred(value, 'geometry'), bed.decodes]).toEqual([true, 1]);
    deepStrictEqual(value, structuredClone(route()));
    expect(bed.expansions).toBe(2);
    expect(bed.packer.open(form, bytes, 0, bytes.length, 1).bytes).toBe(bytes);
  });

  it('of an older version, and where all is wanted, are decoded at once', () => {
    const bed = lazyBed({ codec });
    const bytes = stored(bed, route());
    const newer = lazyBed({ beside: bed, version: 2 });
    const old = unpacked(newer, bytes);
    expect([isDeferred(old, 'geometry'), newer.packer.unpackedVersion]).toEqual([false, 1]);
    const whole = bed.packer.unpackWhole(bytes.form, bytes.bytes, 0, bytes.bytes.length);
    expect([isDeferred(whole, 'geometry'), bed.decodes]).toEqual([false, 3]);
    for (const value of [old, whole]) deepStrictEqual(value, structuredClone(route()));
  });

  it('`__proto__` among them stays an own property, and pollutes nothing', () => {
    const bed = lazyBed({ codec, names: ['__proto__', 'constructor'] });
    const value = JSON.parse(
      `{"a":1,"__proto__":${JSON.stringify({ polluted: POINTS })},"constructor":${JSON.stringify(SERIES)},"z":2}`,
    );
    const bytes = stored(bed, value);
    const copy = unpacked(bed, bytes) as object;
    expect([bytes.isInParts, Object.keys(copy), Object.getPrototypeOf(copy) === Object.prototype, bed.decodes]).toEqual(
      [true, ['a', '__proto__', 'constructor', 'z'], true, 1],
    );
    expect(JSON.stringify(copy)).toBe(JSON.stringify(value));
    expect(Object.getPrototypeOf(copy)).toBe(Object.prototype);
    const fields = unpacked(bed, bytes, ['__proto__', 'z']) as object;
    expect([Object.hasOwn(fields, '__proto__'), Object.getPrototypeOf(fields) === Object.prototype]).toEqual([
      true,
      true,
    ]);
    expect('polluted' in {}).toBe(false);
  });

  it('of a value that was got and not read are stored again', () => {
    const bed = lazyBed({ codec });
    const first = unpacked(bed, stored(bed, route()));
    const again = stored(bed, first);
    expect(again.isInParts).toBe(true);
    deepStrictEqual(unpacked(bed, again), structuredClone(route()));
  });

  it('a getter on the way may store and read other values', () => {
    const bed = lazyBed({ codec });
    const value = {
      id: 1,
      get geometry() {
        deepStrictEqual(unpacked(bed, stored(bed, route())), structuredClone(route()));
        return { points: POINTS };
      },
      series: [
        ...SERIES,
        Object.defineProperty({}, 'late', { get: () => stored(bed, route()).form, enumerable: true }),
      ],
    };
    const copy = unpacked(bed, stored(bed, value));
    deepStrictEqual(
      copy,
      structuredClone({ id: 1, geometry: { points: POINTS }, series: [...SERIES, { late: FORM_FRAME }] }),
    );
  });
});

function structuredCloneOr(value: unknown): unknown {
  try {
    return structuredClone(value);
  } catch {
    return undefined;
  }
}

describe(`round trips, compared with structuredClone (seed ${SEED})`, () => {
  const text = fc.string({ unit: 'grapheme', maxLength: 30 });
  const leaf = fc.oneof(
    fc.constantFrom<unknown>(null, undefined, true, -0, Number.NaN),
    fc.double(),
    fc.integer(),
    fc.bigInt(),
    text,
    fc.date({ noInvalidDate: true }),
    fc.uint8Array(),
    fc.constantFrom<unknown>(POINTS, SERIES, 'long '.repeat(300)).map((value) => structuredClone(value)),
  );
  const { any } = fc.letrec<{ any: unknown }>((tie) => ({
    any: fc.oneof(
      { depthSize: 'small', withCrossShrink: true },
      leaf,
      fc.array(tie('any'), { maxLength: 6 }),
      fc.dictionary(fc.oneof(text, fc.constantFrom('__proto__', 'geometry')), tie('any'), {
        maxKeys: 6,
        noNullPrototype: true,
      }),
      fc.array(fc.tuple(tie('any'), tie('any')), { maxLength: 3 }).map((entries) => new Map(entries)),
      fc.array(tie('any'), { maxLength: 3 }).map((members) => new Set(members)),
    ),
  }));
  const heavy = fc.oneof(
    any,
    fc.constant(POINTS).map((points) => structuredClone(points)),
    fc.tuple(any, fc.constant('x'.repeat(600))),
  );
  const key = fc.oneof(text, fc.constantFrom('geometry', 'series', '__proto__', '0', '17', 'toString'));
  const value = fc
    .uniqueArray(fc.tuple(key, heavy), { maxLength: 8, selector: ([name]) => name })
    .map((entries) => Object.fromEntries(entries));
  const names = fc.constantFrom(['geometry', 'series'], ['series', '__proto__', '17'], ['0', 'geometry', 'toString']);

  it.each(['shapes', 'msgpack', 'cbor', 'structured'] as const)('%s: any object, read in any order', (codec) => {
    const beds = new Map<readonly string[], LazyBed>();
    let inParts = 0;
    fc.assert(
      fc.property(value, names, fc.array(key, { maxLength: 3 }), (given, lazy, reads) => {
        const bed = beds.get(lazy) ?? lazyBed({ codec, names: lazy });
        beds.set(lazy, bed);
        const bytes = stored(bed, given);
        if (bytes.isInParts) inParts += 1;
        const copy = unpacked(bed, bytes) as Record<string, unknown>;
        const expected = structuredClone(given);
        deepStrictEqual(Object.keys(copy), Object.keys(expected));
        for (const name of reads) if (Object.hasOwn(copy, name)) deepStrictEqual(copy[name], expected[name]);
        deepStrictEqual(copy, expected);
        deepStrictEqual(unpacked(bed, stored(bed, copy)), expected);
      }),
      { seed: SEED, numRuns: 300 },
    );
    expect(inParts).toBeGreaterThan(20);
  });

  it.each(['shapes', 'msgpack', 'cbor', 'structured'] as const)(
    '%s: one object in several places stays one',
    (codec) => {
      const bed = lazyBed({ codec });
      const big = { points: POINTS };
      const cyclic: Record<string, unknown> = { id: 1, geometry: { points: POINTS, back: null as unknown } };
      (cyclic['geometry'] as Record<string, unknown>)['back'] = cyclic;
      const within: Record<string, unknown> = { points: POINTS, twice: [big, big] };
      within['self'] = within;
      const cases: [unknown, boolean, (copy: never) => boolean][] = [
        [
          { geometry: big, series: big },
          false,
          (copy: { geometry: unknown; series: unknown }) => copy.geometry === copy.series,
        ],
        [
          { geometry: big, light: [big] },
          false,
          (copy: { geometry: unknown; light: unknown[] }) => copy.geometry === copy.light[0],
        ],
        [
          { geometry: { big }, light: new Map([[1, big]]) },
          false,
          (c: { geometry: { big: unknown }; light: Map<number, unknown> }) => c.geometry.big === c.light.get(1),
        ],
        [cyclic, false, (copy: { geometry: { back: unknown } }) => copy.geometry.back === copy],
        [
          { geometry: within },
          true,
          ({ geometry }: { geometry: { self: unknown; twice: unknown[] } }) =>
            geometry.self === geometry && geometry.twice[0] === geometry.twice[1],
        ],
        [
          { geometry: new Map([[big, big]]) },
          true,
          ({ geometry }: { geometry: Map<unknown, unknown> }) => [...geometry].every(([a, b]) => a === b),
        ],
      ].map(([given, isInParts, holds]) => [given, isInParts, holds] as [unknown, boolean, (copy: never) => boolean]);
      for (const [given, isInParts, holds] of cases) {
        const bytes = stored(bed, given);
        expect(bytes.isInParts).toBe(isInParts);
        const copy = unpacked(bed, bytes);
        expect(holds(copy as never)).toBe(true);
        deepStrictEqual(copy, structuredClone(given));
      }
    },
  );

  it('structured: an object in a named property of an array stays one', () => {
    const bed = lazyBed({ codec: 'structured' });
    const tag = { tag: 1 };
    const bytes = stored(bed, { geometry: Object.assign([...POINTS], { tag }), light: tag });
    const copy = unpacked(bed, bytes) as { geometry: { tag: unknown }; light: unknown };
    expect(copy.geometry.tag).toBe(copy.light);
  });
});

/** Of a frame without CRC, version and compression. */
const FRAME_HEAD_BYTES = 1;

describe('bytes that are no parts', () => {
  const part = (slot: number, form: number, bytes: Uint8Array): Part => ({ slot, form, bytes });
  const bed = lazyBed({ codec: 'msgpack', compressor: 'zlib' });
  const message = (value: unknown): Uint8Array => encoded(bed.inner, value);
  const light = part(LIGHT, 1, message({ id: 1, geometry: null }));
  const heavy = part(0, 1, message([1, 2]));

  it('sound ones, to begin with', () => {
    expect({ ...(unpacked(bed, { form: FORM_PARTS, bytes: joinParts([light, heavy])! }) as object) }).toEqual({
      id: 1,
      geometry: [1, 2],
    });
  });

  const forged: Readonly<Record<string, () => Uint8Array>> = {
    'none at all': () => new Uint8Array(0),
    'slots that fall': () => joinParts([light, part(1, 1, message(1)), heavy])!,
    'one slot twice': () => joinParts([light, heavy, heavy])!,
    'a slot without a name': () => joinParts([light, part(9, 1, message(1))])!,
    'a heavy part without a place': () => joinParts([light, part(1, 1, message(1))])!,
    'a place that is taken': () => joinParts([part(LIGHT, 1, message({ geometry: 5 })), heavy])!,
    'a light part that is an array': () => joinParts([part(LIGHT, 1, message([1])), heavy])!,
    'a light part that is null': () => joinParts([part(LIGHT, 1, message(null)), heavy])!,
    'a light part of another codec': () => joinParts([part(LIGHT, 3, Buffer.from('{"geometry":null}')), heavy])!,
    'parts in a part': () => joinParts([part(LIGHT, FORM_PARTS, joinParts([light, heavy])!), heavy])!,
    'bytes in a part': () => joinParts([part(LIGHT, 0, message({ geometry: null })), heavy])!,
    'a byte too many': () => Buffer.concat([joinParts([light, heavy])!, Buffer.of(0)]),
    'a flag that is none': () => Buffer.from(joinParts([light, heavy])!).fill(0x90, 0, 1),
  };

  it.each(Object.entries(forged))('%s are refused', (_, bytes) => {
    expect(() => unpacked(bed, { form: FORM_PARTS, bytes: bytes() })).toThrow(CodecError);
  });

  it.each<[string, Uint8Array]>([
    ['without compression', frame({ codec: 1, hasCrc: false, version: 1 }, message([1]))],
    [
      'with a version',
      frame(
        { codec: 1, hasCrc: false, version: 2, compression: { compressor: 1, isHard: false, rawBytes: 5 } },
        message([1]),
      ),
    ],
    [
      'with a CRC',
      frame(
        { codec: 1, hasCrc: true, version: 1, compression: { compressor: 1, isHard: false, rawBytes: 5 } },
        message([1]),
      ),
    ],
    [
      'of another codec',
      frame(
        { codec: 3, hasCrc: false, version: 1, compression: { compressor: 1, isHard: false, rawBytes: 5 } },
        message([1]),
      ),
    ],
    [
      'with a length that is forged',
      frame(
        { codec: 1, hasCrc: false, version: 1, compression: { compressor: 1, isHard: false, rawBytes: 2 ** 27 } },
        message([1]),
      ),
    ],
  ])('a heavy part in a frame %s throws as it is read, and is told of', (_, bytes) => {
    const own = lazyBed({ codec: 'msgpack', compressor: 'zlib' });
    const value = unpacked(own, { form: FORM_PARTS, bytes: joinParts([light, part(0, FORM_FRAME, bytes)])! }) as {
      id: number;
      geometry: unknown;
    };
    expect(value.id).toBe(1);
    expect(() => value.geometry).toThrow(CodecError);
    expect(() => value.geometry).toThrow(CodecError);
    expect(own.unreadable.length).toBe(2);
    value.geometry = 'mine';
    expect(value.geometry).toBe('mine');
  });

  it('lengths that come to more than a value may have are refused before anything is expanded', () => {
    const raw = ITEM_BYTES_MAX / 2 + 1;
    const zeros = createCompressors().get('zlib')!.compress(new Uint8Array(raw), 9);
    const framed = frame(
      { codec: 1, hasCrc: false, version: 1, compression: { compressor: 1, isHard: false, rawBytes: raw } },
      zeros,
    );
    const bytes = joinParts([light, part(0, FORM_FRAME, framed), part(1, FORM_FRAME, framed)])!;
    expect(() => bed.packer.open(FORM_PARTS, bytes, 0, bytes.length, 1)).toThrow(/can't have 2\d{5} bytes/);
    expect(bed.expansions).toBe(0);
  });

  it('parts in a type without any are refused', () => {
    const plain = lazyBed({ codec: 'msgpack', names: [] });
    const bytes = joinParts([light, heavy])!;
    expect(() => unpacked(plain, { form: FORM_PARTS, bytes })).toThrow(CodecError);
  });

  it('changed anywhere, a value or a CodecError comes out, at once or when it is read', () => {
    const change = fc.tuple(fc.nat(5_000), fc.nat(255));
    for (const compressor of ['zlib', 'lz4', undefined] as const) {
      const own = lazyBed({ codec: 'msgpack', compressor });
      const { form, bytes } = stored(own, { ...route(), geometry: POINTS.slice(0, 60), series: SERIES.slice(0, 20) });
      const sections = sectionsIn(bytes, FRAME_HEAD_BYTES, bytes.length);
      const headBytes = sections[0]!.start;
      const places = fc.oneof(change, fc.tuple(fc.nat(headBytes + 20), fc.nat(255)));
      fc.assert(
        fc.property(fc.array(places, { minLength: 1, maxLength: 3 }), fc.nat(3), (changes, cut) => {
          const copy = Uint8Array.from(
            bytes.subarray(0, bytes.length - (cut === 0 ? changes[0]![0] % bytes.length : 0)),
          );
          for (const [at, byte] of changes) copy[at % copy.length] = byte;
          readAnyway(own, form, copy);
        }),
        { seed: SEED, numRuns: 1_000 },
      );
    }
  });

  it('of random bytes comes a value or a CodecError', () => {
    const random = fc.uint8Array({ maxLength: 80 });
    const own = lazyBed({ codec: 'msgpack', compressor: 'lz4' });
    fc.assert(
      fc.property(random, (bytes) => readAnyway(own, FORM_PARTS, bytes)),
      { seed: SEED, numRuns: 1_000 },
    );
  });

  function readAnyway(own: LazyBed, form: number, bytes: Uint8Array): void {
    for (const read of [
      () =>
        JSON.stringify(unpacked(own, { form, bytes }), (_, value) =>
          typeof value === 'bigint' ? String(value) : value,
        ),
      () => unpacked(own, { form, bytes }, ['geometry', 'km']),
      () => own.packer.decode(own.packer.open(form, bytes, 0, bytes.length, 1)),
      () => own.packer.compact(form, bytes),
    ]) {
      try {
        read();
      } catch (error) {
        expect(error).toBeInstanceOf(CodecError);
      }
    }
    expect(Object.keys(Object.prototype)).toEqual([]);
  }
});
