/** TRAPS 20 to 25: the clock's stale tick, and the allocator. */
import { describe, expect, it } from 'vitest';
import { ManualClock, OWNER_INTENT_COUNT, OWNER_INTENTS, SHARD } from '../../native-free/index.js';
import { FLAG_PINNED } from '../../src/engine/item.js';
import { cutAt } from '../support/cut.js';
import type { Engine } from '../support/engine.js';
import { pattern, useEngines } from '../support/engines.js';
import { setWord, slotOf, wordAt } from '../support/inside.js';
import { Random } from '../support/random.js';

const SEED = 4_242;

/** The classes that have pages. */
function classesOf(engine: Engine) {
  return engine.stats().classes.filter(({ pages }) => pages > 0);
}

describe('20: the ticker is blocked or dead', () => {
  const engines = useEngines();

  /** Moves the time that the machine tells, and not the shared tick. */
  function moveUnseen(engine: Engine, nowMs: number): void {
    new Float64Array(engine.clock.buffer, 0, 1)[0] = nowMs;
  }

  it('a tick up to 1 s old serves nothing past its deadline, and nothing is early', () => {
    const engine = engines.create();
    engine.set('ttl', pattern(8, 1), { ttlMs: 900 });
    engine.set('idle', pattern(8, 1), { idleMs: 900 });
    moveUnseen(engine, 1_899);
    expect([engine.has('ttl'), engine.has('idle')]).toEqual([true, true]);
    moveUnseen(engine, 1_910);
    expect([engine.has('ttl'), engine.has('idle'), engine.delete('ttl')]).toEqual([false, false, false]);
    expect(engine.store.sweeper.step(64)).toBe(1);
  });

  it('over the wrap of the ticks, too', () => {
    const engine = engines.create({ clock: new ManualClock(2 ** 31 * 10 - 500) });
    engine.set('a', pattern(8, 1), { ttlMs: 900 });
    moveUnseen(engine, 2 ** 31 * 10 + 399);
    expect(engine.has('a')).toBe(true);
    moveUnseen(engine, 2 ** 31 * 10 + 400);
    expect(engine.has('a')).toBe(false);
  });
});

describe('21: free chunks', () => {
  const engines = useEngines();

  it('are a bitmap: a chunk freed and taken any number of times has one owner', () => {
    const engine = engines.create({ capacityBytes: 1 << 20 });
    engine.set('stays', pattern(40, 1));
    const refs = new Set<number>();
    for (let i = 0; i < 5_000; i++) {
      engine.set(`key ${i % 3}`, pattern(40, i));
      refs.add(slotOf(engine, `key ${i % 3}`)!.ref);
      engine.delete(`key ${(i + 1) % 3}`);
    }
    // Four chunks are in use at most: what is free is used again, and the one that stays is never among it.
    expect(refs.size).toBeLessThan(10);
    expect(refs.has(slotOf(engine, 'stays')!.ref)).toBe(false);
    expect(engine.get('stays')).toEqual(pattern(40, 1));
  });

  it('after delete, replace or expiry a chunk can be used when the call returns', () => {
    const engine = engines.create({ capacityBytes: 1 << 20, itemBytesMax: 400_000 });
    const used = () => engine.stats().bytesUsed;
    for (const length of [10, 300_000]) {
      engine.set('key', pattern(length, 1));
      const bytes = used();
      engine.set('key', pattern(length, 2));
      expect(used()).toBe(bytes);
      engine.delete('key');
      expect(used()).toBe(0);
      engine.set('key', pattern(length, 1), { ttlMs: 10 });
      engine.clock.advance(10);
      engine.set('key', pattern(1, 1));
      engine.delete('key');
      expect(used()).toBe(0);
    }
  });
});

