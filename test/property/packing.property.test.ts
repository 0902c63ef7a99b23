/** Every format with every compressor, CRC and version: what was packed comes back, and damage is an error or harmless. */
import { deepStrictEqual } from 'node:assert/strict';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { createCodecs } from '../../src/codecs/codecs.js';
import { Compression } from '../../src/codecs/compression.js';
import { COMPRESSOR_NAMES } from '../../src/codecs/compressor.js';
import { createCompressors } from '../../src/codecs/compressors.js';
import { Packer } from '../../src/codecs/packer.js';
import { CodecError } from '../../src/errors.js';
import { logBed } from '../support/logs.js';

const SEED = Number(process.env['FC_SEED'] ?? Math.floor(Math.random() * 2 ** 31));
const ITEM_BYTES_MAX = 2 ** 20;
const compressors = createCompressors();
const available = COMPRESSOR_NAMES.filter((name) => compressors.has(name));
/** Those whose values are trees of plain data alone: others are asked for no more than they keep. */
const PLAIN = new Set(['json']);

function packerOf(
  codecName: string,
  compressor: (typeof available)[number] | 'auto' | 'none',
  hasCrc: boolean,
): Packer {
  const codecs = createCodecs(logBed(2 ** 18).join());
  const codecsById = [...codecs.values()].reduce<ReturnType<typeof codecs.get>[]>((byId, codec) => {
    byId[codec.id] = codec;
    return byId;
  }, []);
  const compression =
    compressor === 'none'
      ? undefined
      : new Compression({
          plan: { with: compressor, above: 0, atSet: true },
          compressors,
          itemBytesMax: ITEM_BYTES_MAX,
          chunkBytesOf: (bytes) => bytes,
          pressure: () => 0,
          tally: { compressed: () => {}, unpaid: () => {}, decompressed: () => {} },
          now: () => 0,
        });
  return new Packer({ codec: codecs.get(codecName)!, codecsById, hasCrc, version: 3, compression });
}

/** Repeats itself, so that it is worth compressing. */
const rows = fc
  .tuple(fc.array(fc.jsonValue({ maxDepth: 2 }), { maxLength: 6 }), fc.integer({ min: 1, max: 30 }))
  .map(([row, times]) => Array.from({ length: times }, (_, id) => ({ id, row })));
const trees = fc.oneof(fc.jsonValue(), rows);
const all = fc.oneof(
  trees,
  rows.map((value) => new Map([[value, new Set([value])]])),
  fc.array(fc.oneof(fc.bigInt(), fc.date({ noInvalidDate: true }), fc.float64Array(), fc.uint8Array(), fc.double())),
);

function unpacked(packer: Packer, form: number, bytes: Uint8Array): unknown {
  return packer.unpack(form, bytes, 0, bytes.length);
}

describe.each(['json', 'msgpack', 'cbor', 'structured'])('%s', (codec) => {
  for (const compressor of [...available, 'auto', 'none'] as const) {
    for (const hasCrc of [false, true]) {
      it(`with ${compressor}${hasCrc ? ' and a CRC' : ''} (seed ${SEED})`, () => {
        const packer = packerOf(codec, compressor, hasCrc);
        const values = PLAIN.has(codec) ? trees : all;
        const property = fc.property(values, fc.nat(), fc.integer({ min: 1, max: 255 }), (value, at, flip) => {
          const bytes = Uint8Array.from(packer.pack(value));
          const { form } = packer;
          deepStrictEqual(unpacked(packer, form, Uint8Array.from(bytes)), like(codec, value));
          bytes[at % bytes.length] = bytes[at % bytes.length]! ^ flip;
          expectRefusal(packer, form, bytes, hasCrc);
        });
        fc.assert(property, { seed: SEED, numRuns: 80 });
      });
    }
  }
});

/** What the codec keeps of a value: JSON has no -0. */
function like(codec: string, value: unknown): unknown {
  return codec === 'json' ? JSON.parse(JSON.stringify(value)) : structuredClone(value);
}

/** A changed byte: with a CRC an error, always; without, an error or some other value, and nothing polluted. */
function expectRefusal(packer: Packer, form: number, bytes: Uint8Array, hasCrc: boolean): void {
  let error: unknown;
  try {
    unpacked(packer, form, bytes);
  } catch (thrown) {
    error = thrown;
  }
  if (error !== undefined || hasCrc) expect(error).toBeInstanceOf(CodecError);
  expect(Object.keys(Object.prototype)).toEqual([]);
}
