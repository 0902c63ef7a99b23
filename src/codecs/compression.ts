/** Compression of one type's values: which are compressed, by what, whether it pays, and what it came to. */
import { types } from 'node:util';
import { CodecError } from '../errors.js';
import { AdaptiveChooser, type Choice, type Chooser } from './adaptive.js';
import type { Compressor, CompressorName } from './compressor.js';
import { type CompressionHead, HEAD_BYTES_MAX, RAW_BYTES_MAX } from './frame.js';

/** What the options of a type come to: plain data. */
export interface CompressionPlan {
  readonly with: CompressorName | 'auto';
  /** Values of more bytes are compressed. */
  readonly above: number;
  /** Undefined: the compressor's usual one, and its hard one while pressure is high or critical. */
  readonly level?: number | undefined;
  /** `set` compresses; else only what the type's share calls for is compressed. */
  readonly atSet: boolean;
}

/** Counts what compressing and decompressing came to; times in milliseconds. */
export interface CompressionTally {
  compressed(rawBytes: number, bytes: number, ms: number): void;
  /** A value was compressed and is stored as it was: it would have taken as much memory. */
  unpaid(ms: number): void;
  decompressed(ms: number): void;
}

export interface CompressionSetup {
  readonly plan: CompressionPlan;
  readonly compressors: ReadonlyMap<CompressorName, Compressor>;
  /** No stored value is larger before it is compressed. */
  readonly itemBytesMax: number;
  /** Bytes of the chunks that an item of so many bytes takes, its header and key among them. */
  readonly chunkBytesOf: (itemBytes: number) => number;
  /** Level of pressure: 0 normal, 1 elevated, 2 high, 3 critical. */
  readonly pressure: () => number;
  readonly tally: CompressionTally;
  /** Milliseconds, of any beginning. */
  readonly now: () => number;
}

/** What is to be stored in a frame. */
export interface Compressed {
  readonly head: CompressionHead;
  readonly bytes: Uint8Array;
}

const HIGH = 2;
/** After values that could not be made smaller in place this many at most are not tried. */
const PAUSE_MAX = 64;

export class Compression {
  readonly #setup: CompressionSetup;
  readonly #chooser: Chooser;
  readonly #byId: (Compressor | undefined)[] = [];
  readonly #rawBytesMax: number;
  /** Values still to be left as they are, and how many after the next that can't be made smaller. */
  #pausing = 0;
  #pause = 1;

  constructor(setup: CompressionSetup) {
    const { plan, compressors, itemBytesMax, now } = setup;
    this.#setup = setup;
    for (const compressor of compressors.values()) this.#byId[compressor.id] = compressor;
    this.#rawBytesMax = Math.min(itemBytesMax, RAW_BYTES_MAX);
    this.#chooser =
      plan.with === 'auto'
        ? new AdaptiveChooser(compressors, now)
        : new FixedChooser(compressors, plan.with, plan.level);
  }

  /**
   * A value that is to be stored, compressed; undefined if it isn't to be. `besideBytes`: what its item has beside it. Only
   * what lands in smaller chunks is worth decompressing at each read.
   */
  shrink(given: Uint8Array, besideBytes: number): Compressed | undefined {
    const { plan, pressure, chunkBytesOf } = this.#setup;
    if (!plan.atSet || !this.#isEligible(given)) return undefined;
    // Bytes of the user's that another thread may write to: compressors read some twice.
    const raw = types.isSharedArrayBuffer(given.buffer) ? new Uint8Array(given) : given;
    const choice = this.#chooser.choose(raw, pressure());
    if (choice === undefined) return undefined;
    const before = chunkBytesOf(besideBytes + raw.length);
    return this.#run(choice, raw, (bytes) => chunkBytesOf(besideBytes + HEAD_BYTES_MAX + bytes) < before);
  }

  /** A stored value, which took `storedBytes`, in less, by as much work as that is worth; undefined if that can't be had. */
  squeeze(raw: Uint8Array, storedBytes: number): Compressed | undefined {
    if (!this.#isEligible(raw) || this.#isPausing()) return undefined;
    const choice = this.#chooser.hardest(raw);
    if (choice === undefined) return undefined;
    const squeezed = this.#run(choice, raw, (bytes) => HEAD_BYTES_MAX + bytes < storedBytes);
    this.#pause = squeezed === undefined ? Math.min(PAUSE_MAX, this.#pause * 2) : 1;
    this.#pausing = squeezed === undefined ? this.#pause : 0;
    return squeezed;
  }

  #isEligible(raw: Uint8Array): boolean {
    return raw.length > this.#setup.plan.above && raw.length <= this.#rawBytesMax;
  }

  #isPausing(): boolean {
    if (this.#pausing === 0) return false;
    this.#pausing -= 1;
    return true;
  }

  #run(
    { compressor, level, isHard }: Choice,
    raw: Uint8Array,
    pays: (bytes: number) => boolean,
  ): Compressed | undefined {
    const { tally, now } = this.#setup;
    const startMs = now();
    const bytes = compressor.compress(raw, level);
    const ms = now() - startMs;
    if (!pays(bytes.length)) {
      tally.unpaid(ms);
      return undefined;
    }
    tally.compressed(raw.length, bytes.length, ms);
    return { head: { compressor: compressor.id, isHard, rawBytes: raw.length }, bytes };
  }

  /** What was compressed, in memory of its own. Throws `CodecError`. */
  expand({ compressor: id, rawBytes }: CompressionHead, bytes: Uint8Array): Uint8Array {
    const { tally, now } = this.#setup;
    const compressor = this.#byId[id];
    if (compressor === undefined) throw new CodecError(`there is no compressor with the id ${id}`);
    // Before anything is allocated: a forged length must not be believed.
    if (rawBytes > this.#rawBytesMax || rawBytes > bytes.length * compressor.ratioMax)
      throw new CodecError(`${bytes.length} bytes of ${compressor.name} can't be ${rawBytes} in this cache`);
    const startMs = now();
    const raw = compressor.decompress(bytes, rawBytes);
    tally.decompressed(now() - startMs);
    return raw;
  }
}

/** The compressor that the options name. A level that they name holds whatever the pressure. */
class FixedChooser implements Chooser {
  readonly #usual: Choice;
  readonly #hard: Choice;
  readonly #hardest: Choice;

  constructor(compressors: ReadonlyMap<CompressorName, Compressor>, name: CompressorName, level: number | undefined) {
    const compressor = compressors.get(name)!;
    const { usual, hard } = compressor.levels;
    const at = (chosen: number): Choice => ({ compressor, level: chosen, isHard: chosen >= hard });
    this.#usual = at(level ?? usual);
    this.#hard = at(level ?? hard);
    this.#hardest = at(Math.max(level ?? hard, hard));
  }

  choose(_: Uint8Array, pressure: number): Choice {
    return pressure >= HIGH ? this.#hard : this.#usual;
  }

  hardest(): Choice {
    return this.#hardest;
  }
}
