/** What `set`, `get` and their siblings return, keep and refuse (rules 1, 3 and 6). */
import { describe, expect, it } from 'vitest';
import { errorOf, useCaches } from '../support/caches.js';
import { watchAtomics } from '../support/cut.js';

describe('set and get', () => {
  const caches = useCaches();

  it('set says true, get gives the value, and undefined for a miss', async () => {
    const cache = await caches.create();
    expect(cache.get('key')).toBeUndefined();
    expect(cache.set('key', { a: [1, 'two', null] })).toBe(true);
    expect(cache.get('key')).toEqual({ a: [1, 'two', null] });
    expect(cache.set('key', null)).toBe(true);
    expect(cache.get('key')).toBeNull();
    expect(cache.stats()).toMatchObject({ sets: 2, hits: 2, misses: 1, entries: 1, hitRatio: 2 / 3 });
    expect(cache.stats().removals.replaced).toBe(1);
  });

  it('set(key, undefined) throws and keeps the old value', async () => {
    const cache = await caches.create();
    cache.set('key', 1);
    expect(errorOf(() => cache.set('key', undefined)).code).toBe('VELOCACHE_VALUE');
    expect(cache.get('key')).toBe(1);
  });

  it.each(['msgpack', 'cbor', 'json', 'structured'] as const)(
    'what %s can not keep throws and keeps the old value',
    async (codec) => {
      const cache = await caches.create({ types: { default: { codec } } });
      cache.set('key', 1);
      for (const value of [() => 1, Symbol('s'), { deep: [() => 1] }, new WeakMap()]) {
        expect(errorOf(() => cache.set('key', value)).code).toBe('VELOCACHE_VALUE');
      }
      expect(cache.get('key')).toBe(1);
    },
  );

  it('an unknown option and a bad user throw and change nothing', async () => {
    const cache = await caches.create();
    cache.set('key', 1);
    const options: unknown[] = [null, 5, { tll: 5 }, { user: '' }, { user: 5 }, { user: 'é'.repeat(128) }];
    for (const wrong of options) {
      expect(errorOf(() => cache.set('key', 2, wrong as object)).code).toBe('VELOCACHE_OPTION');
      expect(errorOf(() => cache.setBytes('key', new Uint8Array(1), wrong as object)).code).toBe('VELOCACHE_OPTION');
    }
    expect(cache.set('other', 2, { user: 'x'.repeat(255) })).toBe(true);
    expect(cache.get('key')).toBe(1);
  });

  it('a value that was got is a private copy', async () => {
    const cache = await caches.create<{ default: { list: number[] } }>();
    const value = { list: [1] };
    cache.set('key', value);
    value.list.push(2);
    cache.get('key')?.list.push(3);
    expect(cache.get('key')).toEqual({ list: [1] });
  });
});

describe('bytes', () => {
  const caches = useCaches();

  it.each([0, 1, 3, 4, 255, 4_096, 4_097, 100_000, 1_000_000])('%d bytes come back as they were', async (length) => {
    const cache = await caches.create();
    const bytes = Uint8Array.from({ length }, (_, i) => i * 7);
    expect(cache.setBytes('key', bytes)).toBe(true);
    expect(Buffer.compare(cache.getBytes('key')!, bytes)).toBe(0);
    expect(Buffer.compare(cache.get('key') as Uint8Array, bytes)).toBe(0);
  });

  it('getBytes of a coded entry throws, bytes do not', async () => {
    const cache = await caches.create();
    cache.set('coded', new Uint8Array(3));
    const { code, message } = errorOf(() => cache.getBytes('coded'));
    expect(code).toBe('VELOCACHE_NOT_BYTES');
    expect(message).toContain('"coded"');
    expect(cache.getBytes('absent')).toBeUndefined();
  });

  it('setBytes takes a Uint8Array or a Buffer, also over shared memory, and nothing else', async () => {
    const cache = await caches.create();
    expect(cache.setBytes('buffer', Buffer.from('hello'))).toBe(true);
    expect(cache.setBytes('shared', new Uint8Array(new SharedArrayBuffer(4)).fill(9))).toBe(true);
    expect(cache.getBytes('shared')).toEqual(new Uint8Array(4).fill(9));
    const refused: unknown[] = ['text', [1], new ArrayBuffer(4), new Uint16Array(2), undefined, null];
    for (const wrong of refused) {
      expect(errorOf(() => cache.setBytes('key', wrong as Uint8Array)).code).toBe('VELOCACHE_VALUE');
    }
  });

  it.each([40, 900, 40_000])(
    'an array of %d bytes that says it has others, now and then, is stored as it is',
    async (length) => {
      const cache = await caches.create();
      for (let i = 0; i < 50; i++) cache.setBytes(`beside ${i}`, new Uint8Array(900).fill(i + 1));
      // What its chunk had before must not be seen.
      cache.delete('beside 10');
      cache.delete('beside 11');
      for (let truths = 0; truths < 12; truths++) {
        let asked = 0;
        class Lying extends Uint8Array {
          override get length(): number {
            return asked++ < truths ? length : 60_000;
          }
        }
        const lying = new Lying(length);
        asked = 0;
        expect(cache.setBytes('key', lying)).toBe(true);
        expect(isFilled(cache.getBytes('key'), length, 0), `${truths}`).toBe(true);
      }
      for (let i = 0; i < 50; i++)
        if (i !== 10 && i !== 11) expect(isFilled(cache.getBytes(`beside ${i}`), 900, i + 1)).toBe(true);
    },
  );

  it.each([40, 100, 5_000, 90_000])('%d bytes that get more while they are stored are as they were', async (length) => {
    const cache = await caches.create<{ default: unknown; raw: Uint8Array }>({ types: { raw: { codec: 'raw' } } });
    const raw = cache.type('raw');
    const ways: [(bytes: Uint8Array) => boolean, () => Uint8Array | undefined][] = [
      [(bytes) => cache.setBytes('key', bytes), () => cache.getBytes('key')],
      [(bytes) => raw.set('key', bytes), () => raw.get('key')],
    ];
    cache.setBytes('beside', new Uint8Array(length).fill(2));
    for (const [set, get] of ways) {
      for (let at = 0, seen = 1; at < seen; at++) {
        const { bytes, grow } = growing(length, 2 * length + 100);
        let left = at;
        // Another thread's doing, at any moment of the call.
        seen = watchAtomics(
          () => left-- === 0 && grow(),
          () => set(bytes.fill(1)),
        );
        expect(isFilled(get(), length, 1), `grown at ${at}`).toBe(true);
      }
    }
    expect(isFilled(cache.getBytes('beside'), length, 2)).toBe(true);
  });

  it.each([5, 137, 4_096, 5_000, 300_000])('%d bytes are private: not shared, not to be changed', async (length) => {
    const cache = await caches.create();
    cache.setBytes('a', new Uint8Array(length).fill(1));
    cache.setBytes('b', new Uint8Array(length).fill(2));
    const [a, b] = [cache.getBytes('a')!, cache.getBytes('b')!];
    expect(a.buffer).toBeInstanceOf(ArrayBuffer);
    a.fill(9);
    expect(isFilled(b, length, 2)).toBe(true);
    expect(isFilled(cache.getBytes('a'), length, 1)).toBe(true);
    b.fill(9);
    expect(isFilled(cache.getBytes('b'), length, 2)).toBe(true);
  });

  it('transferring one result neither takes another away nor harms the cache', async () => {
    const cache = await caches.create();
    cache.setBytes('a', Buffer.from('hello'));
    cache.setBytes('b', Buffer.from('world'));
    const [a, b] = [cache.getBytes('a')!, cache.getBytes('b')!];
    transfer(a.buffer as ArrayBuffer);
    expect(Buffer.from(b).toString()).toBe('world');
    expect(Buffer.from(cache.getBytes('a')!).toString()).toBe('hello');
    expect(Buffer.from(cache.getBytes('b')!).toString()).toBe('world');
  });
});

