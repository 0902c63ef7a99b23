/** The options of `createCache`, checked and resolved into a plan: plain data that every thread builds the same from. */
import {
  type ArenaConfig,
  CLASS_MAX,
  ceilPower,
  isClockBuffer,
  isPower,
  LOG_HEADER_BYTES,
  type ManualClock,
} from '../../native-free/index.js';
import type { Codec } from '../codecs/codec.js';
import { CODEC_NAMES, type CodecName, DEFAULT_CODEC } from '../codecs/codecs.js';
import { checkCodec, OWN_CODEC } from '../codecs/own-codec.js';
import { checkVersion, type Migrations, resolveMigrations } from '../codecs/versions.js';
import { GLOBAL_COUNTERS, REMOVAL_CAUSES, TYPE_COUNTERS } from '../engine/causes.js';
import { chunkSizes } from '../engine/size-classes.js';
import { OptionError } from '../errors.js';
import { FAVOURS, type Favour } from '../policies/adaptive.js';
import { ENGINE_POLICIES, type EnginePolicy, type PolicyPlan, policyWordsOf } from '../policies/engine-policies.js';
import { IMPORTANCES, type Importance } from '../policies/type-rules.js';
import { checkHolds, checkNames, checkObject } from './checks.js';
import {
  COMPRESS_OPTIONS,
  type CompressOptions,
  dictionaryLogBytes,
  fitDictionary,
  resolveCompress,
} from './compress-options.js';
import { resolveLazy } from './fields.js';
import { type Gauge, isGauge } from './gauge.js';
import { resolveModuleUrl } from './module-url.js';
import { NEAR_OPTIONS, type NearOptions, type NearPlan, resolveNear } from './near-cache.js';
import { type CachePlan, OVERFLOWS, type Overflow, type PressurePlan, type TypePlan } from './plan.js';
import { POOL_OPTIONS, type PoolOptions, type PoolPlan, resolvePool } from './pool/pool-options.js';
import { checkReducer, type Reducer } from './reducer.js';
import { type Duration, parseDuration, parseSize, type Size } from './units.js';
import { resolveUsers, USER_OPTIONS, type UserOptions } from './users.js';

export interface SlabOptions {
  /** Bytes of a page, a power of two from 4 KiB to 1 MiB. Default: 4 KiB to 128 KiB, by capacity. */
  readonly pageSize?: Size;
  /** Bytes of the smallest chunk, a multiple of 8 from 32 to 1,024. Default: 64. */
  readonly minChunk?: Size;
  /** How much larger each chunk size is than the one before, from 1.05 to 2. Default: 1.15. */
  readonly growthFactor?: number;
  /** Most bytes of a key and its value, up to half the capacity. Default: an eighth of it. */
  readonly maxItem?: Size;
}

