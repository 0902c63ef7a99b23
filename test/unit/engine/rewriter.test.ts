/**
 * An entry is copied, something happens to it or beside it, and a smaller value is to be stored in its place. Forbidden:
 * a value stored over anything but the very entry that was copied; a time, mark or user that changes.
 */
import { afterEach, describe, expect, it } from 'vitest';
import { BUCKET, SHARD } from '../../../native-free/index.js';
import { FLAG_CHAINED, flagsOf } from '../../../src/engine/item.js';
import type { CopiedEntry } from '../../../src/engine/rewriter.js';
import { BUSY, STORED } from '../../../src/engine/writer.js';
import { UNLIMITED } from '../../../src/policies/type-rules.js';
import { Engine, type EngineOptions, type EntryOptions } from '../../support/engine.js';
import { chainOf, slotOf, wordAt } from '../../support/inside.js';

const NO_ROOM = 0;
const CHANGED = 3;

let engines: Engine[] = [];
afterEach(() => {
  const made = engines;
  engines = [];
  expect(made.flatMap((engine) => engine.verify())).toEqual([]);
});

function create(options: EngineOptions = {}): Engine {
  const engine = Engine.create({ capacityBytes: 1 << 20, pageBytes: 4_096, ...options });
  engines.push(engine);
  return engine;
}

const filled = (length: number, byte: number): Uint8Array => new Uint8Array(length).fill(byte);

/** An engine with one entry `a`, and its copy. */
function withOne(bytes: number, entry: EntryOptions = {}, options: EngineOptions = {}): [Engine, CopiedEntry] {
  const engine = create(options);
  engine.set('a', filled(bytes, 1), entry);
  return [engine, copied(engine)];
}

function copied(engine: Engine): CopiedEntry {
  const entry = engine.cold();
  if (entry === undefined) throw new Error('nothing was found');
  return entry;
}

/** Of one chunk, and of several: an item is chained from a quarter of a page on. */
const SIZES = [
  { name: 'one chunk by one', from: 900, to: 300 },
  { name: 'a chain by a chain', from: 20_000, to: 9_000 },
  { name: 'a chain by one chunk', from: 20_000, to: 300 },
] as const;

