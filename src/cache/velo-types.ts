/** The types of a cycling dashboard's server, with the lives, shares and strategies that have proved themselves there. */
import type { CompressorName } from '../codecs/compressor.js';
import { checkNames } from './checks.js';
import type { TypeOptions } from './options.js';
import type { Reducer } from './reducer.js';

/** Functions that make values smaller when their type has its share. */
export interface VeloReducers<W = unknown, S = unknown> {
  /** Coarsens a forecast, for instance to every second time step; undefined once it is coarse enough. */
  readonly reduceWeather?: Reducer<W>;
  /** Aggregates statistics, for instance days to weeks; undefined once they are. */
  readonly reduceStats?: Reducer<S>;
}

type PlainType = Omit<TypeOptions, 'reduce' | 'codec'>;

export interface VeloTypes<W = unknown, S = unknown> {
  readonly session: PlainType;
  /** GeoJSON. */
  readonly route: PlainType;
  readonly weather: TypeOptions<W>;
  readonly stats: TypeOptions<S>;
  /** Answers of language models. */
  readonly llm: PlainType;
  readonly misc: PlainType;
}

const OVERFLOW_LRU = { overflow: 'lru' } as const;
/** What is shown to many and changed by nobody. */
const NEAR = { near: { bytes: '8mb' } } as const;
const ROUTE = { overflow: 'compress', near: { bytes: '16mb' } } as const;
const STANDARD = { importance: 'standard' } as const;

/**
 * The option `types` of a cache for such a server; add to it or change it as needed. The shares come to the whole
 * capacity. Without its reducer, weather or stats evicts by LRU. Reducers are to be given to `attachCache` too. Routes, weather and
 * statistics are read from near caches, and so come frozen.
 */
export function veloTypes<W = unknown, S = unknown>(reducers: VeloReducers<W, S> = {}): VeloTypes<W, S> {
  checkNames('reducers', reducers, ['reduceWeather', 'reduceStats']);
  const { reduceWeather, reduceStats } = reducers;
  return {
    session: { ttl: '24h', idle: '2h', importance: 'critical', maxShare: 0.2, ...OVERFLOW_LRU, ...by('zlib') },
    route: { ttl: '7d', idle: '12h', importance: 'important', maxShare: 0.25, ...ROUTE, ...by('zlib') },
    weather: {
      ttl: '1h',
      idle: '30m',
      maxShare: 0.1,
      ...STANDARD,
      ...overflowOf(reduceWeather),
      ...NEAR,
      ...by('brotli'),
    },
    stats: { ttl: '3d', idle: '6h', maxShare: 0.15, ...STANDARD, ...overflowOf(reduceStats), ...NEAR, ...by('brotli') },
    llm: { ttl: '30d', idle: '3d', maxShare: 0.2, ...STANDARD, overflow: 'compress', ...by('zlib') },
    misc: { ttl: '2h', importance: 'optional', maxShare: 0.1, overflow: 'aggressive-lru', compress: { with: 'lz4' } },
  };
}

function overflowOf<V>(reduce: Reducer<V> | undefined): Pick<TypeOptions<V>, 'overflow' | 'reduce'> {
  return reduce === undefined ? OVERFLOW_LRU : { overflow: 'reduce', reduce };
}

/** Values of these types resemble each other: half of a dictionary's gain is in those that are too small without one. */
function by(compressor: CompressorName): Pick<TypeOptions, 'compress'> {
  return { compress: { with: compressor, dictionary: true } };
}
