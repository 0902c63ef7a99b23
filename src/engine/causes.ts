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
] as const;

/**
 * explicit: `delete`. replaced: overwritten by `set`. expired: its TTL ran out. idle: not read for its idle time.
 * size: evicted to make room. flushed: `clear` or `clearAll`. recovered: emptied with a shard that could not be
 * repaired. share: evicted because its type had its share. pressure: evicted ahead of need.
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
} as const;

/** Every reason to refuse a set; the position is the code stored in events. */
export const REJECT_REASONS = ['room', 'share', 'quota', 'pressure', 'users'] as const;

/**
 * room: nothing may go that would make room. share: the type has its share. quota: the user has theirs. pressure: the
 * type is refused while pressure is critical. users: the table of users is full.
 */
export type RejectReason = (typeof REJECT_REASONS)[number];

export const REJECT = { room: 0, share: 1, quota: 2, pressure: 3, users: 4 } as const;

/** Counters of one type, by position in its part of a stripe. The reasons of rejects and the causes each take a row. */
export const TYPE_COUNTER = {
  hits: 0,
  misses: 1,
  sets: 2,
  deletes: 3,
  rejects: 4,
  causes: 9,
} as const;
export const TYPE_COUNTERS: number = TYPE_COUNTER.causes + REMOVAL_CAUSES.length;

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
} as const;
export const GLOBAL_COUNTERS = 8;
