/** What the engine needs from the floors above. It knows nothing else of them. */

/** A mark is 20 bits that a policy keeps in the slot of each entry. */
export const MARK_MASK = 0x000fffff;

/** Stands for no type: room is made for the cache as a whole. */
export const NO_TYPE = -1;

/**
 * Decides which entries are cold. Its state lies in the marks and in the policy's words of each shard record, all of
 * it hints: after a death some of it may be older than it was. `shard` is the index of the shard's record.
 */
export interface EvictionPolicy {
  /** Ranks that differ by less are alike: a page isn't moved from class to class for them. */
  readonly tolerance: number;
  /** Once, by the thread that created the arena, before any other sees it. */
  format(): void;
  /** The mark of an entry stored now under a new key. Under the shard's lock. */
  admit(shard: number, hash: number): number;
  /** The mark of an entry read or stored anew now that had `mark`. Writes nothing. Under no lock. */
  touch(shard: number, mark: number, hash: number): number;
  /** The mark of an entry that had `mark` and that a sweep looks at: for marks that must not grow too old. Under the lock. */
  refresh(shard: number, mark: number): number;
  /** The same of an entry whose mark reads leave alone, and whose last use is known as a tick. Under the lock. */
  touchAt(shard: number, mark: number, tick: number): number;
  /** How cold an entry is whose first chunk has so many granules: from 0, which is as good as new, to 2^24. Under the lock. */
  rank(shard: number, mark: number, granules: number): number;
  /** The rank, but 0 of an entry that is known to stay if it is judged; the policy takes no note of the question. Under the lock. */
  coldness(shard: number, mark: number, granules: number): number;
  /** A number that grows as the ranks of untouched entries do: ranks of two moments compare less this. Under the lock. */
  drift(shard: number): number;
  /** The tick of the last use of an entry with this mark, as closely as is known, never after it. Under the lock. */
  lastUse(shard: number, mark: number): number;
  /** Asked before an entry is evicted for its rank: MAY_GO, or the mark with which it stays. Under the lock. */
  judge(shard: number, mark: number, hash: number): number;
  /** Told of an entry that is evicted. Under the lock. */
  forget(shard: number, mark: number, hash: number): void;
  /** Told of each use of an entry, a read that hits or a set, with its bytes of key and value. Under the lock or under none. */
  observe(shard: number, hash: number, bytes: number): void;
}

/** The entry that was asked about may go. */
export const MAY_GO = -1;

/** Decides whose entries may go, and whose go first. Usage is in granules of 8 bytes, chunks as a whole. */
export interface EvictionRules {
  /** How soon the entries of a type go at the present pressure: 0 not at all, to 7; higher goes first. */
  precedence(type: number): number;
  /** Whether a type is within what is reserved for it, so that room for `forType` must not be made at its cost. */
  isReserved(type: number, forType: number): boolean;
  /** Whether a type has a share smaller than the cache. */
  isLimited(type: number): boolean;
  /** Granules of its own that a type must give up so that it may store so many more; Infinity if its share is smaller. */
  excess(type: number, granules: number): number;
  /** Granules that it should give up now: for a type that makes room ahead, more than the excess. */
  surplus(type: number, granules: number): number;
}

/** Decides how much a user may have: the share of its tier, moved by its activity. What it keeps is one word a user. */
export interface QuotaPolicy {
  /** The activity of a user that stores something at a tick; `activity` was 0 for a new one. */
  active(activity: number, tick: number): number;
  /** Granules that a user of this activity may have at a tick, of `shareGranules` that its tier gives. */
  limit(shareGranules: number, activity: number, tick: number): number;
}
