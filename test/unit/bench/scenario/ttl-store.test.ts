import { expect, it } from 'vitest';
import { TtlCache } from '../../../../bench/scenario/ttl-store.js';

it('hands out what it holds, and lets it go when its time is over, on read or by a sweep', () => {
  let nowMs = 0;
  const cache = new TtlCache<object>(() => nowMs);
  const [short, long] = [{}, {}];
  cache.set('short', short, 10);
  cache.set('long', long, 30);
  cache.set('other', {}, 10);
  expect([cache.get('short'), cache.get('long'), cache.get('none')]).toEqual([short, long, undefined]);
  expect(cache.get('short')).toBe(short);
  nowMs = 10;
  expect(cache.get('short')).toBeUndefined();
  expect(cache.size).toBe(2);
  cache.sweep();
  expect([cache.size, cache.get('long')]).toEqual([1, long]);
});
