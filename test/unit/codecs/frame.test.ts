/** The frame of stored values: what was framed comes back, and what was forged is refused. */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { Compression, type CompressionPlan } from '../../../src/codecs/compression.js';
import type { CompressorName } from '../../../src/codecs/compressor.js';
import { createCompressors } from '../../../src/codecs/compressors.js';
import {
  FORM_BYTES,
  FORM_FRAME,
  frame,
  HEAD_BYTES_MAX,
  RAW_BYTES_MAX,
  unframe,
  VERSION_MAX,
} from '../../../src/codecs/frame.js';
import { createMsgpackCodec } from '../../../src/codecs/msgpack.js';
import { Packer } from '../../../src/codecs/packer.js';
import { CodecError } from '../../../src/errors.js';

function packerOf(hasCrc: boolean, version = 1, compressor?: CompressorName | 'auto'): Packer {
  const codec = createMsgpackCodec();
  const plan = compressor && { with: compressor, above: 20, atSet: true };
  const compression = plan && compressionOf(plan);
  return new Packer({ codec, codecsById: [undefined, codec], hasCrc, version, compression });
}

function compressionOf(plan: CompressionPlan): Compression {
  return new Compression({
    plan,
    compressors: createCompressors(),
    itemBytesMax: 100_000,
    chunkBytesOf: (itemBytes) => itemBytes,
    pressure: () => 0,
    tally: { compressed: () => {}, unpaid: () => {}, decompressed: () => {} },
    now: () => performance.now(),
  });
}

/** Versions, with those at which another byte begins. */
const versions = fc.oneof(fc.integer({ min: 1, max: VERSION_MAX }), fc.constantFrom(1, 2, 127, 128, 16_383, 16_384));

/** Unpacks from the middle of scratch memory, as the engine does. */
function unpacked(packer: Packer, form: number, bytes: Uint8Array): unknown {
  const scratch = new Uint8Array(bytes.length + 24).fill(0xa5);
  scratch.set(bytes, 8);
  return packer.unpack(form, scratch, 8, 8 + bytes.length);
}

