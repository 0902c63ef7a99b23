/** What users add to the traps: two locks for one change (13, 14), lists through chunks of many shards (1, 11), quotas that never end (25). */
import { describe, expect, it } from 'vitest';
import { lockToken, SHARD, STRIPE } from '../../native-free/index.js';
import { OWNED, ownedWord } from '../../src/engine/item.js';
import type { Engine } from '../support/engine.js';
import { pattern, useEngines } from '../support/engines.js';
import { setWord, slotOf } from '../support/inside.js';
import { Random } from '../support/random.js';

const KEYS = Array.from({ length: 300 }, (_, i) => `key ${i}`);
const USERS = ['ada', 'bob', 'cyd'];
const userOf = (i: number) => USERS[i % 3]!;

describe('a broken shard with entries of users', () => {
  const engines = useEngines();

  function filled(): { engine: Engine; shard: number; mine: string[]; others: string[] } {
    const engine = engines.create({ capacityBytes: 4 << 20, shards: 4, itemBytesMax: 100_000, users: 8 });
    KEYS.forEach((key, i) => void engine.set(key, pattern(i % 20 === 0 ? 20_000 : 300, i), { user: userOf(i) }));
    const shard = engine.layout.shard(2);
    const mine = KEYS.filter((key) => engine.shardOf(key) === shard);
    return { engine, shard, mine, others: KEYS.filter((key) => !mine.includes(key)) };
  }

  it('takes them out of the accounts, and only them', () => {
    const { engine, shard, others } = filled();
    engine.meta[shard + SHARD.condition] = 1;
    expect(engine.verify()).toEqual([]);
    expect(engine.stats().shardsEmptied).toBe(1);
    expect(others.every((key) => engine.has(key))).toBe(true);
    for (const user of USERS) {
      const own = others.filter((key) => userOf(KEYS.indexOf(key)) === user);
      expect(engine.usage(user)?.entries).toBe(own.length);
    }
    expect(engine.stats().users.bytes).toBe(engine.stats().bytesUsed);
    for (const key of others) engine.delete(key);
    expect(engine.stats().users).toMatchObject({ active: 0, bytes: 0 });
  });

  it.each([OWNED.younger, OWNED.older, OWNED.owner])(
    'gives up a list that foreign writes have cut at word %d: its entries are nobody’s',
    (field) => {
      const { engine, shard, others } = filled();
      const { ref } = slotOf(engine, others[10]!)!;
      const user = userOf(KEYS.indexOf(others[10]!));
      setWord(engine, ref, ownedWord(128) + field, 0x12345);
      engine.meta[shard + SHARD.condition] = 1;
      expect(engine.verify()).toEqual([]);
      expect(engine.usage(user)).toBeUndefined();
      expect(others.every((key) => engine.has(key))).toBe(true);
      for (const key of others) expect(engine.set(key, pattern(100, 1), { user })).toBe(1);
      expect(engine.usage(user)?.entries).toBe(others.length);
    },
  );
});

describe('a stripe whose lock can’t be had', () => {
  const engines = useEngines();
  const DEAD = 77;

  /** An engine in which a thread, of whose death nobody knows, holds every stripe of users. */
  function locked(): { engine: Engine; slot: number } {
    const engine = engines.create({ users: 8, shards: 2 });
    for (let i = 0; i < 30; i++) engine.set(`k${i}`, pattern(300, i), { user: 'ada', ttlMs: i === 7 ? 5_000 : 50_000 });
    const slot = engine.arena.owners.claim(DEAD);
    const { users } = engine.layout;
    for (let i = 0; i < users.stripes; i++) engine.meta[users.stripe(i) + STRIPE.lock] = lockToken(slot, DEAD);
    return { engine, slot };
  }

  it('refuses a set with a user, and leaves what others do alone', () => {
    const { engine, slot } = locked();
    expect(engine.set('new', pattern(300, 1), { user: 'ada' })).toBe(2);
    expect(engine.has('new')).toBe(false);
    expect(engine.set('plain', pattern(300, 1))).toBe(1);
    expect(engine.get('k3')).toEqual(pattern(300, 3));
    expect(engine.store.recovery.recoverOwner(slot, DEAD)).toBe(true);
    expect(engine.set('new', pattern(300, 1), { user: 'ada' })).toBe(1);
    expect(engine.usage('ada')?.entries).toBe(31);
  });

  it.each([
    ['a delete', (engine: Engine) => engine.delete('k7'), undefined],
    ['a set that makes the entry nobody’s', (engine: Engine) => engine.set('k7', pattern(300, 99)), 99],
    ['a sweep', (engine: Engine) => engine.clock.advance(10_000) ?? engine.store.sweeper.step(64), undefined],
  ])('%s ends its section with a debt, which is paid before anyone else enters the shard', (_, act, value) => {
    const { engine, slot } = locked();
    act(engine);
    const found = engine.store.key.prepare('k7', 0) === 0 && engine.get('k7');
    expect(found).toEqual(value === undefined ? undefined : pattern(300, value));
    // The shard is refused until then, the other is not.
    const some = KEYS.slice(0, 6);
    const isRefused = some.map((key) => engine.set(key, pattern(5, 1)) === 2);
    expect(isRefused).toEqual(some.map((key) => engine.shardOf(key) === engine.shardOf('k7')));
    expect(new Set(isRefused).size).toBe(2);
    expect(engine.store.recovery.recoverOwner(slot, DEAD)).toBe(true);
    expect(engine.usage('ada')?.entries).toBe(29);
    const { sets, entries, removals } = engine.stats();
    expect(sets).toBe(entries + Object.values(removals).reduce((sum, count) => sum + count, 0));
  });
});