export interface TypeOptions<V = unknown> {
  /** How long an entry lives after it was stored. Default: Infinity. */
  readonly ttl?: Duration;
  /** How long an entry lives after it was last stored or read. Default: Infinity. The earlier of the two wins. */
  readonly idle?: Duration;
  /**
   * Who may be evicted when: optional first, then standard; important only when pressure is high or critical, critical
   * only when it is critical. Default: 'standard'.
   */
  readonly importance?: Importance;
  /**
   * Most that entries of the type may take, as a part of the capacity, up to 1 and enough for the smallest chunk. Of important
   * and critical types never what others reserve: it is lowered to what is left, or their own reserve. Default: 1.
   */
  readonly maxShare?: number;
  /** Part of the capacity, from 0 up to `maxShare`, that no other type may take from it once it has it. Default: 0. */
  readonly reserve?: number;
  /**
   * What happens when the type has its share. 'lru': its coldest entries go, as many as needed. 'aggressive-lru': they go
   * down to 80 % of the share. 'reduce': cold values are first made smaller by `reduce`, four a set at most.
   * 'compress': large ones are first compressed, as hard as is worth while, four a set at most. Default: 'lru'.
   */
  readonly overflow?: Overflow;
  /** With `overflow: 'reduce'`, and only there: makes a value smaller. To be given to `attachCache` too. */
  readonly reduce?: Reducer<V>;
  /**
   * How `set` packs values; docs/codecs.md says what each keeps. A codec of your own is to be given to `attachCache` too.
   * Default: 'msgpack'.
   */
  readonly codec?: CodecName | Codec<V>;
  /** Which values are compressed, and by what. Default: none; with `overflow: 'compress'` zlib, and only for that. */
  readonly compress?: CompressOptions;
  /**
   * Heavy top-level properties, up to 16 names: of a plain object one that packs to more than some 512 bytes is decoded, and
   * decompressed, when it is first read. Not with codec 'raw' or one of your own. Default: none.
   */
  readonly lazy?: readonly string[];
  /**
   * Whether equal values of the type are stored once, however many keys have them: those of 128 bytes or more as they are
   * stored, packed and compressed, that are no user's. Not with `overflow` 'reduce' or 'compress'. Default: false.
   */
  readonly dedupe?: boolean;
  /**
   * Has each thread keep decoded values that it reads again and again on its heap, within these bounds; so `get` returns frozen
   * objects. A hit takes no decoding, counts as any other, and is never of a value that has been replaced, has ended or has left. Only
   * plain objects, arrays and primitives are kept. Not with codec 'raw', `lazy` or `dedupe`. Default: none.
   */
  readonly near?: NearOptions;
  /** Whether values carry a CRC-32, which each read checks; four bytes and some time. Default: false. */
  readonly crc?: boolean;
  /**
   * The version of values as this code stores them, an integer from 1 to 65,535. A read of an older one migrates it, one of
   * a newer one is a miss. A thread that attaches may give another. Default: 1.
   */
  readonly version?: number;
  /**
   * By the version it migrates from, a function that makes a value of the next version; all from the lowest given to
   * `version` - 1. Values of versions below the lowest are misses. To be given to `attachCache` too. Default: none.
   */
  readonly migrate?: Migrations;
  /**
   * URL of a module whose default export, a Loader, loads missing values in a worker of the pool, for `fetch` without a
   * function; with `pool: false` in the thread that fetches. With a codec of your own, or `overflow: 'reduce'`, it needs
   * `pool.module`. Default: none.
   */
  readonly loader?: URL | string;
}

export interface CacheOptions<T> {
  /** Bound on everything shared, tables included: 1 MiB to 16 GiB. */
  readonly capacity: Size;
  readonly slab?: SlabOptions;
  /**
   * Which entries are cold. 'adaptive' learns from the load what is likely to be used again, and holds where others
   * collapse. 'lru' evicts what was not used for longest. 'sieve' and 's3-fifo' let go soon of what was read once;
   * 'w-tinylfu' keeps what was used most often of late. Default: 'adaptive'.
   */
  readonly policy?: EnginePolicy;
  /**
   * What the adaptive policy makes the most of: 'objects', so that small entries go last, or 'bytes'. Default: 'objects'.
   */
  readonly favour?: Favour;
  /** Types of entries, each with its own key space; `default` is always there. At most 255; one with `dedupe` counts as two. */
  readonly types?: { readonly [K in keyof T]?: TypeOptions<T[K]> };
  /** Accounts and quotas of users, for `set(…, { user })`. Default: none; `user` has no effect then. */
  readonly users?: UserOptions;
  /** A clock for tests and replays, which all threads follow. Default: the machine's monotonic clock. */
  readonly clock?: ManualClock;
  /** What pressure is judged by; false: no levels, no actions, no alerts. Default: all sources. */
  readonly pressure?: false | PressureOptions;
  /**
   * The workers for `setAsync`, `getAsync` and the loaders of types; false: none, all is done in place. Default: see
   * PoolOptions.
   */
  readonly pool?: false | PoolOptions;
}

/** A Gauge in place of a source gives its share by hand; false switches a source off. */
export interface PressureOptions {
  /**
   * 'protected': the share of the arena that may not be evicted now. 'occupancy': the share of its pages in use, which
   * is then kept at 70 %. Default: 'protected'.
   */
  readonly arena?: 'protected' | 'occupancy' | false;
  /** The process's resident memory by the machine's or cgroup's. Default: true. */
  readonly rss?: boolean | Gauge;
  /** The fullest heap of the attached threads by its limit. Default: true. */
  readonly heap?: boolean | Gauge;
  /** The latest event loop of the attached threads: 70 % at a delay of 200 ms, at most 74 %. Default: true. */
  readonly eventLoop?: boolean | Gauge;
}

