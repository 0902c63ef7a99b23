/** Every compressor that this Node has: what it compresses comes back, and nothing else ever does. */
import { brotliCompressSync, constants, deflateRawSync } from 'node:zlib';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { Compressor } from '../../../src/codecs/compressor.js';
import { createCompressors } from '../../../src/codecs/compressors.js';
import { CodecError } from '../../../src/errors.js';

const SEED = Number(process.env['FC_SEED'] ?? 31_415);
const TEXT = Buffer.from(JSON.stringify(Array.from({ length: 900 }, (_, i) => ({ id: i, name: `point ${i % 13}` }))));
const compressors = [...createCompressors().values()];

const levels = ({ levels: { least, most } }: Compressor): fc.Arbitrary<number> => fc.integer({ min: least, max: most });
/** Bytes with runs and repeats among them. */
const compressible = fc
  .array(fc.tuple(fc.uint8Array({ minLength: 1, maxLength: 40 }), fc.nat(60)), { minLength: 1, maxLength: 30 })
  .map((parts) => Buffer.concat(parts.flatMap(([bytes, times]) => Array.from({ length: times + 1 }, () => bytes))));

/** CodecError or exactly so many bytes. */
function attempt(
  compressor: Compressor,
  bytes: Uint8Array,
  rawBytes: number,
  dictionary?: Uint8Array,
): Uint8Array | undefined {
  try {
    return compressor.decompress(bytes, rawBytes, dictionary);
  } catch (error) {
    expect(error).toBeInstanceOf(CodecError);
    return undefined;
  }
}

it('names and ids are unique, and ids fit four bits', () => {
  expect(compressors.map(({ name, id }) => `${name} ${id}`).filter((each) => each !== 'zstd 4')).toEqual([
    'zlib 1',
    'brotli 2',
    'lz4 3',
  ]);
});

describe.each(compressors.map((compressor) => [compressor.name, compressor] as const))('%s', (_, compressor) => {
  const usual = compressor.compress(TEXT, compressor.levels.usual);

  it(`gives back what it was given, at every level (seed ${SEED})`, () => {
    fc.assert(
      fc.property(
        fc.oneof(fc.uint8Array({ minLength: 1, maxLength: 2_000 }), compressible),
        levels(compressor),
        (raw, level) => {
          const compressed = Uint8Array.from(compressor.compress(raw, level));
          const copy = compressor.decompress(compressed, raw.length);
          expect(Buffer.compare(copy, raw)).toBe(0);
          expect(copy.buffer).not.toBe(compressed.buffer);
        },
      ),
      { seed: SEED, numRuns: 150 },
    );
  });

  it('makes text smaller, and results outlive later calls', () => {
    const kept = Uint8Array.from(usual);
    expect(usual.length).toBeLessThan(TEXT.length / 3);
    compressor.compress(Buffer.alloc(100_000, 'other'), compressor.levels.hard);
    expect(Buffer.compare(usual, kept)).toBe(0);
  });

  it('refuses every length but the right one', () => {
    for (const rawBytes of [0, 1, 17, TEXT.length - 1, TEXT.length + 1, TEXT.length * 2, 2 ** 28 - 1]) {
      expect(attempt(compressor, usual, rawBytes), `${rawBytes} bytes`).toBeUndefined();
    }
  });

  it('refuses a stream that is cut', () => {
    for (let length = 0; length < usual.length; length += 7)
      expect(attempt(compressor, usual.subarray(0, length), TEXT.length), `${length} bytes`).toBeUndefined();
  });

  it(`takes damaged and random bytes for an error, or for as many bytes as it should (seed ${SEED})`, () => {
    const flips = fc.array(fc.tuple(fc.nat(usual.length - 1), fc.nat(255)), { minLength: 1, maxLength: 8 });
    fc.assert(
      fc.property(flips, fc.uint8Array({ maxLength: 100 }), fc.nat(5_000), (damage, random, rawBytes) => {
        const damaged = Uint8Array.from(usual);
        for (const [at, byte] of damage) damaged[at] = byte;
        expect(attempt(compressor, damaged, TEXT.length)?.length ?? TEXT.length).toBe(TEXT.length);
        expect(attempt(compressor, random, rawBytes)?.length ?? rawBytes).toBe(rawBytes);
      }),
      { seed: SEED, numRuns: 400 },
    );
    expect(Buffer.compare(compressor.decompress(usual, TEXT.length), TEXT)).toBe(0);
  });

  it('works on after calls that a full stack has cut short', () => {
    let cut = 0;
    let tries = 0;
    const dive = (): void => {
      try {
        dive();
      } catch (error) {
        // On the way back, a little higher each time: so the stack gives out at another place each time.
        if (tries++ < 600) cut += isCut() ? 1 : 0;
        throw error;
      }
    };
    const isCut = (): boolean => {
      try {
        compressor.decompress(compressor.compress(TEXT, compressor.levels.least), TEXT.length);
        return false;
      } catch {
        return true;
      }
    };
    // Compiled ahead: that takes more of a stack than the work.
    expect(isCut()).toBe(false);
    expect(dive).toThrow(RangeError);
    expect(cut).toBeGreaterThan(0);
    for (let i = 0; i < 3; i++) {
      const compressed = compressor.compress(TEXT, compressor.levels.usual);
      expect(Buffer.compare(compressor.decompress(compressed, TEXT.length), TEXT)).toBe(0);
    }
  });
});

