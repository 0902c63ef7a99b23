/** Re-exports only: the primitives over SharedArrayBuffer that the floors above may use. */
export {
  AppendLog,
  LOG_BUSY,
  LOG_FULL,
  LOG_HEADER_BYTES,
  LOG_MOVED,
  RECORD_KIND,
  recordBytes,
} from './append-log.js';
export { Arena, type ArenaIdentity } from './arena.js';
export { assert, InvariantError } from './assert.js';
export { alignUp, ceilPower, countBits, isPower, lowestBit } from './bits.js';
export {
  ClockError,
  COARSE_TICKS_MAX,
  isBefore,
  isClockBuffer,
  ManualClock,
  SharedClock,
  SPAN_MS_MAX,
  spanTicks,
  TICK_MS,
} from './clock.js';
export { copyBytes } from './copy.js';
export { Counters } from './counters.js';
export { EventRing, type RingRecord } from './event-ring.js';
export { EvictionLog, LOGGED_KEY_BYTES, type LoggedEviction } from './eviction-log.js';
export {
  FLIGHT,
  FLIGHT_WAITER_WORDS,
  FLIGHT_WAYS,
  FLIGHTS,
  type FlightsRegion,
  OUTCOME,
  OUTCOME_COUNT,
  OUTCOME_TEXT_MAX,
} from './flights-region.js';
export { KeyHash } from './hash.js';
export { Journal } from './journal.js';
export {
  type ArenaConfig,
  BUCKET,
  BUCKET_GRANULES,
  BUCKET_SLOTS,
  CLASS_MAX,
  HEADER,
  JOURNAL_ENTRIES,
  LAYOUT_VERSION,
  Layout,
  PAGE,
  PRECEDENCES,
  REMOVAL_WORDS,
  RING_ENTRIES,
  RING_WORDS,
  SHARD,
  STATE_CLOSED,
  STATE_OPEN,
  TYPE_WORDS,
} from './layout.js';
export { acquire, isHeldBy, LOCK_BUSY, LOCK_FREE, LOCK_LEFT, release } from './mutex.js';
export {
  lockToken,
  OWNER_INTENT_COUNT,
  OWNER_INTENTS,
  OWNER_OWED,
  OWNER_SLOTS,
  OWNER_TAKEN,
  OWNER_WORDS,
  OwnerTable,
  SHARE_UNIT,
} from './owners.js';
export { RecentCounts } from './recent-counts.js';
export { POINTERS, REFERENCE } from './references-region.js';
export { SEQUENCE_BUSY, SeqlockReader } from './seqlock.js';
export { isSharedMemory } from './shared-memory.js';
export { STRIPE, STRIPE_JOURNAL_ENTRIES, USER, USER_OPERATION, USERS_MAX, type UsersRegion } from './users-region.js';
