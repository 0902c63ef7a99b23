/**
 * FORBIDDEN: an entry that nobody has used outlives its idle time because a reader of another entry, held up between
 * validating its hit and noting it, notes it in the slot that the other has left. An entry that is used in time ends because
 * somebody saw its last use before, and the clock behind.
 */
import { once } from 'node:events';
import { Worker } from 'node:worker_threads';
import { beforeAll, expect, it } from 'vitest';
import { BUILT } from './harness.js';

interface Played {
  readonly name: string;
  readonly held: string;
  readonly stops: readonly {
    operation: string | undefined;
    met: unknown;
    came: unknown;
    found: unknown;
    ended: number;
  }[];
}

/** What marks the first value of a world. */
const STORED_FIRST = 1;

let late: Played[];
let inTime: Played[];
beforeAll(async () => {
  const worker = new Worker(`${BUILT}test/concurrency/lockstep/renewer.js`, {
    execArgv: ['--conditions=velocache-checkpoints'],
  });
  const [played] = (await once(worker, 'message')) as [{ late: Played[]; inTime: Played[] }];
  ({ late, inTime } = played);
  await worker.terminate();
});

function stopsOf({ stops }: Played): number {
  return stops.filter(({ operation }) => operation !== undefined).length;
}

it('a late renewal of an idle time hits no other entry', () => {
  expect(late).toHaveLength(2);
  for (const played of late) {
    expect(stopsOf(played), played.name).toBeGreaterThan(4);
    for (const [i, { found }] of played.stops.entries()) expect(found, `${played.name}, stop ${i + 1}`).toBe(0);
  }
  // The stop that matters is among them: right before the renewal.
  expect(late[0]!.stops.map(({ operation }) => operation)).toContain('compareExchangePair');
});

it('an entry that is used in time is over for nobody', () => {
  expect(inTime).toHaveLength(4);
  for (const played of inTime) {
    const hits = played.stops.filter(({ met }) => met === STORED_FIRST);
    expect(hits.length, played.name).toBeGreaterThan(4);
    for (const { operation, came, found, ended } of hits) {
      const { held, name } = played;
      expect(ended, `${name}, ${operation}`).toBe(0);
      // A get finds the value, a delete has something to delete, a migration something to replace.
      if (held !== 'sweep') expect(came, `${name}, ${operation}`).toBe(1);
      if (held === 'get' || held === 'sweep') expect(found, `${name}, ${operation}`).toBe(STORED_FIRST);
    }
  }
});
