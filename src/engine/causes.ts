/** Why an entry left, and the counters that the engine keeps: closed lists, shared with the statistics above. */

/** Every way for an entry to leave; the position is the code stored in events. */
export const REMOVAL_CAUSES = [
  'explicit',
  'replaced',
  'expired',
  'idle',
  'size',
  'flushed',
  'recovered',
  'share',
  'pressure',
  'quota',
] as const;

/**
 * explicit: `delete`. replaced: overwritten by `set`. expired: its TTL ran out. idle: not read for its idle time.
 * size: evicted to make room. flushed: `clear` or `clearAll`. recovered: emptied with a shard that could not be
 * repaired. share: evicted because its type had its share. pressure: evicted ahead of need. quota: evicted because its
 * user had more than its quota.
 */
export type RemovalCause = (typeof REMOVAL_CAUSES)[number];

export const CAUSE = {
  explicit: 0,
  replaced: 1,
  expired: 2,
  idle: 3,
  size: 4,
  flushed: 5,
  recovered: 6,
  share: 7,
  pressure: 8,
  quota: 9,
} as const;

/** The causes of evictions: all but those that the user brings about, the end of an entry's time, and harm. */
const OTHER_CAUSES: readonly RemovalCause[] = ['explicit', 'replaced', 'expired', 'idle', 'flushed', 'recovered'];
export const EVICTION_CAUSES: readonly RemovalCause[] = REMOVAL_CAUSES.filter((cause) => !OTHER_CAUSES.includes(cause));

/** Causes that listeners of evictions hear of and the log keeps: nobody asked for these removals. */
const UNASKED: readonly RemovalCause[] = ['expired', 'idle', 'recovered'];
export const LOGGED_CAUSES: readonly RemovalCause[] = [...EVICTION_CAUSES, ...UNASKED];

/** Every reason to refuse a set; the position is the code stored in events. */
export const REJECT_REASONS = ['room', 'share', 'quota', 'pressure', 'users'] as const;

/**
 * room: nothing may go that would make room. share: the type has its share. quota: the user has theirs. pressure: the
 * type is refused while pressure is critical. users: the table of users is full.
 */
export type RejectReason = (typeof REJECT_REASONS)[number];

export const REJECT = { room: 0, share: 1, quota: 2, pressure: 3, users: 4 } as const;

/**
 * Counters of one type, by position in its part of a stripe. Removals are counted in the shards (items.ts), where a
 * death can't part them from the entries that left.
 */
export const TYPE_COUNTER = {
  hits: 0,
  misses: 1,
  /** Bytes of the keys and values that were hit. */
  bytesHit: 2,
  /** Sets under keys that were absent, and the bytes of their keys and values. */
  inserts: 3,
  bytesInserted: 4,
  /** Ticks between the last use of an entry and its eviction. */
  evictionTicks: 5,
  /** The same between the last use of an entry and the end of its TTL. */
  expiryTicks: 6,
  /** Entries of a type over its share that took a smaller value, and those of which making one failed. */
  reductions: 7,
  reducerFailures: 8,
  /** Reads of entries whose value could not be had from what is stored; each is a miss, too. */
  decodeFailures: 9,
  /** Entries that took a value of a newer version; failures to make one; reads of a version that is not known yet. */
  migrations: 10,
  migrationFailures: 11,
  newerVersions: 12,
  /** Refused sets: a row, by reason. */
  rejects: 13,
  /**
   * Values compressed, their bytes before and after, the milliseconds that it took, and learning
   * dictionaries; values for which it didn't pay.
   */
  compressed: 18,
  bytesRaw: 19,
  bytesCompressed: 20,
  compressMs: 21,
  unpaid: 22,
  /** Values decompressed, and the milliseconds that it took. */
  decompressed: 23,
  decompressMs: 24,
  /** Those of the hits whose value the reading thread had on its heap. */
  nearHits: 25,
} as const;
export const TYPE_COUNTERS = 26;

/** Counters of the whole cache, behind those of all types in a stripe. */
export const GLOBAL_COUNTER = {
  recoveries: 0,
  deaths: 1,
  lockTimeouts: 2,
  readerFallbacks: 3,
  pagesMoved: 4,
  itemsMoved: 5,
  shardsEmptied: 6,
  splitsSkipped: 7,
  levelChanges: 8,
  bytesTrimmed: 9,
  ttlsShortened: 10,
  alerts: 11,
  /** Loads begun, those begun in place of a thread that was gone or late, and those that no other thread could share. */
  loads: 12,
  loadTakeOvers: 13,
  loadsUnshared: 14,
  /** Callers that waited for a load of another. */
  loadWaits: 15,
  /** Loads whose loader failed, and those that a set, delete or clear, or another load, came before. */
  loadFailures: 16,
  loadsLost: 17,
  /** Asynchronous operations that a pool did, that were done in place, and that a pool failed to do. */
  poolTasks: 18,
  poolInPlace: 19,
  poolFailures: 20,
} as const;
export const GLOBAL_COUNTERS = 21;