describe('22: page moves', () => {
  const engines = useEngines();

  it(`follow the sizes, move what is live, and lose no byte of it (seed ${SEED})`, () => {
    const engine = engines.create({ capacityBytes: 2 << 20, shards: 2, itemBytesMax: 200_000 });
    const random = new Random(SEED);
    const values = new Map<string, number>();
    // Lengths that fill a chunk to its last byte, alone and in chains.
    const lengths = engine.classes.bytes.map((bytes) => bytes - 12 - 8).filter((bytes) => bytes > 0);
    for (const shift of [0, 8, 16, 4, 12, 20]) {
      for (let i = 0; i < 4_000; i++) {
        const key = `k${String(i + shift * 10_000).padStart(7, '0')}`;
        const length =
          random.below(50) === 0
            ? 20_000 + random.below(100_000)
            : lengths[Math.min(lengths.length - 1, shift + random.below(4))]!;
        if (engine.set(key, pattern(length, i)) === 1) values.set(key, length * 100_000 + i);
        const hot = `k${String(shift * 10_000 + random.below(i + 1)).padStart(7, '0')}`;
        engine.get(hot);
      }
      for (const [key, what] of values) {
        const bytes = engine.get(key, 0, false);
        const expected = pattern(Math.floor(what / 100_000), what % 100_000);
        if (bytes === undefined) values.delete(key);
        else expect(Buffer.compare(bytes, expected), key).toBe(0);
      }
      expect(engine.verify()).toEqual([]);
    }
    expect(engine.stats().pagesMoved).toBeGreaterThan(100);
    expect(engine.stats().itemsMoved).toBeGreaterThan(100);
  });

  it('skip pages with chunks in flight: another thread is building a chain, and everything ends', () => {
    const engine = engines.create({ capacityBytes: 1 << 20, itemBytesMax: 500_000 });
    const builder = engine.join(7);
    for (let i = 0; i < 200; i++) engine.set(`key ${i}`, pattern(300, i));
    // Cut between two sections: pieces are taken, nothing is published, and no shard is locked.
    const intent = builder.arena.owners.record(builder.slot) + OWNER_INTENTS;
    const isInFlight = () => engine.meta[intent] !== 0 && engine.meta[engine.layout.shard(0) + SHARD.lock] === 0;
    for (let step = 20; step < 500 && !isInFlight(); step++) {
      cutAt(step, () => builder.set('building', pattern(200_000, 1)));
    }
    expect(isInFlight()).toBe(true);
    builder.store.context.leaveLarge();
    for (const length of [60, 600, 3_000, 40]) {
      for (let i = 0; i < 3_000; i++) engine.set(`key ${length} ${i}`, pattern(length, i));
      expect(engine.verify()).toEqual([]);
    }
    expect(builder.get('building')).toBeUndefined();
    expect(engine.verify()).toEqual([]);
    engine.store.clear(-1);
    expect(engine.stats()).toMatchObject({ entries: 0, bytesUsed: 0 });
    expect(classesOf(engine).every(({ chunksUsed }) => chunksUsed === 0)).toBe(true);
  });
});

describe('23: two chained sets of more than half the room', () => {
  const engines = useEngines();

  it('do not both fail: one dies with half of its pieces taken, the other gets the room', () => {
    for (let step = 0; step < 400; step += 3) {
      const engine = engines.create({ capacityBytes: 1 << 20, itemBytesMax: 500_000 });
      const dying = engine.join(7);
      engine.set('a', pattern(480_000, 1));
      cutAt(step, () => dying.set('b', pattern(480_000, 2)));
      engine.store.recovery.recoverOwner(dying.slot, 7);
      expect(engine.set('c', pattern(480_000, 3)), `step ${step}`).toBe(1);
      expect(Buffer.compare(engine.get('c')!, pattern(480_000, 3))).toBe(0);
    }
  });

  it('in turn, each gets the room of the other, in one shard and in four', () => {
    for (const shards of [1, 4]) {
      const engine = engines.create({ capacityBytes: 2 << 20, shards, itemBytesMax: 1_000_000 });
      for (let i = 0; i < 20; i++) {
        expect(engine.set(`large ${i}`, pattern(900_000, i)), `${shards} shards, ${i}`).toBe(1);
        expect(engine.has(`large ${i}`)).toBe(true);
      }
    }
  });
});

