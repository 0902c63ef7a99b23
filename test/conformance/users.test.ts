/** Users by the public interface: quotas by tier, whose entries go, and what is refused. */
import { attachCache, type Cache, ManualClock, OptionError, type TypeOptions } from 'velocache';
import { describe, expect, it } from 'vitest';
import { errorOf, useCaches } from '../support/caches.js';

const KB = 1_024;
const VALUE = new Uint8Array(1_000);
/** That of a user of the default tier in a cache of 8 MB. */
const LIMIT = Math.floor(8 * KB * KB * 0.01);

describe('users', () => {
  const caches = useCaches();

  it('have what they stored, and no more than their tier allows', async () => {
    const cache = await caches.create({ users: { tierOf: (user) => (user === 'boss' ? 'admin' : undefined) } });
    for (let i = 0; i < 500; i++) {
      for (const user of ['boss', 'ada']) expect(cache.setBytes(`${user} ${i}`, VALUE, { user })).toBe(true);
    }
    const boss = cache.usage('boss')!;
    const ada = cache.usage('ada')!;
    expect(boss).toMatchObject({ tier: 'admin', limit: Math.floor(8 * KB * KB * 0.05) & ~7 });
    expect(ada).toMatchObject({ tier: 'standard', limit: Math.floor(8 * KB * KB * 0.01) & ~7 });
    for (const { bytes, limit, entries } of [boss, ada]) {
      expect(bytes).toBeLessThanOrEqual(limit);
      expect(bytes).toBeGreaterThan(limit * 0.95);
      expect(bytes).toBeGreaterThan(entries * 1_000);
    }
    expect(cache.stats().users).toEqual({
      active: 2,
      bytes: boss.bytes + ada.bytes,
      max: 4_096,
      evictions: 1_000 - boss.entries - ada.entries,
      rejects: 0,
    });
    expect(cache.stats().removals).toMatchObject({ quota: 1_000 - boss.entries - ada.entries, size: 0 });
  });

  it('lose their coldest entries first, and keep what they read', async () => {
    const clock = new ManualClock();
    const cache = await caches.create({ users: { tiers: { standard: 0.01 } }, clock });
    for (let i = 0; i < 1_000; i++) {
      cache.setBytes(`ada ${i}`, VALUE, { user: 'ada', idle: '1h' });
      clock.advance(10);
      if (i > 60 && i % 10 === 0) expect(cache.getBytes('ada 60')).toBeDefined();
    }
    expect(cache.has('ada 60')).toBe(true);
    expect(cache.has('ada 61')).toBe(false);
    expect(cache.has('ada 999')).toBe(true);
  });

  it('keep what is theirs when others flood the cache with their own quota', async () => {
    const cache = await caches.create({ users: { tiers: { standard: 0.01 } } });
    for (let i = 0; i < 50; i++) cache.setBytes(`ada ${i}`, VALUE, { user: 'ada' });
    for (let i = 0; i < 20_000; i++) cache.setBytes(`bob ${i}`, VALUE, { user: 'bob' });
    expect(cache.usage('ada')?.entries).toBe(50);
    expect(cache.stats().removals.size).toBe(0);
  });

  /** A cache whose type `post` is at its share, with entries of many users, and how many these are. */
  async function filled(
    post: Pick<TypeOptions, 'importance' | 'overflow'>,
  ): Promise<{ cache: Cache<{ default: unknown; post: unknown }>; entries: () => number }> {
    const cache = await caches.create<{ default: unknown; post: unknown }>({
      users: {},
      types: { post: { ...post, maxShare: 0.1 } },
    });
    const space = cache.type('post');
    for (let i = 0; cache.stats().removals.share === 0 && i < 2_000; i++)
      space.setBytes(`honest ${i}`, VALUE, { user: `honest ${i}` });
    expect(cache.stats().removals.share).toBeGreaterThan(0);
    return { cache, entries: () => [...space.keys()].filter((key) => key.startsWith('honest')).length };
  }

  it.each([
    { importance: 'critical', overflow: 'lru' },
    { importance: 'standard', overflow: 'aggressive-lru' },
  ] as const)('cost a type %j at its share nothing with what their quota refuses', async (type) => {
    const { cache, entries } = await filled(type);
    const before = entries();
    const post = cache.type('post');
    const large = Buffer.alloc(LIMIT * 2);
    expect(post.setBytes('large', large, { user: 'mallory' })).toBe(false);
    expect(await post.setAsync('large', large, { user: 'mallory' })).toBe(false);
    expect(await post.fetch('large', () => large, { user: 'mallory' })).toEqual(large);
    expect(entries()).toBe(before);
    expect(cache.stats().rejectsByReason).toMatchObject({ quota: 3, share: 0 });
  });

  it('from seven eighths of their quota on make room in a share with entries of their own of the type, or are refused', async () => {
    const { cache, entries } = await filled({ overflow: 'lru' });
    const post = cache.type('post');
    const large = new Uint8Array(Math.floor(LIMIT / 4));
    // Three quarters of the quota in the other type: the fourth of these is beyond seven eighths.
    for (const key of ['a', 'b', 'c']) expect(cache.setBytes(key, large, { user: 'mallory' })).toBe(true);
    const before = entries();
    expect(post.setBytes('d', large, { user: 'mallory' })).toBe(false);
    expect(entries()).toBe(before);
    cache.delete('a');
    // Now it is a set like any other.
    expect(post.setBytes('d', large, { user: 'mallory' })).toBe(true);
    const after = entries();
    expect(after).toBeLessThan(before);
    expect(post.setBytes('e', large, { user: 'mallory' })).toBe(true);
    expect(entries()).toBe(after);
    expect([post.has('d'), post.has('e')]).toEqual([false, true]);
    expect(cache.usage('mallory')!.bytes).toBeLessThanOrEqual(LIMIT);
  });

  it('have values of others reduced for an entry that takes the place of an own one, within their quota', async () => {
    const reduce = (value: string): string | undefined => (value.length > 2_000 ? value.slice(0, 100) : undefined);
    const cache = await caches.create<{ default: unknown; post: string }>({
      users: { tiers: { standard: 0.05 } },
      types: { post: { maxShare: 0.2, overflow: 'reduce', reduce } },
    });
    const post = cache.type('post');
    // Two of them would be over seven eighths of the quota.
    const large = 'm'.repeat(250_000);
    expect(post.set('own', large, { user: 'ada' })).toBe(true);
    for (let i = 0; cache.stats().reductions === 0 && i < 2_000; i++) post.set(`other ${i}`, 'x'.repeat(4_000));
    const before = cache.stats();
    expect(post.set('own', large.padEnd(260_000), { user: 'ada' })).toBe(true);
    const { reductions, removals } = cache.stats();
    expect(reductions).toBeGreaterThan(before.reductions);
    expect(removals.share).toBe(before.removals.share);
  });

  it('at their quota have no values of others reduced', async () => {
    const reduced: string[] = [];
    const reduce = (value: string, { key }: { key: string }): string => {
      reduced.push(key);
      return value.slice(0, 2_000);
    };
    const cache = await caches.create<{ default: unknown; post: string }>({
      users: {},
      types: { post: { maxShare: 0.1, overflow: 'reduce', reduce } },
    });
    const post = cache.type('post');
    for (let i = 0; reduced.length === 0 && i < 1_000; i++) post.set(`honest ${i}`, 'x'.repeat(4_000));
    expect(reduced.splice(0).length).toBeGreaterThan(0);
    for (let i = 0; i < 20; i++) post.set(`large ${i}`, 'y'.repeat(200_000), { user: 'mallory' });
    expect(reduced).toEqual([]);
    expect(post.set('honest', 'x'.repeat(4_000), { user: 'honest' })).toBe(true);
    expect(reduced.length).toBeGreaterThan(0);
  });

  it('follow each set: another user takes an entry over, nobody makes it nobody’s', async () => {
    const cache = await caches.create({ users: {} });
    cache.set('k', 1, { user: 'ada' });
    const { bytes } = cache.usage('ada')!;
    cache.set('k', 2, { user: 'bob' });
    expect(cache.usage('ada')).toBeUndefined();
    expect(cache.usage('bob')).toMatchObject({ bytes, entries: 1 });
    cache.set('k', 3);
    expect(cache.usage('bob')).toBeUndefined();
    expect(cache.stats().users).toMatchObject({ active: 0, bytes: 0 });
    expect(cache.get('k')).toBe(3);
  });

  it('are the same over all types and threads, and through delete, clear and expiry', async () => {
    const clock = new ManualClock();
    const cache = await caches.create<{ default: unknown; brief: unknown }>({
      users: {},
      types: { brief: { ttl: '1s' } },
      clock,
    });
    cache.set('k', 1, { user: 'ada' });
    cache.type('brief').set('k', 1, { user: 'ada' });
    cache.setMany([['l', 1, { user: 'ada' }]]);
    expect(cache.usage('ada')?.entries).toBe(3);
    cache.delete('l');
    expect(cache.usage('ada')?.entries).toBe(2);
    clock.advance(1_100);
    await expect.poll(() => cache.usage('ada')?.entries).toBe(1);
    cache.clear();
    expect(cache.usage('ada')).toBeUndefined();
  });

  it('have less room when they have been away, and more when they come often', async () => {
    const clock = new ManualClock();
    const cache = await caches.create({ users: {}, clock });
    const share = Math.floor(8 * KB * KB * 0.01) & ~7;
    cache.set('k', 1, { user: 'ada' });
    expect(cache.usage('ada')?.limit).toBe(share);
    for (let quarter = 0; quarter < 16; quarter++) {
      clock.advance(15 * 60_000);
      cache.set('k', 1, { user: 'ada' });
    }
    const most = cache.usage('ada')!.limit;
    expect(most / share).toBeCloseTo(1.5, 3);
    clock.advance(24 * 3_600_000);
    expect(cache.usage('ada')!.limit / share).toBeCloseTo(0.5 + 1 / 16, 3);
  });

  it('are refused what exceeds their quota alone; the old value is gone then', async () => {
    const cache = await caches.create({ users: { tiers: { small: 0.001 } } });
    const rejected: string[] = [];
    cache.on('reject', ({ key, cause }) => rejected.push(`${key} ${cause}`));
    expect(cache.setBytes('k', VALUE, { user: 'ada' })).toBe(true);
    expect(cache.setBytes('other', VALUE, { user: 'ada' })).toBe(true);
    expect(cache.setBytes('k', new Uint8Array(9_000), { user: 'ada' })).toBe(false);
    expect(cache.has('k')).toBe(false);
    expect(cache.usage('ada')?.entries).toBe(1);
    expect(cache.stats()).toMatchObject({ rejects: 1, users: { rejects: 1 } });
    await expect.poll(() => rejected).toEqual(['k quota']);
  });

  it('beyond those that there is room for are refused, until others have left', async () => {
    const cache = await caches.create({ users: { max: 1 } });
    const stored: string[] = [];
    for (let i = 0; i < 200; i++) if (cache.set(`k${i}`, i, { user: `user ${i}` })) stored.push(`k${i}`);
    expect(stored.length).toBeGreaterThanOrEqual(1);
    expect(stored.length).toBeLessThan(100);
    expect(cache.stats().users).toMatchObject({ active: stored.length, max: 1, rejects: 200 - stored.length });
    for (const key of stored) cache.delete(key);
    expect(cache.set('k', 1, { user: 'ada' })).toBe(true);
  });

  it('may be named in a cache without the option, which then has no accounts of them', async () => {
    const cache = await caches.create();
    expect(cache.set('k', 1, { user: 'ada' })).toBe(true);
    expect(cache.usage('ada')).toBeUndefined();
    expect(cache.stats().users).toEqual({ active: 0, bytes: 0, max: 0, evictions: 0, rejects: 0 });
  });
});

