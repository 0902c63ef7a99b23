/** The server after: velocache with its preset, one cache for all threads. */
import { parseDuration } from '../../src/cache/units.js';
import { keyOf } from '../../src/cli/profile.js';
import { reduceStats, reduceWeather } from '../../src/cli/reducers.js';
import type { DemoType, DemoTypes, Keyed } from '../../src/cli/values.js';
import {
  attachCache,
  type Cache,
  type CacheHandle,
  type CacheOptions,
  createCache,
  type KeySpace,
  veloTypes,
} from '../../src/index.js';
import type { BackEnds } from './back-ends.js';
import { TIME_SCALE } from './mission.js';
import type { Answer, Store } from './store.js';
import { TYPES, ttlMsOf } from './workload.js';

type Types = NonNullable<CacheOptions<DemoTypes>['types']>;

/** Routes are the largest values: those are left to the pool where that is worth it. */
const POOLED: readonly DemoType[] = ['route'];
const POOL = { threads: 1 } as const;

export function createVeloCache(capacity: number): Promise<Cache<DemoTypes>> {
  return createCache<DemoTypes>({ capacity, types: scaledTypes(), pool: POOL });
}

/** The preset, in whose hours a minute passes. */
function scaledTypes(): Types {
  const preset = veloTypes({ reduceWeather, reduceStats });
  const scaled = Object.entries(preset).map(([type, options]) => {
    const { ttl, idle, ...rest } = options;
    const times = Object.entries({ ttl, idle }).flatMap(([name, time]) =>
      time === undefined ? [] : [[name, parseDuration(name, time) / TIME_SCALE]],
    );
    return [type, { ...rest, ...Object.fromEntries(times) }];
  });
  return Object.fromEntries(scaled) as Types;
}

export class VeloStore implements Store {
  readonly #cache: Cache<DemoTypes>;
  readonly #backEnds: BackEnds;
  readonly #spaces: ReadonlyMap<DemoType, KeySpace<Keyed>>;

  constructor(handle: CacheHandle<DemoTypes>, backEnds: BackEnds) {
    this.#cache = attachCache(handle, {
      types: { weather: { reduce: reduceWeather }, stats: { reduce: reduceStats } },
    });
    this.#backEnds = backEnds;
    this.#spaces = new Map(TYPES.map((type) => [type, this.#cache.type(type) as KeySpace<Keyed>]));
  }

  async read(type: DemoType, thing: number): Promise<Answer> {
    const key = keyOf(type, thing);
    const space = this.#spaces.get(type)!;
    const isThere = space.has(key);
    if (isThere && POOLED.includes(type)) {
      const value = await space.getAsync(key);
      if (value !== undefined) return { value, isHit: true };
    }
    let isLoaded = false;
    const value = await space.fetch(key, () => {
      isLoaded = true;
      return this.#backEnds.load(type, thing);
    });
    if (value === undefined) throw new Error(`nothing was loaded for ${key}`);
    return { value, isHit: isThere && !isLoaded };
  }

  fill(type: DemoType, thing: number, ageMs: number): void {
    const options = { ttl: ttlMsOf(type) - ageMs };
    this.#spaces.get(type)!.set(keyOf(type, thing), this.#backEnds.make(type, thing), options);
  }

  close(): Promise<void> {
    return this.#cache.close();
  }
}