describe('the frame', () => {
  it('gives back what was framed, wherever it lies', () => {
    const head = {
      compressor: fc.integer({ min: 1, max: 15 }),
      isHard: fc.boolean(),
      rawBytes: fc.oneof(fc.integer({ min: 1, max: 300 }), fc.integer({ min: 1, max: RAW_BYTES_MAX })),
    };
    const dictionary = fc.oneof(fc.nat(200), fc.nat(RAW_BYTES_MAX));
    const compression = fc.oneof(fc.record(head), fc.record({ ...head, dictionary }));
    const ofBytes = { codec: fc.constant(0), hasCrc: fc.boolean(), version: fc.constant(1) };
    const ofValues = { codec: fc.integer({ min: 1, max: 6 }), hasCrc: fc.boolean(), version: versions };
    const heads = fc.oneof(
      ...[ofBytes, ofValues].flatMap((plain) => [fc.record(plain), fc.record({ ...plain, compression })]),
    );
    fc.assert(
      fc.property(heads, fc.uint8Array({ maxLength: 200 }), fc.nat(16), (head, body, at) => {
        const bytes = frame(head, body);
        const source = new Uint8Array(at + bytes.length + 3).fill(0xff);
        source.set(bytes, at);
        const { bodyStart, ...rest } = unframe(source, at, at + bytes.length);
        expect(rest).toEqual(head);
        expect(bytes.length - body.length).toBeLessThanOrEqual(HEAD_BYTES_MAX);
        expect(source.slice(bodyStart, at + bytes.length)).toEqual(body);
      }),
    );
  });

  it.each([1, 300])('with a CRC finds each flipped bit, and each cut (version %s)', (version) => {
    const packer = packerOf(true, version);
    const bytes = Uint8Array.from(packer.pack({ name: 'Ada', rides: [1, 2, 3] }));
    expect(packer.form).toBe(FORM_FRAME);
    for (let bit = 0; bit < bytes.length * 8; bit++) {
      const forged = Uint8Array.from(bytes);
      forged[bit >> 3]! ^= 1 << (bit & 7);
      expect(() => unpacked(packer, FORM_FRAME, forged), `bit ${bit}`).toThrow(CodecError);
    }
    for (let length = 0; length < bytes.length; length++)
      expect(() => unpacked(packer, FORM_FRAME, bytes.slice(0, length))).toThrow(CodecError);
  });

  it.each<[string, number[]]>([
    ['an unknown flag', [0x40, 1, 1, 0]],
    ['no compressor', [0x21, 0, 5, 0]],
    ['an unknown flag of compression', [0x21, 0x41, 5, 0]],
    ['a dictionary that is cut off', [0x21, 0x21, 5]],
    ['the number of a dictionary in five bytes', [0x21, 0x21, 5, 0x80, 0x80, 0x80, 0x80, 1]],
    ['the number of a dictionary with a zero too many', [0x21, 0x21, 5, 0x85, 0]],
    ['no length', [0x21, 1]],
    ['a length that is cut', [0x21, 1, 0x80]],
    ['a length of five bytes', [0x21, 1, 0x80, 0x80, 0x80, 0x80, 1]],
    ['a length with a zero too many', [0x21, 1, 0x85, 0]],
  ])('with %s is refused', (_, bytes) => {
    expect(() => unframe(Uint8Array.from(bytes), 0, bytes.length)).toThrow(CodecError);
  });

  it('of random bytes is a value or a CodecError, never more', () => {
    const packers = [packerOf(false), packerOf(true), packerOf(false, 3), packerOf(false, 1, 'lz4')];
    const start = fc.constantFrom([], [0x21, 1], [0x20, 2], [0x21, 3, 0x10], [0x21, 4], [0x31, 2, 3]);
    const random = fc
      .tuple(start, fc.uint8Array({ maxLength: 64 }))
      .map((parts) => Uint8Array.from(parts.flatMap((part) => [...part])));
    fc.assert(
      fc.property(random, fc.nat(7), (bytes, form) => {
        for (const packer of packers) {
          try {
            unpacked(packer, form, bytes);
          } catch (error) {
            expect(error).toBeInstanceOf(CodecError);
          }
        }
      }),
      { numRuns: 2_000 },
    );
  });
});

describe('the version of a value', () => {
  it.each<[string, number[]]>([
    ['is cut off', [0x11]],
    ['is cut off within', [0x11, 0x82]],
    ['is 0', [0x11, 0, 0xc0]],
    ['is 1, which is never stored', [0x11, 1, 0xc0]],
    ['takes more bytes than it must', [0x11, 0x82, 0, 0xc0]],
    ['takes four bytes', [0x11, 0x82, 0x80, 0x80, 0, 0xc0]],
    ['is above 65,535', [0x11, 0x80, 0x80, 4, 0xc0]],
    ['is that of bytes', [0x10, 2, 0xc0]],
  ])('that %s is refused', (_, bytes) => {
    expect(() => unpacked(packerOf(false, 3), FORM_FRAME, Uint8Array.from(bytes))).toThrow(CodecError);
  });

  it('comes back from a packer of the same or a newer version; to an older one nothing is told of the value', () => {
    fc.assert(
      fc.property(versions, versions, fc.boolean(), fc.object(), (stored, own, hasCrc, value) => {
        const writer = packerOf(hasCrc, stored);
        const bytes = Uint8Array.from(writer.pack(value));
        const reader = packerOf(hasCrc, own);
        expect(writer.form === FORM_FRAME).toBe(hasCrc || stored > 1);
        const found = unpacked(reader, writer.form, bytes);
        expect(reader.unpackedVersion).toBe(stored);
        if (stored > own) expect(found).toBeUndefined();
        else expect(found).toEqual(unpacked(writer, writer.form, bytes));
      }),
    );
  });

  it("isn't stored with bytes, which count as of any version", () => {
    const packer = packerOf(false, 9);
    const given = Uint8Array.of(1, 2);
    expect(Uint8Array.from(packer.packBytes(given))).toEqual(given);
    expect(packer.form).toBe(FORM_BYTES);
    for (const own of [1, 5, 12]) {
      const reader = packerOf(false, own);
      expect(unpacked(reader, FORM_BYTES, given)).toEqual(given);
      expect(reader.unpackedVersion).toBe(own);
    }
  });
});

