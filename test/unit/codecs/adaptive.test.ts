/** What `auto` chooses, with compressors that take and save what the test says, on a clock that they move. */
import { describe, expect, it } from 'vitest';
import { AdaptiveChooser } from '../../../src/codecs/adaptive.js';
import type { Compressor, CompressorName } from '../../../src/codecs/compressor.js';

const VALUE_BYTES = 20_000;

interface Nature {
  /** Of what is left, by level. */
  readonly left: (level: number) => number;
  /** Nanoseconds a byte: of compressing by level, and of decompressing. */
  readonly compressNs: (level: number) => number;
  readonly decompressNs: number;
}

class Bed {
  ms = 0;
  /** Milliseconds spent compressing and decompressing. */
  spentMs = 0;
  calls = 0;
  readonly natures: Partial<Record<CompressorName, Nature>>;
  readonly chooser: AdaptiveChooser;

  constructor(natures: Partial<Record<CompressorName, Nature>>) {
    this.natures = natures;
    const names = Object.keys(natures) as CompressorName[];
    const compressors = names.map((name, i) => [name, this.#compressor(name, i + 1)] as const);
    this.chooser = new AdaptiveChooser(new Map(compressors), () => this.ms);
  }

  #compressor(name: CompressorName, id: number): Compressor {
    return {
      name,
      id,
      levels: { least: 0, most: 9, usual: 0, hard: 0 },
      ratioMax: 1_000,
      compress: (bytes, level) => {
        this.#spend(this.natures[name]!.compressNs(level) * bytes.length);
        return new Uint8Array(Math.round(bytes.length * this.natures[name]!.left(level)));
      },
      decompress: (_, rawBytes) => {
        this.#spend(this.natures[name]!.decompressNs * rawBytes);
        return new Uint8Array(rawBytes);
      },
    };
  }

  #spend(ns: number): void {
    this.calls += 1;
    this.ms += ns / 1e6;
    this.spentMs += ns / 1e6;
  }

  /** What is chosen for the last of so many values, set a time apart. */
  run(values: number, apartMs: number, pressure = 0): string {
    let name = 'none';
    for (let i = 0; i < values; i++) {
      const choice = this.chooser.choose(new Uint8Array(VALUE_BYTES), pressure);
      name = choice === undefined ? 'none' : `${choice.compressor.name} ${choice.level}`;
      this.ms += apartMs;
    }
    return name;
  }
}

const fixed = (left: number, compressNs: number, decompressNs: number): Nature => ({
  left: () => left,
  compressNs: () => compressNs,
  decompressNs,
});

describe('auto', () => {
  it('takes what saves most for its cost, and dearer savings the higher the pressure', () => {
    const brotli: Nature = {
      left: (level) => ({ 1: 0.2, 4: 0.15, 5: 0.12 })[level]!,
      compressNs: (level) => ({ 1: 3, 4: 6, 5: 15 })[level]!,
      decompressNs: 1,
    };
    const bed = new Bed({ lz4: fixed(0.35, 1, 0.5), zlib: fixed(0.3, 10, 1), brotli });
    // A byte saved is worth 100 ns: 62 for lz4, 56, 73, 75 and 69 for the others.
    expect(bed.run(1, 0)).toBe('brotli 4');
    expect([1, 2, 3].map((pressure) => bed.run(1, 0, pressure))).toEqual(['brotli 4', 'brotli 5', 'brotli 5']);
    expect(bed.chooser.hardest(new Uint8Array(VALUE_BYTES))).toMatchObject({ level: 5, isHard: true });
  });

  it('a cheap one wins where little more is to be saved', () => {
    const bed = new Bed({ lz4: fixed(0.25, 1, 0.5), zlib: fixed(0.2, 10, 1), brotli: fixed(0.2, 20, 1) });
    expect([0, 1, 2, 3].map((pressure) => bed.run(1, 0, pressure))).toEqual(['lz4 0', 'lz4 0', 'zlib 4', 'zlib 4']);
  });

  it('compresses nothing where nothing pays, and soon hardly tries', () => {
    const bed = new Bed({ lz4: fixed(1, 2, 1), zlib: fixed(0.99, 30, 5), brotli: fixed(0.98, 20, 5) });
    expect(bed.run(1, 100)).toBe('none');
    bed.run(1_000, 100);
    const { calls } = bed;
    expect(bed.run(2_560, 100)).toBe('none');
    // A sample in 256 values, of five candidates: twice each.
    expect(bed.calls - calls).toBeLessThanOrEqual(10 * 5 * 2);
  });

  it.each([0, 0.01, 0.3, 50])('with values %d ms apart spends a fiftieth of the time on samples at most', (apartMs) => {
    const bed = new Bed({ lz4: fixed(0.9, 100, 50), brotli: fixed(0.5, 400, 100) });
    bed.run(1, apartMs);
    const [ms, spentMs] = [bed.ms, bed.spentMs];
    for (let i = 0; i < 20_000; i++) bed.run(1, apartMs);
    const sampleMs = (spentMs * 2) / 3;
    // One sample may come with the end of the time.
    expect(bed.spentMs - spentMs).toBeLessThanOrEqual((bed.ms - ms) * 0.02 + sampleMs);
  });

  it('finds out when values change', () => {
    const bed = new Bed({ lz4: fixed(1, 2, 1), brotli: fixed(1, 10, 2) });
    expect(bed.run(5_000, 10)).toBe('none');
    bed.natures.brotli = fixed(0.2, 10, 2);
    expect(bed.run(600, 10)).toMatch('brotli');
    bed.natures.brotli = fixed(1, 10, 2);
    expect(bed.run(5_000, 10)).toBe('none');
  });

  it('a thread that is off its core in a sample misleads it for a few samples at most', () => {
    const bed = new Bed({ lz4: fixed(0.5, 2, 1), brotli: fixed(0.2, 6, 2) });
    expect(bed.run(50, 1_000)).toBe('brotli 1');
    bed.natures.brotli = fixed(0.2, 2_000, 2);
    bed.run(256, 1_000);
    bed.natures.brotli = fixed(0.2, 6, 2);
    expect(bed.run(600, 1_000)).toBe('brotli 1');
  });
});
