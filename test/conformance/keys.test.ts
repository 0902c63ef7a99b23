/** Keys: non-empty strings up to 65,535 UTF-8 bytes, compared as they are. */

import { type Cache, createCache } from 'velocache';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { errorOf } from '../support/caches.js';

const SCRIPTS: Record<string, string> = {
  latin: 'clé à vélo',
  greek: 'ποδήλατο',
  arabic: 'دراجة',
  hindi: 'साइकिल',
  chinese: '自行车',
  korean: '자전거',
  'beyond the basic plane': '𐍈𠜎',
  emoji: '🚴🏽‍♀️🇫🇷',
  'a nul': '\0',
  'nuls inside': 'a\0b\0',
  'a prototype name': '__proto__',
  'a method name': 'constructor',
  'white space': ' \t\n',
  'a byte order mark': '\ufeffkey',
  'the replacement character': '\ufffd',
};

describe('keys', () => {
  let cache: Cache;
  beforeAll(async () => {
    cache = await createCache({ capacity: '8mb' });
  });
  afterEach(() => {
    expect(cache.verify()).toEqual([]);
    cache.clearAll();
  });
  afterAll(() => cache.close());

  it.each(Object.entries(SCRIPTS))('%s: %j', (_, key) => {
    expect(cache.set(key, { of: key })).toBe(true);
    expect(cache.get(key)).toEqual({ of: key });
    expect(cache.has(key)).toBe(true);
    expect([...cache.keys()]).toEqual([key]);
    expect([...cache.entries()]).toEqual([[key, { of: key }]]);
    expect(cache.delete(key)).toBe(true);
    expect(cache.get(key)).toBeUndefined();
  });

  it('keys that differ in form only are different keys', () => {
    const keys = ['é', 'e\u0301', 'É', 'K', '\u212a', '', 'a', 'a\0', 'a\0\0'].filter((key) => key !== '');
    keys.forEach((key, i) => void cache.set(key, i));
    expect(keys.map((key) => cache.get(key))).toEqual(keys.map((_, i) => i));
    expect([...cache.keys()].sort()).toEqual([...keys].sort());
  });

  it.each([
    ['ASCII', 'x'.repeat(65_535), 'x'.repeat(65_536)],
    ['two bytes a letter', `${'é'.repeat(32_767)}x`, 'é'.repeat(32_768)],
    ['three bytes a letter', '车'.repeat(21_845), `${'车'.repeat(21_845)}x`],
    ['four bytes a letter', `${'🚴'.repeat(16_383)}xyz`, '🚴'.repeat(16_384)],
  ])('65,535 bytes of UTF-8 are a key, 65,536 are not: %s', (_, longest, tooLong) => {
    expect(Buffer.byteLength(longest)).toBe(65_535);
    expect(Buffer.byteLength(tooLong)).toBe(65_536);
    expect(cache.set(longest, 'value')).toBe(true);
    expect(cache.get(longest)).toBe('value');
    expect([...cache.keys()]).toEqual([longest]);
    const { code, message } = errorOf(() => cache.set(tooLong, 'value'));
    expect(code).toBe('VELOCACHE_KEY');
    expect(message).toContain('65,535');
    expect(cache.delete(longest)).toBe(true);
  });

  it.each([
    ['empty', ''],
    ['a lone high surrogate', 'a\ud83d'],
    ['a lone low surrogate', '\udeb4a'],
    ['surrogates in the wrong order', '\udeb4\ud83d'],
    ['a number', 5],
    ['undefined', undefined],
    ['null', null],
    ['a symbol', Symbol('key')],
    ['a String object', new String('key')],
  ])('%s is no key, for any method', (_, key) => {
    const bad = key as string;
    const methods = [
      () => cache.set(bad, 1),
      () => cache.setBytes(bad, new Uint8Array(1)),
      () => cache.get(bad),
      () => cache.getBytes(bad),
      () => cache.has(bad),
      () => cache.peek(bad),
      () => cache.touch(bad),
      () => cache.delete(bad),
      () => cache.getMany([bad]),
      () => cache.setMany([[bad, 1]]),
      () => cache.deleteMany([bad]),
    ];
    for (const method of methods) {
      const { code, message } = errorOf(method);
      expect([code, message]).toEqual(['VELOCACHE_KEY', expect.stringMatching(/^key is .+: must /)]);
    }
    expect([...cache.keys()]).toEqual([]);
  });
});