describe.each(SIZES)('rewriting $name', ({ from, to }) => {
  it('copies key and value, and stores the smaller value', () => {
    const [engine, entry] = withOne(from);
    expect(entry).toMatchObject({ key: 'a', form: 0, length: from, keyBytes: 1 });
    const { bytes } = engine.store.reader.landing;
    expect(bytes.subarray(entry.start, entry.start + entry.length)).toEqual(filled(from, 1));
    const before = engine.stats();
    expect(engine.rewrite(entry, filled(to, 2))).toBe(STORED);
    expect(engine.get('a')).toEqual(filled(to, 2));
    const after = engine.stats();
    expect(after.entries).toBe(1);
    expect(after.bytesUsed).toBeLessThan(before.bytesUsed);
    expect(after.bytesPayload).toBe(1 + to);
    expect(after.removals).toMatchObject({ replaced: 1, share: 0 });
    expect(after.classes.reduce((sum, { chunksUsed, chunkBytes }) => sum + chunksUsed * chunkBytes, 0)).toBe(
      after.bytesUsed,
    );
  });

  it.each<[string, (engine: Engine) => void]>([
    ['replaced', (engine) => engine.set('a', filled(from, 3))],
    ['replaced by the same bytes', (engine) => engine.set('a', filled(from, 1))],
    ['deleted', (engine) => engine.delete('a')],
    ['deleted and stored anew', (engine) => [engine.delete('a'), engine.set('a', filled(from, 3))]],
    ['emptied with all', (engine) => engine.store.clear(-1)],
  ])('leaves alone what was %s', (_, change) => {
    const [engine, entry] = withOne(from);
    change(engine);
    const now = engine.get('a');
    expect(engine.rewrite(entry, filled(to, 2))).toBe(CHANGED);
    expect(engine.get('a')).toEqual(now);
  });

  it('leaves alone another value that has come to lie in the very same chunk', () => {
    const [engine, entry] = withOne(from);
    const { ref } = slotOf(engine, 'a')!;
    let rounds = 0;
    do {
      engine.delete('a');
      // Takes chunks of its own every other time, so that others become the next to be given.
      if (rounds % 2 === 1) engine.set(`b${rounds}`, filled(from, 5));
      engine.set('a', filled(from, 3));
      engine.delete(`b${rounds}`);
    } while (slotOf(engine, 'a')!.ref !== ref && ++rounds < 1_000);
    expect(slotOf(engine, 'a')!.ref).toBe(ref);
    expect(engine.rewrite(entry, filled(to, 2))).toBe(CHANGED);
    expect(engine.get('a')).toEqual(filled(from, 3));
  });

  it('leaves alone what has expired', () => {
    for (const life of [{ ttlMs: 1_000 }, { idleMs: 1_000 }]) {
      const [engine, entry] = withOne(from, life);
      engine.clock.advance(2_000);
      expect(engine.rewrite(entry, filled(to, 2))).toBe(CHANGED);
      expect(engine.has('a')).toBe(false);
    }
  });

  it('leaves alone what another thread has replaced', () => {
    const [engine, entry] = withOne(from);
    engine.join(7).set('a', filled(to, 4));
    expect(engine.rewrite(entry, filled(to - 40, 2))).toBe(CHANGED);
    expect(engine.get('a')).toEqual(filled(to, 4));
  });

  it('keeps deadline, idle time, last use and user', () => {
    const [engine] = withOne(from, { ttlMs: 10_000, idleMs: 4_000, user: 'ada' }, { users: 16 });
    engine.clock.advance(3_000);
    const entry = copied(engine);
    expect(entry.ticksUnused * 10).toBe(3_000);
    const mark = slotOf(engine, 'a')!;
    const tag = wordAt(engine, mark.bucket, BUCKET.tags + mark.slot);
    expect(engine.rewrite(entry, filled(to, 2))).toBe(STORED);
    const now = slotOf(engine, 'a')!;
    expect(wordAt(engine, now.bucket, BUCKET.tags + now.slot)).toBe(tag);
    expect(engine.usage('ada')).toMatchObject({ entries: 1, bytes: engine.stats().bytesUsed });
    engine.clock.advance(990);
    expect(engine.get('a', 0, false)).toEqual(filled(to, 2));
    engine.clock.advance(30);
    expect(engine.has('a')).toBe(false);
  });

  it('keeps the deadline of an entry that is read all the time', () => {
    const [engine, entry] = withOne(from, { ttlMs: 5_000, idleMs: 4_000 });
    expect(engine.rewrite(entry, filled(to, 2))).toBe(STORED);
    for (let i = 0; i < 4; i++) {
      engine.clock.advance(1_000);
      expect(engine.has('a')).toBe(true);
      engine.get('a');
    }
    engine.clock.advance(1_010);
    expect(engine.has('a')).toBe(false);
  });

  it('stores nothing that takes no fewer bytes of chunks', () => {
    const [engine, entry] = withOne(from);
    expect(engine.rewrite(entry, filled(from, 2))).toBe(NO_ROOM);
    expect(engine.rewrite(entry, filled(from - 1, 2))).toBe(NO_ROOM);
    expect(engine.get('a')).toEqual(filled(from, 1));
  });

  it('a proof over a minute old proves nothing', () => {
    const [engine, entry] = withOne(from);
    engine.clock.advance(61_000);
    expect(engine.rewrite(entry, filled(to, 2))).toBe(CHANGED);
  });

  it('says BUSY behind a lock that another holds, and changes nothing', () => {
    const [engine, entry] = withOne(from);
    const other = engine.join(7);
    expect(other.store.context.enter(engine.shardOf('a'))).toBe(true);
    expect(engine.rewrite(entry, filled(to, 2))).toBe(BUSY);
    other.store.context.leave(engine.shardOf('a'));
    expect(engine.get('a')).toEqual(filled(from, 1));
    expect(engine.rewrite(entry, filled(to, 2))).toBe(STORED);
  });
});

