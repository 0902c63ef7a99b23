/** Values with a CRC on the built package: damage is a miss, counted and told, and costs nothing else. */
import { type Alert, type Cache, NotBytesError } from 'velocache';
import { describe, expect, it } from 'vitest';
import { useCaches } from '../support/caches.js';

/** Flips a byte of each place in shared memory that holds these bytes. Says how many there are. */
function damage(cache: Cache, text: string): number {
  const wanted = Buffer.from(text);
  let places = 0;
  for (const shared of cache.handle.buffers) {
    const bytes = Buffer.from(shared as unknown as ArrayBuffer);
    for (let at = bytes.indexOf(wanted); at >= 0; at = bytes.indexOf(wanted, at + 1)) {
      bytes[at] = bytes[at]! ^ 0x20;
      places += 1;
    }
  }
  return places;
}

describe('values with a CRC', () => {
  const caches = useCaches();

  it('come back as they were, values and bytes', async () => {
    const cache = await caches.create({ types: { default: { crc: true } } });
    const large = { text: 'x'.repeat(200_000) };
    cache.set('small', { a: 1 });
    cache.set('large', large);
    cache.setBytes('bytes', Uint8Array.of(1, 2, 3));
    expect([cache.get('small'), cache.get('large')]).toEqual([{ a: 1 }, large]);
    expect([cache.getBytes('bytes'), cache.get('bytes')]).toEqual([Uint8Array.of(1, 2, 3), Uint8Array.of(1, 2, 3)]);
    expect(() => cache.getBytes('small')).toThrow(NotBytesError);
    expect([...cache.entries()].map(([key]) => key).sort()).toEqual(['bytes', 'large', 'small']);
  });

  it('are misses once damaged, counted and told, until they are set anew', async () => {
    const cache = await caches.create({ types: { default: { crc: true } } });
    const alert = new Promise<Alert>((resolve) => cache.once('alert', resolve));
    cache.set('key', 'a long enough text');
    cache.set('other', 'another text');
    expect(damage(cache, 'a long enough text')).toBe(1);
    expect([cache.get('key'), cache.peek('key'), cache.get('other')]).toEqual([undefined, undefined, 'another text']);
    expect([...cache.entries()]).toEqual([['other', 'another text']]);
    expect(cache.stats()).toMatchObject({ hits: 1, misses: 1, decodeFailures: 3 });
    expect(await alert).toEqual({
      code: 'decode-failed',
      severity: 'warning',
      figure: 1,
      threshold: 0,
      message: 'values of type "default" could not be read, 1 so far: CodecError: the CRC of a value is wrong',
      type: 'default',
    });
    cache.set('key', 'anew');
    expect(cache.get('key')).toBe('anew');
  });

  it('damaged bytes are a miss, too', async () => {
    const cache = await caches.create({ types: { default: { crc: true } } });
    cache.setBytes('key', Buffer.from('some bytes or other'));
    expect(damage(cache, 'some bytes or other')).toBe(1);
    expect(cache.getBytes('key')).toBeUndefined();
    expect(cache.stats()).toMatchObject({ hits: 0, misses: 1, decodeFailures: 1 });
  });

  it('takes true or false', async () => {
    await expect(caches.create({ types: { default: { crc: 1 as unknown as boolean } } })).rejects.toMatchObject({
      code: 'VELOCACHE_OPTION',
      message: 'types.default.crc is 1: must be true or false',
    });
  });
});