/** Those that make values smaller. */
const SMALLER: readonly Overflow[] = ['reduce', 'compress'];

const CAPACITY_MIN = 2 ** 20;
const CAPACITY_MAX = 2 ** 34;
/** A shard has about this much memory: enough for its LRU to be that of the whole cache, little enough to share. */
const SHARD_BYTES = 2 ** 24;
const PAGE_BYTES_MIN = 2 ** 12;
const PAGE_BYTES_MAX = 2 ** 20;
const PAGES_PER_SHARD = 512;
/** The log of evictions takes a record of 64 bytes for each of so many bytes, and no more than these a shard. */
const EVICTION_RECORD_SHARE = 2 ** 15;
const EVICTION_RECORDS_MAX = 256;
/** Loads that may be in flight at once: one for each of so many bytes, up to so many in all, and at least so many a shard. */
const FLIGHT_SHARE = 2 ** 14;
const FLIGHTS_MAX = 1_024;
const FLIGHTS_PER_SHARD_MIN = 64;
/** References to values stored once that may wait in a shard: enough for a page of the smallest pointers, within these bounds. */
const RELEASE_SHARE = 64;
const RELEASES_MIN = 64;
const RELEASES_MAX = 2_048;
/** The append-only log takes this part of the capacity, within these bounds, and what dictionaries need. */
const LOG_SHARE = 512;
const LOG_BYTES_MIN = 2 ** 14;
const LOG_BYTES_MAX = 2 ** 20;

export function resolveOptions<T>(options: CacheOptions<T>): CachePlan {
  checkNames('options', options, [
    'capacity',
    'slab',
    'types',
    'policy',
    'favour',
    'users',
    'clock',
    'pressure',
    'pool',
  ]);
  const capacityBytes = parseSize('capacity', options.capacity, CAPACITY_MIN, CAPACITY_MAX);
  const { slab = {}, types: typeOptions = {}, policy: policyName = 'adaptive', favour = 'objects' } = options;
  checkNames('slab', slab, ['pageSize', 'minChunk', 'growthFactor', 'maxItem']);
  checkClock(options.clock);
  const shardsMost = Math.min(256, Math.max(1, ceilPower(capacityBytes / SHARD_BYTES)));
  const pageDefault = Math.min(
    PAGE_BYTES_MAX,
    Math.max(PAGE_BYTES_MIN, ceilPower(capacityBytes / shardsMost / PAGES_PER_SHARD)),
  );
  const { pageSize = pageDefault, minChunk = 64, growthFactor = 1.15, maxItem = capacityBytes / 8 } = slab;
  const pageBytes = parseSize('slab.pageSize', pageSize, PAGE_BYTES_MIN, PAGE_BYTES_MAX);
  if (!isPower(pageBytes)) throw new OptionError('slab.pageSize', pageSize, 'must be a power of two');
  const chunkBytesMin = parseSize('slab.minChunk', minChunk, 32, 1_024);
  if (chunkBytesMin % 8 !== 0) throw new OptionError('slab.minChunk', minChunk, 'must be a multiple of 8');
  checkGrowth(growthFactor, pageBytes, chunkBytesMin);
  const types = fitDictionaries(fitShares(resolveTypes(typeOptions), capacityBytes, chunkBytesMin), capacityBytes);
  const dictionaryBytes = types.reduce((sum, { compression }) => sum + dictionaryLogBytes(compression?.dictionary), 0);
  const dedupes = types.flatMap((type, number) => (type.dedupes ? [number] : []));
  if (options.users !== undefined) checkNames('users', options.users, USER_OPTIONS);
  const users = options.users && resolveUsers(options.users, capacityBytes, chunkBytesMin);
  const itemBytesMax = parseSize('slab.maxItem', maxItem, 1, capacityBytes / 2);
  const shards = Math.min(shardsMost, Math.max(1, ceilPower(capacityBytes / pageBytes / 32) / 2));
  const policy: PolicyPlan = {
    name: resolveName('policy', policyName, ENGINE_POLICIES),
    favour: resolveName('favour', favour, FAVOURS),
  };
  const arena: ArenaConfig = {
    capacityBytes,
    pageBytes,
    chunkBytesMin,
    shards,
    types: types.length + dedupes.length,
    dedupes,
    releases: Math.max(RELEASES_MIN, Math.min(RELEASES_MAX, pageBytes / RELEASE_SHARE)),
    countersPerType: TYPE_COUNTERS,
    countersGlobal: GLOBAL_COUNTERS,
    ...policyWordsOf(policy, capacityBytes, shards),
    removalCauses: REMOVAL_CAUSES.length,
    evictionRecords: Math.min(EVICTION_RECORDS_MAX, ceilPower(capacityBytes / shards / EVICTION_RECORD_SHARE)),
    eventWords: Math.min(2 ** 18, Math.max(2 ** 11, ceilPower(capacityBytes / 2 ** 12))),
    segmentBytes: 2 ** 30,
    users: users?.max ?? 0,
    flights: Math.max(FLIGHTS_PER_SHARD_MIN, Math.min(FLIGHTS_MAX, ceilPower(capacityBytes / FLIGHT_SHARE)) / shards),
    logBytes: logBytesOf(types, dictionaryBytes, capacityBytes),
  };
  const pressure = resolvePressure(options.pressure);
  const pool = poolPlanOf(options.pool);
  checkLoaders(types, pool);
  const plan = {
    arena,
    growthFactor,
    itemBytesMax,
    types,
    dictionaryLogBytes: dictionaryBytes,
    policy,
    pressure,
    pool,
  };
  return users === undefined ? plan : { ...plan, users };
}

