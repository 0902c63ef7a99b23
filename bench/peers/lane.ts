/** A thread with one end of a contender, which does what it is told, one request at a time. */
import { parentPort, workerData } from 'node:worker_threads';
import { type GcSums, GcWatch } from '../gc-watch.js';
import type { Lane, Setup } from './contender.js';
import { contenderNamed } from './contenders.js';
import { doAll, type Hits, type Slice, Stream } from './stream.js';
import { keysOf } from './values.js';

export interface LaneData {
  readonly contender: string;
  readonly setup: Setup;
  readonly share: unknown;
  readonly seed: number;
  /** This lane stores all items before it is ready. */
  readonly fills: boolean;
}

/** When it is ready: what filling has added to this thread's heap, if collections can be asked for. */
export interface LaneReady {
  readonly filledBytes: number;
}

export interface Usage {
  readonly heapBytes: number;
  /** Since the lane began to fill, but for collections that come before the heap is measured. */
  readonly gc: GcSums;
}

/** Each request with what is answered. */
export interface Requests {
  slice: [{ readonly reads: number; readonly sliceMs: number; readonly isTimed: boolean }, Slice];
  readThrough: [{ readonly atLeast: number }, Hits];
  usage: [Record<string, never>, Usage];
}

export type LaneRequest = { [K in keyof Requests]: { readonly kind: K } & Requests[K][0] }[keyof Requests];

/** Items that are stored between two looks at what was refused. */
const FILL_STRIDE = 1_000;

const { contender, setup, share, seed, fills } = workerData as LaneData;

/** The second collection waits until the first has let go of buffers, which it does on another thread. */
function heapBytes(): number {
  globalThis.gc?.();
  globalThis.gc?.();
  const { heapUsed, external } = process.memoryUsage();
  return heapUsed + external;
}

async function fill({ set, fill: first = set }: Lane): Promise<void> {
  for (let item = 0; item < setup.items; item += FILL_STRIDE) {
    const length = Math.min(FILL_STRIDE, setup.items - item);
    const refused = await doAll(
      first,
      Array.from({ length }, (_, i) => item + i),
    );
    if (refused.length > 0) throw new Error('a set was refused');
  }
}

async function answer(request: LaneRequest): Promise<Requests[keyof Requests][1]> {
  if (request.kind === 'slice') return stream.run(request.reads, request.sliceMs, request.isTimed);
  if (request.kind === 'readThrough') return stream.readThrough(request.atLeast);
  const gc = collections.sums();
  return { heapBytes: heapBytes(), gc };
}

const keys = keysOf(setup);
const lane = await contenderNamed(contender).open(setup, keys, share);
const stream = new Stream(lane, setup, keys, seed);
const emptyBytes = heapBytes();
const collections = new GcWatch(false);
if (fills) await fill(lane);
const ready: LaneReady = { filledBytes: fills ? heapBytes() - emptyBytes : 0 };
parentPort!.on('message', async (request: LaneRequest) => parentPort!.postMessage(await answer(request)));
parentPort!.postMessage(ready);
