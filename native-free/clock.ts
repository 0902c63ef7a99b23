/**
 * Time in ticks of 10 ms, a 32-bit word that wraps after 497 days; compared modulo 2^32, so that spans of up to 248
 * days are told apart. Reading the shared tick costs a plain load, asking the machine some 50 ns: far from a deadline
 * the shared tick decides, near it the machine, as when an entry with an idle time is used. Time is monotonic, so
 * wall-clock jumps have no effect.
 */
import { compareExchange, load, store, type Words } from '#atomics';
import { isSharedMemory } from './shared-memory.js';

export const TICK_MS = 10;
/** How far the shared tick may lag when its ticker has died: within this of a deadline the machine is asked. */
export const COARSE_TICKS_MAX = 100;
/** The longest span that ticks can tell: 248 days. */
export const SPAN_MS_MAX: number = 248 * 86_400_000;

export class SharedClock {
  readonly #words: Words;
  readonly #index: number;
  readonly #nowMs: () => number;

  /** `nowMs` counts from one zero for all threads and never runs backwards. */
  constructor(words: Words, index: number, nowMs: () => number) {
    this.#words = words;
    this.#index = index;
    this.#nowMs = nowMs;
  }

  /** The shared tick. A plain load: a stale value is allowed for. */
  coarse(): number {
    return this.#words[this.#index]!;
  }

  nowMs(): number {
    return this.#nowMs();
  }

  /** The current tick by this thread's own reading. */
  precise(): number {
    return (this.#nowMs() / TICK_MS) | 0;
  }

  /** Moves the shared tick up to this thread's reading; any thread may, and none moves it back. Returns how many ticks it was behind. */
  publish(): number {
    const tick = this.precise();
    let seen = load(this.#words, this.#index);
    const behind = Math.max(0, (tick - seen) | 0);
    // Each try that fails finds it further on.
    while (isBefore(seen, tick)) {
      const found = compareExchange(this.#words, this.#index, seen, tick);
      if (found === seen) break;
      seen = found;
    }
    return behind;
  }

  /** The first tick at which a span that begins now has fully passed; never 0, which stands for no deadline. */
  deadline(spanMs: number): number {
    const tick = Math.ceil((this.#nowMs() + spanMs) / TICK_MS) | 0;
    return tick === 0 ? 1 : tick;
  }

  /** Whether the tick `deadline` has come. */
  hasPassed(deadline: number): boolean {
    const left = (deadline - this.coarse()) | 0;
    if (left > COARSE_TICKS_MAX) return false;
    return left <= 0 || ((deadline - this.precise()) | 0) <= 0;
  }

  /** Whether the coarse clock alone tells that a deadline has not passed, and for how many ticks from now on it will: 0 if not. */
  ticksFar(deadline: number): number {
    return Math.max(0, ((deadline - this.coarse()) | 0) - COARSE_TICKS_MAX);
  }
}

/** Whether tick `a` comes before tick `b`, modulo 2^32. */
export function isBefore(a: number, b: number): boolean {
  return ((a - b) | 0) < 0;
}

/** Whole ticks that cover a span. */
export function spanTicks(spanMs: number): number {
  return Math.ceil(spanMs / TICK_MS);
}

/** What a ManualClock can't be made of, or moved to. Coded as options are: this floor can't import their error. */
export class ClockError extends RangeError {
  readonly code = 'VELOCACHE_OPTION';
  override readonly name = 'ClockError';

  constructor(option: string, value: unknown, bound: string) {
    super(`${option} is ${typeof value === 'number' ? value : `a value of type ${typeof value}`}: ${bound}`);
  }
}

const TICK_WORD = 2;
/** Bytes of the buffer of a ManualClock. */
const CLOCK_BYTES = 16;

/**
 * Time that moves only when told, for tests and replays. It lives in a small SharedArrayBuffer of its own, so that
 * every thread that attaches follows it. Milliseconds.
 *
 * It moves by 248 days at a time at most, the longest span that ticks can tell. In several moves it goes further, but
 * entries that have been over for longer seem to live again, unless they were swept in between: the cache's warden does
 * so within some real milliseconds, not in the turn of the event loop that makes the moves.
 */
export class ManualClock {
  readonly buffer: SharedArrayBuffer;
  readonly #ms: Float64Array<SharedArrayBuffer>;
  readonly #words: Words;

  /** Begins at `nowMs`, 0 by default. */
  constructor(nowMs = 0, buffer: SharedArrayBuffer = new SharedArrayBuffer(CLOCK_BYTES)) {
    if (!isClockBuffer(buffer)) throw new ClockError('buffer', buffer, 'must be that of a ManualClock');
    if (!isSpan(nowMs, Number.MAX_SAFE_INTEGER)) throw new ClockError('nowMs', nowMs, 'must be a time from 0 on');
    this.buffer = buffer;
    this.#ms = new Float64Array(buffer, 0, 1);
    this.#words = new Int32Array(buffer);
    // The clock of another thread is not moved back to where it was a moment ago.
    if (nowMs !== 0 && this.#ms[0] === 0) this.#moveTo(nowMs);
  }

  /** The clock over the buffer of another thread's. */
  static from(buffer: SharedArrayBuffer): ManualClock {
    return new ManualClock(0, buffer);
  }

  now(): number {
    return this.#ms[0]!;
  }

  /** Throws a ClockError, VELOCACHE_OPTION, for a time before the present or more than 248 days behind it. */
  set(nowMs: number): void {
    const now = this.now();
    if (typeof nowMs !== 'number' || !isSpan(nowMs - now, SPAN_MS_MAX))
      throw new ClockError('nowMs', nowMs, `must be from the clock's ${now} to ${now + SPAN_MS_MAX}, 248 days on`);
    this.#moveTo(nowMs);
  }

  /** Throws a ClockError, VELOCACHE_OPTION, for less than 0 and more than 248 days. */
  advance(ms: number): void {
    if (!isSpan(ms, SPAN_MS_MAX)) throw new ClockError('ms', ms, `must be from 0 to ${SPAN_MS_MAX}, 248 days`);
    this.#moveTo(this.now() + ms);
  }

  #moveTo(nowMs: number): void {
    this.#ms[0] = nowMs;
    store(this.#words, TICK_WORD, (nowMs / TICK_MS) | 0);
  }

  /** The clock as the engine reads it. */
  shared(): SharedClock {
    return new SharedClock(this.#words, TICK_WORD, () => this.#ms[0]!);
  }
}

function isSpan(ms: unknown, most: number): boolean {
  return typeof ms === 'number' && ms >= 0 && ms <= most;
}

export function isClockBuffer(buffer: unknown): buffer is SharedArrayBuffer {
  return isSharedMemory(buffer) && buffer.byteLength === CLOCK_BYTES;
}
