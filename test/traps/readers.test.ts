/** TRAPS 1 to 5 and 7, as far as one thread can show them; test/concurrency walks the interleavings. */
import { describe, expect, it } from 'vitest';
import { BUCKET, SHARD } from '../../native-free/index.js';
import { WORD_NEXT } from '../../src/engine/item.js';
import { pattern, useEngines } from '../support/engines.js';
import { bucketRef, chainOf, sequencesOf, setWord, slotOf, wordAt } from '../support/inside.js';
import { Random } from '../support/random.js';

describe('1: a late access mark', () => {
  const engines = useEngines();

  it('finds another word, or an index page that never serves anything else', () => {
    const engine = engines.create({ capacityBytes: 1 << 20 });
    for (let i = 0; i < 5_000; i++) engine.set(`key ${i}`, pattern(40, i));
    const { layout, meta } = engine;
    const indexPages = () =>
      Array.from({ length: layout.pages }, (_, page) => page).filter(
        (page) => (meta[layout.descriptor(page)]! & 3) === 3,
      );
    const before = indexPages();
    expect(before.length).toBeGreaterThan(1);
    engine.store.clear(-1);
    for (let i = 0; i < 400; i++) engine.set(`large ${i}`, pattern(3_000, i));
    expect(indexPages()).toEqual(expect.arrayContaining(before));
  });
});

describe('2: a chained walk over reused chunks', () => {
  const engines = useEngines();
  const LENGTH = 60_000;
  /** Refs that lead nowhere, out of the arena, into tables, into the index, between chunks. */
  const WILD = [0, 1, -1, 0x7fffffff, -(2 ** 31), 12_345];

  it('ends, as a miss or with the true value, whatever the refs say', () => {
    const engine = engines.create({ capacityBytes: 2 << 20, itemBytesMax: 100_000 });
    engine.set('chained', pattern(LENGTH, 1));
    const chain = chainOf(engine, slotOf(engine, 'chained')!.ref);
    expect(chain.length).toBeGreaterThan(3);
    const refs = [...WILD, bucketRef(engine, engine.layout.shard(0), 0), chain[1]! + 1];
    chain.forEach((ref, i) => {
      const next = wordAt(engine, ref, WORD_NEXT);
      for (const wild of [...refs, ...chain.slice(0, i + 1)]) {
        setWord(engine, ref, WORD_NEXT, wild);
        const bytes = engine.get('chained');
        if (bytes !== undefined) expect(bytes).toHaveLength(LENGTH);
      }
      setWord(engine, ref, WORD_NEXT, next);
    });
    expect(Buffer.compare(engine.get('chained')!, pattern(LENGTH, 1))).toBe(0);
  });

  it('reads no value out of a header that is garbage (seed 3)', () => {
    const engine = engines.create({ capacityBytes: 2 << 20, itemBytesMax: 100_000 });
    const random = new Random(3);
    for (const length of [100, LENGTH]) {
      engine.set('key', pattern(length, 2));
      const { ref } = slotOf(engine, 'key')!;
      const header = Array.from({ length: 6 }, (_, word) => wordAt(engine, ref, word));
      for (let i = 0; i < 500; i++) {
        setWord(engine, ref, random.below(5), random.below(2 ** 32) | 0);
        const bytes = engine.get('key');
        if (bytes !== undefined) expect(bytes.length).toBeLessThanOrEqual(100_000);
        for (const [at, word] of header.entries()) setWord(engine, ref, at, word);
      }
      expect(Buffer.compare(engine.get('key')!, pattern(length, 2))).toBe(0);
    }
  });
});

describe('3: a long copy', () => {
  const engines = useEngines();

  it('validates by a generation that each replacement renews, and by no sequence of its bucket', () => {
    const engine = engines.create({ capacityBytes: 4 << 20, itemBytesMax: 500_000 });
    const generations = new Set<number>();
    for (let i = 0; i < 50; i++) {
      engine.set('chained', pattern(400_000, i));
      generations.add(wordAt(engine, slotOf(engine, 'chained')!.ref, 4));
    }
    expect(generations.size).toBe(50);
  });

  it('a copy that never validates takes a pin in the end, is a hit, and lets go of it', () => {
    const engine = engines.create({ capacityBytes: 4 << 20, itemBytesMax: 500_000 });
    engine.set('chained', pattern(400_000, 1));
    const { primary } = slotOf(engine, 'chained')!;
    // An odd sequence whose writer is not there: no reader gets through without the lock.
    setWord(engine, primary, BUCKET.sequence, wordAt(engine, primary, BUCKET.sequence) + 1);
    expect(Buffer.compare(engine.get('chained')!, pattern(400_000, 1))).toBe(0);
    expect(engine.stats().readerFallbacks).toBe(1);
    setWord(engine, primary, BUCKET.sequence, wordAt(engine, primary, BUCKET.sequence) + 1);
    expect(engine.delete('chained')).toBe(true);
    expect(engine.stats()).toMatchObject({ entries: 0, bytesUsed: 0 });
  });
});

