/** Dictionaries out of samples: what they hold, how long they get, and that training ends. */
import { deflateRawSync } from 'node:zlib';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { DictionaryTrainer, Samples } from '../../../src/codecs/dictionary-trainer.js';
import { Random } from '../../support/random.js';

const { FC_SEED } = process.env;
const SEED = Number(FC_SEED ?? Math.floor(Math.random() * 2 ** 31));
const STEPS_MAX = 10_000;

function samplesOf(values: readonly Uint8Array[], bytesMax = 2 ** 20): Samples {
  const samples = new Samples(bytesMax);
  for (const value of values) samples.add(value);
  return samples;
}

function trained(samples: Samples, bytes: number): Uint8Array {
  const trainer = new DictionaryTrainer(samples, bytes);
  for (let step = 0; step < STEPS_MAX; step++) {
    const dictionary = trainer.step();
    if (dictionary !== undefined) return dictionary;
  }
  return expect.fail('training does not end');
}

/** Bytes that repeat nothing. */
function noise(length: number, seed: number): Buffer {
  const random = new Random(seed);
  return Buffer.from(Uint8Array.from({ length }, () => random.below(256)));
}

const agent = (version: number): string => `Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 Chrome/${version}.0`;
const session = (id: number): Buffer =>
  Buffer.concat([Buffer.from(`{"agent":"${agent(100 + (id % 3))}","token":"`), noise(40, id + 1), Buffer.from('"}')]);

describe('a dictionary', () => {
  it('holds what samples have in common, and hardly anything of what one has alone', () => {
    const dictionary = Buffer.from(trained(samplesOf(Array.from({ length: 200 }, (_, id) => session(id))), 2_048));
    expect(dictionary.includes('Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 Chrome/')).toBe(true);
    const alone = Array.from({ length: 200 }, (_, id) => noise(40, id + 1).subarray(0, 24));
    expect(alone.filter((token) => dictionary.includes(token)).length).toBeLessThan(20);
    expect(dictionary.length).toBeLessThan(2_048);
  });

  it('makes other values of the kind far smaller', () => {
    const dictionary = trained(samplesOf(Array.from({ length: 200 }, (_, id) => session(id))), 2_048);
    const other = session(7_777);
    const alone = deflateRawSync(other).length;
    expect(deflateRawSync(other, { dictionary }).length - 40).toBeLessThan((alone - 40) / 4);
  });

  it('puts the best last', () => {
    const values = Array.from({ length: 90 }, (_, i) => {
      const parts = [Buffer.from('what all of them have in common, all'), noise(300, i + 1)];
      if (i % 30 === 0) parts.push(Buffer.from('what a few of them have in common'));
      return Buffer.concat(parts);
    });
    const dictionary = Buffer.from(trained(samplesOf(values), 1_024));
    expect(dictionary.indexOf('what a few')).toBeGreaterThanOrEqual(0);
    expect(dictionary.indexOf('what all')).toBeGreaterThan(dictionary.indexOf('what a few'));
  });

  it.each([
    ['nothing', []],
    ['one value', [session(1)]],
    ['values too short to count', Array.from({ length: 50 }, () => Buffer.from('1234567'))],
    ['empty values', Array.from({ length: 50 }, () => new Uint8Array(0))],
  ])('of %s is empty, or as good as', (_, values) => {
    expect(trained(samplesOf(values), 4_096).length).toBeLessThan(64);
  });

  it(`of any samples is no longer than asked for, and of their bytes (seed ${SEED})`, () => {
    const value = fc.oneof(
      fc.uint8Array({ maxLength: 300 }),
      fc.constantFrom(session(1), session(2), Buffer.alloc(500)),
    );
    fc.assert(
      fc.property(fc.array(value, { maxLength: 80 }), fc.integer({ min: 8, max: 3_000 }), (values, bytes) => {
        const samples = samplesOf(values, 9_000);
        const dictionary = trained(samples, bytes);
        expect(dictionary.length).toBeLessThanOrEqual(bytes);
        const there = samples.bytes.subarray(0, samples.length);
        for (let at = 0; at + 8 <= dictionary.length; at += 8) {
          for (const byte of dictionary.subarray(at, at + 8)) expect(there.includes(byte)).toBe(true);
        }
      }),
      { seed: SEED, numRuns: 60 },
    );
  });
});

describe('samples', () => {
  it('take what there is room for, one behind the other', () => {
    const samples = new Samples(10);
    samples.add(Uint8Array.of(1, 2, 3));
    samples.add(new Uint8Array(0));
    samples.add(Uint8Array.of(4, 5, 6, 7));
    expect([samples.length, samples.isFull]).toEqual([7, false]);
    samples.add(new Uint8Array(9).fill(9));
    expect([samples.isFull, samples.ends]).toEqual([true, [3, 3, 7, 10]]);
    expect([...samples.bytes]).toEqual([1, 2, 3, 4, 5, 6, 7, 9, 9, 9]);
  });
});
