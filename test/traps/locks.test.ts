/**
 * TRAPS 13 and 24: nobody takes a second shard's lock while it holds one, nor any but the recovery's before it, in whatever
 * operation and whatever it finds on its way: locks that dead threads left, shards to repair, pages to take from others.
 */
import { describe, expect, it } from 'vitest';
import { HEADER, SHARD } from '../../native-free/index.js';
import { cutAt, watchAtomics } from '../support/cut.js';
import type { Engine } from '../support/engine.js';
import { pattern, useEngines } from '../support/engines.js';

const SHARDS = 4;
const DEAD_THREAD = 7;
/** Steps at which the dead thread ended in its set of a large item, which takes some hundred. */
const ENDS = [5, 20, 40, 60, 80, 120, 160];

/** Shard locks that a thread holds now. */
function heldBy(engine: Engine): number {
  const { token } = engine.store.context;
  const locks = Array.from({ length: SHARDS }, (_, i) => engine.meta[engine.layout.shard(i) + SHARD.lock]! & ~1);
  return locks.filter((lock) => lock === token).length;
}

describe('13: a repairer holds no lock of its own', () => {
  const engines = useEngines();

  function crowded(): Engine {
    const engine = engines.create({ capacityBytes: 2 << 20, shards: SHARDS, pageBytes: 4_096, itemBytesMax: 300_000 });
    for (let i = 0; i < 4_000; i++) engine.set(`small ${i}`, pattern(200, i));
    return engine;
  }

  it.each(ENDS)('whoever meets what a thread left that died at step %i of a large set', (step) => {
    const engine = crowded();
    const dead = engine.join(DEAD_THREAD);
    expect(cutAt(step, () => dead.set('large', pattern(120_000, 1)))).toBe(true);
    engine.arena.owners.markDead(dead.slot, DEAD_THREAD);
    let most = 0;
    const found = watchAtomics(
      () => {
        most = Math.max(most, heldBy(engine));
      },
      () => {
        for (let i = 0; i < 40; i++) engine.set(`other ${i}`, pattern(60_000, i));
        for (let i = 0; i < 200; i++) engine.delete(`small ${i}`);
        engine.store.trim(65_536);
        engine.store.sweeper.step(64);
        engine.store.recovery.recoverOwner(dead.slot, DEAD_THREAD);
        engine.store.clear(-1);
      },
    );
    expect(found).toBeGreaterThan(1_000);
    expect(most).toBe(1);
    expect(heldBy(engine)).toBe(0);
    expect(engine.meta[HEADER.recoveryLock]! & ~1).not.toBe(engine.store.context.token);
    expect(engine.arena.owners.threadOf(dead.slot)).toBe(-1);
    expect(engine.verify()).toEqual([]);
  });
});