describe('a trim that can’t have the lock of a stripe', () => {
  const engines = useEngines();
  const DEAD = 77;

  it('ends its section with a debt, as any other, and has freed nothing', () => {
    const engine = engines.create({ users: 8, shards: 2 });
    KEYS.forEach((key, i) => void engine.set(key, pattern(300, i), { user: userOf(i) }));
    const slot = engine.arena.owners.claim(DEAD);
    const { users } = engine.layout;
    for (let i = 0; i < users.stripes; i++) engine.meta[users.stripe(i) + STRIPE.lock] = lockToken(slot, DEAD);
    expect(engine.store.trim(1)).toBe(0);
    expect(engine.store.recovery.recoverOwner(slot, DEAD)).toBe(true);
    expect(engine.verify()).toEqual([]);
    expect(engine.store.trim(1)).toBe(engine.layout.config.pageBytes);
  });
});

describe('a section that ends early behind its commit', () => {
  const engines = useEngines();
  const DEAD = 77;
  const BYTES = 3_000;

  /** Entries of a user that fill a page, and one in a page of its own; the stripes are another's, who is gone unnoticed. */
  function lastOfPage(): { engine: Engine; other: Engine; slot: number; last: string } {
    const engine = engines.create({ capacityBytes: 1 << 20, users: 8 });
    const classId = engine.classes.classFor(BYTES + 100);
    const perPage = engine.classes.chunksPerPage[classId]!;
    for (let i = 0; i <= perPage; i++) engine.set(`k${i}`, pattern(BYTES, i), { user: 'ada', ttlMs: 5_000 });
    engine.set('plain', pattern(100, 1));
    // Both pages have room: so the one that becomes empty is let go of.
    engine.delete('k0');
    const other = engine.join(9);
    const slot = engine.arena.owners.claim(DEAD);
    const { users } = engine.layout;
    for (let i = 0; i < users.stripes; i++) engine.meta[users.stripe(i) + STRIPE.lock] = lockToken(slot, DEAD);
    return { engine, other, slot, last: `k${perPage}` };
  }

  it.each([
    ['delete', (engine: Engine, key: string) => engine.delete(key)],
    ['set', (engine: Engine, key: string) => engine.set(key, pattern(100, 1))],
  ])('forgets the page that its %s has let go of: another repairs the shard, and has that page since', (_, act) => {
    const { engine, other, slot, last } = lastOfPage();
    const { pagesFree } = engine.stats();
    act(engine, last);
    expect(other.store.recovery.recoverOwner(slot, DEAD)).toBe(true);
    expect(other.stats().pagesFree).toBe(pagesFree + 1);
    // Takes all that is free.
    for (let i = 0; other.stats().pagesFree > 0; i++) other.set(`big ${i}`, pattern(4_000, i));
    expect(engine.delete('plain')).toBe(true);
    expect(other.stats().pagesFree).toBe(0);
    expect(other.verify()).toEqual([]);
  });
});