describe('a bomb', () => {
  const zeros = Buffer.alloc(64 << 20);
  const quality = { params: { [constants.BROTLI_PARAM_QUALITY]: 4 } };
  it.each([
    ['zlib', deflateRawSync(zeros)],
    ['brotli', brotliCompressSync(zeros, quality)],
  ] as const)('of %s stops at the length that is due', (name, bomb) => {
    const compressor = createCompressors().get(name)!;
    expect(bomb.length).toBeLessThan(100_000);
    // By its own bound, and not for its length when all has been decompressed.
    const refusal = expect.objectContaining({ cause: expect.objectContaining({ code: 'ERR_BUFFER_TOO_LARGE' }) });
    expect(() => compressor.decompress(bomb, 1_000)).toThrow(refusal);
    expect(compressor.decompress(bomb, zeros.length).length).toBe(zeros.length);
  });

  it('of lz4 claims a length in vain: its own is not stored', () => {
    const lz4 = createCompressors().get('lz4')!;
    const compressed = lz4.compress(TEXT, 0);
    const claim = Buffer.from(compressed);
    claim.writeUInt32LE(0xffff_ffff, 0);
    expect(attempt(lz4, claim, TEXT.length)?.length ?? TEXT.length).toBe(TEXT.length);
  });
});

describe.each(compressors.filter(({ dictionaryLevel }) => dictionaryLevel !== undefined))(
  '$name with a dictionary',
  (compressor) => {
    const dictionary = TEXT.subarray(0, 2_000);
    const level = compressor.dictionaryLevel!;

    it(`gives back what it was given, of any length (seed ${SEED})`, () => {
      fc.assert(
        fc.property(compressible, fc.uint8Array({ minLength: 1, maxLength: 3_000 }), (bytes, dictionaryOfAny) => {
          for (const each of [dictionary, dictionaryOfAny]) {
            const compressed = compressor.compress(bytes, level, each);
            expect(Buffer.from(compressor.decompress(compressed, bytes.length, each))).toEqual(bytes);
          }
        }),
        { seed: SEED, numRuns: 50 },
      );
    });

    it('takes a fraction of the bytes for what is in it', () => {
      const bytes = TEXT.subarray(500, 900);
      expect(compressor.compress(bytes, level, dictionary).length * 4).toBeLessThan(
        compressor.compress(bytes, level).length,
      );
    });

    it('takes damaged bytes, or another dictionary, for an error, or for as many bytes as it should', () => {
      const compressed = compressor.compress(TEXT, level, dictionary);
      for (const other of [undefined, TEXT.subarray(1, 2_001), Buffer.from('another')])
        expect(attempt(compressor, compressed, TEXT.length, other)?.length ?? TEXT.length).toBe(TEXT.length);
      for (let at = 0; at < compressed.length; at += 3) {
        const damaged = Uint8Array.from(compressed);
        damaged[at]! ^= 1 << (at & 7);
        expect(attempt(compressor, damaged, TEXT.length, dictionary)?.length ?? TEXT.length).toBe(TEXT.length);
      }
    });
  },
);
