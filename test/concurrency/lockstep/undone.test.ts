/**
 * FORBIDDEN: a reader without a lock proves what it has by a number that a change had, whose thread died and whose repair undid it, and that
 * was given again or stood as before. Found so: values mixed from two, and keys that an iteration yields twice.
 */
import { once } from 'node:events';
import { Worker } from 'node:worker_threads';
import { beforeAll, expect, it } from 'vitest';
import { BUILT } from './harness.js';

interface Look {
  readonly found: number;
  readonly isDead: boolean;
  readonly at: string;
}

interface Proof {
  readonly generation: number;
  readonly pieces: string;
}

interface Undone {
  readonly moved: readonly Look[];
  readonly proofs: readonly (readonly [undone: Proof, done: Proof])[];
  readonly storedAs: number;
  readonly scanned: { deaths: number; splits: number; twice: number };
  readonly asked: readonly number[];
  readonly CHAINED_BYTES: number;
}

let undone: Undone;
beforeAll(async () => {
  const worker = new Worker(`${BUILT}test/concurrency/lockstep/undoer.js`, {
    execArgv: ['--conditions=velocache-checkpoints'],
  });
  [undone] = (await once(worker, 'message')) as [Undone];
  await worker.terminate();
});

it('a get beside the move of a piece that is undone has the value as it was stored', () => {
  const { moved, storedAs } = undone;
  expect(moved.filter(({ isDead }) => isDead).length).toBeGreaterThan(300);
  // A miss is what a reader says that gets no lock; it never is a mixture.
  for (const { found, at } of moved) expect([storedAs, 0], at).toContain(found);
  expect(moved.filter(({ found }) => found === storedAs).length).toBeGreaterThan(moved.length / 2);
});

it('the generation of an item whose move was undone is not given again for other pieces', () => {
  const moves = undone.proofs.filter(([before, after]) => before.pieces !== after.pieces);
  expect(moves.length).toBeGreaterThan(5);
  for (const [before, after] of moves) expect(after.generation).not.toBe(before.generation);
});

it('a get whose chunk is used again asks for no memory but that of a length that was proved', () => {
  const { asked, CHAINED_BYTES } = undone;
  expect(asked.length).toBeGreaterThan(10);
  expect(new Set(asked)).toEqual(new Set([CHAINED_BYTES]));
});

it('a scan beside a split that is undone, and done again, meets every key once', () => {
  expect(undone.scanned.splits).toBeGreaterThan(0);
  expect(undone.scanned.deaths).toBeGreaterThan(undone.scanned.splits);
  expect(undone.scanned.twice).toBe(0);
});