describe('24: evictions under one lock at a time', () => {
  const engines = useEngines();

  it('a shard that has nothing left takes pages of the others, and everything ends', () => {
    const engine = engines.create({ capacityBytes: 2 << 20, shards: 8, pageBytes: 4_096, itemBytesMax: 300_000 });
    for (let round = 0; round < 4; round++) {
      for (let i = 0; i < 3_000; i++) expect(engine.set(`small ${round} ${i}`, pattern(100, i))).toBe(1);
      for (let i = 0; i < 30; i++) expect(engine.set(`large ${round} ${i}`, pattern(250_000, i))).toBe(1);
    }
    expect(engine.stats().removals.size).toBeGreaterThan(1_000);
    expect(engine.stats().lockTimeouts).toBe(0);
  });
});

describe('25: everything pinned', () => {
  const engines = useEngines();

  /** Pins an item for a thread, as its reader would. */
  function pin(engine: Engine, key: string): boolean {
    const first = engine.arena.owners.record(engine.slot) + OWNER_INTENTS;
    for (let intent = first; intent < first + OWNER_INTENT_COUNT * 2; intent += 2) {
      if (engine.meta[intent] !== 0) continue;
      const { ref } = slotOf(engine, key)!;
      engine.meta[intent] = ref;
      engine.meta[intent + 1] = 2;
      setWord(engine, ref, 0, wordAt(engine, ref, 0) | (FLAG_PINNED << 24));
      return true;
    }
    return false;
  }

  function pinnedArena(): { engine: Engine; pinners: Engine[]; keys: string[] } {
    const engine = engines.create({ capacityBytes: 1 << 20, itemBytesMax: 500_000 });
    const keys = Array.from({ length: 8 }, (_, i) => `large ${i}`);
    for (const key of keys) engine.set(key, pattern(95_000, 1));
    const pinner = engine.join(7);
    const live = keys.filter((key) => engine.has(key));
    for (const key of live) expect(pin(pinner, key)).toBe(true);
    return { engine, pinners: [pinner], keys: live };
  }

  it('the search for a victim ends, the set says false and is counted, and its old value is gone', () => {
    const { engine, pinners, keys } = pinnedArena();
    expect(engine.set('new', pattern(10, 1))).toBe(1);
    expect(engine.set('new', pattern(400_000, 1))).toBe(0);
    expect(engine.stats()).toMatchObject({ rejects: 1, rejectsByReason: { room: 1, quota: 0 } });
    expect(engine.get('new')).toBeUndefined();
    expect(keys.every((key) => engine.get(key)?.length === 95_000)).toBe(true);
    expect(engine.verify()).toEqual([]);
    // The thread that pins dies: its pins are let go of, and there is room again.
    expect(engine.store.recovery.recoverOwner(pinners[0]!.slot, 7)).toBe(true);
    expect(engine.set('new', pattern(400_000, 1))).toBe(1);
  });

  it('a pinned item that is replaced or deleted is freed with its last pin', () => {
    const { engine, pinners, keys } = pinnedArena();
    expect(engine.delete(keys[0]!)).toBe(true);
    expect(engine.set(keys[1]!, pattern(10, 1))).toBe(1);
    expect([engine.get(keys[0]!), engine.get(keys[1]!)]).toEqual([undefined, pattern(10, 1)]);
    expect(engine.verify()).toEqual([]);
    engine.store.recovery.recoverOwner(pinners[0]!.slot, 7);
    engine.store.clear(-1);
    expect(engine.stats()).toMatchObject({ entries: 0, bytesUsed: 0 });
    expect(classesOf(engine).every(({ chunksUsed }) => chunksUsed === 0)).toBe(true);
  });
});
