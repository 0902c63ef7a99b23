import { expect, it } from 'vitest';
import { checkHistory, type Operation } from './history.js';

const set = (value: number, begin: number, end: number): Operation => ({ key: 1, value, isRead: false, begin, end });
const get = (value: number, begin: number, end: number): Operation => ({ key: 1, value, isRead: true, begin, end });

it('a get may return a value whose set it overlaps, the last one, or nothing', () => {
  expect(checkHistory([set(1, 1, 4), get(1, 2, 3), get(1, 5, 6), get(0, 7, 8)])).toEqual([]);
  expect(checkHistory([set(1, 1, 2), set(2, 3, 8), get(1, 4, 5), get(2, 6, 7)])).toEqual([]);
  // Two sets at the same time may have taken effect either way round.
  expect(checkHistory([set(1, 1, 4), set(2, 2, 3), get(1, 5, 6), get(2, 7, 8)])).toEqual([]);
});

it('a get may not return what was never set, an overwritten or deleted value, or one of the future', () => {
  expect(checkHistory([set(1, 1, 2), get(9, 3, 4)])[0]).toMatch(/never set/);
  expect(checkHistory([set(1, 1, 2), set(2, 3, 4), get(1, 5, 6)])[0]).toMatch(/had returned/);
  expect(checkHistory([set(1, 1, 2), set(0, 3, 4), get(1, 5, 6)])[0]).toMatch(/had returned/);
  expect(checkHistory([get(1, 1, 2), set(1, 3, 4)])[0]).toMatch(/began at 3 only/);
});

it('a get may not go back behind what an earlier one has seen, even while the set is still under way', () => {
  expect(checkHistory([set(1, 1, 2), set(2, 3, 9), get(2, 4, 5), get(1, 6, 7)])[0]).toMatch(/had returned/);
});
