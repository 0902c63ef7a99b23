import { compareExchange, load, notify, store, type Words, wait } from '#atomics';

const CURRENT = 0;
const CLAIMED = 1;
const STOPPED = 2;
const FIRST_THREAD = 3;
const NEVER = 2 ** 31 - 1;
/** Looks at the thread's own word before sleeping: a peer on another core is often only a moment behind. */
const SPINS_MAX = 500;
/** A sleeper looks up this often, in case the run was stopped. */
const SLEEP_MS_MAX = 100;

/** The time that the pacer moves. */
interface PacedClock {
  set(nowMs: number): void;
}

/**
 * Keeps threads in step in the time of a trace. Its requests are dealt out in numbered steps, each of one time; each thread
 * says which step its next request belongs to, and the clock moves to the earliest of them when no thread is left in an earlier
 * one. So no request runs before its step or after it, and threads wait for each other only between steps.
 *
 * Words: the current step; the step that some thread is moving the clock to; stopped; then for each thread the step it
 * has announced; then for each thread the last step it was let into. After them the times of the announced steps, in ms.
 * Who claims a step first moves the clock, publishes the step and wakes those who announced it: nobody can be in it
 * earlier, so the clock is never set back, and nobody is woken in vain.
 */
export class Pacer {
  readonly buffer: SharedArrayBuffer;
  readonly #words: Words;
  readonly #timesMs: Float64Array;
  readonly #clock: PacedClock;
  readonly #threads: number;

  constructor(buffer: SharedArrayBuffer, threads: number, clock: PacedClock) {
    const timesOffset = timesOffsetOf(threads);
    this.buffer = buffer;
    this.#threads = threads;
    this.#clock = clock;
    this.#words = new Int32Array(buffer, 0, FIRST_THREAD + 2 * threads);
    this.#timesMs = new Float64Array(buffer, timesOffset, threads);
  }

  static bufferFor(threads: number): SharedArrayBuffer {
    return new SharedArrayBuffer(timesOffsetOf(threads) + threads * Float64Array.BYTES_PER_ELEMENT);
  }

  get stopped(): boolean {
    return load(this.#words, STOPPED) !== 0;
  }

  /** Releases everyone who waits, for good. */
  stop(): void {
    store(this.#words, STOPPED, 1);
    for (let thread = 0; thread < this.#threads; thread++) notify(this.#words, this.#entered(thread), 1);
  }

  /** Waits until the clock stands at `step`; false if the run was stopped first. */
  enter(thread: number, step: number, timeMs: number): boolean {
    return this.announce(thread, step, timeMs) && this.#waitFor(thread, step);
  }

  /**
   * Says that this thread's next request is at `step` or later, and moves the clock if it was the last to say so.
   * Waits for the step that it said before: a word that changed under a thread that is moving the clock to it would have
   * that thread read the time of another step.
   */
  announce(thread: number, step: number, timeMs: number): boolean {
    const announced = load(this.#words, this.#announced(thread));
    if (step === announced) return !this.stopped;
    if (!this.#waitFor(thread, announced)) return false;
    this.#timesMs[thread] = timeMs;
    store(this.#words, this.#announced(thread), step);
    this.#advance();
    return true;
  }

  /** Says that this thread has no more requests. */
  leave(thread: number): void {
    this.announce(thread, NEVER, Number.POSITIVE_INFINITY);
  }

  #announced(thread: number): number {
    return FIRST_THREAD + thread;
  }

  #entered(thread: number): number {
    return FIRST_THREAD + this.#threads + thread;
  }

  /** Bounded by the end of the run: the main thread never waits here, and stops the pacer when time is up. */
  #waitFor(thread: number, step: number): boolean {
    const word = this.#entered(thread);
    for (let spins = 0; spins < SPINS_MAX; spins++) {
      if (load(this.#words, word) >= step) return !this.stopped;
    }
    while (!this.stopped) {
      const entered = load(this.#words, word);
      if (entered >= step) return true;
      wait(this.#words, word, entered, SLEEP_MS_MAX);
    }
    return false;
  }

  #advance(): void {
    const current = load(this.#words, CURRENT);
    const { thread, step } = this.#earliest();
    if (step <= current || step === NEVER) return;
    if (compareExchange(this.#words, CLAIMED, current, step) !== current) return;
    this.#clock.set(this.#timesMs[thread] ?? 0);
    store(this.#words, CURRENT, step);
    this.#letIn(step);
  }

  /** Those let in first may move on while this goes on, but not past `step` of those still to be let in. */
  #letIn(step: number): void {
    for (let thread = 0; thread < this.#threads; thread++) {
      if (load(this.#words, this.#announced(thread)) !== step) continue;
      store(this.#words, this.#entered(thread), step);
      notify(this.#words, this.#entered(thread), 1);
    }
  }

  /** One look at each word: to look at one again would mix two moments, and skip a step that lies between them. */
  #earliest(): { thread: number; step: number } {
    let earliest = { thread: 0, step: NEVER };
    for (let thread = 0; thread < this.#threads; thread++) {
      const step = load(this.#words, this.#announced(thread));
      if (step < earliest.step) earliest = { thread, step };
    }
    return earliest;
  }
}

function timesOffsetOf(threads: number): number {
  const wordsBytes = (FIRST_THREAD + 2 * threads) * Int32Array.BYTES_PER_ELEMENT;
  return Math.ceil(wordsBytes / Float64Array.BYTES_PER_ELEMENT) * Float64Array.BYTES_PER_ELEMENT;
}