describe('accounts of users', () => {
  const engines = useEngines();

  it('refuse a user for whom there is no record left, and take one when another has gone', () => {
    const engine = engines.create({ users: 1 });
    const { users } = engine.layout;
    const taken: string[] = [];
    for (let i = 0; taken.length < users.records * users.stripes && i < 5_000; i++)
      if (engine.set(`k${i}`, pattern(10, 1), { user: `user ${i}` }) === 1) taken.push(`k${i}`);
    expect(taken.length).toBe(users.records * users.stripes);
    expect(engine.stats().users.active).toBe(taken.length);
    expect(engine.verify()).toEqual([]);
    expect(engine.set(taken[0]!, pattern(10, 2), { user: 'one too many' })).toBe(0);
    // The refused set has removed the old value, and with it the only entry of a user.
    expect(engine.stats().users.active).toBe(taken.length - 1);
  });

  it('hold 100,000 users, with no object on the heap for any of them', () => {
    const engine = engines.create({ capacityBytes: 64 << 20, shards: 4, users: 100_000, userBytes: 20_000 });
    const value = pattern(20, 1);
    engine.set('warm', value, { user: 'warm' });
    engine.delete('warm');
    globalThis.gc!();
    const heapBefore = process.memoryUsage().heapUsed;
    for (let i = 0; i < 100_000; i++) engine.set(`k${i}`, value, { user: `user ${i}` });
    expect(engine.stats().users).toMatchObject({ active: 100_000, max: 100_000, rejects: 0 });
    globalThis.gc!();
    const grown = process.memoryUsage().heapUsed - heapBefore;
    expect(grown).toBeLessThan(2 << 20);
    expect(engine.usage('user 77777')).toMatchObject({ entries: 1 });
    const random = new Random(1);
    for (let i = 0; i < 20_000; i++) engine.delete(`k${random.below(100_000)}`);
    expect(engine.verify()).toEqual([]);
    expect(engine.stats().users.active).toBe(engine.stats().entries);
    // A record is five times two words, and what its bucket takes.
    expect((engine.layout.users.words * 4) / 100_000).toBeLessThan(64);
  }, 60_000);

  it('give records back: as many users as ever may come and go', () => {
    const engine = engines.create({ users: 4 });
    let stored = 0;
    for (let i = 0; i < 20_000; i++) stored += engine.set('k', pattern(10, 1), { user: `user ${i}` });
    expect(stored).toBe(20_000);
    expect(engine.stats().users.active).toBe(1);
  });
});

describe('a user at quota in a full cache', () => {
  const engines = useEngines();

  it('is served from its own entries of the shard and class, and refused without any', () => {
    const engine = engines.create({ capacityBytes: 1 << 20, users: 8, userBytes: 50_000 });
    for (let i = 0; i < 2_000; i++) engine.set(`nobody ${i}`, pattern(1_000, i));
    for (let i = 0; i < 100; i++) engine.set(`ada ${i}`, pattern(1_000, i), { user: 'ada' });
    const others = () => engine.keys().filter((key) => key.startsWith('nobody')).length;
    const before = others();
    const { entries } = engine.usage('ada')!;
    for (let i = 100; i < 1_000; i++) expect(engine.set(`ada ${i}`, pattern(1_000, i), { user: 'ada' })).toBe(1);
    expect(others()).toBe(before);
    expect(engine.usage('ada')!.entries).toBe(entries);
    // Another slab class, in which ada has nothing, and no page is free.
    expect(engine.set('ada large', pattern(3_000, 1), { user: 'ada' })).toBe(0);
    expect(others()).toBe(before);
    expect(engine.usage('ada')!.entries).toBe(entries);
    expect(engine.stats().users.rejects).toBe(1);
  });

  it('makes room for a chained item page by page', () => {
    const engine = engines.create({ capacityBytes: 2 << 20, users: 8, userBytes: 400_000, itemBytesMax: 300_000 });
    for (let i = 0; i < 4_000; i++) engine.set(`nobody ${i}`, pattern(1_000, i));
    let stored = 0;
    for (let i = 0; i < 40; i++) stored += engine.set(`ada ${i}`, pattern(90_000, i), { user: 'ada' });
    expect(stored).toBeGreaterThan(30);
    expect(engine.usage('ada')!.bytes).toBeLessThanOrEqual(400_000);
    const nobodys = engine.keys().filter((key) => key.startsWith('nobody')).length;
    for (let i = 40; i < 80; i++) engine.set(`ada ${i}`, pattern(90_000, i), { user: 'ada' });
    expect(engine.keys().filter((key) => key.startsWith('nobody')).length).toBe(nobodys);
  });

  it('keeps as many large entries as its quota holds', () => {
    const engine = engines.create({ capacityBytes: 2 << 20, users: 8, userBytes: 300_000, itemBytesMax: 300_000 });
    for (let i = 0; i < 50; i++) engine.set(`ada ${i}`, pattern(100_000, i), { user: 'ada' });
    expect(engine.usage('ada')!.entries).toBe(2);
    expect(engine.get('ada 49')).toEqual(pattern(100_000, 49));
  });
});
