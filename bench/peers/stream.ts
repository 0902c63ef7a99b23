/**
 * A lane's operations, a slice of time at each request. Items are drawn, and their keys looked at, before the clock
 * runs: whoever asks a cache has just made the key, and fetching it from memory would add the same to all contenders.
 */
import { Random } from '../../src/cli/random.js';
import { Histogram, type HistogramData } from '../histogram.js';
import type { Lane, Many, One, Operation, Setup } from './contender.js';
import { type DrawItem, drawerOf, drawStride } from './draw.js';
import { STRIDE } from './values.js';

export interface Slice {
  readonly operations: number;
  readonly elapsedMs: number;
  readonly misses: number;
  /** Of what was read, so that reading can't be left out. */
  readonly sum: number;
  /** Of single operations, if they were asked for. */
  readonly latencies?: HistogramData;
}

export interface Hits {
  readonly hits: number;
  readonly operations: number;
}

/** What a slice adds up. */
class Tally {
  operations = 0;
  misses = 0;
  sum = 0;
  readonly latencies: Histogram | undefined;

  constructor(isTimed: boolean) {
    this.latencies = isTimed ? new Histogram() : undefined;
  }
}

export class Stream {
  readonly #lane: Lane;
  readonly #keys: readonly string[];
  readonly #nextItem: DrawItem;
  readonly #random: Random;
  readonly #drawn = new Int32Array(STRIDE);
  readonly #waiting: Readonly<Record<'get' | 'set', number[]>> = { get: [], set: [] };

  constructor(lane: Lane, setup: Setup, keys: readonly string[], seed: number) {
    this.#lane = lane;
    this.#keys = keys;
    this.#nextItem = drawerOf(setup, seed);
    this.#random = new Random(~seed);
  }

  /**
   * Operations of which `reads` is the share of gets. Timed, each one is measured by itself, which adds what two looks at the
   * clock take; without that only strides are.
   */
  async run(reads: number, sliceMs: number, isTimed: boolean): Promise<Slice> {
    const tally = new Tally(isTimed);
    const stride = this.#strideOf(reads, tally);
    const start = performance.now();
    let elapsedMs = 0;
    for (let now = start; now - start < sliceMs; ) {
      this.#lane.refill?.();
      tally.sum += drawStride(this.#drawn, this.#keys, this.#nextItem, reads, this.#random);
      const begin = performance.now();
      // Awaiting what is no promise would let other work in between.
      const pending = stride();
      if (pending !== undefined) await pending;
      now = performance.now();
      elapsedMs += now - begin;
    }
    const { operations, misses, sum, latencies } = tally;
    return { operations, elapsedMs, misses, sum, ...(latencies === undefined ? {} : { latencies: latencies.data() }) };
  }

  /** Reads through: what is missed is set. At least so many times, to a whole stride. */
  async readThrough(atLeast: number): Promise<Hits> {
    let hits = 0;
    let operations = 0;
    for (; operations < atLeast; operations += STRIDE) {
      this.#lane.refill?.();
      const items = Array.from({ length: STRIDE }, this.#nextItem);
      const missed = await doAll(this.#lane.get, items);
      hits += STRIDE - missed.length;
      await doAll(this.#lane.set, missed);
    }
    return { hits, operations };
  }

  #strideOf(reads: number, tally: Tally): () => Promise<void> | undefined {
    const { get, set } = this.#lane;
    // Of what is not drawn the operation makes no difference.
    const first = reads > 0 ? get : set;
    const second = reads < 1 ? set : get;
    if (!('one' in first && 'one' in second)) return () => this.#mixed(tally);
    const ones = [first.one, second.one] as const;
    if (tally.latencies === undefined) return () => void this.#ones(...ones, tally);
    const { latencies } = tally;
    return () => void this.#timedOnes(...ones, tally, latencies);
  }

  #ones(get: One, set: One, tally: Tally): void {
    const drawn = this.#drawn;
    let misses = 0;
    let sum = 0;
    for (let i = 0; i < STRIDE; i++) {
      const item = drawn[i]!;
      const read = item >= 0 ? get(item) : set(~item);
      if (read < 0) misses++;
      sum += read;
    }
    tally.operations += STRIDE;
    tally.misses += misses;
    tally.sum += sum;
  }

  #timedOnes(get: One, set: One, tally: Tally, latencies: Histogram): void {
    for (const item of this.#drawn) {
      const begin = performance.now();
      const read = item >= 0 ? get(item) : set(~item);
      latencies.add(performance.now() - begin);
      if (read < 0) tally.misses++;
      tally.sum += read;
    }
    tally.operations += STRIDE;
  }

  /** With operations that answer later, or that take many items: these wait until there are so many. */
  async #mixed(tally: Tally): Promise<void> {
    for (const drawn of this.#drawn) {
      const [name, item] = drawn >= 0 ? (['get', drawn] as const) : (['set', ~drawn] as const);
      const operation = this.#lane[name];
      if ('many' in operation) {
        const waiting = this.#waiting[name];
        if (waiting.push(item) >= operation.batch) await many(operation.many, waiting.splice(0), tally);
        continue;
      }
      const begin = tally.latencies === undefined ? 0 : performance.now();
      const read = 'one' in operation ? operation.one(item) : await operation.each(item);
      tally.latencies?.add(performance.now() - begin);
      tally.operations++;
      if (read < 0) tally.misses++;
      tally.sum += read;
    }
  }
}

/** Each item takes as long as all. */
async function many(operation: Many, items: readonly number[], tally: Tally): Promise<void> {
  const begin = performance.now();
  const missed = await operation(items);
  tally.latencies?.add(performance.now() - begin, items.length);
  tally.operations += items.length;
  tally.misses += missed.length;
}

/** Returns the items that missed, or were refused. */
export async function doAll(operation: Operation, items: readonly number[]): Promise<readonly number[]> {
  if ('many' in operation) return items.length === 0 ? [] : operation.many(items);
  if ('one' in operation) return items.filter((item) => operation.one(item) < 0);
  const missed: number[] = [];
  for (const item of items) if ((await operation.each(item)) < 0) missed.push(item);
  return missed;
}
