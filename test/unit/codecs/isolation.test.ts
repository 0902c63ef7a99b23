import { deepStrictEqual } from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { Unpackr } from 'msgpackr/unpack';
import { describe, expect, test } from 'vitest';
import { CODEC_NAMES as CODEC_LIST, createCodecs, DEFAULT_CODEC } from '../../../src/codecs/codecs.js';
import { CODEC_NAMES, codecNamed, decoded, encoded, roundTrip } from './support.js';

const BINARY = {
  buffer: Buffer.from('buffer'),
  bytes: Uint8Array.of(1, 2, 3),
  doubles: Float64Array.of(1.5, 2.5),
  view: new DataView(Uint8Array.of(9, 8).buffer),
  raw: Uint8Array.of(7, 7, 7, 7).buffer,
  text: 'a text that is longer than what is read byte by byte '.repeat(10),
};

for (const name of CODEC_NAMES) {
  describe(`${name}: memory of its own`, () => {
    for (const [form, value] of Object.entries({ tree: BINARY, graph: new Map([['k', BINARY]]) })) {
      test(`what is decoded survives that the source is overwritten (${form})`, () => {
        deepStrictEqual(roundTrip(codecNamed(name), value), value);
      });
    }

    test('each binary value has a buffer of exactly its size', () => {
      const copy = roundTrip(codecNamed(name), BINARY) as typeof BINARY;
      expect(copy.buffer.buffer.byteLength).toBe(6);
      expect(copy.bytes.buffer.byteLength).toBe(3);
      expect(copy.doubles.buffer.byteLength).toBe(16);
      expect(copy.view.buffer.byteLength).toBe(2);
    });

    test('changing a decoded value changes no later decoding', () => {
      const codec = codecNamed(name);
      const bytes = encoded(codec, { key: [1], date: new Date(5) });
      const first = decoded(codec, bytes) as { key: number[]; date: Date };
      first.key.push(2);
      first.date.setTime(9);
      expect(decoded(codec, bytes)).toEqual({ key: [1], date: new Date(5) });
    });

    test('the bytes of one encode stand until the next', () => {
      const codec = codecNamed(name);
      const bytes = codec.encode({ a: 1, m: new Map([[1, 2]]) });
      const copy = Uint8Array.from(bytes);
      decoded(codec, copy);
      codecNamed(name === 'structured' ? 'msgpack' : 'structured').encode(BINARY);
      expect(Uint8Array.from(bytes)).toEqual(copy);
    });

    test('large values, and small ones after them', () => {
      const codec = codecNamed(name);
      const large = Array.from({ length: 50_000 }, (_, id) => ({ id, name: `user ${id}` }));
      expect(roundTrip(codec, large)).toEqual(large);
      expect(roundTrip(codec, { id: 1 })).toEqual({ id: 1 });
    });
  });
}

describe('the set of codecs', () => {
  test('each name has its own form', () => {
    const codecs = createCodecs();
    for (const [name, codec] of codecs) expect(codec.name).toBe(name);
    const forms = [...codecs.values()].map(({ name, id }) => [name, id]);
    expect(Object.fromEntries(forms)).toEqual({ raw: 0, msgpack: 1, structured: 2, json: 3, cbor: 4 });
    expect([...codecs.keys()]).toEqual(CODEC_LIST);
    expect(codecs.has(DEFAULT_CODEC)).toBe(true);
  });

  test('codecs of one thread share nothing', () => {
    const [first, second] = [codecNamed('msgpack'), codecNamed('msgpack')];
    expect(decoded(second, encoded(first, BINARY))).toEqual(BINARY);
    expect(first).not.toBe(second);
  });
});

describe('msgpack on the wire', () => {
  test('a tree of plain data is plain MessagePack, which other readers read', () => {
    const value = { id: 7, name: 'a', list: [1, -1, 1.5, null, true], big: 2n ** 63n, at: new Date(1e12 + 5) };
    expect(new Unpackr({ useRecords: false }).unpack(codecNamed('msgpack').encode(value))).toEqual(value);
  });

  test('plain MessagePack of other writers is read, single-precision numbers included', () => {
    const bytes = Uint8Array.of(0x82, 0xa1, 0x61, 0xca, 0x3f, 0xc0, 0, 0, 0xd9, 1, 0x62, 0xdc, 0, 1, 0xd0, 0xff);
    expect(decoded(codecNamed('msgpack'), bytes)).toEqual({ a: 1.5, b: [-1] });
  });

  test('no native addon is loaded by the entry point in use', () => {
    const script = `await import('msgpackr/pack');
      console.log(process.report.getReport().sharedObjects.filter((file) => file.endsWith('.node')).length)`;
    const cwd = new URL('../../../', import.meta.url);
    const output = execFileSync(process.execPath, ['--input-type=module', '-e', script], { cwd, encoding: 'utf8' });
    expect(output.trim()).toBe('0');
  });
});
