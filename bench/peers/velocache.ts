import { attachCache, type CacheHandle, createCache } from '../../src/index.js';
import type { Contender, Lane, Prepared, Setup } from './contender.js';
import { bytesOf, objectOf, poolOf, type SmallObject } from './values.js';

/** Room for every item: nothing is evicted. */
const BYTES_PER_ITEM = 360;

function velocache(name: string, ttl: string | undefined): Contender {
  return {
    name,
    async prepare({ items }: Setup): Promise<Prepared> {
      const capacity = Math.max(64 * 2 ** 20, items * BYTES_PER_ITEM);
      const cache = await createCache({ capacity, types: ttl === undefined ? {} : { default: { ttl } } });
      return { share: cache.handle, close: () => cache.close() };
    },
    async open(setup: Setup, keys: readonly string[], share: unknown): Promise<Lane> {
      const cache = attachCache(share as CacheHandle<{ default: SmallObject }>);
      if (setup.kind === 'bytes') {
        const pool = poolOf(bytesOf);
        return {
          get: { one: (item) => cache.getBytes(keys[item]!)?.[item & 127] ?? -1 },
          set: { one: (item) => (cache.setBytes(keys[item]!, pool(item)) ? 0 : -1) },
        };
      }
      const pool = poolOf(objectOf);
      return {
        get: { one: (item) => cache.get(keys[item]!)?.score ?? -1 },
        set: { one: (item) => (cache.set(keys[item]!, pool(item)) ? 0 : -1) },
      };
    },
  };
}

export const withoutTtl: Contender = velocache('velocache', undefined);
export const withTtl: Contender = velocache('velocache, TTL', '1h');
