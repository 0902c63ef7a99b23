/**
 * Learns the dictionaries of one type in one thread, from the values that the thread stores, a little with each of them:
 *
 *     watch    nothing is learned. Where values compress worse than they did: sample
 *     sample   the starts of values are kept, until there are enough
 *     train    a slice of the training (dictionary-trainer.ts)
 *     judge    further values are compressed with the new dictionary and with what there is. If it is better by enough, it
 *              is appended to the log, where all threads find it; else all begins again after a pause, the next one longer
 *
 * The first dictionary is made early, from few values, the second at once from four times as many, and later ones when they
 * are needed. Whatever a thread is at, it drops when another has appended one.
 */
import type { TypeDictionaries } from './dictionaries.js';
import { DictionaryTrainer, Samples } from './dictionary-trainer.js';

/** What the option comes to. */
export interface DictionaryPlan {
  /** Of one dictionary, at most. */
  readonly bytes: number;
  /** Dictionaries that the type gets in the cache's life, at most: the log has room for so many. */
  readonly most: number;
}

export interface LearnerSetup {
  readonly plan: DictionaryPlan;
  readonly shelf: TypeDictionaries;
  /** Values of no more bytes aren't compressed without a dictionary. */
  readonly above: number;
  /** How many bytes these compress to. */
  readonly lengthWith: (bytes: Uint8Array, dictionary: Uint8Array | undefined) => number;
  /** Time that learning took, in ms. */
  readonly spent: (ms: number) => void;
  readonly now: () => number;
}

/** A sample is the start of a value, of at most so many bytes. */
const SAMPLE_BYTES = 2 ** 12;
/** Bytes of samples for each byte of the first dictionary, and of later ones. */
const SAMPLES_FIRST = 8;
const SAMPLES_LATER = 32;
/** The first two dictionaries are made without need. */
const EAGER = 2;
/** No dictionary is shorter. */
const BYTES_MIN = 64;
/** Values that a new dictionary is judged by, and how much of each. */
const JUDGED_VALUES = 32;
const JUDGED_BYTES = 2 ** 15;
/** What it must come to, of the bytes without it: for the first, and for later ones. */
const WORTH_FIRST = 0.9;
const WORTH_LATER = 0.97;
/** Values after which ratios are compared, and how much worse they must have become. */
const WATCHED_VALUES = 256;
const DRIFT = 1.25;
/** Values until all begins again, at first and at most. */
const PAUSE_MIN = 2 ** 8;
const PAUSE_MAX = 2 ** 20;

/** How a new dictionary does on further values. */
class Trial {
  readonly candidate: Uint8Array;
  values = 0;
  /** Bytes that these compress to with what there is, and with the candidate. */
  bytesBefore = 0;
  bytesAfter = 0;

  constructor(candidate: Uint8Array) {
    this.candidate = candidate;
  }
}

export class DictionaryLearner {
  readonly #setup: LearnerSetup;
  /** Dictionaries of the type that this thread knows. */
  #known = 0;
  #isLearning = true;
  /** What it is at; undefined before the first sample. One store goes on to the next, so that none can be cut in two. */
  #task: Samples | DictionaryTrainer | Trial | undefined;
  #pausing = 0;
  #pause = PAUSE_MIN;
  /** Stored bytes by raw bytes, summed over the values of a window; the mean of the first window with this dictionary. */
  #watched = 0;
  #ratios = 0;
  #usual = 0;

  constructor(setup: LearnerSetup) {
    this.#setup = setup;
  }

  /** A value is to be stored: works for a moment, if there is something to learn. */
  meet(raw: Uint8Array): void {
    const { plan, shelf, now, spent } = this.#setup;
    const known = shelf.count;
    if (known !== this.#known) this.#takeUp(known);
    if (!this.#isLearning || known >= plan.most) return;
    if (this.#pausing > 0) {
      this.#pausing -= 1;
      return;
    }
    const startMs = now();
    const task = this.#task ?? new Samples(plan.bytes * (known === 0 ? SAMPLES_FIRST : SAMPLES_LATER));
    this.#task = this.#goOn(task, raw);
    spent(now() - startMs);
  }

  /** A value has been compressed with the latest dictionary. */
  note(rawBytes: number, bytes: number): void {
    this.#ratios += bytes / rawBytes;
    this.#watched += 1;
    if (this.#watched < WATCHED_VALUES) return;
    const mean = this.#ratios / this.#watched;
    this.#forgetRatios();
    if (this.#usual === 0) this.#usual = mean;
    else if (mean > this.#usual * DRIFT) this.#isLearning = true;
  }

  #forgetRatios(): void {
    this.#watched = 0;
    this.#ratios = 0;
  }

  /** Somebody has appended a dictionary. */
  #takeUp(known: number): void {
    this.#known = known;
    this.#pause = PAUSE_MIN;
    this.#rest(known < EAGER, 0);
  }

  /** Waits for need, or learns; either not before so many values. */
  #rest(isLearning: boolean, pausing: number): void {
    this.#isLearning = isLearning;
    this.#task = undefined;
    this.#pausing = pausing;
    this.#usual = 0;
    this.#forgetRatios();
  }

  #goOn(task: Samples | DictionaryTrainer | Trial, raw: Uint8Array): typeof task | undefined {
    if (task instanceof Samples) return this.#sample(task, raw);
    return task instanceof DictionaryTrainer ? this.#train(task) : this.#judge(task, raw);
  }

  #sample(samples: Samples, raw: Uint8Array): Samples | DictionaryTrainer {
    samples.add(raw.subarray(0, SAMPLE_BYTES));
    return samples.isFull ? new DictionaryTrainer(samples, this.#setup.plan.bytes) : samples;
  }

  #train(trainer: DictionaryTrainer): DictionaryTrainer | Trial | undefined {
    const candidate = trainer.step();
    if (candidate === undefined) return trainer;
    return candidate.length < BYTES_MIN ? this.#fail() : new Trial(candidate);
  }

  #judge(trial: Trial, raw: Uint8Array): Trial | undefined {
    const { lengthWith } = this.#setup;
    const { candidate } = trial;
    const bytes = raw.subarray(0, JUDGED_BYTES);
    trial.bytesBefore += this.#lengthNow(bytes, raw.length);
    trial.bytesAfter += lengthWith(bytes, candidate);
    trial.values += 1;
    if (trial.values < JUDGED_VALUES) return trial;
    const worth = this.#known === 0 ? WORTH_FIRST : WORTH_LATER;
    return trial.bytesAfter <= trial.bytesBefore * worth ? this.#append(candidate) : this.#fail();
  }

  /** What the start of a value of so many bytes comes to by now. */
  #lengthNow(bytes: Uint8Array, rawBytes: number): number {
    const { shelf, above, lengthWith } = this.#setup;
    const present = shelf.latest;
    const isCompressed = present !== undefined || rawBytes > above;
    return isCompressed ? Math.min(bytes.length, lengthWith(bytes, present?.bytes)) : bytes.length;
  }

  #append(candidate: Uint8Array): undefined {
    return this.#setup.shelf.append(candidate, this.#known) ? undefined : this.#fail();
  }

  /** Also where another was first: the next value finds what that has appended. */
  #fail(): undefined {
    this.#rest(this.#known === 0, this.#pause);
    this.#pause = Math.min(PAUSE_MAX, this.#pause * 2);
  }
}
