/** A user's function that makes values of a type smaller, for `overflow: 'reduce'`. */
import { OptionError } from '../errors.js';

/** What a reducer is told of the entry whose value it gets. */
export interface ReduceInfo {
  readonly type: string;
  readonly key: string;
  /** Bytes of the key and the value. */
  readonly bytes: number;
  /** Time since the entry was last stored or read, in ms; without an idle time, to some 1/32 of a turnover. */
  readonly ageMs: number;
}

/**
 * A smaller value in place of an old one, or undefined: the entry goes by LRU. Runs within a `set` of the type in any
 * thread, under no lock; it may be given the same entry again. What it changes in the value it gets changes nothing else.
 */
export type Reducer<V = unknown> = (value: V, info: ReduceInfo) => V | undefined;

export function checkReducer(option: string, reduce: unknown): asserts reduce is Reducer<never> {
  if (typeof reduce !== 'function') throw new OptionError(option, reduce, 'must be a function');
}
