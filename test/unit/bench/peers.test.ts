import { describe, expect, it } from 'vitest';
import { allCells, type Cell, fewCells, nameOf } from '../../../bench/peers/cells.js';
import type { Setup } from '../../../bench/peers/contender.js';
import { drawerOf, drawStride } from '../../../bench/peers/draw.js';
import { encodeSet, parseMeta } from '../../../bench/peers/meta.js';
import type { Parse } from '../../../bench/peers/pipeline-client.js';
import { parseResp } from '../../../bench/peers/resp.js';
import { Stream } from '../../../bench/peers/stream.js';
import { keysOf, objectOf, STRIDE, sourceOf } from '../../../bench/peers/values.js';
import { Random } from '../../../src/cli/random.js';

const SETUP: Setup = { kind: 'bytes', items: 1_000, valueBytes: 100, keys: 'uniform', values: 'pooled' };

describe('workloads', () => {
  it('are a base and cells that differ from it in one factor', () => {
    const [base, ...others] = fewCells(100_000) as [Cell, ...Cell[]];
    expect(nameOf(base)).toBe('zipf 95/5 1kb bytes 100000-items 1-thread');
    for (const other of others) {
      const differing = (Object.keys(base) as (keyof Cell)[]).filter((factor) => other[factor] !== base[factor]);
      expect(differing).toHaveLength(1);
    }
    expect(new Set(others.map(nameOf)).size).toBe(8);
  });

  it('are all combinations that a machine has room for', () => {
    const cells = allCells(100_000);
    expect(new Set(cells.map(nameOf)).size).toBe(cells.length);
    expect(cells).toHaveLength(2 * 3 * 2 * 2 * (3 + 2));
    expect(fewCells(100_000).every((cell) => cells.map(nameOf).includes(nameOf(cell)))).toBe(true);
  });
});

describe('items drawn', () => {
  it("are popular by Zipf's law, each by a rank of its own", () => {
    const draw = drawerOf({ ...SETUP, keys: 'zipf' }, 1);
    const counts = new Map<number, number>();
    for (let i = 0; i < 200_000; i++) {
      const item = draw();
      counts.set(item, (counts.get(item) ?? 0) + 1);
    }
    expect([counts.size, Math.min(...counts.keys()), Math.max(...counts.keys())]).toEqual([1_000, 0, 999]);
    const sorted = [...counts.values()].sort((a, b) => b - a);
    expect(sorted[0]! / sorted[9]!).toBeCloseTo(10 ** 0.99, -1);
  });

  it('are read and set by the share that is asked for', () => {
    const drawn = new Int32Array(100_000);
    drawStride(drawn, keysOf(SETUP), drawerOf(SETUP, 1), 0.95, new Random(1));
    expect(drawn.filter((item) => item < 0).length / drawn.length).toBeCloseTo(0.05, 2);
    for (const [reads, sets] of [
      [1, 0],
      [0, drawn.length],
    ] as const) {
      drawStride(drawn, keysOf(SETUP), drawerOf(SETUP, 1), reads, new Random(1));
      expect(drawn.filter((item) => item < 0)).toHaveLength(sets);
    }
  });
});

describe('values', () => {
  it.each([100, 137, 1_024, 10_240])('are objects of about %d bytes as JSON', (length) => {
    for (const item of [12_345, 77_777, 999_999]) {
      const { length: bytes } = JSON.stringify(objectOf(item, length));
      expect(Math.abs(bytes - length) / length).toBeLessThan(0.15);
      expect(bytes).toBeLessThanOrEqual(length + 23);
    }
  });

  it('are fresh for caches that keep them, as long as refills keep up with a stride', () => {
    const { take, refill } = sourceOf({ ...SETUP, values: 'fresh' }, () => ({}));
    const taken = new Set<object>();
    for (let stride = 0; stride < 3; stride++) {
      for (let i = 0; i < STRIDE; i++) taken.add(take(i));
      refill?.();
    }
    expect(taken.size).toBe(3 * STRIDE);
  });
});

describe('Stream', () => {
  it('does what was drawn, one by one or in batches, and counts what misses', async () => {
    const done = { gets: 0, sets: 0 };
    const one = (): number => {
      done.gets++;
      return done.gets % 2 === 0 ? 1 : -1;
    };
    const many = async (items: readonly number[]): Promise<number[]> => {
      done.sets += items.length;
      return [];
    };
    const stream = new Stream({ get: { one }, set: { many, batch: 10 } }, SETUP, keysOf(SETUP), 1);
    const { operations, misses, latencies } = await stream.run(0.5, 1, true);
    expect(operations).toBe(done.gets + done.sets);
    expect(misses).toBe(Math.ceil(done.gets / 2));
    expect(latencies?.counts.reduce((sum, count) => sum + count)).toBe(operations);
  });

  it('sets what it misses, and counts what it finds', async () => {
    const cache = new Set<number>();
    const get = { one: (item: number): number => (cache.has(item) ? 1 : -1) };
    const set = { one: (item: number): number => Number(cache.add(item) === undefined) };
    const stream = new Stream({ get, set }, { ...SETUP, items: 10 }, keysOf(SETUP), 1);
    await stream.readThrough(STRIDE);
    expect(cache.size).toBe(10);
    expect(await stream.readThrough(STRIDE - 1)).toEqual({ hits: STRIDE, operations: STRIDE });
  });
});

describe.each<[string, Parse, string, (string | undefined)[]]>([
  ['Redis', parseResp, '$2\r\nh\n\r\n$-1\r\n+OK\r\n', ['h\n', undefined, 'OK']],
  ['memcached', parseMeta, 'VA 2\r\nh\n\r\nEN\r\nHD\r\n', ['h\n', undefined, 'HD']],
])('replies of %s', (_, parse, text, expected) => {
  it('are found in any pieces', () => {
    const whole = Buffer.from(text);
    for (let length = 0; length <= whole.length; length++) {
      const [replies, buffer] = [[] as (string | undefined)[], whole.subarray(0, length)];
      for (let parsed = parse(buffer, 0); parsed !== undefined; parsed = parse(buffer, parsed.end)) {
        replies.push(parsed.reply?.toString());
      }
      expect(replies).toEqual(expected.slice(0, replies.length));
      if (length === whole.length) expect(replies).toEqual(expected);
    }
  });

  it('that are errors are thrown', () => {
    expect(() => parse(Buffer.from('-ERROR bad\r\n'), 0)).toThrow('says: ');
  });
});

describe('sets of memcached', () => {
  it('say how long the value is', () => {
    expect(encodeSet('k', Buffer.from('ab')).toString()).toBe('ms k 2\r\nab\r\n');
  });
});