/** Codecs that keep what they have learned in the log. */
const LOGGING_CODECS: ReadonlySet<string> = new Set(['msgpack']);

function logBytesOf(types: readonly TypePlan[], dictionaryBytes: number, capacityBytes: number): number {
  if (!types.some(({ codec }) => LOGGING_CODECS.has(codec)))
    return dictionaryBytes === 0 ? 0 : LOG_HEADER_BYTES + dictionaryBytes;
  return dictionaryBytes + Math.min(LOG_BYTES_MAX, Math.max(LOG_BYTES_MIN, ceilPower(capacityBytes / LOG_SHARE)));
}

/** Dictionaries of all types within their part of the capacity. */
function fitDictionaries(types: readonly TypePlan[], capacityBytes: number): TypePlan[] {
  const sharing = types.filter(({ compression }) => compression?.dictionary !== undefined).length;
  return types.map(({ compression, ...type }) => {
    if (compression === undefined) return type;
    return { ...type, compression: fitDictionary(`types.${type.name}`, compression, sharing, capacityBytes) };
  });
}

/** By its buffer, not its class: another copy of this package may have made it. */
function checkClock(clock: ManualClock | undefined): void {
  if (clock === undefined) return;
  if (!isClockBuffer((clock as ManualClock | null)?.buffer))
    throw new OptionError('clock', clock, 'must be a ManualClock');
}

function poolPlanOf(pool: false | PoolOptions = {}): PoolPlan | false {
  if (pool === false) return false;
  checkNames('pool', pool, POOL_OPTIONS);
  return resolvePool(pool);
}

/**
 * Throws for a type whose values no worker could pack and store, since nothing gives it the functions that this takes. In
 * place everything is at hand.
 */
function checkLoaders(types: readonly TypePlan[], pool: PoolPlan | false): void {
  if (pool === false || pool.module !== undefined) return;
  for (const { name, loader, codec, overflow } of types) {
    const needs = codec === OWN_CODEC ? 'codec' : overflow === 'reduce' ? 'reduce' : undefined;
    if (loader === undefined || needs === undefined) continue;
    const bound = `needs pool.module, which gives types.${name}.${needs} to the workers that run it`;
    throw new OptionError(`types.${name}.loader`, loader, bound);
  }
}

const ARENA_READINGS = ['protected', 'occupancy', false];

function resolvePressure(pressure: false | PressureOptions = {}): PressurePlan | false {
  if (pressure === false) return false;
  checkNames('pressure', pressure, ['arena', 'rss', 'heap', 'eventLoop']);
  const { arena = 'protected' } = pressure;
  if (!ARENA_READINGS.includes(arena)) {
    throw new OptionError('pressure.arena', arena, `must be one of ${ARENA_READINGS.join(', ')}`);
  }
  const source = (name: 'rss' | 'heap' | 'eventLoop'): boolean | 'gauge' => {
    const { [name]: value = true } = pressure;
    if (typeof value === 'boolean') return value;
    if (isGauge(value)) return 'gauge';
    throw new OptionError(`pressure.${name}`, value, 'must be true, false or a Gauge');
  };
  return { arena, rss: source('rss'), heap: source('heap'), eventLoop: source('eventLoop') };
}

