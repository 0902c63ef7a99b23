/** Values stored once: what no schedule brings about, such as collisions, locks that can't be had, and foreign writes. */
import { describe, expect, it } from 'vitest';
import { BUCKET, lockToken, OWNER_OWED, OWNER_TAKEN, REFERENCE, SHARD } from '../../../native-free/index.js';
import { CONDITION_BROKEN } from '../../../src/engine/context.js';
import { Draft } from '../../../src/engine/drafts.js';
import { READ_VALUE } from '../../../src/engine/reader.js';
import { PAYLOAD_HEAD_BYTES } from '../../../src/engine/references.js';
import { ANY_SIZE } from '../../../src/engine/rewriter.js';
import { UNLIMITED } from '../../../src/policies/type-rules.js';
import type { Engine } from '../../support/engine.js';
import { pattern, useEngines } from '../../support/engines.js';
import { bucketRef, setWord, wordAt } from '../../support/inside.js';

const VALUE = pattern(500, 3);
const engines = useEngines();

const create = (more: object = {}): Engine => engines.create({ dedupes: [0], shards: 2, users: 8, ...more });
const figures = (engine: Engine) => engine.stats().byType[0]!.dedupe;

/** Where a payload's own words begin in the arena: it is found by its bytes. */
function payloadAt(engine: Engine, value: Uint8Array): number {
  const memory = Buffer.from(engine.arena.buffers[0]!);
  const at = memory.indexOf(Buffer.from(value));
  expect(at, 'the payload').toBeGreaterThan(0);
  expect(memory.indexOf(Buffer.from(value), at + 1), 'a second one').toBe(-1);
  return at - PAYLOAD_HEAD_BYTES;
}

/** Has another thread, which lives, hold the lock of a shard; returns how it is let go of. */
function hold(engine: Engine, shard: number): () => void {
  engine.meta[shard + SHARD.lock] = lockToken(engine.arena.owners.claim(77), 77);
  return () => {
    engine.meta[shard + SHARD.lock] = 0;
  };
}

function moveSequences(engine: Engine, shard: number): void {
  for (let number = 0; number < engine.meta[shard + SHARD.bucketCount]!; number++) {
    const ref = bucketRef(engine, shard, number);
    setWord(engine, ref, BUCKET.sequence, wordAt(engine, ref, BUCKET.sequence) + 1);
  }
}

