import { expect, it, vi } from 'vitest';
import { Landing } from '../../../src/engine/landing.js';

const WORDS = Int32Array.from({ length: 16 }, (_, i) => i * 0x01010101);
const BYTES = new Uint8Array(WORDS.buffer);

/** Whether a copy arrives where the result is looked for. */
function lands(landing: Landing): boolean {
  landing.copyFrom(WORDS, BYTES, 0, BYTES.length);
  return Buffer.compare(BYTES, landing.bytes.subarray(landing.start, landing.start + BYTES.length)) === 0;
}

/** Lets a call be cut short where it makes a view of new memory, as a full stack or a time-out of vm might. */
function cutShort(call: () => void): void {
  vi.stubGlobal('Int32Array', () => {
    throw new RangeError('cut');
  });
  expect(call).toThrow(TypeError);
  vi.unstubAllGlobals();
}

it('scratch memory and its view stay one after a call that was cut short between the two', () => {
  const landing = new Landing();
  cutShort(() => landing.forScratch(10_000));
  for (const length of [64, 10_000, 30_000, 64]) {
    landing.forScratch(length);
    expect(landing.bytes.length).toBeGreaterThanOrEqual(length);
    expect(lands(landing), `${length}`).toBe(true);
  }
});

it('so do a block for users and its view, and no two results share bytes', () => {
  const landing = new Landing();
  const results: Uint8Array[] = [];
  const give = (): void => {
    landing.forUser(4_096);
    expect(lands(landing)).toBe(true);
    results.push(landing.take(4_096));
  };
  for (let i = 0; i < 16; i++) give();
  cutShort(() => landing.forUser(4_096));
  for (let i = 0; i < 20; i++) give();
  const places = results.map(({ buffer, byteOffset }) => ({ buffer, byteOffset }));
  for (const [i, { buffer, byteOffset }] of places.entries()) {
    expect(places.slice(0, i).some((other) => other.buffer === buffer && other.byteOffset === byteOffset)).toBe(false);
  }
});

it('memory of a result’s own is cleared behind it, where the copy doesn’t reach', () => {
  const before = vi.spyOn(Buffer, 'allocUnsafeSlow').mockImplementation((length) => Buffer.alloc(length, 0xaa));
  const landing = new Landing();
  landing.forUser(5_001);
  landing.copyFrom(new Int32Array(1_251).fill(-1), new Uint8Array(5_004).fill(0xff), 0, 5_001);
  const result = landing.take(5_001);
  before.mockRestore();
  expect(result.every((byte) => byte === 0xff)).toBe(true);
  expect(new Uint8Array(result.buffer).subarray(5_001)).toEqual(new Uint8Array(7));
});
