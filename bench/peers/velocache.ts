import { attachCache, type CacheHandle, createCache } from '../../src/index.js';
import type { Contender, Lane, Prepared, Setup } from './contender.js';
import { byteOf, bytesOf, objectOf, poolOf, type RiderObject, scoreOf } from './values.js';

/** Room for every item: nothing is evicted. */
const BYTES_BESIDE_VALUE = 190;
const ROUNDING = 1.25;
const CAPACITY_MIN = 64 * 2 ** 20;

function velocache(name: string, ttl: string | undefined): Contender {
  return {
    name,
    bounded: { by: 'bytes', policy: 'adaptive' },
    async prepare({ items, valueBytes, bound }: Setup): Promise<Prepared> {
      const room = Math.ceil(items * (valueBytes * ROUNDING + BYTES_BESIDE_VALUE));
      const capacity = bound?.bytes ?? Math.max(CAPACITY_MIN, room);
      const cache = await createCache({ capacity, types: ttl === undefined ? {} : { default: { ttl } } });
      return { share: cache.handle, close: () => cache.close() };
    },
    async open(setup: Setup, keys: readonly string[], share: unknown): Promise<Lane> {
      const cache = attachCache(share as CacheHandle<{ default: RiderObject }>);
      if (setup.kind === 'bytes') {
        const pool = poolOf((item) => bytesOf(item, setup.valueBytes));
        return {
          get: { one: (item) => byteOf(cache.getBytes(keys[item]!), item) },
          set: { one: (item) => (cache.setBytes(keys[item]!, pool(item)) ? 0 : -1) },
        };
      }
      const pool = poolOf((item) => objectOf(item, setup.valueBytes));
      return {
        get: { one: (item) => scoreOf(cache.get(keys[item]!)) },
        set: { one: (item) => (cache.set(keys[item]!, pool(item)) ? 0 : -1) },
      };
    },
  };
}

export const withoutTtl: Contender = velocache('velocache', undefined);
export const withTtl: Contender = velocache('velocache, TTL', '1h');