/** Much faster than expect's equality. */
function isFilled(bytes: Uint8Array | undefined, length: number, value: number): boolean {
  return bytes?.length === length && bytes.every((byte) => byte === value);
}

/** An array that gets longer with the shared memory that it lies in. */
function growing(length: number, maxByteLength: number): { bytes: Uint8Array; grow: () => void } {
  const Growable = SharedArrayBuffer as unknown as new (length: number, options: object) => SharedArrayBuffer;
  const buffer = new Growable(length, { maxByteLength }) as SharedArrayBuffer & { grow(length: number): void };
  return { bytes: new Uint8Array(buffer), grow: () => buffer.grow(maxByteLength) };
}

/** Hands a buffer to another realm, which some versions of Node refuse for one that isn't the user's alone. */
function transfer(buffer: ArrayBuffer): void {
  try {
    structuredClone(buffer, { transfer: [buffer] });
  } catch (error) {
    expect((error as Error).name).toBe('DataCloneError');
  }
}

describe('too large, and no room', () => {
  const caches = useCaches();

  it('an item over maxItem throws, naming both sizes, and keeps the old value', async () => {
    const cache = await caches.create({ slab: { maxItem: 1_000 } });
    expect(cache.setBytes('key', new Uint8Array(997))).toBe(true);
    const { code, message } = errorOf(() => cache.setBytes('key', new Uint8Array(998)));
    expect(code).toBe('VELOCACHE_ITEM_TOO_LARGE');
    expect(message).toContain('1001 bytes');
    expect(message).toContain('1000 bytes');
    expect(cache.getBytes('key')).toHaveLength(997);
    expect(errorOf(() => cache.set('coded', 'x'.repeat(2_000))).code).toBe('VELOCACHE_ITEM_TOO_LARGE');
  });

  it('maxItem is an eighth of the capacity by default', async () => {
    const cache = await caches.create();
    expect(cache.setBytes('key', new Uint8Array(2 ** 20 - 3))).toBe(true);
    expect(errorOf(() => cache.setBytes('key', new Uint8Array(2 ** 20 - 2))).code).toBe('VELOCACHE_ITEM_TOO_LARGE');
    expect(cache.getBytes('key')).toHaveLength(2 ** 20 - 3);
  });

  it('a set that finds no room says false, stores nothing, and the old value is gone', async () => {
    const maxItem = 1.625 * 2 ** 20;
    // The counters of this many types leave less memory to items than maxItem allows.
    const names = Array.from({ length: 60 }, (_, i) => `type${i}`);
    const types = Object.fromEntries(names.map((name) => [name, {}]));
    const cache = await caches.create<Record<string, unknown>>({ capacity: maxItem * 2, slab: { maxItem }, types });
    const room = cache.stats().bytesFree;
    expect(room).toBeLessThan(maxItem - 100);
    expect(cache.setBytes('key', Buffer.from('old'))).toBe(true);
    expect(cache.setBytes('key', new Uint8Array(maxItem - 100))).toBe(false);
    expect(cache.getBytes('key')).toBeUndefined();
    expect(cache.has('key')).toBe(false);
    const none = { share: 0, quota: 0, pressure: 0, users: 0 };
    expect(cache.stats()).toMatchObject({ rejects: 1, rejectsByReason: { room: 1, ...none } });
    expect(cache.setBytes('key', Buffer.from('new'))).toBe(true);
    expect(Buffer.from(cache.getBytes('key')!).toString()).toBe('new');
  });
});