describe('tierOf', () => {
  const caches = useCaches();

  it('runs under no lock: it may call the cache, and what it throws has changed nothing', async () => {
    let calls = 0;
    const cache = await caches.create({
      users: {
        tierOf: (user): string => {
          calls += 1;
          if (user === 'eve') throw new Error('no tier for eve');
          if (user !== 'inner') cache.set('seen', user, { user: 'inner' });
          return user === 'mallory' ? 'emperor' : 'premium';
        },
      },
    });
    cache.set('k', 'old', { user: 'ada' });
    expect(cache.get('seen')).toBe('ada');
    expect(cache.usage('inner')?.entries).toBe(1);
    expect(() => cache.set('k', 'new', { user: 'eve' })).toThrow('no tier for eve');
    const { code, message } = errorOf(() => cache.set('k', 'new', { user: 'mallory' }));
    expect(code).toBe('VELOCACHE_OPTION');
    expect(message).toMatch(/emperor.*standard, premium, admin/);
    expect(errorOf(() => cache.usage('mallory')).code).toBe('VELOCACHE_OPTION');
    expect(cache.get('k')).toBe('old');
    expect(cache.usage('ada')).toMatchObject({ tier: 'premium', entries: 1 });
    expect(calls).toBeGreaterThan(4);
  });

  it('must be given to attachCache, and only where the cache has one', async () => {
    const tierOf = () => 'admin';
    const cache = await caches.create({ users: { tierOf } });
    const plain = await caches.create();
    const again = attachCache(cache.handle, { users: { tierOf } });
    expect(again).toBe(cache);
    await again.close();
    // Closed here, so that the next calls attach anew; the functions are checked before all else.
    await cache.close();
    const missing = errorOf(() => attachCache(cache.handle));
    expect(missing).toMatchObject({ code: 'VELOCACHE_HANDLE_VERSION' });
    expect(missing.message).toContain('users.tierOf');
    await plain.close();
    expect(errorOf(() => attachCache(plain.handle, { users: { tierOf } })).code).toBe('VELOCACHE_OPTION');
    expect(errorOf(() => attachCache(plain.handle, { users: { tiers: {} } } as never)).code).toBe('VELOCACHE_OPTION');
    expect(errorOf(() => attachCache(cache.handle, { users: { tierOf: 'admin' } } as never)).code).toBe(
      'VELOCACHE_OPTION',
    );
  });
});