describe('a packer', () => {
  it.each([false, true])('tells bytes from values (crc: %s)', (hasCrc) => {
    const packer = packerOf(hasCrc);
    const value = Uint8Array.from(packer.pack({ a: 1 }));
    expect(packer.isBytes(packer.form, value, 0, value.length)).toBe(false);
    const given = Uint8Array.of(1, 2, 3);
    const stored = Uint8Array.from(packer.packBytes(given));
    expect(packer.form).toBe(hasCrc ? FORM_FRAME : FORM_BYTES);
    expect(packer.isBytes(packer.form, stored, 0, stored.length)).toBe(true);
    expect(unpacked(packer, packer.form, stored)).toEqual(given);
  });
});

describe('a packer that compresses', () => {
  const names = [...createCompressors().keys(), 'auto' as const];
  const value = { name: 'a route', points: Array.from({ length: 200 }, (_, i) => [i, i * 2, 'metres']) };

  it.each(names.flatMap((name) => [false, true].map((crc) => [name, crc] as const)))(
    'by %s gives back values and bytes, compacted ones too (crc: %s)',
    (name, hasCrc) => {
      const packer = packerOf(hasCrc, 2, name);
      const plain = packerOf(hasCrc).pack(value).length;
      const bytes = Uint8Array.from(packer.pack(value));
      expect([packer.form, bytes.length < plain]).toEqual([FORM_FRAME, true]);
      expect(unpacked(packer, FORM_FRAME, bytes)).toEqual(value);
      expect(packer.isBytes(FORM_FRAME, bytes, 0, bytes.length)).toBe(false);
      const given = new Uint8Array(5_000).fill(7);
      const stored = Uint8Array.from(packer.packBytes(given));
      expect(packer.isBytes(FORM_FRAME, stored, 0, stored.length)).toBe(true);
      const copy = unpacked(packer, FORM_FRAME, stored);
      expect([(copy as Uint8Array).constructor, copy]).toEqual([Uint8Array, given]);
      const compacted = packer.compact(1, Uint8Array.from(packerOf(false).pack(value)))!;
      expect(unpacked(packer, packer.form, Uint8Array.from(compacted))).toEqual(value);
      expect(packer.compact(FORM_FRAME, compacted)).toBeUndefined();
    },
  );

  it('makes smaller what was compressed lightly', () => {
    const packer = packerOf(true, 1, 'brotli');
    const light = Uint8Array.from(packer.pack(value));
    const hard = Uint8Array.from(packer.compact(FORM_FRAME, light)!);
    expect(hard.length).toBeLessThan(light.length);
    expect(unpacked(packer, FORM_FRAME, hard)).toEqual(value);
  });

  it('finds forged lengths and cut streams', () => {
    const packer = packerOf(false, 1, 'zlib');
    const bytes = Uint8Array.from(packer.pack(value));
    for (let length = 0; length < bytes.length; length++)
      expect(() => unpacked(packer, FORM_FRAME, bytes.slice(0, length))).toThrow(CodecError);
    // The length is the byte behind codec and compressor, 7 bits of it.
    for (let low = 0; low < 128; low++) {
      const forged = Uint8Array.from(bytes);
      forged[2] = 0x80 | low;
      if (forged[2] !== bytes[2]) expect(() => unpacked(packer, FORM_FRAME, forged)).toThrow(CodecError);
    }
    expect(() => unpacked(packerOf(false), FORM_FRAME, bytes)).toThrow('of a type that never is');
  });
});
