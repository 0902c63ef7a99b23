import fc from 'fast-check';
import { expect, it } from 'vitest';
import { ExchangeBuffer, ExchangeBuffers } from '../../../../src/cache/pool/exchange.js';

const KEPT = 300_000;

it('a buffer holds what was asked for, behind a recall of 0, and is nobody else’s', () => {
  const sizes = fc.array(fc.nat(400_000), { minLength: 1, maxLength: 30 });
  const check = fc.property(sizes, fc.func(fc.boolean()), (asked, isReleased) => {
    const buffers = new ExchangeBuffers(KEPT);
    const held = new Set<SharedArrayBuffer>();
    for (const [i, bytes] of asked.entries()) {
      const buffer = buffers.acquire(bytes);
      expect(held.has(buffer.memory)).toBe(false);
      expect(buffer.bytes.length).toBeGreaterThanOrEqual(bytes);
      expect(buffer.recall[0]).toBe(0);
      buffer.bytes.fill(0xff);
      expect(buffer.recall[0]).toBe(0);
      buffer.recall[0] = 1;
      held.add(buffer.memory);
      if (!isReleased(i)) continue;
      held.delete(buffer.memory);
      buffers.release(buffer);
    }
  });
  fc.assert(check, { seed: 97, numRuns: 50 });
});

it('free buffers are used again, as many as may be kept', () => {
  const buffers = new ExchangeBuffers(KEPT);
  const [first, second, large] = [1_000, 1_000, 400_000].map((bytes) => buffers.acquire(bytes)) as [
    ExchangeBuffer,
    ExchangeBuffer,
    ExchangeBuffer,
  ];
  for (const buffer of [first, second, large]) buffers.release(buffer);
  const again = [buffers.acquire(10), buffers.acquire(10), buffers.acquire(400_000)];
  expect(again.map(({ memory }) => memory)).toEqual([first.memory, second.memory, expect.anything()]);
  expect(again[2]!.memory).not.toBe(large.memory);
  for (const buffer of again) buffers.release(buffer);
  buffers.clear();
  expect([first.memory, second.memory]).not.toContain(buffers.acquire(10).memory);
});

it('both sides see the same memory', () => {
  const mine = ExchangeBuffer.create(100);
  const theirs = new ExchangeBuffer(mine.memory);
  mine.bytes.set([1, 2, 3]);
  mine.recall[0] = 1;
  expect([...theirs.bytes.subarray(0, 3), theirs.recall[0]]).toEqual([1, 2, 3, 1]);
});
