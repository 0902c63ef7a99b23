/** What the engine needs from the floors above. It knows nothing else of them. */

/**
 * Decides which entries are cold. All state lies in the shard records; a stamp is 20 bits that the policy gives to an
 * entry when it is stored and, by its reader, when it is read. `shard` is the index of the shard's record.
 */
export interface EvictionPolicy {
  /** The stamp of an entry stored now. Under the shard's lock. */
  admit(shard: number): number;
  /** The stamp of an entry read now. Under no lock. */
  current(shard: number): number;
  /** How long ago an entry with this stamp was used, in the policy's own unit, from 0. Under the lock. */
  age(shard: number, stamp: number): number;
  /** The same for an entry whose last use is known as a tick. Under the lock. */
  ageOfTick(shard: number, tick: number): number;
  /** Whether an entry of this age is among the coldest, about one in sixteen. Adapts itself. Under the lock. */
  isCold(shard: number, age: number): boolean;
}
