import type { CacheHandle } from '../index.js';
import type { Populations } from './profile.js';
import type { Tally } from './tally.js';
import type { DemoTypes } from './values.js';

/** Requests of a trace for one thread, all of whose keys are its own. */
export interface TraceChunk {
  readonly keys: string[];
  /** Per request: see `FIELD` in the replay. */
  readonly fields: Float64Array;
  /** Where the trace stands after this chunk, whether or not this thread had a request there. */
  readonly endStep: number;
  readonly endTimeMs: number;
}

interface WorkerCommon {
  readonly handle: CacheHandle<DemoTypes>;
  /** This thread among those that do the work, from 0. */
  readonly participant: number;
  readonly participants: number;
}

export interface LoadWorkerData extends WorkerCommon {
  readonly mode: 'load';
  readonly seed: number;
  readonly populations: Populations;
}

export interface ReplayWorkerData extends WorkerCommon {
  readonly mode: 'replay';
  readonly pacer: SharedArrayBuffer;
  readonly clock: SharedArrayBuffer;
  readonly capacityBytes: number;
}

/** What a worker of the demo is started with. */
export type DemoWorkerData = LoadWorkerData | ReplayWorkerData;

/** From the main thread. A worker starts nothing of its own accord, and leaves when told. */
export type Command =
  | { readonly kind: 'warm-up' }
  | { readonly kind: 'start' }
  | { readonly kind: 'chunk'; readonly chunk: TraceChunk }
  | { readonly kind: 'stop' }
  | { readonly kind: 'leave' };

/** From a worker. `chunk` says that one more chunk has been replayed. */
export type Answer = { readonly kind: 'ready' | 'warm' | 'chunk' } | { readonly kind: 'done'; readonly tally: Tally };
