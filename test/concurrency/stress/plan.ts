/** The cache, keys and messages of the stress run. */
import type { CacheHandle, CacheOptions } from 'velocache';
import type { StampedObject } from '../support/stamped.js';

export interface StressTypes {
  default: Uint8Array;
  packed: StampedObject;
  structured: StampedObject;
  json: StampedObject;
  cbor: StampedObject;
  brief: Uint8Array;
  chained: Uint8Array;
}
export type StressType = keyof StressTypes;

export const BRIEF_TTL_MS = 60;
/** A value is served at most this long behind its deadline, even while the clock's ticker is replaced. */
export const LATE_MS_MAX = 1_000;
/** So few, that all threads are at the same ones all the time. */
export const KEYS: readonly StressType[] = [
  ...Array<StressType>(10).fill('default'),
  ...Array<StressType>(8).fill('packed'),
  ...Array<StressType>(3).fill('structured'),
  ...Array<StressType>(3).fill('json'),
  ...Array<StressType>(3).fill('cbor'),
  ...Array<StressType>(4).fill('brief'),
  ...Array<StressType>(3).fill('chained'),
];
/** The types whose values are objects, packed by a codec. */
export const OBJECT_TYPES: readonly StressType[] = ['packed', 'structured', 'json', 'cbor'];
export const CHAINED_BYTES_MIN: number = 2 ** 20;
export const CHAINED_BYTES_MAX: number = 2 ** 22 - 2 ** 10;

/** Room for two or three of the chained values and little else, so that everything is evicted all the time. */
export const OPTIONS: CacheOptions<StressTypes> = {
  capacity: '10mb',
  slab: { maxItem: '4mb', pageSize: '16kb' },
  types: {
    packed: { codec: 'msgpack', idle: '1m' },
    structured: { codec: 'structured' },
    json: { codec: 'json' },
    cbor: { codec: 'cbor' },
    brief: { ttl: BRIEF_TTL_MS },
    chained: {},
  },
};

export interface StressData {
  readonly handle: CacheHandle<StressTypes>;
  readonly thread: number;
  readonly seed: number;
  readonly operations: number;
  /** Of the operations, those on chained values, which take a thousand times as long. */
  readonly chainedShare: number;
  readonly untilMs: number;
  /** The names of the keys, in the order of `KEYS`: chosen to collide. */
  readonly names: readonly string[];
  /** Names that collide with those; nobody looks at their values. */
  readonly fillers: readonly string[];
  /** Word 0: the stamps. */
  readonly stamps: SharedArrayBuffer;
}

export interface StressOutcome {
  /** Five numbers an operation: key, value, whether it is a read, begin, end. */
  readonly operations: Int32Array;
  readonly problems: readonly string[];
  readonly done: number;
  readonly busy: number;
  readonly hits: number;
}