describe('values stored once', () => {
  it('a value under the content key of other bytes is stored by itself', () => {
    const engine = create();
    engine.set('a', VALUE);
    const bytes = new Uint8Array(engine.arena.buffers[0]!);
    const at = payloadAt(engine, VALUE) + PAYLOAD_HEAD_BYTES + 100;
    const was = bytes[at]!;
    bytes[at] = was ^ 1;
    expect(engine.set('b', VALUE)).toBe(1);
    expect(engine.get('b')).toEqual(VALUE);
    expect(engine.get('a')).not.toEqual(VALUE);
    expect(figures(engine)).toMatchObject({ payloads: 1, references: 1 });
    bytes[at] = was;
    expect(engine.set('b', VALUE)).toBe(1);
    expect(figures(engine)).toMatchObject({ payloads: 1, references: 2 });
  });

  it('an entry takes a new value also where that is stored in the chain of the entry itself', () => {
    const engine = create();
    let beside = 0;
    for (let i = 0; i < 60; i++) {
      const key = `key ${i}`;
      const [old, newer] = [pattern(300, i), pattern(400, i + 1)];
      engine.set(key, old);
      const copy = engine.copy(key)!;
      const before = engine.prove(key)!.sequence;
      expect([key, engine.rewrite(copy, newer, {}, ANY_SIZE)]).toEqual([key, 1]);
      expect(engine.get(key)).toEqual(newer);
      // Two transactions moved the sequence of its chain: that of the payload, and its own.
      if (engine.prove(key)!.sequence - before > 2) beside += 1;
    }
    expect(beside).toBeGreaterThan(0);
    // One in between that is another's still counts.
    engine.set('key', VALUE);
    const copy = engine.copy('key')!;
    engine.set('key', pattern(300, 1));
    expect(engine.rewrite(copy, pattern(400, 2), {}, ANY_SIZE)).not.toBe(1);
    expect(engine.get('key')).toEqual(pattern(300, 1));
  });

  it('tells values that differ in their form, their length or a byte', () => {
    const engine = create();
    const values = [VALUE, VALUE.subarray(0, 499), Uint8Array.from(VALUE, (byte, i) => (i === 499 ? byte ^ 1 : byte))];
    values.forEach((value, i) => {
      engine.set(`${i}`, value);
    });
    engine.set('formed', VALUE, { form: 3 });
    expect(figures(engine)).toMatchObject({ payloads: 4, references: 4 });
    values.forEach((value, i) => {
      expect(engine.get(`${i}`)).toEqual(value);
    });
    engine.store.key.prepare('formed', 0);
    expect(engine.store.reader.read(engine.store.key, READ_VALUE, true)).toBe(true);
    expect(engine.store.reader.form).toBe(3);
  });

  it('takes part from 128 bytes on, with keys that leave the pointer in one chunk', () => {
    const engine = create();
    engine.set('small', pattern(127, 1));
    engine.set('k'.repeat(6_000), VALUE);
    engine.set('owned', VALUE, { user: 'ann' });
    expect(figures(engine)).toMatchObject({ payloads: 0, references: 0 });
    engine.set('enough', pattern(128, 1));
    engine.set('k'.repeat(3_000), VALUE);
    expect(figures(engine)).toMatchObject({ payloads: 2, references: 2 });
  });

  it('another type stores its values by themselves, under whatever form', () => {
    const engine = engines.create({ dedupes: [1], types: 2 });
    const form = 5;
    for (const key of ['a', 'b']) engine.set(key, VALUE, { type: 0, form });
    for (const key of ['a', 'b']) engine.set(key, VALUE, { type: 1 });
    expect(engine.stats().byType.map(({ dedupe }) => dedupe.references)).toEqual([0, 2]);
    expect(engine.stats().byType.map(({ entries }) => entries)).toEqual([2, 2]);
    for (const type of [0, 1]) expect(engine.get('a', type)).toBeDefined();
  });

  it('a set that can not have the lock of the payload stores the value by itself', () => {
    const engine = create();
    engine.set('a', VALUE);
    const shards = [engine.layout.shard(0), engine.layout.shard(1)];
    // Of the keys some lie in the other shard than the payload.
    for (const shard of shards) {
      const letGo = hold(engine, shard);
      const key = Array.from({ length: 64 }, (_, i) => `k${i}`).find((name) => engine.shardOf(name) !== shard)!;
      expect(engine.set(key, VALUE)).toBe(1);
      letGo();
      expect(engine.get(key)).toEqual(VALUE);
    }
    expect(figures(engine)).toMatchObject({ payloads: 1, references: 2 });
    expect(engine.stats().byType[0]!.entries).toBe(3);
  });

  it('a read that can not look at the payload is a miss, and takes nothing for gone', () => {
    const engine = create();
    const keys = Array.from({ length: 16 }, (_, i) => `k${i}`);
    for (const key of keys) engine.set(key, VALUE);
    const misses = [0, 1].map((number) => {
      const shard = engine.layout.shard(number);
      const letGo = hold(engine, shard);
      // As in the middle of a transaction: readers wait for the lock, which they don't get.
      moveSequences(engine, shard);
      const key = keys.find((name) => engine.shardOf(name) !== shard)!;
      const found = engine.get(key);
      moveSequences(engine, shard);
      letGo();
      return found === undefined;
    });
    expect(misses.sort()).toEqual([false, true]);
    for (const key of keys) expect(engine.get(key)).toEqual(VALUE);
    expect(figures(engine)).toMatchObject({ payloads: 1, references: 16 });
    expect(engine.stats().removals.size).toBe(0);
  });

  it('what a thread owes is waited for by no operation that begins behind it', () => {
    const engine = create();
    const keys = Array.from({ length: 16 }, (_, i) => `k${i}`);
    for (const key of keys) engine.set(key, VALUE);
    const timeouts = [0, 1].map((number) => {
      const shard = engine.layout.shard(number);
      const letGo = hold(engine, shard);
      const [gone, kept] = keys.filter((name) => engine.shardOf(name) !== shard && engine.has(name));
      engine.delete(gone!);
      const before = engine.stats().lockTimeouts;
      for (let i = 0; i < 3; i++) engine.has(kept!);
      const after = engine.stats().lockTimeouts;
      letGo();
      return [before > 0, after - before];
    });
    // The delete waited in one of them, where the payload is.
    expect(timeouts.some(([hasWaited]) => hasWaited)).toBe(true);
    expect(timeouts.map(([, more]) => more)).toEqual([0, 0]);
  });

  it('what a delete can not give back is given back by the next operation', () => {
    const engine = create();
    const keys = Array.from({ length: 16 }, (_, i) => `k${i}`);
    for (const key of keys) engine.set(key, VALUE);
    const owed = engine.arena.owners.record(engine.slot) + OWNER_OWED;
    for (const number of [0, 1]) {
      const shard = engine.layout.shard(number);
      const key = keys.find((name) => engine.shardOf(name) !== shard && engine.has(name))!;
      const letGo = hold(engine, shard);
      expect(engine.delete(key)).toBe(true);
      const isLeft = engine.meta[owed] !== 0;
      letGo();
      if (isLeft) expect(engine.verify()).toEqual([]);
      expect(engine.has(key)).toBe(false);
      expect(engine.meta[owed]).toBe(0);
    }
    expect(figures(engine)).toMatchObject({ payloads: 1, references: 14 });
  });

  it('what was taken is given back when the set is refused', () => {
    const engine = create();
    engine.set('a', VALUE);
    const recall = new Int32Array(new SharedArrayBuffer(4)).fill(1);
    engine.store.begin();
    engine.store.key.prepare('b', 0);
    expect(engine.store.set(VALUE, 0, { deadline: 0, idleTicks: 0 }, false, undefined, recall)).toBe(4);
    expect(engine.meta[engine.arena.owners.record(engine.slot) + OWNER_TAKEN]).toBe(0);
    engine.store.key.prepare('b', 0);
    expect(engine.store.set(pattern(600, 1), 0, { deadline: 0, idleTicks: 0 }, false, undefined, recall)).toBe(4);
    expect(figures(engine)).toMatchObject({ payloads: 1, references: 1 });
  });

  it('a read that finds the payload gone removes the pointer, and counts it as evicted', () => {
    const engine = create();
    for (const key of ['a', 'b', 'c', 'd']) engine.set(key, VALUE);
    engine.store.clear(1);
    expect(engine.stats().byType[0]!.entries).toBe(4);
    expect([engine.get('a'), engine.has('b'), engine.copy('c')]).toEqual([undefined, false, undefined]);
    expect(engine.stats().byType[0]).toMatchObject({ entries: 1, evictions: 3 });
    engine.set('e', VALUE);
    // The value is back, and still what the old pointer names is not.
    expect(engine.has('d')).toBe(false);
    expect(figures(engine)).toMatchObject({ payloads: 1, references: 1 });
  });

  it('a list that is full holds up evictions of pointers, and of nothing else', () => {
    const engine = create({ capacityBytes: 1 << 19, pageBytes: 4_096, releases: 2, shards: 1 });
    for (let i = 0; i < 3_000; i++) engine.set(`k${i}`, pattern(300, i % 5));
    // Of the list's two places one is kept, and one waits for whoever drains it next.
    const { references } = engine.layout;
    const shard = engine.layout.shard(0);
    expect(engine.meta[references.releases(shard)]).toBe(0);
    for (let i = 0; i < 400; i++) expect(engine.set(`large ${i}`, pattern(1_000, i))).toBe(1);
    expect(engine.meta[references.releases(shard)]).toBe(0);
    expect(figures(engine).references).toBeLessThan(3_400);
  });

  describe('room that must be made of more pointers than may wait', () => {
    const VALUES = Array.from({ length: 5 }, (_, i) => pattern(300, i));
    const filled = (pointers: number, more: object = {}): Engine => {
      const engine = create({ capacityBytes: 1 << 19, pageBytes: 4_096, releases: 4, shards: 1, types: 2, ...more });
      for (let i = 0; i < pointers; i++) engine.set(`pointer ${i}`, VALUES[i % 5]!);
      return engine;
    };
    /** Their chunks take all pages that are left. */
    const crowded = (more: object = {}): Engine => {
      const engine = filled(7_000, more);
      expect(engine.stats().pagesFree).toBe(0);
      return engine;
    };

    it('is found for a large set', () => {
      for (const shards of [1, 2]) {
        const engine = crowded({ shards });
        expect(engine.set('large', pattern(60_000, 1), { type: 1 }), `${shards} shards`).toBe(1);
        expect(engine.get('large', 1)).toHaveLength(60_000);
      }
    });

    it('is found for a small set of another class, and for a piece of a stream', () => {
      const engine = crowded();
      for (let i = 0; i < 40; i++) expect(engine.set(`other ${i}`, pattern(900, i), { type: 1 }), `${i}`).toBe(1);
      const { store } = engine;
      const draft = new Draft(0, false, false);
      for (let page = 0; page < 8; page++) {
        store.begin();
        store.key.prepare('stream', 1);
        expect(store.append(draft, new Uint8Array(store.roomOf(draft)), 0, false), `page ${page}`).toBe(1);
      }
      store.abandon(draft);
    });

    it('is found within the share of their type', () => {
      const limited = { ...UNLIMITED, maxShare: 0.25 };
      const engine = filled(1_500, { shares: [limited, UNLIMITED], shards: 2 });
      expect(engine.set('large', pattern(60_000, 1))).toBe(1);
      expect(engine.get('large')).toHaveLength(60_000);
    });
  });

  it('deletes no pointer to a value that is gone: the key was not live', () => {
    const engine = create();
    for (const key of ['a', 'b', 'c']) engine.set(key, VALUE);
    engine.store.clear(1);
    expect([engine.delete('a'), engine.has('b'), engine.delete('b')]).toEqual([false, false, false]);
    expect(engine.stats().byType[0]).toMatchObject({ entries: 1, evictions: 2 });
    engine.set('d', VALUE);
    engine.set('small', pattern(20, 1));
    engine.set('owned', VALUE, { user: 'ann' });
    const deleted = ['c', 'd', 'd', 'small', 'owned', 'absent'].map((key) => engine.delete(key));
    expect(deleted).toEqual([false, true, false, true, true, false]);
    expect(engine.stats().bytesUsed).toBe(0);
  });

  it('a reference that is published is nothing to let go of', () => {
    const engine = create();
    for (const key of ['a', 'b', 'b']) {
      engine.set(key, VALUE);
      expect(engine.store.context.hasAbandoned, `set of ${key}`).toBe(false);
    }
    engine.set('a', pattern(50_000, 1));
    expect(engine.store.context.hasAbandoned).toBe(false);
  });

  describe('what is left on lists', () => {
    const SHARDS = 16;
    const CAPACITY = 300;

    /** References to nothing on a list: its places from those that it has on. */
    function owe(engine: Engine, shard: number, count: number): void {
      const { meta } = engine;
      const { references } = engine.layout;
      const from = meta[references.releases(shard)]!;
      for (let i = from; i < from + count; i++) meta[references.record(shard, i) + REFERENCE.type] = 2;
      meta[references.releases(shard)] = from + count;
    }
    const left = (engine: Engine): number[] =>
      Array.from({ length: SHARDS }, (_, i) => engine.meta[engine.layout.references.releases(engine.layout.shard(i))]!);
    const sum = (counts: readonly number[]): number => counts.reduce((all, count) => all + count, 0);

    it('is given back by the warden, so much at a time', () => {
      const engine = create({ shards: SHARDS, releases: CAPACITY });
      for (let i = 0; i < SHARDS; i++) owe(engine, engine.layout.shard(i), CAPACITY);
      for (let owed = SHARDS * CAPACITY; owed > 0; owed = sum(left(engine))) {
        engine.store.sweeper.step(1);
        const given = owed - sum(left(engine));
        expect(given).toBeLessThanOrEqual(256);
        expect(given).toBe(Math.min(owed, 256));
      }
    });

    it('is given back in turn: a list that fills again holds up no other', () => {
      const engine = create({ shards: SHARDS, releases: CAPACITY });
      const busy = engine.layout.shard(3);
      for (let i = 0; i < SHARDS; i++) owe(engine, engine.layout.shard(i), 10);
      for (let calls = 0; calls < 6; calls++) {
        owe(engine, busy, CAPACITY - left(engine)[3]!);
        engine.store.sweeper.step(1);
      }
      expect(left(engine).filter((count) => count > 0).length).toBeLessThanOrEqual(1);
      for (let calls = 0; calls < 6; calls++) engine.store.sweeper.step(1);
      expect(sum(left(engine))).toBe(0);
    });
  });

  it('verify tells a count that is not that of the references', () => {
    const engine = create();
    for (const key of ['a', 'b', 'c']) engine.set(key, VALUE);
    const count = payloadAt(engine, VALUE) / 4;
    for (const wrong of [2, 4]) {
      engine.meta[count] = wrong;
      expect(engine.verify().join()).toContain(`${wrong} references instead of 3`);
    }
    engine.meta[count] = 3;
    const shard = engine.shardOf('a');
    engine.meta[engine.layout.references.sums(shard, 0)]! += 1;
    expect(engine.verify().join()).toContain('pointers of type 0');
    engine.meta[engine.layout.references.sums(shard, 0)]! -= 1;
  });

  it('a shard that is emptied leaves counts too high, which keep values no longer than others', () => {
    const engine = create();
    const values = Array.from({ length: 20 }, (_, i) => pattern(300, i));
    for (let i = 0; i < 200; i++) engine.set(`k${i}`, values[i % 20]!);
    engine.meta[engine.layout.shard(0) + SHARD.condition] = CONDITION_BROKEN;
    for (let i = 0; i < 200; i++) {
      const found = engine.get(`k${i}`);
      if (found !== undefined) expect(found).toEqual(values[i % 20]);
    }
    engine.set('again', values[0]!);
    expect(engine.stats().shardsEmptied).toBe(1);
    expect(engine.verify()).toEqual([]);
    engine.store.clear(0);
    expect(engine.stats().bytesUsed).toBe(0);
  });
});
