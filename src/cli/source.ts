/** Where the values of the demo come from: made from the seed and the key alone, so that every thread makes the same. */
import { ValuePool } from './payloads.js';
import { type DemoKey, partsOf } from './profile.js';
import type { DemoType, Keyed } from './values.js';

/** Loads the value of any key, as the loader of a type does. */
export type Source = (key: string) => Keyed;

/** `size`: values of each type to choose from. They are made when one of the type is first asked for. */
export function createSource(seed: number, size: number): Source {
  const pools = new Map<DemoType, ValuePool<DemoType>>();
  return (key) => {
    const { type, rank }: DemoKey = partsOf(key);
    const pool = pools.get(type) ?? new ValuePool<DemoType>(type, seed, size);
    pools.set(type, pool);
    return pool.valueOf(rank, key);
  };
}
