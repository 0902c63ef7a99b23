/** What caches on the heap have in common: one in each thread, and references to the values themselves. */
import type { Contender, Lane, Operation, Setup } from './contender.js';
import { byteOf, bytesOf, objectOf, type RiderObject, scoreOf, sourceOf } from './values.js';

export const TTL_MS = 3_600_000;

/** Of values of type `V`. `set` is false for one that was refused. */
interface Synchronous<V> {
  get(key: string): V | undefined;
  set(key: string, value: V): boolean;
}

interface Asynchronous<V> {
  get(key: string): Promise<V | undefined>;
  set(key: string, value: V): Promise<boolean>;
}

type Ends<V> = Pick<Contender, 'name' | 'bounded'> &
  ({ sync(setup: Setup): Synchronous<V> } | { async(setup: Setup): Asynchronous<V> });

/** `ends` opens a cache of any values: those here are bytes or objects, by the setup. */
export function onHeap(ends: Ends<unknown>): Contender {
  const { name, bounded } = ends;
  return {
    name,
    isPerThread: true,
    ...(bounded === undefined ? {} : { bounded }),
    prepare: async () => ({ share: undefined, close: async () => {} }),
    async open(setup, keys) {
      // Two calls, so that types stay apart: one function for both would see two shapes of values.
      if (setup.kind === 'bytes') return laneOf(setup, keys, opened<Uint8Array>(ends, setup), bytesOf, byteOf);
      return laneOf(setup, keys, opened<RiderObject>(ends, setup), objectOf, scoreOf);
    },
  };
}

type Opened<V> = { readonly sync: Synchronous<V> } | { readonly async: Asynchronous<V> };

function opened<V>(ends: Ends<unknown>, setup: Setup): Opened<V> {
  if ('sync' in ends) return { sync: ends.sync(setup) as Synchronous<V> };
  return { async: ends.async(setup) as Asynchronous<V> };
}

function laneOf<V>(
  setup: Setup,
  keys: readonly string[],
  cache: Opened<V>,
  make: (item: number, length: number) => V,
  read: (value: V | undefined, item: number) => number,
): Lane {
  const fresh = (item: number): V => make(item, setup.valueBytes);
  const source = sourceOf(setup, fresh);
  const refill = source.refill === undefined ? {} : { refill: source.refill };
  const setter = (value: (item: number) => V): Operation =>
    'sync' in cache
      ? { one: (item) => (cache.sync.set(keys[item]!, value(item)) ? 0 : -1) }
      : { each: async (item) => ((await cache.async.set(keys[item]!, value(item))) ? 0 : -1) };
  const get: Operation =
    'sync' in cache
      ? { one: (item) => read(cache.sync.get(keys[item]!), item) }
      : { each: async (item) => read(await cache.async.get(keys[item]!), item) };
  return { get, set: setter(source.take), fill: setter(fresh), ...refill };
}
