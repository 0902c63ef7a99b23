/**
 * FORBIDDEN: an entry that nobody has used outlives its idle time because a reader of another entry, held up between
 * validating its hit and noting it, notes it in the slot that the other has left. An entry that is used in time ends because
 * somebody saw its last use before, and the clock behind. An entry that has taken the place of another gets a time of that one.
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
let replaced: Played[];
let inTime: Played[];
let metEarlier: unknown;
beforeAll(async () => {
  const worker = new Worker(`${BUILT}test/concurrency/lockstep/renewer.js`, {
    execArgv: ['--conditions=velocache-checkpoints'],
  });
  const [played] = (await once(worker, 'message')) as [
    { late: Played[]; replaced: Played[]; inTime: Played[]; metEarlier: unknown },
  ];
  ({ late, replaced, inTime, metEarlier } = played);
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

it('a late renewal gives no deadline to an entry that has another, or none', () => {
  expect(replaced).toHaveLength(2);
  for (const played of replaced) {
    expect(stopsOf(played), played.name).toBeGreaterThan(4);
    for (const { operation, found } of played.stops)
      if (operation !== undefined) expect(found, `${played.name}, ${operation}`).toBe(9);
  }
});

it('a renewal that meets an earlier one is made all the same', () => {
  // Two exchanges: the first finds the other's time.
  expect(metEarlier).toEqual([2, STORED_FIRST]);
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
