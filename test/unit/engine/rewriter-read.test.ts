/**
 * An entry is copied by its key, and a value of any size is to be stored in its place. Forbidden: a value stored over
 * anything but the very entry that was copied; a time, mark or user that changes; room taken that isn't the entry's to take.
 */
import { afterEach, describe, expect, it } from 'vitest';
import { BUCKET } from '../../../native-free/index.js';
import { ANY_SIZE, CHANGED, type CopiedEntry, NO_LARGER } from '../../../src/engine/rewriter.js';
import { BUSY, NO_ROOM, STORED } from '../../../src/engine/writer.js';
import { UNLIMITED } from '../../../src/policies/type-rules.js';
import { Engine, type EngineOptions, type EntryOptions } from '../../support/engine.js';
import { slotOf, wordAt } from '../../support/inside.js';
import { imbalances } from '../../support/sums.js';

let engines: Engine[] = [];
afterEach(() => {
  const made = engines;
  engines = [];
  expect(made.flatMap((engine) => [...engine.verify(), ...imbalances(engine.stats(), engine.stats().byType)])).toEqual(
    [],
  );
});

function create(options: EngineOptions = {}): Engine {
  const engine = Engine.create({ capacityBytes: 1 << 20, pageBytes: 4_096, ...options });
  engines.push(engine);
  return engine;
}

const filled = (length: number, byte: number): Uint8Array => new Uint8Array(length).fill(byte);

function copied(engine: Engine, key = 'a'): CopiedEntry {
  const entry = engine.copy(key);
  if (entry === undefined) throw new Error(`no live entry ${key}`);
  return entry;
}

/** An engine with one entry `a`, and its copy. */
function withOne(bytes: number, entry: EntryOptions = {}, options: EngineOptions = {}): [Engine, CopiedEntry] {
  const engine = create(options);
  engine.set('a', filled(bytes, 1), entry);
  return [engine, copied(engine)];
}

function rewrite(engine: Engine, entry: CopiedEntry, value: Uint8Array, growthMax = ANY_SIZE): number {
  return engine.rewrite(entry, value, {}, growthMax);
}

/** An item is chained from a quarter of a page on. */
const SIZES = [
  { name: 'one chunk by one of its class', from: 300, to: 301 },
  { name: 'one chunk by a larger one', from: 300, to: 900 },
  { name: 'one chunk by a smaller one', from: 900, to: 300 },
  { name: 'one chunk by a chain', from: 300, to: 9_000 },
  { name: 'a chain by a longer one', from: 9_000, to: 20_000 },
  { name: 'a chain by one chunk', from: 9_000, to: 300 },
] as const;

describe.each(SIZES)('rewriting an entry just read: $name', ({ from, to }) => {
  it('stores the value, as a set that replaces', () => {
    const [engine, entry] = withOne(from, { form: 3 });
    expect(entry).toMatchObject({ key: 'a', form: 3, length: from, keyBytes: 1 });
    const { bytes } = engine.store.reader.landing;
    expect(bytes.subarray(entry.start, entry.start + entry.length)).toEqual(filled(from, 1));
    expect(rewrite(engine, entry, filled(to, 2))).toBe(STORED);
    expect(engine.get('a')).toEqual(filled(to, 2));
    const { entries, sets, inserts, removals, bytesPayload } = engine.stats();
    expect([entries, sets, inserts, removals.replaced, bytesPayload]).toEqual([1, 2, 1, 1, 1 + to]);
  });

  it.each<[string, (engine: Engine) => void]>([
    ['replaced', (engine) => engine.set('a', filled(from, 3))],
    ['replaced by the same bytes', (engine) => engine.set('a', filled(from, 1))],
    ['deleted', (engine) => engine.delete('a')],
    ['deleted and stored anew', (engine) => [engine.delete('a'), engine.set('a', filled(from, 3))]],
    ['replaced by another thread', (engine) => engine.join(7).set('a', filled(to, 4))],
    ['rewritten by another thread', (engine) => rewrite(engine.join(7), copied(engine), filled(to, 4))],
    ['left to expire', (engine) => engine.clock.advance(6_000)],
  ])('leaves alone what was %s', (_, change) => {
    const [engine, entry] = withOne(from, { ttlMs: 5_000 });
    change(engine);
    const now = engine.get('a');
    expect(rewrite(engine, entry, filled(to, 2))).toBe(CHANGED);
    expect(engine.get('a')).toEqual(now);
  });

  it('keeps deadline, idle time, mark and user, and renews none', () => {
    const life = { ttlMs: 10_000, idleMs: 4_000, user: 'ada' };
    const [engine] = withOne(from, life, { users: 16 });
    engine.clock.advance(3_000);
    const entry = copied(engine);
    expect(entry.ticksUnused * 10).toBe(3_000);
    const before = slotOf(engine, 'a')!;
    const tag = wordAt(engine, before.bucket, BUCKET.tags + before.slot);
    expect(rewrite(engine, entry, filled(to, 2))).toBe(STORED);
    const now = slotOf(engine, 'a')!;
    expect(wordAt(engine, now.bucket, BUCKET.tags + now.slot)).toBe(tag);
    expect(engine.usage('ada')).toMatchObject({ entries: 1, bytes: engine.stats().bytesUsed });
    engine.clock.advance(990);
    expect(engine.get('a')).toEqual(filled(to, 2));
    for (let i = 0; i < 3; i++) {
      engine.clock.advance(2_000);
      expect(engine.get('a') !== undefined).toBe(i < 2 || engine.clock.shared().nowMs() < 11_000);
    }
    engine.clock.advance(2_000);
    expect(engine.has('a')).toBe(false);
  });

  it('says BUSY behind a lock that another holds, and changes nothing', () => {
    const [engine, entry] = withOne(from);
    const other = engine.join(7);
    const shard = engine.shardOf('a');
    expect(other.store.context.enter(shard)).toBe(true);
    expect(engine.copy('a')).toBeUndefined();
    expect(rewrite(engine, entry, filled(to, 2))).toBe(BUSY);
    other.store.context.leave(shard);
    expect(engine.get('a')).toEqual(filled(from, 1));
    expect(rewrite(engine, entry, filled(to, 2))).toBe(STORED);
  });
});

