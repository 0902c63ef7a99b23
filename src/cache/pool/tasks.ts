/** The messages between a thread and the workers of its pool: plain data, small; the bytes cross in an exchange buffer. */
import type { MessagePort } from 'node:worker_threads';
import type { Flight } from '../../engine/flights.js';
import type { CacheHandle } from '../handle.js';
import type { Landed } from '../loads.js';
import type { Placement } from '../putter.js';

/** What every worker starts with. */
export interface PoolWorkerData {
  readonly handle: CacheHandle<unknown>;
  /** URL of the module with the functions of the cache. */
  readonly module: string | undefined;
}

interface Task {
  /** An exchange buffer's memory. */
  readonly memory: SharedArrayBuffer;
  readonly typeId: number;
  readonly key: string;
}

/** workers/store.ts: store what the buffer begins with. */
export interface StoreTask extends Task {
  readonly length: number;
  /** The form that they were encoded in: who made them. */
  readonly form: number;
  readonly version: number;
  readonly placement: Placement;
}

/** workers/read.ts: put the codec's bytes of an entry into the buffer. */
export interface ReadTask extends Task {
  /** Bytes of values of a later version are not decompressed: the thread can't use them. */
  readonly newest: number;
}

/** workers/load.ts: load a value by the module of the type, and store it for a flight. */
export interface LoadTask extends Task {
  readonly placement: Placement;
  /** The asking thread's; without one the value isn't stored. */
  readonly flight: Flight | undefined;
  /** Closes when the load is no longer wanted. */
  readonly port: MessagePort;
}

/** What the engine said: STORED, NO_ROOM or CALLED_OFF of engine/writer.ts. */
interface StoreDone {
  readonly kind: 'stored';
  readonly outcome: number;
  /** Nanoseconds that the work took. */
  readonly ns: number;
}

interface ReadDone {
  readonly kind: 'read';
  /** Undefined for a miss. */
  readonly found: ReadFound | undefined;
  readonly ns: number;
}

/** The codec's bytes of a value, in an exchange buffer. */
export interface Handed {
  readonly codec: number;
  readonly version: number;
  readonly length: number;
  /** An exchange buffer of the worker's making, where the task's was too small. */
  readonly memory: SharedArrayBuffer | undefined;
}

export interface ReadFound extends Handed {
  /** Bytes of the entry's key and stored value. */
  readonly payloadBytes: number;
}

interface LoadDone {
  readonly kind: 'loaded';
  readonly outcome: Landed<unknown>['kind'];
  /** Undefined if there is no value. */
  readonly handed: Handed | undefined;
}

/** What load-words.ts makes of an error: of the module, its import, or the packing of its value. */
interface LoadThrew {
  readonly kind: 'threw';
  readonly words: Uint8Array;
}

/** Errors that the thread throws as its own; and anything else, as the cause of a WorkerError. */
export type Failure =
  | { readonly kind: 'busy' }
  | { readonly kind: 'closed' }
  | { readonly kind: 'called-off' }
  | { readonly kind: 'too-large'; readonly itemBytes: number }
  | { readonly kind: 'unreadable'; readonly message: string }
  | { readonly kind: 'failed'; readonly message: string };

export type StoreAnswer = StoreDone | Failure;
export type ReadAnswer = ReadDone | Failure;
export type LoadAnswer = LoadDone | LoadThrew | Failure;
