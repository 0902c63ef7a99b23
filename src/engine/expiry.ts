/**
 * When an entry has had its time. The slot's time word is its deadline; an entry with an idle time has its last access
 * there, and its idle ticks and deadline in its header. 0 stands for no deadline.
 */
import { checkpoint, load, type Words } from '#atomics';
import { BUCKET, isBefore, type SharedClock } from '../../native-free/index.js';
import { CAUSE } from './causes.js';
import { flagsOf, idleWord, WORD_SIZES } from './item.js';
import { TAG_IDLE } from './tag.js';

/** The tick at which an entry is over, unless it is read before; 0 for never. Its header may be given as it stands. */
export function dueTick(tag: number, time: number, words: Int32Array, at: number): number {
  if ((tag & TAG_IDLE) === 0) return time;
  const idle = at + idleWord(flagsOf(words[at + WORD_SIZES]!));
  return earlier(words[idle + 1]!, (time + words[idle]! + 1) | 0 || 1);
}

/** The earlier of two ticks, of which 0 stands for never. */
export function earlier(a: number, b: number): number {
  if (a === 0 || b === 0) return a | b;
  return isBefore(a, b) ? a : b;
}

/** The entry is live. */
export const NOT_EXPIRED = -1;

/**
 * The cause for which the entry in a slot of the bucket at `slots[at]` is over, or NOT_EXPIRED; its item is at `item[itemAt]`.
 * Never early: an access counts as made at the end of its tick.
 *
 * > Readers renew times under no lock, so the last access may have become a later one before the clock was read. An entry is
 * > over only if its time is still what it was behind that: then it was so when the clock was read.
 */
export function expiryOf(
  clock: SharedClock,
  slots: Words,
  at: number,
  slot: number,
  item: Int32Array,
  itemAt: number,
): number {
  const timeAt = at + BUCKET.times + slot * 2;
  const time = slots[timeAt]!;
  if (time === 0) return NOT_EXPIRED;
  if ((slots[at + BUCKET.tags + slot]! & TAG_IDLE) === 0) return expiryAt(clock, time, 0, 0);
  const idle = itemAt + idleWord(flagsOf(item[itemAt + WORD_SIZES]!));
  // A stop for tests: the time may be renewed, and the clock may go on.
  checkpoint();
  const cause = expiryAt(clock, item[idle + 1]!, time, item[idle]!);
  return cause === CAUSE.idle && load(slots, timeAt) !== time ? NOT_EXPIRED : cause;
}

/** The same of an entry that ends at `deadline`, 0 for never, and `idleTicks` behind its last use, if they are not 0. */
export function expiryAt(clock: SharedClock, deadline: number, lastUse: number, idleTicks: number): number {
  if (deadline !== 0 && clock.hasPassed(deadline)) return CAUSE.expired;
  return idleTicks !== 0 && clock.hasPassed((lastUse + idleTicks + 1) | 0) ? CAUSE.idle : NOT_EXPIRED;
}
