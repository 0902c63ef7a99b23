/**
 * The only file that names `Atomics`. Everything shared goes through these functions, so that a test build can
 * replace the file (package.json, `imports`, `#atomics`) by one that stops a thread before each of them.
 *
 * All of them are sequentially consistent: a load acquires, a store releases.
 */

/** Shared 32-bit words. The views have a fixed length: length-tracking views are many times slower. */
export type Words = Int32Array<SharedArrayBuffer>;
/** The same memory, two words at a time. */
export type Pairs = BigInt64Array<SharedArrayBuffer>;

export function load(words: Words, index: number): number {
  return Atomics.load(words, index);
}

export function store(words: Words, index: number, value: number): void {
  Atomics.store(words, index, value);
}

export function add(words: Words, index: number, delta: number): number {
  return Atomics.add(words, index, delta);
}

export function exchange(words: Words, index: number, value: number): number {
  return Atomics.exchange(words, index, value);
}

/** Returns the value found; the exchange took place if that is `expected`. */
export function compareExchange(words: Words, index: number, expected: number, replacement: number): number {
  return Atomics.compareExchange(words, index, expected, replacement);
}

/** The same for two words that begin at an even index. */
export function compareExchangePair(pairs: Pairs, index: number, expected: bigint, replacement: bigint): bigint {
  return Atomics.compareExchange(pairs, index, expected, replacement);
}

/** Parks the thread while the word holds `expected`, at most `timeoutMs`. */
export function wait(words: Words, index: number, expected: number, timeoutMs: number): void {
  Atomics.wait(words, index, expected, timeoutMs);
}

export function notify(words: Words, index: number, count: number): void {
  Atomics.notify(words, index, count);
}

/** Stands before and behind plain stores that a death may fall between. Nothing here; a stop in the test build. */
export function checkpoint(): void {}
