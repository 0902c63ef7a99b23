/**
 * When an entry has had its time. The slot's time word is its deadline; an entry with an idle time has its last access
 * there, and its idle ticks and deadline in its header. 0 stands for no deadline.
 */
import { isBefore, type SharedClock } from '../../native-free/index.js';
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
 * The cause for which an entry is over, or NOT_EXPIRED. Never early: an access counts as made at the end of its tick.
 */
export function expiryOf(clock: SharedClock, tag: number, time: number, words: Int32Array, at: number): number {
  if ((tag & TAG_IDLE) === 0) return expiryAt(clock, time, 0, 0);
  const idle = at + idleWord(flagsOf(words[at + WORD_SIZES]!));
  return expiryAt(clock, words[idle + 1]!, time, words[idle]!);
}

/** The same of an entry that ends at `deadline`, 0 for never, and `idleTicks` behind its last use, if they are not 0. */
export function expiryAt(clock: SharedClock, deadline: number, lastUse: number, idleTicks: number): number {
  if (deadline !== 0 && clock.hasPassed(deadline)) return CAUSE.expired;
  return idleTicks !== 0 && clock.hasPassed((lastUse + idleTicks + 1) | 0) ? CAUSE.idle : NOT_EXPIRED;
}
