/**
 * A trace with TTLs in its own time, with the sweep that the warden would do: a slice every 10 ms of the trace. Rounds
 * in which nothing is due are not run one by one: each is charged with what such a round takes. Time may run faster:
 * the trace's times and TTLs are divided by the speed, rounds are not.
 */
import { join } from 'node:path';
import { BUCKET, BUCKET_SLOTS, SHARD, TICK_MS } from '../native-free/index.js';
import { SWEEP_ROUND_MS, sweepSlice } from '../src/cache/sweep.js';
import { Random } from '../src/cli/random.js';
import { readTrace, type TraceRequest } from '../src/cli/trace.js';
import { dueTick } from '../src/engine/expiry.js';
import { IndexTable } from '../src/engine/index-table.js';
import { keyBytesOf, WORD_SIZES, WORD_VALUE_BYTES } from '../src/engine/item.js';
import { PagePool } from '../src/engine/page-pool.js';
import { Histogram } from './histogram.js';
import { WhiteBox } from './white-box.js';

/** Looks at the dead bytes, one at random in each such part of the trace. */
const SAMPLES = 2_000;
const RESTING_ROUNDS = 10_000;
/** More than the items of a trace take, so that nothing but the sweep removes what has expired. */
const ROOM = 2;

export interface TraceFigures {
  readonly requests: number;
  readonly expirations: number;
  /** Mean over the trace of the share that expired bytes have of all. */
  readonly deadShare: number;
  readonly deadShareMax: number;
  /** Of one core. */
  readonly cpuShare: number;
  readonly slices: Histogram;
}

export async function loadTimedTrace(folder: string, name: string): Promise<TraceRequest[]> {
  const requests: TraceRequest[] = [];
  for await (const block of readTrace(join(folder, `${name}.csv.gz`))) requests.push(...block);
  return requests;
}

class Replay {
  readonly slices = new Histogram();
  readonly box: WhiteBox;
  readonly #index: IndexTable;
  #restingRounds = 0;
  #nextRoundMs: number;

  constructor(bytes: number) {
    this.box = new WhiteBox(bytes);
    const { context } = this.box.store;
    this.#index = new IndexTable(context, new PagePool(context));
    // Between two ticks, as the rounds of a warden may lie.
    this.#nextRoundMs = this.box.clock.now() + TICK_MS / 2;
  }

