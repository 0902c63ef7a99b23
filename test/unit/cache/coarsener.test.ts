/** Compression for the share of a type, by a compressor double: a value is short when all its bytes are the same. */
import { describe, expect, it } from 'vitest';
import { Coarsener } from '../../../src/cache/coarsener.js';
import { Migrator } from '../../../src/cache/migrator.js';
import type { FormCodec } from '../../../src/codecs/codec.js';
import { Compression } from '../../../src/codecs/compression.js';
import type { Compressor, CompressorName } from '../../../src/codecs/compressor.js';
import { FORM_FRAME } from '../../../src/codecs/frame.js';
import { Packer } from '../../../src/codecs/packer.js';
import { MigrationChain } from '../../../src/codecs/versions.js';
import { CodecError } from '../../../src/errors.js';
import { UNLIMITED } from '../../../src/policies/type-rules.js';
import { Engine } from '../../support/engine.js';

const ID = 3;
const CAPACITY = 4 << 20;
const SHARE = 0.1;

type Shorten = (bytes: Uint8Array) => Uint8Array;

/** Compressed, the byte that all are, and how many. */
class RunLength implements Compressor {
  readonly name: CompressorName = 'zlib';
  readonly id = 1;
  readonly levels = { least: 1, most: 9, usual: 4, hard: 9 };
  readonly ratioMax = Number.POSITIVE_INFINITY;
  readonly asked: number[] = [];
  readonly #shorten: Shorten;

  constructor(shorten: Shorten = (bytes) => Uint8Array.of(bytes[0]!)) {
    this.#shorten = shorten;
  }

  compress(bytes: Uint8Array): Uint8Array {
    this.asked.push(bytes.length);
    return this.#shorten(bytes);
  }

  decompress(bytes: Uint8Array, rawBytes: number): Uint8Array {
    if (bytes.length !== 1) throw new CodecError('not one byte');
    return patternOf(bytes[0]!, rawBytes);
  }
}

/** Values are their bytes. */
const AS_IT_IS: FormCodec = {
  name: 'as it is',
  id: ID,
  encode: (value) => value as Uint8Array,
  decode: (source, start, end) => source.slice(start, end),
};

function patternOf(byte: number, length: number): Uint8Array {
  return new Uint8Array(length).fill(byte);
}

interface Bed {
  readonly engine: Engine;
  readonly packer: Packer;
  set(key: string, value: Uint8Array): number;
}

function create(compressor: Compressor): Bed {
  const engine = Engine.create({ capacityBytes: CAPACITY, shares: [{ ...UNLIMITED, maxShare: SHARE }] });
  const compression = new Compression({
    plan: { with: 'zlib', above: 10_240, atSet: false },
    compressors: new Map([['zlib', compressor]]),
    itemBytesMax: CAPACITY / 8,
    chunkBytesOf: (itemBytes) => itemBytes,
    pressure: () => 0,
    tally: { compressed: () => {}, unpaid: () => {}, decompressed: () => {} },
    now: () => 0,
  });
  const codecsById = [undefined, undefined, undefined, AS_IT_IS];
  const packer = new Packer({ codec: AS_IT_IS, codecsById, hasCrc: false, compression });
  const common = {
    store: engine.store,
    typeId: 0,
    type: 'route',
    packer,
    begin: () => engine.store.begin(),
  };
  const chain = new MigrationChain(1, new Map());
  const migrator = new Migrator({ ...common, chain, importance: 0, itemBytesMax: CAPACITY });
  const coarsener = new Coarsener({ ...common, migrator, reduce: undefined });
  const set = (key: string, value: Uint8Array): number => {
    engine.hashOf(key);
    const prepare = (): void => void engine.hashOf(key);
    if (coarsener.isDue(value.length, false, false)) coarsener.makeRoom(value.length, false, false, prepare);
    return engine.set(key, value, { form: ID });
  };
  return { engine, packer, set };
}

describe('compression for the share of a type', () => {
  it('compacts what is cold and large, and leaves what is small to LRU', () => {
    const compressor = new RunLength();
    const { engine, packer, set } = create(compressor);
    for (let i = 0; i < 60; i++) {
      expect(set(`large ${i}`, patternOf(i, 20_000))).toBe(1);
      expect(set(`small ${i}`, patternOf(i, 500))).toBe(1);
      expect(engine.stats().bytesUsed).toBeLessThanOrEqual(CAPACITY * SHARE);
    }
    const { reductions, removals, reducerFailures } = engine.stats();
    expect(reductions).toBeGreaterThan(20);
    expect(removals.share).toBeGreaterThan(0);
    expect(reducerFailures).toBe(0);
    expect(Math.min(...compressor.asked)).toBe(20_000);
    expect(engine.keys().filter((key) => key.startsWith('large')).length).toBeGreaterThan(22);
    for (const key of engine.keys()) {
      engine.get(key);
      const { landing, length, form, start } = { ...engine.store.reader, start: engine.store.reader.landing.start };
      const value = packer.unpack(form, landing.bytes, start, start + length);
      expect(value).toEqual(patternOf(Number(key.split(' ')[1]), key.startsWith('large') ? 20_000 : 500));
      expect(form).toBe(length < 500 ? FORM_FRAME : ID);
    }
    expect(engine.verify()).toEqual([]);
  });

  it.each<[string, Shorten, boolean]>([
    ['gains nothing', (bytes) => bytes, false],
    [
      'throws',
      () => {
        throw new Error('broken');
      },
      true,
    ],
  ])('is LRU where the compressor %s', (_, shorten, fails) => {
    const { engine, set } = create(new RunLength(shorten));
    for (let i = 0; i < 60; i++) expect(set(`large ${i}`, patternOf(i, 20_000))).toBe(1);
    const { reductions, removals, reducerFailures, entries, bytesUsed } = engine.stats();
    expect([reductions, reducerFailures > 0]).toEqual([0, fails]);
    expect(removals.share).toBe(60 - entries);
    expect(bytesUsed).toBeGreaterThan(CAPACITY * SHARE * 0.9);
    expect(engine.verify()).toEqual([]);
  });
});
