/** User code runs inside no critical section (rule 11): it may call the cache, also about the key at hand. */
import { type Cache, ManualClock } from 'velocache';
import { describe, expect, it } from 'vitest';
import { useCaches } from '../support/caches.js';

/** An object whose property `now` is what `action` returns when the codec reads it. */
function lazily(action: () => unknown): object {
  return {
    before: 'b'.repeat(100),
    get now() {
      return action();
    },
    after: [1, 2, 3],
  };
}

function stored(now: unknown): object {
  return { before: 'b'.repeat(100), now, after: [1, 2, 3] };
}

const ACTIONS: [string, (cache: Cache) => unknown, unknown][] = [
  ['set of the same key', (cache) => cache.set('key', 'inner'), true],
  ['set of another key', (cache) => cache.set('other', { z: ['inner'] }), true],
  ['set of a large value', (cache) => cache.setBytes('other', new Uint8Array(300_000)), true],
  ['get of the same key', (cache) => cache.get('key'), 'old'],
  ['getBytes', (cache) => cache.getBytes('bytes')?.length, 500],
  ['delete of the same key', (cache) => cache.delete('key') || !cache.has('key'), true],
  ['clear', (cache) => cache.clear() ?? 'cleared', 'cleared'],
  ['a walk', (cache) => [...cache.keys()].sort(), ['bytes', 'key']],
  ['verify', (cache) => cache.verify(), []],
  [
    'a nested set of the same',
    (cache) =>
      cache.set(
        'key',
        lazily(() => cache.set('key', { deep: 1 })),
      ),
    true,
  ],
];

describe.each(['msgpack', 'cbor', 'json', 'structured'] as const)('a getter that the codec %s calls', (codec) => {
  const caches = useCaches();

  it.each(ACTIONS)('may call the cache: %s', async (_, action, result) => {
    const cache = await caches.create({ types: { default: { codec } } });
    cache.set('key', 'old');
    cache.setBytes('bytes', new Uint8Array(500));
    expect(
      cache.set(
        'key',
        lazily(() => action(cache)),
      ),
    ).toBe(true);
    expect(cache.get('key')).toEqual(stored(result));
    if (cache.has('other')) expect(cache.get('other')).toBeDefined();
  });

  it('may throw: its error comes through, and nothing has changed', async () => {
    const cache = await caches.create({ types: { default: { codec } } });
    cache.set('key', 'old');
    const value = lazily(() => {
      throw new RangeError('of the user');
    });
    expect(() => cache.set('key', value)).toThrow(new RangeError('of the user'));
    expect(cache.get('key')).toBe('old');
  });
});

describe('other code of the user', () => {
  const caches = useCaches();

  it('getters of the options of set may call the cache', async () => {
    const cache = await caches.create();
    for (const name of ['ttl', 'idle', 'user']) {
      const options = Object.defineProperty({}, name, {
        enumerable: true,
        get: () => (cache.set('other', { inner: name }) ? undefined : 1),
      });
      expect(cache.set('key', { outer: name }, options)).toBe(true);
      expect([cache.get('key'), cache.get('other')]).toEqual([{ outer: name }, { inner: name }]);
      expect(cache.setBytes('bytes', Buffer.from(name), options)).toBe(true);
      expect(Buffer.from(cache.getBytes('bytes')!).toString()).toBe(name);
    }
  });

  it('iterables that setMany and deleteMany take may call the cache', async () => {
    const cache = await caches.create();
    function* entries(): Generator<[string, unknown]> {
      yield ['a', 1];
      yield ['b', cache.get('a')];
      cache.delete('a');
      yield ['c', cache.setMany([['d', 4]])];
    }
    expect(cache.setMany(entries())).toEqual([true, true, true]);
    expect(cache.getMany(['a', 'b', 'c', 'd'])).toEqual([undefined, 1, [true], 4]);
    function* keys(): Generator<string> {
      yield 'b';
      cache.delete('c');
      yield 'c';
    }
    expect(cache.deleteMany(keys())).toBe(1);
  });

  it('listeners may call the cache', async () => {
    const clock = new ManualClock(1_000);
    const cache = await caches.create({ clock });
    const done = new Promise<void>((resolve) => {
      cache.on('evict', ({ key }) => {
        cache.set(`after ${key}`, [...cache.keys()]);
        resolve();
      });
    });
    cache.set('key', 1, { ttl: 10 });
    clock.advance(10);
    await done;
    expect(cache.get('after key')).toEqual([]);
  });

  it('toJSON may call the cache, as deep in a value as it stands', async () => {
    const cache = await caches.create();
    cache.set('key', 'old');
    const inner = {
      toJSON: () => [cache.get('key'), cache.set('key', { inner: 1 }), cache.setBytes('b', new Uint8Array(9))],
    };
    expect(cache.set('key', { outer: [inner, { inner }], tail: 'x'.repeat(50) })).toBe(true);
    expect(cache.get('key')).toEqual({
      outer: [['old', true, true], { inner: [expect.anything(), true, true] }],
      tail: 'x'.repeat(50),
    });
    expect(cache.getBytes('b')).toEqual(new Uint8Array(9));
  });
});
