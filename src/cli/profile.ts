import type { Cache } from '../index.js';
import { ValuePool } from './payloads.js';
import type { DemoType, DemoTypes } from './values.js';

/** How one type is used: the load of a cycling dashboard's back end. */
export interface TypeProfile {
  /** Share of all accesses. */
  readonly accessShare: number;
  /** Share of the cache's space that the type is meant to hold. */
  readonly spaceShare: number;
  /** Space that all its keys would take, in parts of `spaceShare`; what is above 1 has to be evicted. */
  readonly spread: number;
  /** Exponent of the Zipf distribution of its keys. */
  readonly exponent: number;
  /** Share of its accesses that write the value anew without reading it. */
  readonly rewriteShare: number;
  /** Share of its accesses that delete the key because its source has changed; the next reader loads it again. */
  readonly invalidateShare: number;
  /** One key in so many lives only as long as `shortTtl`. */
  readonly shortLivedEvery?: number;
  readonly shortTtl?: string;
}

/**
 * Popularity, spread and invalidation are chosen together, so that the hit ratios come near 98, 94, 90, 85 and, for stats
 * and misc together, 75 %. Eviction alone can't give both those ratios and the shares of space: what LRU inserts in a
 * window stays for that window, so a type that misses much would have to hold much. Invalidation makes up for it.
 */
export const PROFILES: { readonly [K in DemoType]: TypeProfile } = {
  session: {
    accessShare: 0.35,
    spaceShare: 0.15,
    spread: 1.15,
    exponent: 1.05,
    rewriteShare: 0.05,
    invalidateShare: 0.006,
  },
  route: {
    accessShare: 0.25,
    spaceShare: 0.25,
    spread: 1.15,
    exponent: 0.95,
    rewriteShare: 0,
    invalidateShare: 0.05,
  },
  weather: {
    accessShare: 0.15,
    spaceShare: 0.1,
    spread: 1.2,
    exponent: 0.8,
    rewriteShare: 0.01,
    invalidateShare: 0.09,
  },
  llm: {
    accessShare: 0.1,
    spaceShare: 0.2,
    spread: 1.3,
    exponent: 0.85,
    rewriteShare: 0,
    invalidateShare: 0.14,
  },
  stats: {
    accessShare: 0.1,
    spaceShare: 0.15,
    spread: 1.35,
    exponent: 0.8,
    rewriteShare: 0.01,
    invalidateShare: 0.22,
  },
  misc: {
    accessShare: 0.05,
    spaceShare: 0.05,
    spread: 1.2,
    exponent: 0.8,
    rewriteShare: 0.02,
    invalidateShare: 0.12,
    shortLivedEvery: 4,
    shortTtl: '3s',
  },
};

export const DEMO_TYPES: readonly DemoType[] = ['session', 'route', 'weather', 'llm', 'stats', 'misc'];

/** Number of different keys of each type. */
export type Populations = Readonly<Record<DemoType, number>>;

/** Time that a thread may take to warm up: the whole demo, start and end included, is to stay within 30 s. */
export const WARM_UP_MS_MAX = 8_000;

/** Share of the capacity that entries can take: the rest is metadata, index and pages in transit. */
const USABLE_SHARE = 0.95;

/** How many keys each type needs to fill its share of space, if an entry of it takes `bytesPerEntry` on average. */
export function populationsFor(capacityBytes: number, bytesPerEntry: Readonly<Record<DemoType, number>>): Populations {
  const count = (type: DemoType): number => {
    const { spaceShare, spread } = PROFILES[type];
    return Math.max(1, Math.round((capacityBytes * USABLE_SHARE * spaceShare * spread) / bytesPerEntry[type]));
  };
  return {
    session: count('session'),
    route: count('route'),
    weather: count('weather'),
    llm: count('llm'),
    stats: count('stats'),
    misc: count('misc'),
  };
}

/**
 * Stores a sample of each type and asks the cache what an entry takes: what the codec and the slab classes make of a
 * value decides how many keys fill the cache, and only the cache knows. Leaves the cache empty.
 */
export function measureEntryBytes(cache: Cache<DemoTypes>, seed: number, poolSize: number): Record<DemoType, number> {
  const bytes: Record<DemoType, number> = { session: 0, route: 0, weather: 0, llm: 0, stats: 0, misc: 0 };
  for (const type of DEMO_TYPES) {
    bytes[type] = measureType(cache, type, new ValuePool(type, seed, poolSize));
    cache.type(type).clear();
  }
  return bytes;
}

function measureType<K extends DemoType>(cache: Cache<DemoTypes>, type: K, pool: ValuePool<K>): number {
  const space = cache.type(type);
  for (let rank = 0; rank < pool.bodies.length; rank++) {
    const key = keyOf(type, rank);
    space.set(key, pool.valueOf(rank, key) as DemoTypes[K]);
  }
  const held = cache.stats().types[type];
  if (held === undefined || held.entries === 0)
    throw new Error(`the cache is too small to hold any value of type ${type}`);
  return held.bytesUsed / held.entries;
}

/** The key with this rank of popularity. */
export function keyOf(type: DemoType, rank: number): string {
  return `${type}:velo-${rank}`;
}

export interface DemoKey {
  readonly type: DemoType;
  readonly rank: number;
}

/** What `keyOf` made a key of. */
export function partsOf(key: string): DemoKey {
  const [name, number] = key.split(':velo-');
  const type = DEMO_TYPES.find((known) => known === name);
  const rank = Number(number);
  if (type === undefined || !Number.isInteger(rank)) throw new RangeError(`"${key}" is no key of the demo`);
  return { type, rank };
}