describe('rewriting', () => {
  it('leaves alone what has been moved to another page', () => {
    const engine = create({ shares: [{ ...UNLIMITED, importance: 3, maxShare: 0.9 }] });
    for (let i = 0; i < 12; i++) engine.set(`b${i}`, filled(900, 5));
    engine.set('a', filled(900, 1));
    // There is another page with room, of an entry that may not go either.
    for (let i = 1; i < 12; i++) engine.delete(`b${i}`);
    const entry = engine.copy('a')!;
    const before = chainOf(engine, slotOf(engine, 'a')!.ref);
    const isMoved = (): boolean => `${chainOf(engine, slotOf(engine, 'a')!.ref)}` !== `${before}`;
    for (let i = 0; i < 20 && !isMoved(); i++) {
      engine.meta[engine.layout.shard(0) + SHARD.pageCursor] = engine.layout.pageOf(before[0]!);
      engine.store.trim(1);
      if (!engine.has('a')) throw new Error('evicted');
    }
    expect(isMoved()).toBe(true);
    expect(engine.rewrite(entry, filled(300, 2))).toBe(CHANGED);
    expect(engine.get('a')).toEqual(filled(900, 1));
  });

  it('is a matter of the entry alone if it is chained, of its bucket if it is not', () => {
    const outcomes = [900, 20_000].map((bytes) => {
      const engine = create();
      engine.set('a', filled(bytes, 1));
      const entry = copied(engine);
      // One of these lies in the same chain of buckets.
      for (let i = 0; i < 40; i++) engine.set(`b${i}`, filled(40, 5));
      return engine.rewrite(entry, filled(300, 2));
    });
    expect(outcomes).toEqual([CHANGED, STORED]);
  });

  it('keeps the form that it is told', () => {
    const [engine, entry] = withOne(900, { form: 1 });
    expect(entry.form).toBe(1);
    engine.rewrite(entry, filled(100, 2), { form: 2 });
    engine.get('a');
    const { form, length, landing } = engine.store.reader;
    expect([form, landing.bytes.slice(0, length)]).toEqual([2, filled(100, 2)]);
  });

  it('keys of any length and script come back as they are', () => {
    for (const key of ['\uFEFFclé', '🚲'.repeat(2_000), 'k']) {
      const engine = create();
      engine.set(key, filled(3_000, 1));
      const entry = copied(engine);
      expect(entry.key).toBe(key);
      expect(engine.rewrite(entry, filled(10, 2))).toBe(STORED);
      expect(engine.get(key)).toEqual(filled(10, 2));
    }
  });

  it('a reader under a pin keeps its copy, and the chunks are freed behind it', () => {
    const [engine, entry] = withOne(20_000);
    const { context } = engine.store;
    const shard = engine.shardOf('a');
    const { ref } = slotOf(engine, 'a')!;
    expect(flagsOf(wordAt(engine, ref, 0)) & FLAG_CHAINED).not.toBe(0);
    const other = engine.join(7);
    // The pin of another thread, as its recovery would find it.
    const intent = other.store.context.arena.owners.record(other.slot) + 2;
    context.enter(shard);
    engine.meta[intent] = ref;
    engine.meta[intent + 1] = 2 | (((shard - engine.layout.shards) / engine.layout.shardWords) << 2);
    engine.arena.wordsOf(ref)[engine.arena.wordIndex(ref)]! |= 8 << 24;
    context.leave(shard);
    expect(engine.rewrite(entry, filled(300, 2))).toBe(STORED);
    expect(engine.get('a')).toEqual(filled(300, 2));
    expect(engine.meta[shard + SHARD.itemCount]).toBe(1);
    other.store.context.holdsIntents = true;
    other.store.begin();
    const used = engine.stats().classes.reduce((sum, { chunksUsed }) => sum + chunksUsed, 0);
    expect(used).toBe(1);
  });
});
