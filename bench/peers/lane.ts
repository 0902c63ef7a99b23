/**
 * A thread that runs one contender's operations on uniformly drawn items, a slice of time at each request. Random
 * numbers come from a state that lives across slices, so no slice repeats the one before it. Items are drawn, and
 * their keys looked at, before the clock runs: whoever asks a cache has just made the key, and fetching it from
 * memory would add the same to all contenders.
 */
import { parentPort, workerData } from 'node:worker_threads';
import type { Lane, Many, One, Setup } from './contender.js';
import { contenderNamed } from './contenders.js';
import { keysOf } from './values.js';

export interface LaneData {
  readonly contender: string;
  readonly setup: Setup;
  readonly share: unknown;
  readonly seed: number;
  /** This lane stores all items before it is ready. */
  readonly fills: boolean;
}

export interface LaneRequest {
  readonly operation: 'get' | 'set';
  readonly sliceMs: number;
}

export interface LaneReply {
  readonly operations: number;
  readonly elapsedMs: number;
  readonly misses: number;
  /** Of what was read, so that reading can't be left out. */
  readonly sum: number;
}

/** Operations for which items are drawn at a time. */
const STRIDE = 128;

const data = workerData as LaneData;
const { items } = data.setup;
const keys = keysOf(data.setup);
const drawn = new Int32Array(STRIDE);
let random = data.seed;

function nextItem(): number {
  random ^= random << 13;
  random ^= random >>> 17;
  random ^= random << 5;
  return (((random >>> 0) * items) / 2 ** 32) | 0;
}

/** Draws a stride of items. Returns something of their keys, so that looking at them can't be left out. */
function draw(): number {
  let seen = 0;
  for (let i = 0; i < STRIDE; i++) {
    const item = nextItem();
    drawn[i] = item;
    seen += keys[item]!.charCodeAt(0);
  }
  return seen;
}

function runOnes(one: One, sliceMs: number): LaneReply {
  const start = performance.now();
  let operations = 0;
  let misses = 0;
  let sum = 0;
  let elapsedMs = 0;
  for (let now = start; now - start < sliceMs; operations += STRIDE) {
    sum += draw();
    const begin = performance.now();
    for (let i = 0; i < STRIDE; i++) {
      const read = one(drawn[i]!);
      if (read < 0) misses++;
      sum += read;
    }
    now = performance.now();
    elapsedMs += now - begin;
  }
  return { operations, elapsedMs, misses, sum };
}

async function runMany(many: Many, batch: number, sliceMs: number): Promise<LaneReply> {
  const start = performance.now();
  let operations = 0;
  let misses = 0;
  let elapsedMs = 0;
  for (let now = start; now - start < sliceMs; operations += batch) {
    const chosen = Array.from({ length: batch }, nextItem);
    const begin = performance.now();
    misses += await many(chosen);
    now = performance.now();
    elapsedMs += now - begin;
  }
  return { operations, elapsedMs, misses, sum: 0 };
}

async function fill({ set }: Lane): Promise<void> {
  if ('one' in set) {
    for (let item = 0; item < items; item++) if (set.one(item) < 0) throw new Error('a set was refused');
    return;
  }
  for (let item = 0; item < items; item += set.batch) {
    const length = Math.min(set.batch, items - item);
    await set.many(Array.from({ length }, (_, i) => item + i));
  }
}

const lane = await contenderNamed(data.contender).open(data.setup, keys, data.share);
if (data.fills) await fill(lane);
parentPort!.on('message', async ({ operation, sliceMs }: LaneRequest) => {
  const run = lane[operation];
  const reply = 'one' in run ? runOnes(run.one, sliceMs) : await runMany(run.many, run.batch, sliceMs);
  parentPort!.postMessage(reply);
});
parentPort!.postMessage('ready');