function checkGrowth(growthFactor: number, pageBytes: number, chunkBytesMin: number): void {
  const isInRange = typeof growthFactor === 'number' && growthFactor >= 1.05 && growthFactor <= 2;
  if (!isInRange) throw new OptionError('slab.growthFactor', growthFactor, 'must be a number from 1.05 to 2');
  if (chunkSizes(pageBytes, chunkBytesMin, growthFactor).length <= CLASS_MAX) return;
  const bound = `makes more than ${CLASS_MAX} slab classes with these pages and chunks: use a larger one`;
  throw new OptionError('slab.growthFactor', growthFactor, bound);
}

const TYPES_MAX = 255;

function resolveTypes(types: object): TypePlan[] {
  checkObject('types', types);
  const entries = Object.entries(types as Record<string, TypeOptions | undefined>);
  const names = ['default', ...entries.map(([name]) => name).filter((name) => name !== 'default')];
  if (names.length > TYPES_MAX) throw new OptionError('types', `${names.length} types`, `must be at most ${TYPES_MAX}`);
  const plans = names.map((name) => {
    const [, given = {}] = entries.find(([candidate]) => candidate === name) ?? [];
    return resolveType(name, given);
  });
  checkCount(plans);
  return plans;
}

/** Of a type's name, which is told in alerts and errors. */
const NAME_BYTES_MAX = 255;
/** Of the sum of the reserves: decimals that come to 1 may add up to slightly more. */
const SUM_DIGITS = 12;

/** Shares that don't fill what others have reserved, and that hold something. */
function fitShares(plans: readonly TypePlan[], capacityBytes: number, chunkBytesMin: number): TypePlan[] {
  const sum = plans.reduce((total, { reserve }) => total + reserve, 0);
  const reserved = Number(sum.toPrecision(SUM_DIGITS));
  if (reserved > 1) throw new OptionError('types.*.reserve', reserved, 'must come to at most 1, the capacity');
  return plans.map((plan) => {
    const where = `types.${plan.name}.maxShare`;
    checkHolds(where, plan.maxShare, capacityBytes, chunkBytesMin);
    const maxShare = leavingReserves(plan, reserved);
    if (maxShare * capacityBytes >= chunkBytesMin) return { ...plan, maxShare };
    const importance = IMPORTANCES[plan.importance];
    const bound = `${importance} entries may not fill what other types reserve, which is all: reserve some for it`;
    throw new OptionError(where, plan.maxShare, bound);
  });
}

/** A type that stores equal values once has a type of its own for them. */
function checkCount(plans: readonly TypePlan[]): void {
  const count = plans.length + plans.filter(({ dedupes }) => dedupes).length;
  if (count <= TYPES_MAX) return;
  throw new OptionError('types', `${count} types`, `must be at most ${TYPES_MAX}, where one with dedupe counts as two`);
}

/** What others have must not be made smaller for one of them. */
function checkDedupe(where: string, overflow: Overflow): void {
  if (!SMALLER.includes(overflow)) return;
  throw new OptionError(`${where}.dedupe`, true, `needs overflow 'lru' or 'aggressive-lru', not '${overflow}'`);
}

/** The share of a type: what others have reserved must not fill with entries that may not be evicted for them. */
function leavingReserves({ importance, maxShare, reserve }: TypePlan, reserved: number): number {
  if (importance < IMPORTANCES.indexOf('important')) return maxShare;
  return Math.min(maxShare, Math.max(reserve, 1 - (reserved - reserve)));
}