  /** Moves time on, with all rounds that lie before it. */
  advanceTo(timeMs: number): void {
    const { store, clock } = this.box;
    while (this.#nextRoundMs <= timeMs) {
      const dueMs = store.sweeper.isResting ? this.#dueMs() : this.#nextRoundMs;
      if (dueMs > this.#nextRoundMs) {
        const untilDue = Math.ceil((dueMs - this.#nextRoundMs) / SWEEP_ROUND_MS);
        const resting = Math.min(untilDue, Math.floor((timeMs - this.#nextRoundMs) / SWEEP_ROUND_MS) + 1);
        this.#restingRounds += resting;
        this.#nextRoundMs += resting * SWEEP_ROUND_MS;
        continue;
      }
      clock.set(this.#nextRoundMs);
      this.#round();
      this.#nextRoundMs += SWEEP_ROUND_MS;
    }
    clock.set(timeMs);
  }

  #round(): void {
    const startMs = performance.now();
    sweepSlice(this.box.store.sweeper, () => performance.now());
    this.slices.add(performance.now() - startMs);
  }

  /** When the first shard is due. */
  #dueMs(): number {
    const { layout, meta } = this.box.store.context;
    let dueMs = Number.POSITIVE_INFINITY;
    for (let i = 0; i < layout.config.shards; i++) {
      for (const word of [SHARD.due, SHARD.dueAdded]) {
        const due = meta[layout.shard(i) + word]!;
        if (due !== 0) dueMs = Math.min(dueMs, due * TICK_MS);
      }
    }
    return dueMs;
  }

  /** Milliseconds that all rounds took together. */
  busyMs(): number {
    const startMs = performance.now();
    for (let i = 0; i < RESTING_ROUNDS; i++) sweepSlice(this.box.store.sweeper, () => performance.now());
    const restingMs = (performance.now() - startMs) / RESTING_ROUNDS;
    return this.slices.sumMs + this.#restingRounds * restingMs;
  }

  /** Bytes of keys and values that have expired. */
  deadBytes(): number {
    const { layout, meta } = this.box.store.context;
    let dead = 0;
    for (let i = 0; i < layout.config.shards; i++) {
      const shard = layout.shard(i);
      for (let number = 0; number < meta[shard + SHARD.bucketCount]!; number++) {
        const primary = this.#index.bucketRef(shard, number);
        for (let bucket = primary; bucket !== 0; bucket = this.#index.overflowOf(bucket)) dead += this.#deadIn(bucket);
      }
    }
    return dead;
  }

  #deadIn(bucket: number): number {
    const { arena, clock } = this.box.store.context;
    const words = arena.wordsOf(bucket);
    const at = arena.wordIndex(bucket);
    let dead = 0;
    for (let slot = 0; slot < BUCKET_SLOTS; slot++) {
      const ref = words[at + BUCKET.refs + slot * 2]!;
      const time = words[at + BUCKET.times + slot * 2]!;
      if (ref === 0 || time === 0) continue;
      const item = arena.wordsOf(ref);
      const itemAt = arena.wordIndex(ref);
      if (!clock.hasPassed(dueTick(words[at + BUCKET.tags + slot]!, time, item, itemAt))) continue;
      dead += keyBytesOf(item[itemAt + WORD_SIZES]!) + item[itemAt + WORD_VALUE_BYTES]!;
    }
    return dead;
  }
}

/** A get that misses stores, as a set does; values have the trace's sizes, up to a bound that keeps them in one chunk. */
export function replayExpiry(requests: readonly TraceRequest[], speed: number): TraceFigures {
  const sizes = new Map<string, number>();
  for (const { key, sizeBytes } of requests) sizes.set(key, Math.max(sizes.get(key) ?? 0, sizeBytes ?? 0));
  const total = [...sizes].reduce((sum, [key, size]) => sum + key.length + size + 100, 0);
  const replay = new Replay(total * ROOM);
  const { box } = replay;
  const bound = box.store.context.classes.singleBytesMax - 300;
  const value = new Uint8Array(bound);
  const firstMs = requests[0]?.timeMs ?? 0;
  const spanMs = ((requests.at(-1)?.timeMs ?? 0) - firstMs) / speed;
  const startMs = box.clock.now();
  const random = new Random(1);
  const shares: number[] = [];
  let sampleMs = 0;
  const sampleUntil = (untilMs: number): void => {
    while (shares.length < SAMPLES && sampleMs <= untilMs) {
      replay.advanceTo(startMs + sampleMs);
      sampleMs = ((shares.length + 1 + random.next()) / SAMPLES) * spanMs;
      shares.push(replay.deadBytes() / Math.max(1, box.store.stats().bytesPayload));
    }
  };
  for (const { key, op, sizeBytes, timeMs, ttlMs } of requests) {
    const atMs = ((timeMs ?? firstMs) - firstMs) / speed;
    sampleUntil(atMs);
    replay.advanceTo(Math.max(box.clock.now(), startMs + atMs));
    if (op === 'delete') box.delete(key);
    else if (op !== 'get' || !box.read(key)) {
      const bytes = value.subarray(0, Math.min(sizeBytes ?? 0, bound));
      box.set(key, bytes, ttlMs === undefined ? undefined : ttlMs / speed);
    }
  }
  const { expirations } = box.store.stats();
  return {
    requests: requests.length,
    expirations,
    deadShare: shares.reduce((sum, share) => sum + share, 0) / shares.length,
    deadShareMax: Math.max(...shares),
    cpuShare: replay.busyMs() / spanMs,
    slices: replay.slices,
  };
}
