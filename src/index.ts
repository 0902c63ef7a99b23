/** Everything public. */
export { ClockError, ManualClock } from '../native-free/index.js';
export type { Cache, CacheStats, UserUsage } from './cache/cache.js';
export type { CompressOptions } from './cache/compress-options.js';
export { attachCache, createCache } from './cache/create.js';
export type { CacheEvent, CacheEventName, CacheEvents, PressureEvent } from './cache/events.js';
export type { EvictionQuery, EvictionRecord } from './cache/evictions.js';
export type { Loader } from './cache/fetcher.js';
export type { AttachFunctions, TypeFunctions } from './cache/functions.js';
export { Gauge } from './cache/gauge.js';
export type { CacheHandle } from './cache/handle.js';
export type {
  FetchOptions,
  GetAsyncOptions,
  KeySpace,
  SetAsyncOptions,
  SetOptions,
  WriteStreamOptions,
} from './cache/key-space.js';
export type { NearOptions, NearStats } from './cache/near-cache.js';
export type { CacheOptions, PressureOptions, SlabOptions, TypeOptions } from './cache/options.js';
export type { PoolOptions } from './cache/pool/pool-options.js';
export type { PoolStats } from './cache/pool/stats.js';
export type { PressureActions, PressureStats } from './cache/pressure-words.js';
export type { ReduceInfo, Reducer } from './cache/reducer.js';
export type { CacheReadStream } from './cache/streams/read-stream.js';
export type { CacheWriteStream } from './cache/streams/write-stream.js';
export type { Duration, Size } from './cache/units.js';
export type { TierOf, UserOptions } from './cache/users.js';
export { type VeloReducers, type VeloTypes, veloTypes } from './cache/velo-types.js';
export type { Codec } from './codecs/codec.js';
export type { CodecName } from './codecs/codecs.js';
export { type MessageType, protobuf } from './codecs/protobuf.js';
export type { Migration, Migrations } from './codecs/versions.js';
export type { RejectReason, RemovalCause } from './engine/causes.js';
export type { ClassStats, CompressionStats, DedupeStats, TypeStats, UsersStats } from './engine/statistics.js';
export {
  BusyError,
  ClosedError,
  CodecError,
  HandleError,
  ItemTooLargeError,
  KeyError,
  LoadError,
  MemoryError,
  NotBytesError,
  OptionError,
  StreamError,
  ThreadsError,
  TypeNameError,
  ValueError,
  VelocacheError,
  WorkerError,
} from './errors.js';
export type { Alert, AlertCode, AlertSeverity } from './policies/alert.js';
export type { PressureSource } from './policies/pressure.js';
export type { Level as PressureLevel } from './policies/type-rules.js';
