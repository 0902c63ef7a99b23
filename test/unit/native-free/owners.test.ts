/** The owner table and the robust mutex: nobody takes a lock from a living owner, anybody from one that is gone. */
import { describe, expect, it, vi } from 'vitest';
import {
  acquire,
  isHeldBy,
  LOCK_BUSY,
  LOCK_FREE,
  LOCK_LEFT,
  lockToken,
  OWNER_SLOTS,
  OWNER_WORDS,
  OwnerTable,
  release,
} from '../../../native-free/index.js';

const LOCK = 8;
const WAIT_MS = 20;

function make() {
  const words = new Int32Array(new SharedArrayBuffer((16 + OWNER_SLOTS * OWNER_WORDS) * 4));
  return { words, owners: new OwnerTable(words, 16) };
}

describe('OwnerTable', () => {
  it('gives each thread a slot, until there is none', () => {
    const { owners } = make();
    const slots = Array.from({ length: OWNER_SLOTS }, (_, i) => owners.claim(i));
    expect(new Set(slots).size).toBe(OWNER_SLOTS);
    expect(owners.claim(999)).toBe(-1);
    slots.forEach((slot, threadId) => {
      expect([owners.threadOf(slot), owners.isLive(slot), owners.isDead(slot)]).toEqual([threadId, true, false]);
    });
    owners.release(slots[3]!, 3);
    expect([owners.threadOf(3), owners.isLive(3), owners.isDead(3)]).toEqual([-1, false, false]);
    expect(owners.claim(999)).toBe(slots[3]);
  });

  it('keeps what each thread says of itself, in words that nothing else of its record touches', () => {
    const { words, owners } = make();
    const [a, b] = [owners.claim(5), owners.claim(6)];
    owners.setListens(a, 6);
    const before = words.slice();
    owners.setVitals(a, 0.1234, 56.7, -8);
    owners.setVitals(b, 1, 1e12, 9);
    const vitals = (slot: number) => [owners.heapShare(slot), owners.delayMs(slot), owners.saidMs(slot)];
    expect([vitals(a), vitals(b)]).toEqual([
      [0.1234, 57, -8],
      [1, 2 ** 31 - 1, 9],
    ]);
    const changed = [...words.keys()].filter((i) => words[i] !== before[i]);
    expect(changed).toEqual([a, b].flatMap((slot) => [36, 37, 38].map((word) => owners.record(slot) + word)));
  });

  it('goes from live to dead to free, each step once, and only for the thread that it is about', () => {
    const { owners } = make();
    const slot = owners.claim(5);
    expect(owners.freeDead(slot, 5)).toBe(false);
    expect(owners.markDead(slot, 6)).toBe(false);
    expect(owners.markDead(slot, 5)).toBe(true);
    expect(owners.markDead(slot, 5)).toBe(false);
    expect([owners.isDead(slot), owners.threadOf(slot)]).toEqual([true, 5]);
    owners.release(slot, 5);
    expect(owners.isDead(slot)).toBe(true);
    expect(owners.freeDead(slot, 6)).toBe(false);
    expect(owners.freeDead(slot, 5)).toBe(true);
    expect(owners.freeDead(slot, 5)).toBe(false);
    expect(owners.claim(7)).toBe(slot);
    expect(owners.markDead(slot, 5)).toBe(false);
  });

  it("knows who is gone: the dead, the freed, and those whose slot is another's now", () => {
    const { owners } = make();
    const slot = owners.claim(5);
    const token = lockToken(slot, 5);
    expect(owners.isGone(token)).toBe(false);
    expect(owners.isGone(token | 1)).toBe(false);
    owners.markDead(slot, 5);
    expect(owners.isGone(token)).toBe(true);
    owners.freeDead(slot, 5);
    expect(owners.isGone(token)).toBe(true);
    expect(owners.claim(6)).toBe(slot);
    expect(owners.isGone(token)).toBe(true);
    expect(owners.isGone(lockToken(slot, 6))).toBe(false);
  });

  it('makes tokens that are never 0, even, positive, and different for all slots and threads', () => {
    const tokens = new Set<number>();
    for (const threadId of [0, 1, 2, 1_000, 0x3ffffc, 0x3ffffd]) {
      for (let slot = 0; slot < OWNER_SLOTS; slot++) {
        const token = lockToken(slot, threadId);
        expect(token > 0 && token % 2 === 0, `${threadId} ${slot}`).toBe(true);
        tokens.add(token);
      }
    }
    expect(tokens.size).toBe(6 * OWNER_SLOTS);
  });

  it('keeps thread ids beyond those that a token can tell apart', () => {
    const { owners } = make();
    const threadId = 0x3ffffe + 5;
    const slot = owners.claim(threadId);
    expect(owners.threadOf(slot)).toBe(threadId);
    expect(owners.isGone(lockToken(slot, threadId))).toBe(false);
  });

  it('keeps what each thread listens for apart', () => {
    const { owners } = make();
    const [a, b] = [owners.claim(1), owners.claim(2)];
    owners.setListens(a, 6);
    expect([owners.listens(a), owners.listens(b)]).toEqual([6, 0]);
  });
});

