/** A shard whose invariants fail is emptied, alone (17); and floods of keys that collide. */
import { describe, expect, it } from 'vitest';
import { BUCKET, SHARD } from '../../native-free/index.js';
import { Key } from '../../src/engine/key.js';
import type { Engine } from '../support/engine.js';
import { pattern, useEngines } from '../support/engines.js';
import { hashOf } from '../support/hash.js';
import { chainOf, setWord, slotOf, wordAt } from '../support/inside.js';

const KEYS = Array.from({ length: 400 }, (_, i) => `key ${i}`);

describe('a broken shard', () => {
  const engines = useEngines();

  function filled(): { engine: Engine; shard: number; mine: string[]; others: string[] } {
    const engine = engines.create({ capacityBytes: 2 << 20, shards: 4, itemBytesMax: 100_000 });
    KEYS.forEach((key, i) => void engine.set(key, pattern(i % 20 === 0 ? 20_000 : 300, i)));
    const shard = engine.layout.shard(2);
    const mine = KEYS.filter((key) => engine.shardOf(key) === shard);
    return { engine, shard, mine, others: KEYS.filter((key) => !mine.includes(key)) };
  }

  function expectEmptiedAlone(engine: Engine, mine: string[], others: string[]): void {
    expect(engine.verify()).toEqual([]);
    expect(engine.stats().shardsEmptied).toBe(1);
    expect(mine.filter((key) => engine.has(key))).toEqual([]);
    for (const key of others) expect(Buffer.compare(engine.get(key)!, valueFor(key)), key).toBe(0);
    for (const key of mine) expect(engine.set(key, pattern(300, 1))).toBe(1);
    expect(mine.every((key) => engine.has(key))).toBe(true);
  }

  function valueFor(key: string): Uint8Array {
    const i = KEYS.indexOf(key);
    return pattern(i % 20 === 0 ? 20_000 : 300, i);
  }

  it('that is marked is emptied by whoever takes its lock next', () => {
    const { engine, shard, mine, others } = filled();
    engine.meta[shard + SHARD.condition] = 1;
    expect(engine.delete(mine[0]!)).toBe(false);
    expectEmptiedAlone(engine, mine, others);
  });

  it.each([0x7ffffff0, 0x6000_0000])('a get that meets the wild ref %d is a miss', (wild) => {
    const { engine, mine, others } = filled();
    const { bucket, slot } = slotOf(engine, mine[0]!)!;
    setWord(engine, bucket, BUCKET.refs + slot * 2, wild);
    expect(engine.get(mine[0]!)).toBeUndefined();
    expectEmptiedAlone(engine, mine, others);
  });

  it.each(['set', 'delete'] as const)('a %s that meets one throws VELOCACHE_INTERNAL, once', (method) => {
    const { engine, mine, others } = filled();
    const { bucket, slot } = slotOf(engine, mine[0]!)!;
    setWord(engine, bucket, BUCKET.refs + slot * 2, 0x7ffffff0);
    const act = () => (method === 'set' ? engine.set(mine[0]!, pattern(5, 1)) : engine.delete(mine[0]!));
    expect(act).toThrow(expect.objectContaining({ code: 'VELOCACHE_INTERNAL' }));
    expect(act).not.toThrow();
    engine.delete(mine[0]!);
    expectEmptiedAlone(engine, mine, others);
  });

  it('keeps what other threads have in flight in it, and their later repair frees that', () => {
    const { engine, shard, mine, others } = filled();
    const reader = engine.join(7);
    const chained = mine.find((key) => valueFor(key).length > 1_000)!;
    const { ref, primary } = slotOf(engine, chained)!;
    const chunks = chainOf(engine, ref);
    const intent = engine.arena.owners.record(reader.slot) + 2;
    engine.meta[intent] = ref;
    engine.meta[intent + 1] = 2 | (2 << 2);
    setWord(engine, ref, 0, wordAt(engine, ref, 0) | (8 << 24));
    engine.meta[shard + SHARD.condition] = 1;
    expect(engine.has(mine[0]!) && engine.delete(mine[0]!)).toBe(false);
    expect(engine.verify()).toEqual([]);
    expect(chainOf(engine, ref)).toEqual(chunks);
    expect(wordAt(engine, primary, BUCKET.sequence) % 2).toBe(0);
    const used = () => engine.stats().classes.reduce((sum, { chunksUsed }) => sum + chunksUsed, 0);
    const held = used();
    expect(engine.store.recovery.recoverOwner(reader.slot, 7)).toBe(true);
    expect(held - used()).toBe(chunks.length);
    expectEmptiedAlone(engine, mine, others);
  });
});

describe('floods of colliding keys', () => {
  const engines = useEngines();
  const HASH_KEY = [11, 22] as const;

  /** The first `count` of `f0`, `f1`, … whose hash passes. */
  function flood(count: number, passes: (hash: number) => boolean): string[] {
    const key = new Key(...HASH_KEY);
    const keys: string[] = [];
    for (let i = 0; keys.length < count; i++) if (passes(hashOf(key, `f${i}`))) keys.push(`f${i}`);
    return keys;
  }

  function expectExact(engine: Engine, keys: readonly string[]): void {
    for (const [i, key] of keys.entries()) expect(engine.set(key, pattern(20, i)), key).toBe(1);
    for (const [i, key] of keys.entries()) expect(engine.get(key), key).toEqual(pattern(20, i));
    expect(engine.verify()).toEqual([]);
    const deleted = keys.filter((_, i) => i % 3 === 0);
    for (const key of deleted) expect(engine.delete(key), key).toBe(true);
    for (const [i, key] of keys.entries()) {
      expect(engine.get(key), key).toEqual(i % 3 === 0 ? undefined : pattern(20, i));
    }
    expect(engine.verify()).toEqual([]);
    expect([...engine.keys()].sort()).toEqual(keys.filter((_, i) => i % 3 !== 0).sort());
  }

  it('that all fall into one bucket make a long chain, which is correct, and splits of it are counted as skipped', () => {
    const engine = engines.create({ hashKey: HASH_KEY });
    const keys = flood(1_500, (hash) => (hash & 0xfff) === 0);
    expectExact(engine, keys);
    expect(engine.stats().splitsSkipped).toBeGreaterThan(0);
    for (const key of keys) engine.delete(key);
    expect(engine.stats().entries).toBe(0);
  });

  it('that all fall into one of four shards use the pages of all', () => {
    const engine = engines.create({ hashKey: HASH_KEY, shards: 4, capacityBytes: 2 << 20 });
    const keys = flood(3_000, (hash) => (hash & 3) === 1);
    for (const key of keys) expect(engine.set(key, pattern(300, 1))).toBe(1);
    expect(keys.filter((key) => engine.has(key)).length).toBeGreaterThan(2_500);
  });

  it('that share bucket and tag are told apart by the whole key', () => {
    const engine = engines.create({ hashKey: HASH_KEY });
    expectExact(
      engine,
      flood(60, (hash) => hash >>> 21 === 5 && (hash & 15) === 3),
    );
  });

  it('that share all 32 bits of their hash are told apart by the whole key', () => {
    const engine = engines.create({ hashKey: HASH_KEY });
    const seen = new Map<number, string>();
    const twins = new Set<string>();
    const key = new Key(...HASH_KEY);
    for (let i = 0; i < 400_000; i++) {
      const h = hashOf(key, `f${i}`);
      const twin = seen.get(h);
      if (twin !== undefined) twins.add(twin).add(`f${i}`);
      seen.set(h, `f${i}`);
    }
    expect(twins.size).toBeGreaterThan(4);
    expectExact(engine, [...twins]);
  });
});
