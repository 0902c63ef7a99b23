/**
 * The keys of a run, and the cache that they live in. Each lane owns a range of keys of every kind, which only the
 * thread that is in the lane changes; everybody reads them. Beside those there are keys that everybody writes.
 */
import type { CacheOptions } from 'velocache';
import type { StampedObject } from '../support/stamped.js';

export const LANES_MAX = 16;
export const KEYS_PER_LANE = 2_000;
/** Keys that all lanes write: few and hot, and many that make evictions. */
export const HOT_KEYS = 48;
export const NOISE_KEYS = 120_000;
export const FIRST_SHARED: number = LANES_MAX * KEYS_PER_LANE;
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
}
export type TypeName = keyof KillTypes;

const CAPACITY = '32mb';
export const BRIEF_TTL_MS = 400;

/** Users whose entries are all over the keys, and those among them that fill their quota. */
export const USERS = 3_000;
export const BUSY_USERS = 6;

export const OPTIONS: CacheOptions<KillTypes> = {
  capacity: CAPACITY,
  // The load fills heaps and holds up event loops on purpose: what is lost must not be taken for what pressure keeps free.
  pressure: { rss: false, heap: false, eventLoop: false },
  users: { tiers: { standard: 0.04 }, max: USERS },
  types: {
    small: { idle: '10s' },
    brief: { ttl: BRIEF_TTL_MS, idle: 250 },
    object: { codec: 'msgpack', idle: '1m' },
    structured: { codec: 'structured' },
    chained: { ttl: '1h' },
  },
};

/** Index in the lane at which each kind ends. */
const SMALL_END = 400;
const OBJECT_END = 1_200;
const STRUCTURED_END = 1_600;
const BYTES_END = 1_970;

export function isOwned(keyId: number): boolean {
  return keyId < FIRST_SHARED;
}

export function typeOf(keyId: number): TypeName {
  if (!isOwned(keyId)) return keyId - FIRST_SHARED < HOT_KEYS ? 'object' : 'default';
  const at = keyId % KEYS_PER_LANE;
  if (at < SMALL_END) return keyId < KEYS_PER_LANE ? 'small' : 'brief';
  if (at < OBJECT_END) return 'object';
  if (at < STRUCTURED_END) return 'structured';
  return at < BYTES_END ? 'default' : 'chained';
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