describe('options of users', () => {
  const caches = useCaches();
  const WRONG: [string, object, RegExp][] = [
    ['users', { quota: 1 }, /users\.quota/],
    ['tiers', { tiers: {} }, /users\.tiers/],
    ['tiers', { tiers: 5 }, /users\.tiers/],
    ['tiers', { tiers: null }, /users\.tiers/],
    ['tiers', { tiers: [0.1] }, /users\.tiers is .*: must be an object/],
    ['a share', { tiers: { gold: 1e-12 } }, /users\.tiers\.gold is 1e-12: must come to 64 bytes at least/],
    ['a share', { tiers: { gold: 0 } }, /users\.tiers\.gold is 0/],
    ['a share', { tiers: { gold: 1.5 } }, /users\.tiers\.gold is 1\.5/],
    ['a share', { tiers: { gold: Number.NaN } }, /users\.tiers\.gold/],
    ['a share', { tiers: { gold: '5%' } }, /users\.tiers\.gold/],
    ['defaultTier', { defaultTier: 'gold' }, /users\.defaultTier.*standard, premium, admin/],
    ['defaultTier', { defaultTier: null }, /users\.defaultTier is null/],
    ['tierOf', { tierOf: 'gold' }, /users\.tierOf/],
    ['max', { max: 0 }, /users\.max is 0/],
    ['max', { max: 1.5 }, /users\.max/],
    ['max', { max: 1e9 }, /users\.max.*16384/],
  ];

  it.each(WRONG)('%s: %o is refused', async (_, users, message) => {
    const error: unknown = await caches.create({ users: users as never }).catch((reason: unknown) => reason);
    expect(error).toBeInstanceOf(OptionError);
    expect((error as Error).message).toMatch(message);
  });

  it.each([[''], ['x'.repeat(256)], ['é'.repeat(128)], ['\ud800'], [5], [null], [{}]])(
    'user %o throws',
    async (user) => {
      const cache = await caches.create({ users: {} });
      cache.set('k', 1);
      expect(errorOf(() => cache.set('k', 2, { user: user as never })).code).toBe('VELOCACHE_OPTION');
      expect(errorOf(() => cache.setBytes('k', VALUE, { user: user as never })).code).toBe('VELOCACHE_OPTION');
      expect(errorOf(() => cache.usage(user as never)).code).toBe('VELOCACHE_OPTION');
      expect(cache.get('k')).toBe(1);
    },
  );

  it('take the longest name, and tell names apart that begin alike', async () => {
    const cache = await caches.create({ users: {} });
    const long = 'x'.repeat(255);
    cache.set('a', 1, { user: long });
    cache.set('b', 1, { user: long.slice(1) });
    cache.set('c', 1, { user: 'é' });
    expect(cache.usage(long)?.entries).toBe(1);
    expect(cache.usage(long.slice(1))?.entries).toBe(1);
    expect(cache.stats().users.active).toBe(3);
  });
});