describe('4: sequences only move forward', () => {
  const engines = useEngines();

  it('over sets, deletes, splits, clearing, evictions, recovery and the emptying of a shard', () => {
    const engine = engines.create({ capacityBytes: 1 << 20 });
    const shard = engine.layout.shard(0);
    let before = sequencesOf(engine, shard);
    const check = (what: string, moved: number) => {
      const now = sequencesOf(engine, shard);
      expect(
        now.every((sequence) => sequence % 2 === 0),
        what,
      ).toBe(true);
      expect(
        before.every((sequence, i) => ((now[i]! - sequence) | 0) >= 0),
        what,
      ).toBe(true);
      expect(before.filter((sequence, i) => now[i] !== sequence).length, what).toBeGreaterThanOrEqual(moved);
      before = now;
    };
    for (let i = 0; i < 1_000; i++) engine.set(`key ${i}`, pattern(30, i));
    check('sets and splits', 8);
    for (let i = 0; i < 1_000; i++) engine.delete(`key ${i}`);
    check('deletes', 100);
    for (let i = 0; i < 20_000; i++) engine.set(`key ${i}`, pattern(100, i));
    check('evictions', 100);
    engine.store.clear(-1);
    check('clearing', 100);
    engine.meta[shard + SHARD.condition] = 1;
    engine.set('key', pattern(1, 1));
    expect(engine.stats().shardsEmptied).toBe(1);
    check('emptying the shard', before.length);
  });

  it('over the repair of a section that its thread abandoned', () => {
    const engine = engines.create();
    engine.set('key', pattern(10, 1));
    const { primary } = slotOf(engine, 'key')!;
    const before = wordAt(engine, primary, BUCKET.sequence);
    const { context } = engine.store;
    expect(context.enter(engine.shardOf('key'))).toBe(true);
    context.journal.open(0, engine.arena.wordIndex(primary) + BUCKET.sequence);
    expect(wordAt(engine, primary, BUCKET.sequence)).toBe(before + 1);
    expect(engine.get('key')).toEqual(pattern(10, 1));
    expect(wordAt(engine, primary, BUCKET.sequence)).toBe(before + 2);
  });
});

describe('5: wrap-around of sequences and generations', () => {
  const engines = useEngines();

  it.each([0x7ffffffe, -2])('an engine lives on over sequences from %d on', (start) => {
    const engine = engines.create({ capacityBytes: 1 << 20, itemBytesMax: 100_000 });
    const shard = engine.layout.shard(0);
    for (let i = 0; i < 8; i++) setWord(engine, bucketRef(engine, shard, i), BUCKET.sequence, start);
    engine.meta[shard + SHARD.generation] = start;
    for (let round = 0; round < 4; round++) {
      for (let i = 0; i < 30; i++) {
        const size = i % 10 === 0 ? 20_000 : 50;
        expect(engine.set(`key ${i}`, pattern(size, i + round))).toBe(1);
        expect(engine.get(`key ${i}`)).toEqual(pattern(size, i + round));
      }
      expect(engine.delete('key 1')).toBe(true);
      expect(engine.get('key 1')).toBeUndefined();
    }
    const wrapped = sequencesOf(engine, shard).filter((sequence) => sequence !== start);
    expect(wrapped.length).toBeGreaterThan(4);
    expect(wrapped.every((sequence) => sequence % 2 === 0)).toBe(true);
  });

  it.each([0xfffff, 0x7ffff])('stamps of recency wrap at %d: what is read stays', (start) => {
    const engine = engines.create({ capacityBytes: 1 << 20 });
    engine.meta[engine.layout.shard(0) + SHARD.stamp] = start - 300;
    for (let i = 0; i < 4_000; i++) engine.set(`early ${i}`, pattern(500, i));
    engine.set('read', pattern(500, 0));
    for (let i = 0; i < 6_000; i++) {
      engine.set(`key ${i}`, pattern(500, i));
      if (i % 50 === 0) expect(engine.has('read') && engine.get('read'), `after ${i}`).toBeTruthy();
    }
  });
});

describe('7: reordering on arm64', () => {
  const engines = useEngines();

  it('a reader on such a machine stores to its own fence word before it looks again, on x64 it does not', () => {
    for (const weakMemory of [true, false]) {
      const engine = engines.create({ weakMemory });
      const fence = engine.arena.owners.fence(engine.slot);
      engine.set('key', pattern(10, 1));
      engine.meta[fence] = 7;
      expect(engine.get('key')).toEqual(pattern(10, 1));
      expect(engine.meta[fence]).toBe(weakMemory ? 0 : 7);
    }
  });
});
