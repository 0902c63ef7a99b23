/**
 * The keys of a run, and the cache that they live in. Each lane owns a range of keys of every kind, which only the
 * thread that is in the lane changes; everybody reads them. Beside those there are keys that everybody writes.
 */
import type { AttachFunctions, CacheHandle, CacheOptions } from 'velocache';
import { halfOf, type StampedObject } from '../support/stamped.js';

export const LANES_MAX = 16;
export const KEYS_PER_LANE = 2_000;
/** The first key that all lanes write. */
export const FIRST_SHARED: number = LANES_MAX * KEYS_PER_LANE;
/** Keys that all lanes write: few and hot, and many that make evictions. */
const HOT_KEYS = 48;
export const NOISE_KEYS = 120_000;
/** Behind the hot keys: those of two types that no eviction may touch, and of one that is always at its share. */
const SAFE_KEYS = 300;
const RESERVED_BYTES_MAX = 4_000;
const LIMITED_KEYS = 8_000;
export const FIRST_NOISE: number = FIRST_SHARED + HOT_KEYS + SAFE_KEYS + LIMITED_KEYS;
/** The lane that owns the keys of the type that is cleared now and then. */
export const CLEARING_LANE = 0;

export type Value = Uint8Array | StampedObject;
export interface KillTypes {
  default: Value;
  small: Value;
  brief: Value;
  object: Value;
  structured: Value;
  chained: Value;
  reserved: Value;
  vital: Value;
  limited: Value;
}
export type TypeName = keyof KillTypes;

const CAPACITY = '32mb';
export const BRIEF_TTL_MS = 400;

/** Users whose entries are all over the keys, and those among them that fill their quota. */
export const USERS = 3_000;
export const BUSY_USERS = 6;

/**
 * Types that have less than is theirs at any time, so that nothing of them may be evicted. An entry of a reserved type
 * may go for another one of that type: those are stored before the load begins, and only read by it.
 */
export const SAFE_TYPES = ['reserved', 'vital'] as const;
export const LIMITED_SHARE = 0.05;

const REDUCERS = { limited: { reduce: (value: Value) => (value instanceof Uint8Array ? undefined : halfOf(value)) } };

export const OPTIONS: CacheOptions<KillTypes> = {
  capacity: CAPACITY,
  // The load fills heaps and holds up event loops on purpose: what is lost must not be taken for what pressure keeps free.
  pressure: { rss: false, heap: false, eventLoop: false },
  users: { tiers: { standard: 0.04 }, max: USERS },
  types: {
    small: { idle: '10s' },
    brief: { ttl: BRIEF_TTL_MS, idle: 250 },
    object: { codec: 'msgpack', idle: '1m', near: {} },
    structured: { codec: 'structured' },
    chained: { ttl: '1h' },
    reserved: { importance: 'optional', reserve: 0.08, maxShare: 0.1 },
    vital: { importance: 'critical' },
    limited: { maxShare: LIMITED_SHARE, overflow: 'reduce', ...REDUCERS.limited },
  },
};

/** Types whose entries run out within a round. */
export const MORTAL_TYPES = ['small', 'brief', 'object'] as const;

/** What a thread gives to attach to a cache with these options, or to another. */
export function functionsFor(handle: CacheHandle<KillTypes>): AttachFunctions<KillTypes> {
  return handle.plan.types.some(({ name }) => name === 'limited') ? { types: REDUCERS } : {};
}

/** Index in the lane at which each kind ends. */
const SMALL_END = 400;
const OBJECT_END = 1_200;
const STRUCTURED_END = 1_600;
const BYTES_END = 1_970;

export function isOwned(keyId: number): boolean {
  return keyId < FIRST_SHARED;
}

export function typeOf(keyId: number): TypeName {
  if (!isOwned(keyId)) return sharedTypeOf(keyId - FIRST_SHARED);
  const at = keyId % KEYS_PER_LANE;
  if (at < SMALL_END) return keyId < KEYS_PER_LANE ? 'small' : 'brief';
  if (at < OBJECT_END) return 'object';
  if (at < STRUCTURED_END) return 'structured';
  return at < BYTES_END ? 'default' : 'chained';
}

function sharedTypeOf(at: number): TypeName {
  if (at < HOT_KEYS) return 'object';
  if (at < HOT_KEYS + SAFE_KEYS) return at % 2 === 0 ? 'reserved' : 'vital';
  return FIRST_SHARED + at < FIRST_NOISE ? 'limited' : 'default';
}

/** Ids of the keys of the reserved type. */
export const RESERVED_KEYS: readonly number[] = Array.from(
  { length: SAFE_KEYS / 2 },
  (_, i) => FIRST_SHARED + HOT_KEYS + 2 * i,
);

/** The length of the value of a reserved key, the same in all runs. */
export function reservedBytes(keyId: number): number {
  return (keyId * 7_919) % RESERVED_BYTES_MAX;
}

/** A key that all use: hot, safe, limited, or one of the many. `choice` is from 0 to 1, `below` a random number. */
export function sharedKey(choice: number, below: (bound: number) => number): number {
  if (choice < 0.3) return FIRST_SHARED + below(HOT_KEYS);
  if (choice < 0.4) return FIRST_SHARED + HOT_KEYS + below(SAFE_KEYS);
  if (choice < 0.55) return FIRST_SHARED + HOT_KEYS + SAFE_KEYS + below(LIMITED_KEYS);
  return FIRST_NOISE + below(NOISE_KEYS);
}

/** Ids of the keys of the cleared type: all owned by one lane. */
export const CLEARED_KEYS: readonly number[] = Array.from(
  { length: SMALL_END },
  (_, i) => CLEARING_LANE * KEYS_PER_LANE + i,
);

export function firstChained(lane: number): number {
  return lane * KEYS_PER_LANE + BYTES_END;
}

export const CHAINED_PER_LANE: number = KEYS_PER_LANE - BYTES_END;

/** Most keys are short; some take a line, a few more than a page holds. */
export function keyOf(keyId: number): string {
  if (keyId % 97 === 5) return `${keyId}:${'long-clé-'.repeat(300)}`;
  if (keyId % 13 === 3) return `${keyId}:${'medium-'.repeat(20)}`;
  return `${keyId}:k`;
}

/** The id of a key that `keyOf` made, or -1. */
export function idOf(key: string): number {
  const id = Number.parseInt(key, 10);
  return id >= 0 && keyOf(id) === key ? id : -1;
}
