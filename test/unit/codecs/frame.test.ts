/** The frame of stored values: what was framed comes back, and what was forged is refused. */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { FORM_BYTES, FORM_FRAME, frame, unframe } from '../../../src/codecs/frame.js';
import { createMsgpackCodec } from '../../../src/codecs/msgpack.js';
import { Packer } from '../../../src/codecs/packer.js';
import { CodecError } from '../../../src/errors.js';

function packerOf(hasCrc: boolean): Packer {
  const codec = createMsgpackCodec();
  return new Packer({ codec, codecsById: [undefined, codec], hasCrc });
}

/** Unpacks from the middle of scratch memory, as the engine does. */
function unpacked(packer: Packer, form: number, bytes: Uint8Array): unknown {
  const scratch = new Uint8Array(bytes.length + 24).fill(0xa5);
  scratch.set(bytes, 8);
  return packer.unpack(form, scratch, 8, 8 + bytes.length);
}

describe('the frame', () => {
  it('gives back what was framed, wherever it lies', () => {
    const heads = fc.record({ codec: fc.integer({ min: 0, max: 6 }), hasCrc: fc.boolean() });
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

  it('with a CRC finds each flipped bit, and each cut', () => {
    const packer = packerOf(true);
    const bytes = Uint8Array.from(packer.pack({ name: 'Ada', rides: [1, 2, 3] }));
    expect(packer.form).toBe(FORM_FRAME);
    for (let bit = 0; bit < bytes.length * 8; bit++) {
      // The first byte says whether there is a CRC at all, and names the codec.
      if (bit < 8 && 1 << bit !== 8 && 1 << bit < 8) continue;
      const forged = Uint8Array.from(bytes);
      forged[bit >> 3]! ^= 1 << (bit & 7);
      expect(() => unpacked(packer, FORM_FRAME, forged), `bit ${bit}`).toThrow(CodecError);
    }
    for (let length = 0; length < bytes.length; length++)
      expect(() => unpacked(packer, FORM_FRAME, bytes.slice(0, length))).toThrow(CodecError);
  });

  it('of random bytes is a value or a CodecError, never more', () => {
    const packers = [packerOf(false), packerOf(true)];
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
