/** The rules between a packer and a codec of the user's, and bytes without a codec. */
import { describe, expect, it } from 'vitest';
import type { Codec } from '../../../src/codecs/codec.js';
import { FORM_BYTES } from '../../../src/codecs/frame.js';
import { checkCodec, OwnCodec } from '../../../src/codecs/own-codec.js';
import { Packer } from '../../../src/codecs/packer.js';
import { CodecError, OptionError, ValueError } from '../../../src/errors.js';
import { codecNamed, decoded, roundTrip } from './support.js';

const IDENTITY: Codec<Uint8Array> = { encode: (bytes) => bytes, decode: (bytes) => bytes };

function own(codec: Partial<Codec>): OwnCodec {
  return new OwnCodec('ride', { ...(IDENTITY as Codec), ...codec });
}

describe('a codec of the user’s', () => {
  it('is given the bytes in memory of their own, which it may keep', () => {
    let kept: Uint8Array | undefined;
    const codec = own({
      decode: (bytes) => {
        kept = bytes;
        return bytes.length;
      },
    });
    expect(roundTrip(codec, Uint8Array.of(1, 2, 3))).toBe(3);
    expect(kept).toEqual(Uint8Array.of(1, 2, 3));
    expect(kept?.buffer.byteLength).toBe(3);
  });

  it.each<[string, unknown]>([
    ['undefined', undefined],
    ['null', null],
    ['a string', 'bytes'],
    ['an Array', [1, 2]],
    ['an ArrayBuffer', new ArrayBuffer(3)],
    ['a Uint16Array', Uint16Array.of(1)],
    ['a Promise', Promise.resolve(Uint8Array.of(1))],
  ])('that returns %s is told what it returned', (what, result) => {
    const codec = own({ encode: () => result as Uint8Array });
    const message = `the codec of type "ride" encoded a value as ${what}: must be a Uint8Array`;
    expect(() => codec.encode(1)).toThrow(new ValueError(message));
  });

  it('is called as a method of its object', () => {
    class Counting implements Codec<number> {
      readonly #byte = 7;
      encode(value: number): Uint8Array {
        return Uint8Array.of(value, this.#byte);
      }
      decode(bytes: Uint8Array): number {
        return bytes[1] === this.#byte ? bytes[0]! : -1;
      }
    }
    expect(roundTrip(new OwnCodec('ride', new Counting() as Codec), 5)).toBe(5);
  });

  it('may not decode undefined', () => {
    expect(() => decoded(own({ decode: () => undefined }), Uint8Array.of(1))).toThrow(CodecError);
  });

  it.each<[string, unknown]>([
    ['null', null],
    ['a number', 5],
    ['a function', () => 1],
    ['half of one', { encode: IDENTITY.encode }],
  ])('is not %s', (_, codec) => {
    expect(() => checkCodec('types.ride.codec', codec)).toThrow(OptionError);
  });
});

describe('raw', () => {
  const codec = codecNamed('raw');

  it('takes bytes, and gives a copy of them', () => {
    expect(roundTrip(codec, Buffer.from('bytes'))).toEqual(Uint8Array.from(Buffer.from('bytes')));
    expect(roundTrip(codec, new Uint8Array(0))).toEqual(new Uint8Array(0));
  });

  it('stores a value of any version as setBytes does, without a frame', () => {
    const packer = new Packer({ codec, codecsById: [codec], hasCrc: false, version: 3 });
    const bytes = packer.pack(Uint8Array.of(1, 2));
    expect([packer.form, Uint8Array.from(bytes)]).toEqual([FORM_BYTES, Uint8Array.of(1, 2)]);
    expect(packer.unpack(packer.form, bytes, 0, 2)).toEqual(Uint8Array.of(1, 2));
  });

  it.each<[string, unknown]>([
    ['null', null],
    ['a string', 'text'],
    ['an ArrayBuffer', new ArrayBuffer(1)],
    ['a DataView', new DataView(new ArrayBuffer(1))],
    ['an Object', Object.create(Uint8Array.prototype)],
  ])('refuses %s', (what, value) => {
    const message = `codec "raw" cannot store ${what} at the top level: its values are Uint8Arrays`;
    expect(() => codec.encode(value)).toThrow(new ValueError(message));
  });
});