function resolveType(name: string, options: TypeOptions): TypePlan {
  if (name === '') throw new OptionError('types', name, 'a type has a name');
  if (Buffer.byteLength(name) > NAME_BYTES_MAX)
    throw new OptionError('types', name, `a type's name has at most ${NAME_BYTES_MAX} bytes`);
  const where = `types.${name}`;
  checkNames(where, options, [
    'ttl',
    'idle',
    'importance',
    'maxShare',
    'reserve',
    'overflow',
    'reduce',
    'codec',
    'compress',
    'lazy',
    'near',
    'crc',
    'dedupe',
    'version',
    'migrate',
    'loader',
  ]);
  const { maxShare = 1, reserve = 0, version = 1, importance = 'standard', overflow = 'lru' } = options;
  checkPart(`${where}.maxShare`, maxShare);
  if (maxShare === 0) throw new OptionError(`${where}.maxShare`, maxShare, 'must be above 0');
  checkPart(`${where}.reserve`, reserve);
  if (reserve > maxShare) throw new OptionError(`${where}.reserve`, reserve, `must be at most maxShare, ${maxShare}`);
  resolveName(`${where}.overflow`, overflow, OVERFLOWS);
  checkReduce(where, overflow, options.reduce);
  const dedupes = resolveFlag(`${where}.dedupe`, options.dedupe);
  if (dedupes) checkDedupe(where, overflow);
  checkVersion(`${where}.version`, version);
  if (options.compress !== undefined) checkNames(`${where}.compress`, options.compress, COMPRESS_OPTIONS);
  const compression = resolveCompress(`${where}.compress`, options.compress, overflow === 'compress');
  const codec = resolveCodec(`${where}.codec`, options.codec);
  const lazy = resolveLazy(`${where}.lazy`, options.lazy, codec);
  const near = nearPlanOf(`${where}.near`, options, codec);
  return {
    name,
    overflow,
    importance: IMPORTANCES.indexOf(resolveName(`${where}.importance`, importance, IMPORTANCES)),
    maxShare,
    reserve,
    isAggressive: overflow === 'aggressive-lru',
    ttlMs: options.ttl === undefined ? 0 : parseDuration(`${where}.ttl`, options.ttl),
    idleMs: options.idle === undefined ? 0 : parseDuration(`${where}.idle`, options.idle),
    codec,
    hasCrc: resolveFlag(`${where}.crc`, options.crc),
    dedupes,
    version,
    migrates: resolveMigrations(`${where}.migrate`, version, options.migrate).size > 0,
    ...(compression !== undefined && { compression }),
    ...(options.loader !== undefined && { loader: resolveModuleUrl(`${where}.loader`, options.loader) }),
    ...(lazy !== undefined && { lazy }),
    ...(near !== undefined && { near }),
  };
}

function nearPlanOf(where: string, { near, lazy, dedupe }: TypeOptions, codec: string): NearPlan | undefined {
  if (near === undefined) return undefined;
  checkNames(where, near, NEAR_OPTIONS);
  if (codec === 'raw') throw new OptionError(where, 'given', "needs a codec other than 'raw': bytes can't be frozen");
  if (lazy !== undefined) throw new OptionError(where, 'given', 'can not be had with lazy: it keeps whole values');
  if (dedupe === true)
    throw new OptionError(where, 'given', 'can not be had with dedupe: a shared value may leave before its keys do');
  return resolveNear(where, near);
}

function resolveCodec(where: string, codec: TypeOptions['codec'] = DEFAULT_CODEC): string {
  if (typeof codec === 'string') return resolveName(where, codec, CODEC_NAMES);
  checkCodec(where, codec);
  return OWN_CODEC;
}

function resolveFlag(where: string, flag: boolean | undefined): boolean {
  if (flag === undefined || typeof flag === 'boolean') return flag === true;
  throw new OptionError(where, flag, 'must be true or false');
}

function checkReduce(where: string, overflow: Overflow, reduce: unknown): void {
  if (overflow === 'reduce') checkReducer(`${where}.reduce`, reduce);
  else if (reduce !== undefined)
    throw new OptionError(`${where}.reduce`, 'given', `needs overflow 'reduce', not '${overflow}'`);
}

/** A part of the capacity. */
function checkPart(where: string, part: number): void {
  if (typeof part === 'number' && part >= 0 && part <= 1) return;
  throw new OptionError(where, part, 'must be a number from 0 to 1');
}

function resolveName<N extends string>(where: string, name: N, names: readonly N[]): N {
  if (names.includes(name)) return name;
  throw new OptionError(where, name, `must be one of ${names.join(', ')}`);
}
