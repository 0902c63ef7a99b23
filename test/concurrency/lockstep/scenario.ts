/** What the threads do in each lockstep run, what the arena looks like before, and what must never come out. */
import type { EnginePolicy } from '../../../src/policies/engine-policies.js';

export type Operation =
  | {
      readonly kind: 'set';
      readonly key: number;
      readonly bytes: number;
      readonly ttlMs?: number;
      readonly idleMs?: number;
      /** Whose entry it is. */
      readonly user?: string;
      /** What is stored is this value, whoever stores it and under whatever key: sets of it are as one write. */
      readonly value?: number;
    }
  | { readonly kind: 'get' | 'has' | 'delete'; readonly key: number }
  /** Gets what the thread read by this before, if that can be proved; else reads it. */
  | { readonly kind: 'near'; readonly key: number }
  /**
   * Asks for the flight of a key. Then, if it is the thread's: stores a value for it; ends it as failed; or lets go of
   * it if nobody waits. If it is another's: waits for it no more. A thread has one flight at a time.
   */
  | { readonly kind: 'claim'; readonly key: number }
  /** Both: asks for the flight, and stores a value if it is the thread's. */
  | { readonly kind: 'load'; readonly key: number; readonly bytes: number }
  | { readonly kind: 'publish'; readonly key: number; readonly bytes: number }
  /** Asks for the flight of a key, which is another's, and stores a value for it on that thread's behalf. */
  | { readonly kind: 'deliver'; readonly key: number; readonly bytes: number }
  | { readonly kind: 'fail' | 'abandon' | 'leave' | 'failing load'; readonly key: number }
  /** Copies a cold entry, and stores a value of so many bytes in its place. */
  | { readonly kind: 'rewrite'; readonly bytes: number }
  /** Copies the entry of a key, and stores a value of so many bytes in its place, which may be more. */
  | { readonly kind: 'migrate'; readonly key: number; readonly bytes: number; readonly value?: number }
  /** Appends records of so many bytes to the log, one after the other. */
  | { readonly kind: 'append'; readonly bytes: readonly number[] }
  /** Stores a value that comes page by page; or gives it up behind its last page. */
  | { readonly kind: 'stream' | 'aborted stream'; readonly key: number; readonly bytes: number; readonly user?: string }
  /** The same in two operations: the thread may do others between them, and ends the stream by its next but `after`. */
  | { readonly kind: 'begin stream'; readonly key: number; readonly bytes: number; readonly after?: number }
  | { readonly kind: 'end stream' | 'abort stream'; readonly key: number }
  /** Holds the item of a key and reads it in steps; or does so in two operations. */
  | { readonly kind: 'read stream' | 'hold' | 'read held'; readonly key: number }
  | { readonly kind: 'advance'; readonly ms: number }
  /** Evicts all payloads, and leaves what names them. */
  | { readonly kind: 'evict payloads' }
  | { readonly kind: 'clear' | 'sweep' | 'recover' };

export interface Scenario {
  readonly name: string;
  /** Outcomes that no schedule may lead to, besides those in FORBIDDEN_ALWAYS. */
  readonly forbidden: readonly string[];
  /** Pages of the arena, of 4 KiB. */
  readonly pages: number;
  /** 1 if not given. */
  readonly shards?: number;
  /** 'lru' if not given. */
  readonly policy?: EnginePolicy;
  /** Users may have so many bytes each, before activity moves that; none without it. */
  readonly userBytes?: number;
  /** Bytes of the log; none without it. */
  readonly logBytes?: number;
  /** Equal values are stored once; so many references may wait in a shard to be given back. */
  readonly releases?: number;
  /** Keys of one bucket: so they share a sequence, and removals move each other's slots. */
  readonly hot?: boolean;
  /** Names of the keys, where they matter. */
  readonly names?: readonly string[];
  /** Entries may leave on their own: by eviction, or because their time is over. */
  readonly evicts?: boolean;
  /** Keys of which at least one must have been stored by the threads. */
  readonly someStored?: readonly number[];
  /** Milliseconds that the clock moves on before the final look, and keys that must be gone then. */
  readonly finallyAdvanceMs?: number;
  readonly goneFinally?: readonly number[];
  /** Keys that must be there at the end, though others may leave on their own. */
  readonly keptFinally?: readonly number[];
  readonly prepare: readonly Operation[];
  readonly threads: readonly (readonly Operation[])[];
}

export const FORBIDDEN_ALWAYS: readonly string[] = [
  'a get returns a value that was never stored under that key',
  'a get returns a mixture of two values',
  'a get, set or delete has an outcome that no order of the operations of that key explains',
  'verify() finds something after the run, or pages are lost',
  'a record of the log is not what its append put there, or is there twice',
  'a thread does not come to the end of its operations',
];

export const set = (key: number, bytes = 40): Operation => ({ kind: 'set', key, bytes });
/** A value of a size at which equal ones are stored once. */
export const same = (value: number, key: number, bytes = 200): Operation => ({ kind: 'set', key, bytes, value });
export const own = (user: string, key: number, bytes = 40): Operation => ({ kind: 'set', key, bytes, user });
export const get = (key: number): Operation => ({ kind: 'get', key });
export const near = (key: number): Operation => ({ kind: 'near', key });
export const del = (key: number): Operation => ({ kind: 'delete', key });
export const claim = (key: number): Operation => ({ kind: 'claim', key });
export const publish = (key: number, bytes = 40): Operation => ({ kind: 'publish', key, bytes });
export const stream = (key: number, bytes = 9_000): Operation => ({ kind: 'stream', key, bytes });
export const append = (...bytes: number[]): Operation => ({ kind: 'append', bytes });
/** The mark of what an operation stores: that of its value, if any key may have it. */
export function idOf(operation: Operation, id: number): number {
  const value = 'value' in operation ? operation.value : undefined;
  return value === undefined ? id : VALUE_IDS + value;
}

const VALUE_IDS = 9_000;

export const range = (count: number): number[] => Array.from({ length: count }, (_, i) => i);

/** Four chunks of this size fill a page. */
export const QUARTER = 900;
/** Three pieces. */
export const CHAINED = 2_600;
