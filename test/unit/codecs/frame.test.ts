/** The frame of stored values: what was framed comes back, and what was forged is refused. */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { FORM_BYTES, FORM_FRAME, frame, unframe, VERSION_MAX } from '../../../src/codecs/frame.js';
import { createMsgpackCodec } from '../../../src/codecs/msgpack.js';
import { Packer } from '../../../src/codecs/packer.js';
import { CodecError } from '../../../src/errors.js';

function packerOf(hasCrc: boolean, version = 1): Packer {
  const codec = createMsgpackCodec();
  return new Packer({ codec, codecsById: [undefined, codec], hasCrc, version });
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
    const bytes = fc.record({ codec: fc.constant(0), hasCrc: fc.boolean(), version: fc.constant(1) });
    const values = fc.record({ codec: fc.integer({ min: 1, max: 6 }), hasCrc: fc.boolean(), version: versions });
    const heads = fc.oneof(bytes, values);
    fc.assert(
      fc.property(heads, fc.uint8Array({ maxLength: 200 }), fc.nat(16), (head, body, at) => {
        const bytes = frame(head, body);
        const source = new Uint8Array(at + bytes.length + 3).fill(0xff);
        source.set(bytes, at);
        const { bodyStart, ...rest } = unframe(source, at, at + bytes.length);
        expect(rest).toEqual(head);
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

  it('of random bytes is a value or a CodecError, never more', () => {
    const packers = [packerOf(false), packerOf(true), packerOf(false, 3)];
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 64 }), fc.nat(7), (bytes, form) => {
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
