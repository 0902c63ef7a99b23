/**
 * Goal: what the thousands of simulated deaths show holds for `terminate` too. Method: a sample of the same operations
 * in a real thread, which is terminated where it stands.
 */
import { once } from 'node:events';
import { Worker } from 'node:worker_threads';
import { describe, expect, it } from 'vitest';
import { DEATHS, type DeathCase } from './death-cases.js';
import { BUILT } from './harness.js';
import { initialOf } from './history.js';
import type { VictimData } from './victim.js';
import { World } from './world.js';

const SURVIVOR = 1;
const VICTIM = 2;
const NEW_ID = 5_000;
const STEPS = [4, 17, 29];
const SAMPLE = DEATHS.filter(({ neighbour, operation }) => neighbour === undefined && operation.kind !== 'sweep');

/** Starts the operation and terminates its thread at the step. */
async function terminateAt(deathCase: DeathCase, at: number, { arena, clock }: World): Promise<void> {
  const workerData: VictimData = {
    deathCase: DEATHS.indexOf(deathCase),
    at,
    id: NEW_ID,
    threadId: VICTIM,
    buffers: arena.buffers,
    clock: clock.buffer,
  };
  const worker = new Worker(`${BUILT}test/concurrency/lockstep/victim.js`, {
    workerData,
    execArgv: ['--conditions=velocache-checkpoints'],
  });
  expect(await once(worker, 'message')).toEqual(['stopped']);
  await worker.terminate();
}

function keyMayHave(deathCase: DeathCase, key: number): number[] {
  const old = initialOf(deathCase, key);
  if (deathCase.evicts === true || deathCase.operation.kind !== 'set') return [old, 0, NEW_ID];
  return 'key' in deathCase.operation && deathCase.operation.key === key ? [old, NEW_ID] : [old];
}

describe('threads terminated in an operation', () => {
  SAMPLE.forEach((deathCase, i) => {
    const at = STEPS[deathCase.isShort === true ? 0 : i % STEPS.length]!;
    it(`${deathCase.name}, at step ${at}`, async () => {
      const world = World.create(deathCase, VICTIM);
      expect(world.threadId).toBe(SURVIVOR);
      await terminateAt(deathCase, at, world);
      expect(world.store.recovery.recoverOwner(VICTIM - 1, VICTIM)).toBe(true);
      expect(world.arena.owners.threadOf(VICTIM - 1)).toBe(-1);
      expect(world.problems()).toEqual([]);
      const keys = new Set(deathCase.prepare.flatMap((operation) => ('key' in operation ? [operation.key] : [])));
      for (const key of keys) expect(keyMayHave(deathCase, key)).toContain(world.get(key));
      expect(world.leaks()).toEqual([]);
    });
  });
});
