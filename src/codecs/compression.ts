/** Compression of one type's values: which are compressed, by what, whether it pays, and what it came to. */
import { types } from 'node:util';
import { CodecError } from '../errors.js';
import { AdaptiveChooser, type Choice, type Chooser } from './adaptive.js';
import type { Compressor, CompressorName } from './compressor.js';
import type { Dictionary, TypeDictionaries } from './dictionaries.js';
import { DictionaryLearner, type DictionaryPlan } from './dictionary-learner.js';
import { FixedChooser } from './fixed-chooser.js';
import { type CompressionHead, HEAD_BYTES_MAX, RAW_BYTES_MAX } from './frame.js';
import { Pause } from './pause.js';

/** What the options of a type come to: plain data. */
export interface CompressionPlan {
  readonly with: CompressorName | 'auto';
  /** Values of more bytes are compressed; with a dictionary smaller ones as well. */
  readonly above: number;
  /** Undefined: the compressor's usual one, and its hard one while pressure is high or critical. */
  readonly level?: number | undefined;
  /** `set` compresses; else only what the type's share calls for is compressed. */
  readonly atSet: boolean;
  /** Undefined: values are compressed each by itself. */
  readonly dictionary?: DictionaryPlan | undefined;
}

/** Counts what compressing and decompressing came to; times in milliseconds. */
export interface CompressionTally {
  compressed(rawBytes: number, bytes: number, ms: number): void;
  /** A value was compressed and is stored as it was: it would have taken as much memory. */
  unpaid(ms: number): void;
  decompressed(ms: number): void;
}

/** The dictionaries of the type, and what counts what learning them comes to. */
interface DictionarySetup {
  readonly shelf: TypeDictionaries;
  /** Learning took so long, whether or not one comes of it; in ms. */
  spent(ms: number): void;
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
  /** For a plan with dictionaries. */
  readonly dictionaries?: DictionarySetup | undefined;
  /** Milliseconds, of any beginning. */
  readonly now: () => number;
}

/** What is to be stored in a frame. */
export interface Compressed {
  readonly head: CompressionHead;
  readonly bytes: Uint8Array;
}

/** What a small value takes at the least when it is compressed, and its head. */
const SMALL_BYTES_MIN = 16;
/** The compressor of small values where the one of the options takes no dictionary. */
const WITH_DICTIONARY = 'zlib';

/** Values of `above` bytes and fewer, which only a dictionary makes worth compressing. */
interface SmallValues {
  readonly chooser: FixedChooser;
  readonly learner: DictionaryLearner;
  readonly pause: Pause;
}

function smallValuesOf({ plan, compressors, dictionaries, now }: CompressionSetup): SmallValues | undefined {
  if (plan.dictionary === undefined || dictionaries === undefined) return undefined;
  const named = plan.with === 'auto' ? undefined : compressors.get(plan.with);
  const takesIt = named?.dictionaryLevel !== undefined;
  const compressor = takesIt ? named : compressors.get(WITH_DICTIONARY)!;
  const usual = compressor.dictionaryLevel!;
  const lengthWith = (bytes: Uint8Array, dictionary: Uint8Array | undefined): number =>
    compressor.compress(bytes, usual, dictionary).length;
  return {
    chooser: new FixedChooser(compressor, takesIt ? plan.level : undefined, usual),
    learner: new DictionaryLearner({ ...dictionaries, plan: plan.dictionary, above: plan.above, lengthWith, now }),
    pause: new Pause(),
  };
}

export class Compression {
  readonly #setup: CompressionSetup;
  readonly #chooser: Chooser;
  readonly #byId: (Compressor | undefined)[] = [];
  readonly #rawBytesMax: number;
  /** Undefined without dictionaries. */
  readonly #small: SmallValues | undefined;
  readonly #squeezePause = new Pause();

  constructor(setup: CompressionSetup) {
    const { plan, compressors, itemBytesMax, now } = setup;
    const { with: name, level } = plan;
    this.#setup = setup;
    for (const compressor of compressors.values()) this.#byId[compressor.id] = compressor;
    this.#rawBytesMax = Math.min(itemBytesMax, RAW_BYTES_MAX);
    this.#chooser =
      name === 'auto' ? new AdaptiveChooser(compressors, now) : new FixedChooser(compressors.get(name)!, level);
    this.#small = smallValuesOf(setup);
  }