describe('copying an entry by its key', () => {
  it('finds what is live, and nothing else', () => {
    const engine = create({ types: 2 });
    engine.set('a', filled(10, 1), { ttlMs: 1_000 });
    engine.set('a', filled(10, 2), { type: 1 });
    expect(copied(engine).length).toBe(10);
    expect(engine.copy('b')).toBeUndefined();
    engine.clock.advance(2_000);
    expect(engine.copy('a')).toBeUndefined();
    expect(engine.copy('a', 1)?.length).toBe(10);
  });

  it('renews neither mark nor idle time', () => {
    const engine = create();
    engine.set('a', filled(10, 1), { idleMs: 1_000 });
    for (let i = 0; i < 3; i++) {
      expect(engine.copy('a') !== undefined).toBe(i < 2);
      engine.clock.advance(600);
    }
  });
});

describe('a larger value', () => {
  it('is not stored where none may be larger; one of the same size is', () => {
    const [engine, entry] = withOne(300);
    expect(rewrite(engine, entry, filled(900, 2), NO_LARGER)).toBe(NO_ROOM);
    expect(rewrite(engine, entry, filled(300, 2), NO_LARGER)).toBe(STORED);
  });

  it('evicts what is cold for its chunk', () => {
    const engine = create({ capacityBytes: 1 << 18 });
    for (let i = 0; engine.stats().removals.size === 0; i++) engine.set(`b${i}`, filled(900, 5));
    engine.set('a', filled(300, 1));
    const { size } = engine.stats().removals;
    for (let i = 0; i < 40; i++) {
      engine.set(`a${i}`, filled(300, 1));
      const before = engine.stats().entries;
      const outcome = rewrite(engine, copied(engine, `a${i}`), filled(900, 2));
      // What is evicted for it may lie in the same chain.
      expect([STORED, CHANGED]).toContain(outcome);
      expect(engine.get(`a${i}`) ?? filled(900, 2)).toEqual(outcome === STORED ? filled(900, 2) : filled(300, 1));
      expect(engine.stats().entries).toBeLessThanOrEqual(before);
    }
    expect(engine.stats().removals.size).toBeGreaterThan(size);
  });

  it('takes nothing from others of its type, nor from its share', () => {
    const engine = create({ shares: [{ ...UNLIMITED, maxShare: 0.05 }] });
    let stored = 0;
    while (engine.stats().removals.share === 0) engine.set(`a${stored++}`, filled(300, 1));
    const { entries } = engine.stats();
    const key = engine.keys()[0]!;
    expect(rewrite(engine, copied(engine, key), filled(9_000, 2))).toBe(NO_ROOM);
    expect(engine.get(key)).toEqual(filled(300, 1));
    expect(engine.stats().entries).toBe(entries);
    expect(rewrite(engine, copied(engine, key), filled(300, 2))).toBe(STORED);
  });

  it('of a user is stored in free memory only', () => {
    const engine = create({ capacityBytes: 1 << 18, users: 16 });
    engine.set('a', filled(300, 1), { user: 'ada' });
    expect(rewrite(engine, copied(engine), filled(5_000, 2))).toBe(STORED);
    expect(rewrite(engine, copied(engine), filled(300, 1))).toBe(STORED);
    for (let i = 0; engine.stats().removals.size === 0; i++) {
      engine.get('a');
      engine.set(`b${i}`, filled(900, 5));
    }
    const evicted = engine.stats().removals.size;
    for (const bytes of [900, 9_000]) expect(rewrite(engine, copied(engine), filled(bytes, 2))).toBe(NO_ROOM);
    expect(engine.get('a')).toEqual(filled(300, 1));
    expect(engine.stats().removals.size).toBe(evicted);
  });
});
