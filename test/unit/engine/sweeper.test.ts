/** The sweep comes when something is over, finds all of it, and rests otherwise. */
import { describe, expect, it } from 'vitest';
import { BUCKET, ManualClock, SHARD } from '../../../native-free/index.js';
import { sweepSlice } from '../../../src/cache/sweep.js';
import { cutAt } from '../../support/cut.js';
import type { Engine, EntryOptions } from '../../support/engine.js';
import { pattern, useEngines } from '../../support/engines.js';

const VALUE = pattern(40, 1);
const STEPS_MAX = 10_000;

function fill(engine: Engine, from: number, to: number, options: EntryOptions): void {
  for (let i = from; i < to; i++) engine.set(`key ${i}`, VALUE, options);
}

/** Sweeps until nothing is due. Returns how many entries went. */
function sweepAll(engine: Engine): number {
  let removed = 0;
  for (let i = 0; i < STEPS_MAX; i++) {
    removed += engine.store.sweeper.step(64);
    if (engine.store.sweeper.isResting) return removed;
  }
  return expect.fail('the sweep never rests');
}

describe('Sweeper', () => {
  const engines = useEngines();

  it('rests while nothing is over, and comes with the tick at which something is', () => {
    const engine = engines.create({ shards: 4 });
    fill(engine, 0, 500, {});
    fill(engine, 500, 900, { ttlMs: 5_000 });
    fill(engine, 900, 901, { ttlMs: 1_000 });
    expect(sweepAll(engine)).toBe(0);
    engine.clock.advance(999.9);
    expect([engine.store.sweeper.step(1), engine.store.sweeper.isResting]).toEqual([0, true]);
    engine.clock.advance(0.1);
    expect(sweepAll(engine)).toBe(1);
    engine.clock.advance(3_999.9);
    expect(engine.store.sweeper.step(1)).toBe(0);
    expect(engine.store.sweeper.isResting).toBe(true);
    engine.clock.advance(0.1);
    expect(sweepAll(engine)).toBe(400);
    expect(engine.stats().entries).toBe(500);
  });

  it('idle times that reads renew end later, and are not forgotten', () => {
    const engine = engines.create();
    fill(engine, 0, 10, { idleMs: 100 });
    for (let i = 0; i < 20; i++) {
      engine.clock.advance(90);
      engine.get('key 3');
      sweepAll(engine);
    }
    expect(engine.stats()).toMatchObject({ entries: 1, removals: { idle: 9 } });
    engine.clock.advance(120);
    expect(sweepAll(engine)).toBe(1);
  });

  it('an idle time counts from the very use, however late the shared tick is', () => {
    const engine = engines.create();
    fill(engine, 0, 2, { idleMs: 100 });
    const proof = engine.prove('key 1')!;
    const words = new Int32Array(engine.clock.buffer);
    const late = engine.clock.shared().coarse();
    for (let i = 0; i < 5; i++) {
      engine.clock.advance(90);
      // The clock's third word is the shared tick: its ticker is held up.
      words[2] = late;
      expect(engine.get('key 0')).toEqual(VALUE);
      expect(engine.store.proofs.use(proof)).toBe(true);
      expect(sweepAll(engine)).toBe(0);
    }
    engine.clock.advance(120);
    expect(sweepAll(engine)).toBe(2);
  });

  it('what is stored in a pass, in buckets behind and before it, goes in its time', () => {
    const engine = engines.create();
    fill(engine, 0, 1_000, { ttlMs: 100 });
    engine.clock.advance(100);
    engine.store.sweeper.step(64);
    expect(engine.store.sweeper.isResting).toBe(false);
    // These split buckets too, on both sides of the pass.
    fill(engine, 2_000, 6_000, { ttlMs: 50 });
    fill(engine, 6_000, 6_001, { ttlMs: 20 });
    sweepAll(engine);
    expect(engine.stats().entries).toBe(4_001);
    engine.clock.advance(20);
    expect(sweepAll(engine)).toBe(1);
    engine.clock.advance(30);
    expect(sweepAll(engine)).toBe(4_000);
  });

  it('a shard whose lock is held is left, and stays due', () => {
    const engine = engines.create();
    const other = engine.join(7);
    fill(engine, 0, 10, { ttlMs: 10 });
    sweepAll(engine);
    engine.clock.advance(10);
    other.store.context.enter(engine.layout.shard(0));
    expect([engine.store.sweeper.step(1_000), engine.store.sweeper.isResting]).toEqual([0, true]);
    other.store.context.leave(engine.layout.shard(0));
    expect(sweepAll(engine)).toBe(10);
    expect(engine.stats().lockTimeouts).toBe(0);
  });

  it('a bucket whose lock is held in a pass is come back to', () => {
    const engine = engines.create();
    const other = engine.join(7);
    fill(engine, 0, 500, { ttlMs: 10 });
    engine.clock.advance(10);
    const removed = engine.store.sweeper.step(64);
    other.store.context.enter(engine.layout.shard(0));
    expect(engine.store.sweeper.step(64)).toBe(0);
    other.store.context.leave(engine.layout.shard(0));
    expect(removed + sweepAll(engine)).toBe(500);
  });

  it('a bucket that is being written is looked at under the lock', () => {
    const engine = engines.create();
    fill(engine, 0, 3, { ttlMs: 10 });
    const { arena } = engine;
    const refs = Array.from({ length: 8 }, (_, i) => engine.layout.pageRef(0) + i * 16);
    const sequences = refs.map((ref) => arena.wordIndex(ref) + BUCKET.sequence);
    for (const at of sequences) engine.meta[at]! += 1;
    engine.clock.advance(10);
    expect(engine.store.sweeper.step(64)).toBe(3);
    for (const at of sequences) engine.meta[at] = (engine.meta[at]! + 1) & ~1;
  });

  it('a successor finds what one that died in a pass had still to do', () => {
    for (let step = 0; ; step++) {
      const engine = engines.create({ pageBytes: 4_096 });
      fill(engine, 60, 70, { ttlMs: 90 });
      sweepAll(engine);
      fill(engine, 0, 60, { ttlMs: 50 });
      const warden = engine.join(7);
      engine.clock.advance(50);
      const isCut = cutAt(step, () => sweepAll(warden));
      engine.store.recovery.recoverOwner(warden.slot, 7);
      // The one that swept before, which has seen all shards: what is left must show in the hints.
      sweepAll(engine);
      expect(engine.stats().entries, `step ${step}`).toBe(10);
      engine.clock.advance(40);
      sweepAll(engine);
      expect(engine.stats().entries, `step ${step}`).toBe(0);
      if (!isCut) break;
    }
  }, 120_000);

  it('a hint that was lost is made up for within a minute', () => {
    const engine = engines.create();
    sweepAll(engine);
    fill(engine, 0, 5, { ttlMs: 10 });
    engine.meta[engine.layout.shard(0) + SHARD.dueAdded] = 0;
    engine.clock.advance(30_000);
    expect(sweepAll(engine)).toBe(0);
    engine.clock.advance(30_100);
    expect(sweepAll(engine)).toBe(5);
  });

  it('across the wrap of ticks', () => {
    const engine = engines.create({ clock: new ManualClock((2 ** 32 - 3) * 10) });
    fill(engine, 0, 5, { ttlMs: 20 });
    fill(engine, 5, 10, { ttlMs: 60 });
    fill(engine, 10, 15, { idleMs: 80 });
    expect(sweepAll(engine)).toBe(0);
    for (const gone of [5, 5, 5]) {
      engine.clock.advance(30);
      expect(sweepAll(engine)).toBe(gone);
    }
    expect(engine.stats().removals).toMatchObject({ expired: 10, idle: 5 });
  });
});

describe('sweepSlice', () => {
  const engines = useEngines();

  it('ends when its time is up, later while there is much to remove, and goes on with the next', () => {
    const engine = engines.create({ capacityBytes: 16 << 20 });
    let nowMs = 0;
    const slice = (): number => {
      const startMs = nowMs;
      // Each look at the time is an eighth of a ms after the one before.
      sweepSlice(engine.store.sweeper, () => {
        nowMs += 0.125;
        return nowMs;
      });
      return (nowMs - startMs) * 8;
    };
    fill(engine, 0, 20_000, { ttlMs: 100 });
    fill(engine, 20_000, 40_000, {});
    expect(slice(), 'looks at the time over live entries').toBe(5);
    while (!engine.store.sweeper.isResting) slice();
    engine.clock.advance(100);
    expect(slice(), 'looks at the time over dead ones').toBe(8);
    for (let i = 0; i < STEPS_MAX && !engine.store.sweeper.isResting; i++) slice();
    expect(engine.stats().entries).toBe(20_000);
    expect(slice(), 'when nothing is due').toBe(1);
  });
});
