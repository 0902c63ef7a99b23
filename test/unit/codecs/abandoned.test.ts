import { expect, it, vi } from 'vitest';
import { codecNamed, encoded, roundTrip } from './support.js';

/** Numbers that are written and read through a view of the memory, not byte by byte. */
const NUMBERS = [1.5, -2.25, 70_000, 2 ** 31, -40_000, 1e300];

/** What a call is cut short by; a full stack can do that, and a time-out of vm, between any two lines. */
class Cut extends Error {}

function cut(): never {
  throw new Cut();
}

it('msgpack encodes whole values after a call was cut short while the buffer was exchanged', () => {
  const codec = codecNamed('msgpack');
  codec.encode(NUMBERS.toReversed());
  const copy = vi.spyOn(Buffer.prototype, 'copy').mockImplementation(cut);
  expect(() => codec.encode('x'.repeat(30_000))).toThrow(Cut);
  copy.mockRestore();
  expect(roundTrip(codec, NUMBERS)).toEqual(NUMBERS);
});

it('the buffer is not exchanged under an outer call that a getter has left for an inner one', () => {
  const codec = codecNamed('msgpack');
  const copy = vi.spyOn(Buffer.prototype, 'copy').mockImplementation(cut);
  expect(() => codec.encode('x'.repeat(30_000))).toThrow(Cut);
  const value = {
    before: NUMBERS,
    get inner(): string {
      expect(() => codec.encode(['x'.repeat(60_000)])).toThrow(Cut);
      return Buffer.from(codec.encode(NUMBERS)).toString('hex');
    },
    after: NUMBERS,
  };
  const bytes = encoded(codec, value);
  copy.mockRestore();
  const inner = Buffer.from(codec.encode(NUMBERS)).toString('hex');
  expect(codec.decode(bytes, 0, bytes.length)).toEqual({ before: NUMBERS, inner, after: NUMBERS });
});

it('msgpack decodes whole values after a call was cut short while it made its views', () => {
  const codec = codecNamed('msgpack');
  const others = NUMBERS.toReversed();
  const [first, second] = [encoded(codec, NUMBERS), encoded(codec, others)];
  expect(first.length).toBe(second.length);
  for (const view of ['DataView', 'Buffer'] as const) {
    codec.decode(first, 0, first.length);
    vi.stubGlobal(view, view === 'Buffer' ? { from: cut } : cut);
    expect(() => codec.decode(second, 0, second.length)).toThrow(Cut);
    vi.unstubAllGlobals();
    expect(codec.decode(second, 0, second.length), view).toEqual(others);
    expect(codec.decode(first, 0, first.length), view).toEqual(NUMBERS);
  }
});

it('the shaped form writes whole values after a call was cut short while its buffer grew', () => {
  const codec = codecNamed('shapes');
  codec.encode(NUMBERS.toReversed());
  const grow = vi.spyOn(Buffer, 'allocUnsafeSlow').mockImplementation(cut);
  expect(() => codec.encode(['before', 'x'.repeat(30_000)])).toThrow(Cut);
  grow.mockRestore();
  expect(roundTrip(codec, ['after', ...NUMBERS])).toEqual(['after', ...NUMBERS]);
});
