/**
 * Goal: a pin that could not be let go of is let go of by a later operation of its thread, whatever came in between.
 * Method: a pin is left behind, then the same thread stores a chained item on another intent.
 */
import { expect, it } from 'vitest';
import { Chains } from '../../../src/engine/chains.js';
import { IndexTable, Place } from '../../../src/engine/index-table.js';
import { PagePool } from '../../../src/engine/page-pool.js';
import type { Scenario } from './scenario.js';
import { makeValue } from './values.js';
import { World } from './world.js';

const CHAINED = 2_600;
const scenario: Scenario = {
  name: 'a pin left behind',
  forbidden: [],
  pages: 10,
  hot: true,
  prepare: [{ kind: 'set', key: 0, bytes: CHAINED }],
  threads: [],
};

/** Pins the item of the key that is prepared, as a reader does, and does not let go. */
function pin({ store: { context, key } }: World): void {
  const pages = new PagePool(context);
  const chains = new Chains(context, pages);
  const index = new IndexTable(context, pages);
  const place = new Place();
  const shard = context.shardOf(key.hash);
  context.enter(shard);
  place.primary = index.primaryLocked(shard, key.hash);
  expect(index.findLocked(place, key, chains)).toBe(true);
  expect(chains.pinLocked(shard, place.ref)).not.toBe(0);
  context.leave(shard);
}

it('a chained set in between does not make a thread forget its pin', () => {
  const world = World.create(scenario, 1);
  const { store } = world;
  expect(world.get(0)).toBe(1);
  pin(world);
  store.key.prepare('another', 0);
  expect(store.set(makeValue(9, 9, CHAINED), 0, { deadline: 0, idleTicks: 0 })).toBe(1);
  expect(store.context.hasAbandoned).toBe(true);
  expect(world.leaks()).toEqual([]);
});
