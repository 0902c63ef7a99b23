/**
 * Chooses the compressor of a type by what it costs and saves, for `compress: { with: 'auto' }`.
 *
 * A candidate costs the time that compressing a value once and decompressing it READS times takes, and it saves bytes. A byte
 * saved is worth PRICE_NS of that time: 100 ns below level high, 400 ns at high and 1,600 ns at critical. The
 * candidate whose savings exceed its cost by most is taken, and none if none does.
 *
 * Both are learned from samples: the start of a value, compressed and decompressed by each candidate. A thread takes the next
 * sample after one value, two, four, up to INTERVAL_MAX, as long as they choose the same, and at most SAMPLED_SHARE of
 * its time goes to samples. So values that don't compress are soon no longer tried, and found out again if they change.
 */
import type { Compressor, CompressorName } from './compressor.js';

/** What a value is to be compressed by. */
export interface Choice {
  readonly compressor: Compressor;
  readonly level: number;
  /** As hard as is worth while: what it has compressed isn't compressed anew. */
  readonly isHard: boolean;
}

/** Decides by what the values of a type are compressed. */
export interface Chooser {
  /** For a value that is to be stored, at a level of pressure from 0, normal, to 3, critical; undefined: not at all. */
  choose(bytes: Uint8Array, pressure: number): Choice | undefined;
  /** The same for one that is to become as small as is worth while. */
  hardest(bytes: Uint8Array): Choice | undefined;
}

/** What is tried: from each level on that costs much more, only what saves more. */
const CANDIDATES: readonly (readonly [CompressorName, number])[] = [
  ['lz4', 0],
  ['zlib', 4],
  ['brotli', 1],
  ['brotli', 4],
  ['brotli', 5],
  ['zstd', 1],
  ['zstd', 9],
];

/** Nanoseconds that a byte saved is worth, by level of pressure. */
const PRICE_NS = [100, 100, 400, 1_600] as const;
const CRITICAL = PRICE_NS.length - 1;
/** How often a value is read before it ends. */
const READS = 4;
/** A sample is the start of a value, of at most so many bytes. */
const SAMPLE_BYTES = 2 ** 15;
/** Values from one sample to the next, at most. */
const INTERVAL_MAX = 256;
/** Most of a thread's time that goes to samples. */
const SAMPLED_SHARE = 0.02;
/** What is left of the earlier samples' weight with each new one. */
const DECAY = 0.75;
/** A thread may be off its core in the middle: a time counts as this many times the mean at most. */
const OUTLIER = 2;

class Candidate {
  readonly choice: Choice;
  #rawBytes = 0;
  #storedBytes = 0;
  #ms = 0;

  constructor(choice: Choice) {
    this.choice = choice;
  }

  sample(bytes: Uint8Array, now: () => number): void {
    const { compressor, level } = this.choice;
    // Not timed: the first use may have to make the compressor.
    if (this.#rawBytes === 0) compressor.decompress(compressor.compress(bytes, level), bytes.length);
    const startMs = now();
    const compressed = compressor.compress(bytes, level);
    const betweenMs = now();
    compressor.decompress(compressed, bytes.length);
    const ms = betweenMs - startMs + READS * (now() - betweenMs);
    const most = this.#rawBytes === 0 ? ms : (OUTLIER * this.#ms * bytes.length) / this.#rawBytes;
    this.#ms = this.#ms * DECAY + Math.min(ms, most);
    this.#rawBytes = this.#rawBytes * DECAY + bytes.length;
    this.#storedBytes = this.#storedBytes * DECAY + compressed.length;
  }

  /** What it gains for each raw byte, in nanoseconds. */
  gainNs(priceNs: number): number {
    return ((this.#rawBytes - this.#storedBytes) * priceNs - this.#ms * 1e6) / this.#rawBytes;
  }
}

export class AdaptiveChooser implements Chooser {
  readonly #candidates: readonly Candidate[];
  readonly #now: () => number;
  /** By level of pressure. */
  #best: readonly (Choice | undefined)[] = [];
  #interval = 1;
  /** Values until the next sample, and when it may be taken. */
  #countdown = 1;
  #nextMs = Number.NEGATIVE_INFINITY;

  /** `now`: milliseconds. */
  constructor(compressors: ReadonlyMap<CompressorName, Compressor>, now: () => number) {
    this.#candidates = CANDIDATES.flatMap(([name, level]) => {
      const compressor = compressors.get(name);
      return compressor === undefined ? [] : [new Candidate({ compressor, level, isHard: false })];
    });
    this.#now = now;
  }

  choose(bytes: Uint8Array, pressure: number): Choice | undefined {
    this.#countdown -= 1;
    if (this.#countdown <= 0 && this.#now() >= this.#nextMs) this.#sample(bytes);
    return this.#best[pressure];
  }

  hardest(bytes: Uint8Array): Choice | undefined {
    const choice = this.choose(bytes, CRITICAL);
    return choice && { ...choice, isHard: true };
  }

  #sample(bytes: Uint8Array): void {
    const start = bytes.subarray(0, SAMPLE_BYTES);
    const startMs = this.#now();
    for (const candidate of this.#candidates) candidate.sample(start, this.#now);
    const endMs = this.#now();
    this.#nextMs = endMs + (endMs - startMs) * (1 / SAMPLED_SHARE - 1);
    const best = PRICE_NS.map((priceNs) => this.#bestAt(priceNs));
    const isSame = best.every((choice, pressure) => choice === this.#best[pressure]);
    this.#interval = isSame ? Math.min(INTERVAL_MAX, this.#interval * 2) : 1;
    this.#countdown = this.#interval;
    this.#best = best;
  }

  #bestAt(priceNs: number): Choice | undefined {
    let best: Choice | undefined;
    let most = 0;
    for (const candidate of this.#candidates) {
      const gain = candidate.gainNs(priceNs);
      if (gain <= most) continue;
      most = gain;
      best = candidate.choice;
    }
    return best;
  }
}
