/** Compression of a type, by compressors that say in one number how far they get: what is compressed, how hard, and what counts. */
import { describe, expect, it } from 'vitest';
import { Compression, type CompressionPlan, type CompressionSetup } from '../../../src/codecs/compression.js';
import type { Compressor, CompressorName } from '../../../src/codecs/compressor.js';
import { CodecError } from '../../../src/errors.js';

const PLAN: CompressionPlan = { with: 'zlib', above: 1_000, atSet: true };
const CHUNK = 1_024;

/** Halves, at level 9 quarters; refuses to be asked for more than it has. */
class Halver implements Compressor {
  readonly name: CompressorName = 'zlib';
  readonly id = 1;
  readonly levels = { least: 1, most: 9, usual: 4, hard: 9 };
  readonly ratioMax = 100;
  readonly asked: number[] = [];
  decompressions = 0;
  factor = 2;

  compress(bytes: Uint8Array, level: number): Uint8Array {
    this.asked.push(level);
    return new Uint8Array(Math.ceil(bytes.length / (level === 9 ? this.factor * 2 : this.factor))).fill(level);
  }

  decompress(_: Uint8Array, rawBytes: number): Uint8Array {
    this.decompressions += 1;
    return new Uint8Array(rawBytes);
  }
}

function bed(plan: Partial<CompressionPlan> = {}, setup: Partial<CompressionSetup> = {}) {
  const halver = new Halver();
  const counts: (readonly [string, ...number[]])[] = [];
  let ms = 0;
  const compression = new Compression({
    plan: { ...PLAN, ...plan },
    compressors: new Map([['zlib', halver]]),
    itemBytesMax: 100_000,
    chunkBytesOf: (itemBytes) => Math.ceil(itemBytes / CHUNK) * CHUNK,
    pressure: () => 0,
    tally: {
      compressed: (...figures) => counts.push(['compressed', ...figures]),
      unpaid: (...figures) => counts.push(['unpaid', ...figures]),
      decompressed: (...figures) => counts.push(['decompressed', ...figures]),
    },
    now: () => {
      ms += 1;
      return ms;
    },
    ...setup,
  });
  return { halver, counts, compression };
}

describe('what set stores', () => {
  it('is compressed above the bound, and counted', () => {
    const { compression, counts, halver } = bed();
    expect(compression.shrink(new Uint8Array(1_000), 50)).toBeUndefined();
    expect(halver.asked).toEqual([]);
    const { head, bytes } = compression.shrink(new Uint8Array(4_001), 50)!;
    expect([head, bytes.length]).toEqual([{ compressor: 1, isHard: false, rawBytes: 4_001 }, 2_001]);
    expect(counts).toEqual([['compressed', 4_001, 2_001, 1]]);
  });

  it('is left as it is where it lands in chunks of the same size, which is counted', () => {
    const { compression, counts, halver } = bed();
    halver.factor = 1.01;
    expect(compression.shrink(new Uint8Array(1_500), 50)).toBeUndefined();
    expect(counts).toEqual([['unpaid', 1]]);
    // What stands beside the value decides: 1,020 bytes of 1,030 cross a chunk's end, or don't.
    expect(compression.shrink(new Uint8Array(1_030), 0)).toBeUndefined();
    halver.factor = 1.03;
    expect(compression.shrink(new Uint8Array(1_030), 0)!.bytes.length).toBe(1_000);
    expect(compression.shrink(new Uint8Array(1_030), 200)).toBeUndefined();
  });

  it('is copied first where it is in memory that other threads may write to', () => {
    const inputs: Uint8Array[] = [];
    const { compression, halver } = bed();
    const { compress } = halver;
    halver.compress = (bytes, level) => {
      inputs.push(bytes);
      return compress.call(halver, bytes, level);
    };
    const own = new Uint8Array(4_000);
    compression.shrink(own, 0);
    compression.shrink(new Uint8Array(new SharedArrayBuffer(4_000)), 0);
    expect(inputs[0]).toBe(own);
    expect(inputs[1]!.buffer).toBeInstanceOf(ArrayBuffer);
  });

  it('is not compressed beyond the largest item, nor where only the share calls for it', () => {
    const { compression } = bed();
    expect(compression.shrink(new Uint8Array(100_000), 0)).toBeDefined();
    expect(compression.shrink(new Uint8Array(100_001), 0)).toBeUndefined();
    expect(bed({ atSet: false }).compression.shrink(new Uint8Array(9_000), 0)).toBeUndefined();
  });

  it.each<[string, Partial<CompressionPlan>, number[]]>([
    ['harder while pressure is high or critical', {}, [4, 4, 9, 9]],
    ['as hard as the option says, whatever the pressure', { level: 2 }, [2, 2, 2, 2]],
  ])('is compressed %s', (_, plan, wanted) => {
    let pressure = 0;
    const { compression, halver } = bed(plan, { pressure: () => pressure });
    for (; pressure < 4; pressure++) {
      const { head } = compression.shrink(new Uint8Array(9_000), 0)!;
      expect(head.isHard).toBe(wanted[pressure] === 9);
    }
    expect(halver.asked).toEqual(wanted);
  });
});

describe('what the share of a type calls for', () => {
  it('is compressed as hard as is worth while, whatever its chunks, and not if it gets no smaller', () => {
    const { compression, halver } = bed({ atSet: false, level: 3 });
    const { head, bytes } = compression.squeeze(new Uint8Array(1_100), 1_100)!;
    expect([head.isHard, bytes.length, halver.asked]).toEqual([true, 275, [9]]);
    expect(compression.squeeze(new Uint8Array(1_100), 285)).toBeUndefined();
    expect(compression.squeeze(new Uint8Array(999), 999)).toBeUndefined();
  });

  it('is tried ever more rarely while it fails, and each time again once it works', () => {
    const { compression, halver } = bed();
    halver.factor = 0.5;
    for (let i = 0; i < 1_000; i++) compression.squeeze(new Uint8Array(2_000), 2_000);
    const tries = halver.asked.length;
    expect(tries).toBeGreaterThan(10);
    expect(tries).toBeLessThan(30);
    halver.factor = 2;
    for (let i = 0; i < 100; i++) compression.squeeze(new Uint8Array(2_000), 2_000);
    expect(halver.asked.length - tries).toBeGreaterThan(35);
  });
});

describe('what a frame claims', () => {
  it('is checked before anything is allocated', () => {
    const { compression, halver, counts } = bed();
    const claim = (compressor: number, rawBytes: number): (() => Uint8Array) => {
      return () => compression.expand({ compressor, isHard: false, rawBytes }, new Uint8Array(500));
    };
    expect(claim(2, 1_000)).toThrow(CodecError);
    expect(claim(1, 50_001)).toThrow("500 bytes of zlib can't be 50001 in this cache");
    expect(halver.decompressions).toBe(0);
    expect(claim(1, 50_000)().length).toBe(50_000);
    expect(counts).toEqual([['decompressed', 1]]);
  });

  it('is bounded by the largest item of the cache', () => {
    const { compression, halver } = bed({}, { itemBytesMax: 2_000 });
    expect(() => compression.expand({ compressor: 1, isHard: true, rawBytes: 2_001 }, new Uint8Array(500))).toThrow(
      CodecError,
    );
    expect(halver.decompressions).toBe(0);
  });
});
