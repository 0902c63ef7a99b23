/** Compression for the share of a type, by a codec double: the first byte of a value says whether the rest is short. */
import { describe, expect, it } from 'vitest';
import { Coarsener } from '../../../src/cache/coarsener.js';
import { Migrator } from '../../../src/cache/migrator.js';
import type { FormCodec } from '../../../src/codecs/codec.js';
import { Packer } from '../../../src/codecs/packer.js';
import { MigrationChain } from '../../../src/codecs/versions.js';
import { UNLIMITED } from '../../../src/policies/type-rules.js';
import { Engine } from '../../support/engine.js';

const ID = 3;
const PLAIN = 1;
const COMPACT = 2;
const CAPACITY = 4 << 20;
const SHARE = 0.1;

type Compact = (bytes: Uint8Array) => Uint8Array | undefined;

/** Values are their bytes; compacted, the mark, the byte that they all are, and how many. */
class RunLength implements FormCodec {
  readonly name = 'run-length';
  readonly id = ID;
  readonly asked: number[] = [];
  readonly compact: Compact;

  constructor(compact: Compact = shorten) {
    this.compact = (bytes) => {
      this.asked.push(bytes.length);
      return compact(bytes);
    };
  }

  encode(): Uint8Array {
    throw new Error('nothing is encoded anew');
  }

  decode(): unknown {
    throw new Error('nothing is decoded');
  }
}

function shorten(bytes: Uint8Array): Uint8Array | undefined {
  if (bytes[0] !== PLAIN) return undefined;
  return Uint8Array.of(COMPACT, bytes[1]!, ...new Uint8Array(Uint32Array.of(bytes.length).buffer));
}

function patternOf(byte: number, length: number): Uint8Array {
  const bytes = new Uint8Array(length).fill(byte);
  bytes[0] = PLAIN;
  return bytes;
}

function create(codec: FormCodec): { engine: Engine; set: (key: string, value: Uint8Array) => number } {
  const engine = Engine.create({ capacityBytes: CAPACITY, shares: [{ ...UNLIMITED, maxShare: SHARE }] });
  const common = {
    store: engine.store,
    typeId: 0,
    type: 'route',
    packer: new Packer({ codec, codecsById: [undefined, undefined, undefined, codec], hasCrc: false }),
    begin: () => engine.store.begin(),
  };
  const chain = new MigrationChain(1, new Map());
  const migrator = new Migrator({ ...common, chain, importance: 0, itemBytesMax: CAPACITY });
  const coarsener = new Coarsener({ ...common, migrator, reduce: undefined });
  const set = (key: string, value: Uint8Array): number => {
    engine.hashOf(key);
    if (coarsener.isDue(value.length, false, false)) coarsener.makeRoom(key, value.length, false, false);
    return engine.set(key, value, { form: ID });
  };
  return { engine, set };
}

describe('compression for the share of a type', () => {
  it('compacts what is cold and large, and leaves what is small to LRU', () => {
    const codec = new RunLength();
    const { engine, set } = create(codec);
    for (let i = 0; i < 60; i++) {
      expect(set(`large ${i}`, patternOf(i, 20_000))).toBe(1);
      expect(set(`small ${i}`, patternOf(i, 500))).toBe(1);
      expect(engine.stats().bytesUsed).toBeLessThanOrEqual(CAPACITY * SHARE);
    }
    const { reductions, removals, reducerFailures } = engine.stats();
    expect(reductions).toBeGreaterThan(20);
    expect(removals.share).toBeGreaterThan(0);
    expect(reducerFailures).toBe(0);
    expect(Math.min(...codec.asked)).toBe(20_000);
    expect(engine.keys().filter((key) => key.startsWith('large')).length).toBeGreaterThan(22);
    for (const key of engine.keys()) {
      engine.get(key);
      const { landing, length } = engine.store.reader;
      const bytes = landing.bytes.slice(0, length);
      const wanted = patternOf(Number(key.split(' ')[1]), key.startsWith('large') ? 20_000 : 500);
      expect(bytes).toEqual(bytes[0] === PLAIN ? wanted : shorten(wanted));
    }
    expect(engine.verify()).toEqual([]);
  });

  it.each<[string, Compact, boolean]>([
    ['refuses', () => undefined, false],
    ['gains nothing', (bytes) => bytes, false],
    [
      'throws',
      () => {
        throw new Error('broken');
      },
      true,
    ],
  ])('is LRU where the codec %s', (_, compact, fails) => {
    const { engine, set } = create(new RunLength(compact));
    for (let i = 0; i < 60; i++) expect(set(`large ${i}`, patternOf(i, 20_000))).toBe(1);
    const { reductions, removals, reducerFailures, entries, bytesUsed } = engine.stats();
    expect([reductions, reducerFailures > 0]).toEqual([0, fails]);
    expect(removals.share).toBe(60 - entries);
    expect(bytesUsed).toBeGreaterThan(CAPACITY * SHARE * 0.9);
    expect(engine.verify()).toEqual([]);
  });
});