describe('mutex', () => {
  function two() {
    const { words, owners } = make();
    const [a, b] = [owners.claim(1), owners.claim(2)];
    return { words, owners, slotA: a, tokenA: lockToken(a, 1), tokenB: lockToken(b, 2) };
  }

  it('is taken when free, and names its owner', () => {
    const { words, owners, tokenA, tokenB } = two();
    expect(acquire(words, LOCK, tokenA, owners, WAIT_MS)).toBe(LOCK_FREE);
    expect([isHeldBy(words, LOCK, tokenA), isHeldBy(words, LOCK, tokenB)]).toEqual([true, false]);
    expect(words[LOCK + 1]).toBe(0);
    release(words, LOCK);
    expect(words[LOCK]).toBe(0);
    // The turn that waiters look for.
    expect(words[LOCK + 1]).toBe(1);
    expect(acquire(words, LOCK, tokenB, owners, WAIT_MS)).toBe(LOCK_FREE);
  });

  /** How many looks at the time a wait takes, with 100 ms between two and a turn taken at each of the first `turns`. */
  function looksOfWait(turns: number): number {
    const { words, owners, tokenA, tokenB } = two();
    acquire(words, LOCK, tokenA, owners, WAIT_MS);
    let looks = 0;
    const time = vi.spyOn(performance, 'now').mockImplementation(() => {
      looks += 1;
      // The first look begins the wait.
      if (looks > 1 && looks <= turns + 1) words[LOCK + 1]! += 1;
      return looks * 100;
    });
    expect(acquire(words, LOCK, tokenB, owners, 300)).toBe(LOCK_BUSY);
    time.mockRestore();
    return looks;
  }

  it('is waited for while others take their turns at it, up to ten times the bound', () => {
    const still = looksOfWait(0);
    expect(looksOfWait(10)).toBe(still + 10);
    // 3,000 ms behind the first look.
    expect(looksOfWait(1_000)).toBe(31);
  });

  it('is never taken from the living: the wait ends at its bound, and they still hold it', () => {
    const { words, owners, tokenA, tokenB } = two();
    acquire(words, LOCK, tokenA, owners, WAIT_MS);
    for (let i = 0; i < 3; i++) expect(acquire(words, LOCK, tokenB, owners, WAIT_MS)).toBe(LOCK_BUSY);
    expect(isHeldBy(words, LOCK, tokenA)).toBe(true);
    release(words, LOCK);
    expect(acquire(words, LOCK, tokenB, owners, WAIT_MS)).toBe(LOCK_FREE);
  });

  it.each(['dead', 'freed', 'replaced'])('is taken from an owner that is gone: %s', (how) => {
    const { words, owners, slotA, tokenA, tokenB } = two();
    acquire(words, LOCK, tokenA, owners, WAIT_MS);
    owners.markDead(slotA, 1);
    if (how !== 'dead') owners.freeDead(slotA, 1);
    if (how === 'replaced') owners.claim(3);
    expect(acquire(words, LOCK, tokenB, owners, WAIT_MS)).toBe(LOCK_LEFT);
    expect(isHeldBy(words, LOCK, tokenB)).toBe(true);
  });

  it('found held by the very thread that asks was abandoned by it', () => {
    const { words, owners, tokenA } = two();
    acquire(words, LOCK, tokenA, owners, WAIT_MS);
    expect(acquire(words, LOCK, tokenA, owners, WAIT_MS)).toBe(LOCK_LEFT);
    expect(isHeldBy(words, LOCK, tokenA)).toBe(true);
  });

  it("keeps the waiters' bit apart from the owner, also when taken over", () => {
    const { words, owners, slotA, tokenA, tokenB } = two();
    acquire(words, LOCK, tokenA, owners, WAIT_MS);
    acquire(words, LOCK, tokenB, owners, WAIT_MS);
    expect(words[LOCK]! & 1).toBe(1);
    expect(isHeldBy(words, LOCK, tokenA)).toBe(true);
    owners.markDead(slotA, 1);
    expect(acquire(words, LOCK, tokenB, owners, WAIT_MS)).toBe(LOCK_LEFT);
    release(words, LOCK);
    expect(words[LOCK]).toBe(0);
  });
});
