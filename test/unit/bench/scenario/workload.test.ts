import { describe, expect, it } from 'vitest';
import { History, historyMsFor } from '../../../../bench/scenario/history.js';
import {
  hitRatioMax,
  LOADS,
  Requests,
  requestsPerMs,
  strideFor,
  TYPES,
  thingOfRank,
  ttlMsOf,
} from '../../../../bench/scenario/workload.js';
import { Random } from '../../../../src/cli/random.js';

describe('thingOfRank', () => {
  it.each([1, 2, 7, 100, 618, 1_000])('gives each of %i ranks a thing of its own, of the latest', (size) => {
    const stride = strideFor(size);
    for (const next of [size, size + 1, 3 * size + 5]) {
      const things = Array.from({ length: size }, (_, rank) => thingOfRank(rank, next, size, stride));
      expect(things.toSorted((a, b) => a - b)).toEqual(Array.from({ length: size }, (_, i) => next - size + i));
    }
  });

  it('keeps the rank of a thing until it is too old', () => {
    const [size, rank] = [10, 3];
    const stride = strideFor(size);
    const things = Array.from({ length: 2 * size }, (_, i) => thingOfRank(rank, size + i, size, stride));
    expect(things.toSorted((a, b) => a - b)).toEqual(things);
    expect(new Set(things).size).toBe(2);
  });
});

describe('Requests', () => {
  it('are the same for the same seed, wherever they are taken up', () => {
    const draws = (requests: Requests, random: Random) => Array.from({ length: 500 }, () => requests.draw(random));
    const random = new Random(7);
    const whole = new Requests(100, 60_000);
    const first = draws(whole, random);
    expect(draws(new Requests(100, 60_000), new Random(7))).toEqual(first);
    const later = new Requests(100, 60_000, whole.next);
    const seed = new Random(8);
    expect(draws(later, seed)).toEqual(draws(whole, new Random(8)));
  });

  it('come by the shares of the types, and ask for new things as often as the types say', () => {
    const requests = new Requests(1_000, 60_000);
    const random = new Random(1);
    const before = requests.next;
    const counts = new Map<string, number>();
    const draws = 100_000;
    for (let i = 0; i < draws; i++) {
      const { type } = requests.draw(random);
      counts.set(type, (counts.get(type) ?? 0) + 1);
    }
    for (const [i, type] of TYPES.entries()) {
      const count = counts.get(type)!;
      expect(count / draws).toBeCloseTo(LOADS[type].accesses, 2);
      expect((requests.next[i]! - before[i]!) / count).toBeCloseTo(1 - LOADS[type].again, 1);
    }
    expect(TYPES.reduce((sum, type) => sum + LOADS[type].accesses, 0)).toBeCloseTo(1, 9);
    expect(TYPES.reduce((sum, type) => sum + LOADS[type].space, 0)).toBeCloseTo(1, 9);
  });
});

describe('History', () => {
  const options = { users: 50, threads: 2, seed: 1, windowMs: 120_000 };

  it('holds in all threads together what a shared cache holds, some of it twice', () => {
    const history = new History(options);
    history.run(120_000);
    const [one, other, all] = [history.heldBy(0), history.heldBy(1), history.heldByAll()];
    const names = (held: typeof all) => held.map(({ type, thing }) => `${type} ${thing}`);
    expect(new Set(names(all)).size).toBe(all.length);
    expect(new Set([...names(one), ...names(other)])).toEqual(new Set(names(all)));
    expect(all.length).toBeLessThan(one.length + other.length);
  });

  it('holds nothing past its TTL', () => {
    const history = new History(options);
    history.run(200_000);
    for (const { type, ageMs } of history.heldByAll()) expect(ageMs).toBeLessThan(ttlMsOf(type));
    expect(history.heldByAll().some(({ type }) => type === 'weather')).toBe(true);
  });

  it('is as long as it takes to hold so many bytes', () => {
    const bytesOf = { session: 1, route: 1, weather: 1, llm: 1, stats: 1, misc: 1 };
    const ms = historyMsFor(20, bytesOf, 2, 1);
    const history = new History({ ...options, users: 100, windowMs: ms });
    history.run(ms);
    expect((history.heldBy(0).length + history.heldBy(1).length) / 100).toBeCloseTo(20, 0);
    expect(historyMsFor(20, bytesOf, 4, 1)).toBeLessThan(ms);
  });
});

it('has a hit ratio that no cache can exceed', () => {
  expect(hitRatioMax()).toBeCloseTo(0.9105, 4);
  expect(requestsPerMs(1_200)).toBe(1);
});
