/**
 * FORBIDDEN: an entry that nobody has used outlives its idle time because a reader of another entry, held up between
 * validating its hit and noting it, notes it in the slot that the other has left.
 */
import { once } from 'node:events';
import { Worker } from 'node:worker_threads';
import { expect, it } from 'vitest';
import { BUILT } from './harness.js';

interface Played {
  readonly name: string;
  readonly stops: readonly { operation: string | undefined; found: unknown }[];
}

it('a late renewal of an idle time hits no other entry', async () => {
  const worker = new Worker(`${BUILT}test/concurrency/lockstep/late-renewer.js`, {
    execArgv: ['--conditions=velocache-checkpoints'],
  });
  const [played] = (await once(worker, 'message')) as [Played[]];
  expect(played).toHaveLength(2);
  for (const { name, stops } of played) {
    expect(stops.filter(({ operation }) => operation !== undefined).length, name).toBeGreaterThan(4);
    for (const [i, { found }] of stops.entries()) expect(found, `${name}, stop ${i + 1}`).toBe(0);
  }
  // The stop that matters is among them: right before the renewal.
  expect(played[0]!.stops.map(({ operation }) => operation)).toContain('compareExchangePair');
  await worker.terminate();
});
