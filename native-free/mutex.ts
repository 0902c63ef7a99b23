/**
 * A robust lock in one word: 0, or the owner's token with the waiters' bit (after Drepper, "Futexes are tricky",
 * 2011, mutex 2). A lock is taken from another only if its owner is proven gone, never by time. Parks are short and
 * end by themselves, because a notification may go to a waiter that is dying.
 */
import { compareExchange, exchange, load, notify, type Words, wait } from '#atomics';
import type { OwnerTable } from './owners.js';

/** The lock could not be had within the bound. */
export const LOCK_BUSY = 0;
/** The lock was free: what it guards is whole. */
export const LOCK_FREE = 1;
/** The lock was left by an owner that is gone, or abandoned by this very thread: repair what it guards first. */
export const LOCK_LEFT = 2;

const WAITERS = 1;
const SPINS = 50;
/** Between two looks: some 100 ns. */
const PAUSE_TURNS = 250;
const PARK_MS = 2;
/** The word behind a lock counts how often it was let go of. */
const TURNS = 1;
/** A waiter that sees others take their turns waits on, but not longer than this many times its bound. */
const PATIENCE = 10;

/**
 * Takes the lock at `words[index]` for `token`; the word behind it belongs to the lock too. Gives up when nobody has let
 * go of it for `waitMs`, which only an owner that is gone and not yet known to be explains; in any case after ten times
 * that. Both are rounded up to whole parks.
 */
export function acquire(words: Words, index: number, token: number, owners: OwnerTable, waitMs: number): number {
  if (compareExchange(words, index, 0, token) === 0) return LOCK_FREE;
  for (let spin = 0; spin < SPINS; spin++) {
    pause();
    if (load(words, index) === 0 && compareExchange(words, index, 0, token) === 0) return LOCK_FREE;
  }
  return acquireParked(words, index, token, owners, waitMs);
}

/** Stays off the lock's cache line: its owner writes to that, and each look from elsewhere takes it away. */
function pause(): void {
  let turns = 0;
  while (turns < PAUSE_TURNS) turns += 1;
}

function acquireParked(words: Words, index: number, token: number, owners: OwnerTable, waitMs: number): number {
  const begunMs = performance.now();
  let sinceMs = begunMs;
  let turns = words[index + TURNS]!;
  // From here on the word is taken with the waiters' bit: other waiters may be parked that nobody else would wake.
  const mine = token | WAITERS;
  for (;;) {
    const nowMs = performance.now();
    if (nowMs - sinceMs >= waitMs && words[index + TURNS]! === turns) return LOCK_BUSY;
    if (nowMs - begunMs >= waitMs * PATIENCE) return LOCK_BUSY;
    if (words[index + TURNS]! !== turns) {
      turns = words[index + TURNS]!;
      sinceMs = nowMs;
    }
    const seen = load(words, index);
    if (seen === 0) {
      if (compareExchange(words, index, 0, mine) === 0) return LOCK_FREE;
      continue;
    }
    if ((seen & ~WAITERS) === token || owners.isGone(seen)) {
      if (compareExchange(words, index, seen, mine) === seen) return LOCK_LEFT;
      continue;
    }
    const parked = seen | WAITERS;
    if (seen !== parked && compareExchange(words, index, seen, parked) !== seen) continue;
    wait(words, index, parked, PARK_MS);
  }
}

export function release(words: Words, index: number): void {
  words[index + TURNS] = (words[index + TURNS]! + 1) | 0;
  if ((exchange(words, index, 0) & WAITERS) !== 0) notify(words, index, 1);
}

/** Whether the lock word names this owner. */
export function isHeldBy(words: Words, index: number, token: number): boolean {
  return (load(words, index) & ~WAITERS) === token;
}
