import { attachCache, type CacheHandle, createCache, type TypeOptions } from '../../src/index.js';
import type { Contender, Lane, Prepared, Setup } from './contender.js';
import { byteOf, bytesOf, objectOf, poolOf, type RiderObject, scoreOf } from './values.js';

/** Room for every item: nothing is evicted. */
const BYTES_BESIDE_VALUE = 190;
const ROUNDING = 1.25;
const CAPACITY_MIN = 64 * 2 ** 20;

function velocache(name: string, type: TypeOptions<RiderObject>): Contender {
  return {
    name,
    bounded: { by: 'bytes', policy: 'adaptive' },
    async prepare({ items, valueBytes, bound }: Setup): Promise<Prepared> {
      const room = Math.ceil(items * (valueBytes * ROUNDING + BYTES_BESIDE_VALUE));
      const capacity = bound?.bytes ?? Math.max(CAPACITY_MIN, room);
      const cache = await createCache({ capacity, types: { default: type } });
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

export const withoutTtl: Contender = velocache('velocache', {});
export const withTtl: Contender = velocache('velocache, TTL', { ttl: '1h' });
/** For objects: bytes are never kept in it. */
export const near: Contender = velocache('velocache near, TTL', {
  ttl: '1h',
  near: { entries: 10_000, bytes: '64mb' },
});
