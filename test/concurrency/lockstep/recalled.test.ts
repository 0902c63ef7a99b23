/**
 * FORBIDDEN: a set that another thread has called off, and behind which that thread has then deleted the key, is seen; at
 * whichever of the set's steps that happens.
 */
import { once } from 'node:events';
import { Worker } from 'node:worker_threads';
import { expect, it } from 'vitest';
import { BUSY, CALLED_OFF, STORED } from '../../../src/engine/writer.js';
import { BUILT } from './harness.js';
import type { Recalled } from './recalled.js';

const OLD = 1;
const NEW = 9;

it('a set that is called off never comes behind the delete', async () => {
  const worker = new Worker(`${BUILT}test/concurrency/lockstep/recalled.js`, {
    execArgv: ['--conditions=velocache-checkpoints'],
  });
  const [played] = (await once(worker, 'message')) as [Recalled[]];
  expect(played.map(({ bytes }) => bytes)).toEqual([40, 9_000]);
  for (const { bytes, steps } of played) {
    expect(steps.length, `${bytes} bytes`).toBeGreaterThan(20);
    for (const [i, { set, deleted, found, problems }] of steps.entries()) {
      const where = `${bytes} bytes, step ${i + 1}: set ${set}, delete ${deleted}`;
      expect(problems, where).toEqual([]);
      // A delete that could not have its lock has changed nothing.
      const left = set === STORED ? NEW : OLD;
      expect(found, where).toBe(deleted === BUSY ? left : 0);
      expect([STORED, CALLED_OFF], where).toContain(set);
    }
    const outcomes = new Set(steps.map(({ set, deleted }) => `${set} ${deleted === BUSY}`));
    // Called off before its section, and within it, too late: there the delete has to wait.
    expect([...outcomes], `${bytes} bytes`).toEqual(expect.arrayContaining([`${CALLED_OFF} false`, `${STORED} true`]));
  }
  await worker.terminate();
});