  /**
   * A value that is to be stored, compressed; undefined if it isn't to be. `besideBytes`: what its item has beside it. Only
   * what lands in smaller chunks is worth decompressing at each read.
   */
  shrink(given: Uint8Array, besideBytes: number): Compressed | undefined {
    const { plan, pressure, chunkBytesOf } = this.#setup;
    const isSmall = given.length <= plan.above;
    if (!plan.atSet || !this.isAllowed(given.length)) return undefined;
    if (isSmall && this.#small === undefined) return undefined;
    const before = chunkBytesOf(besideBytes + given.length);
    if (isSmall && chunkBytesOf(besideBytes + SMALL_BYTES_MIN) >= before) return undefined;
    // Bytes of the user's that another thread may write to: compressors read some twice.
    const raw = types.isSharedArrayBuffer(given.buffer) ? new Uint8Array(given) : given;
    this.#small?.learner.meet(raw);
    const pays = (bytes: number): boolean => chunkBytesOf(besideBytes + HEAD_BYTES_MAX + bytes) < before;
    if (isSmall) return this.#shrinkSmall(this.#small!, raw, pays);
    const choice = this.#chooser.choose(raw, pressure());
    return choice && this.#run(choice, raw, pays);
  }

  /** A value that only a dictionary makes worth compressing. */
  #shrinkSmall(
    { chooser, pause }: SmallValues,
    raw: Uint8Array,
    pays: (bytes: number) => boolean,
  ): Compressed | undefined {
    if (this.#dictionary === undefined || pause.isOn()) return undefined;
    const compressed = this.#run(chooser.choose(raw, this.#setup.pressure()), raw, pays);
    pause.note(compressed !== undefined);
    return compressed;
  }

  /** What values of the type are compressed with now. */
  get #dictionary(): Dictionary | undefined {
    return this.#setup.dictionaries?.shelf.latest;
  }

  /** A stored value, which took `storedBytes`, in less, by as much work as that is worth; undefined if that can't be had. */
  squeeze(raw: Uint8Array, storedBytes: number): Compressed | undefined {
    const isEligible = raw.length > this.#setup.plan.above && this.isAllowed(raw.length);
    if (!isEligible || this.#squeezePause.isOn()) return undefined;
    const choice = this.#chooser.hardest(raw);
    if (choice === undefined) return undefined;
    const squeezed = this.#run(choice, raw, (bytes) => HEAD_BYTES_MAX + bytes < storedBytes);
    this.#squeezePause.note(squeezed !== undefined);
    return squeezed;
  }

  /** Whether a value of so many bytes may be stored compressed: one that is too large as it is may not become small enough. */
  isAllowed(rawBytes: number): boolean {
    return rawBytes <= this.#rawBytesMax;
  }

  #run(
    { compressor, level, isHard }: Choice,
    raw: Uint8Array,
    pays: (bytes: number) => boolean,
  ): Compressed | undefined {
    const { tally, now } = this.#setup;
    const dictionary = compressor.dictionaryLevel === undefined ? undefined : this.#dictionary;
    const startMs = now();
    const bytes = compressor.compress(raw, level, dictionary?.bytes);
    const ms = now() - startMs;
    if (dictionary !== undefined) this.#small?.learner.note(raw.length, bytes.length);
    if (!pays(bytes.length)) {
      tally.unpaid(ms);
      return undefined;
    }
    tally.compressed(raw.length, bytes.length, ms);
    const head = { compressor: compressor.id, isHard, rawBytes: raw.length };
    return { head: dictionary === undefined ? head : { ...head, dictionary: dictionary.id }, bytes };
  }

  /** What was compressed, in memory of its own. Throws `CodecError`. */
  expand({ compressor: id, rawBytes, dictionary }: CompressionHead, bytes: Uint8Array): Uint8Array {
    const { tally, now } = this.#setup;
    const compressor = this.#byId[id];
    if (compressor === undefined) throw new CodecError(`there is no compressor with the id ${id}`);
    // Before anything is allocated: a forged length must not be believed.
    if (!this.isAllowed(rawBytes) || rawBytes > bytes.length * compressor.ratioMax)
      throw new CodecError(`${bytes.length} bytes of ${compressor.name} can't be ${rawBytes} in this cache`);
    const known = dictionary === undefined ? undefined : this.#knownDictionary(dictionary);
    const startMs = now();
    const raw = compressor.decompress(bytes, rawBytes, known);
    tally.decompressed(now() - startMs);
    return raw;
  }

  #knownDictionary(id: number): Uint8Array {
    const dictionary = this.#setup.dictionaries?.shelf.byId(id);
    if (dictionary === undefined) throw new CodecError(`there is no dictionary ${id} of this type`);
    return dictionary.bytes;
  }
}
