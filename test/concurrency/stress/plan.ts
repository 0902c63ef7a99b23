/** The cache, keys and messages of the stress run. */
import protobufjs from 'protobufjs';
import { type AttachFunctions, type CacheHandle, type CacheOptions, protobuf } from 'velocache';
import type { StampedObject } from '../support/stamped.js';

export interface StressTypes {
  default: Uint8Array;
  packed: StampedObject;
  structured: StampedObject;
  json: StampedObject;
  cbor: StampedObject;
  protobuf: StampedObject;
  zlib: StampedObject;
  brotli: StampedObject;
  lz4: StampedObject;
  auto: StampedObject;
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
  ...Array<StressType>(2).fill('protobuf'),
  ...Array<StressType>(2).fill('zlib'),
  ...Array<StressType>(2).fill('brotli'),
  ...Array<StressType>(2).fill('lz4'),
  ...Array<StressType>(2).fill('auto'),
  ...Array<StressType>(4).fill('brief'),
  ...Array<StressType>(3).fill('chained'),
];
/** The types whose values are objects, packed by a codec. */
export const OBJECT_TYPES: readonly StressType[] = [
  'packed',
  'structured',
  'json',
  'cbor',
  'protobuf',
  'zlib',
  'brotli',
  'lz4',
  'auto',
];
export const CHAINED_BYTES_MIN: number = 2 ** 20;
export const CHAINED_BYTES_MAX: number = 2 ** 22 - 2 ** 10;

const { root } = protobufjs.parse(`syntax = "proto3";
  message Inner { sint32 seed = 1; repeated double list = 2; }
  message Stamped { repeated sint32 stamp = 1; uint32 size = 2; string text = 3; Inner inner = 4; }`);
const stampedCodec = protobuf<StampedObject>(root.lookupType('Stamped'));

/** What a thread that attaches gives again. */
export const FUNCTIONS: AttachFunctions<StressTypes> = { types: { protobuf: { codec: stampedCodec } } };

/** Values from here on are compressed. */
const ABOVE = 200;

/** Room for two or three of the chained values and little else, so that everything is evicted all the time. */
export const OPTIONS: CacheOptions<StressTypes> = {
  capacity: '10mb',
  slab: { maxItem: '4mb', pageSize: '16kb' },
  types: {
    packed: { codec: 'msgpack', idle: '1m', near: {} },
    structured: { codec: 'structured' },
    json: { codec: 'json', near: { entries: 2 } },
    cbor: { codec: 'cbor' },
    protobuf: { codec: stampedCodec, crc: true },
    zlib: { compress: { with: 'zlib', above: ABOVE, level: 1 }, crc: true },
    brotli: { codec: 'json', compress: { with: 'brotli', above: ABOVE, level: 1 } },
    lz4: { codec: 'cbor', compress: { with: 'lz4', above: ABOVE } },
    auto: { compress: { above: ABOVE }, version: 3, near: {} },
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
