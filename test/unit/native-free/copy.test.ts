import { describe, expect, it } from 'vitest';
import { copyBytes } from '../../../native-free/index.js';

const ROOM = 2_400;
const GUARD = 0xee;
/** On both sides of a loop's end and of a word's, and some that are long. */
const LENGTHS = [0, 1, 3, 4, 7, 8, 9, 127, 128, 129, 136, 137, 511, 1_000, 2_003];

const memories = {
  'private to shared': [new ArrayBuffer(ROOM), new SharedArrayBuffer(ROOM)],
  'shared to private': [new SharedArrayBuffer(ROOM), new ArrayBuffer(ROOM)],
  'shared to shared': [new SharedArrayBuffer(ROOM), new SharedArrayBuffer(ROOM)],
} as const;

describe.each(Object.entries(memories))('copyBytes, %s', (_, [source, target]) => {
  const bytes = new Uint8Array(source);
  for (let i = 0; i < ROOM; i++) bytes[i] = (i * 31 + (i >> 8)) & 0xff;
  const to = new Uint8Array(target);

  it.each(LENGTHS)('%d bytes, from and to every place of a word, and nothing beside', (length) => {
    for (let from = 0; from < 9; from++) {
      for (let start = 8; start < 17; start++) {
        to.fill(GUARD);
        copyBytes(to, start, bytes.subarray(from, from + length));
        const [copied, wanted] = [to.slice(start, start + length), bytes.slice(from, from + length)];
        expect(Buffer.compare(copied, wanted), `from ${from} to ${start}`).toBe(0);
        expect([to[start - 1], to[start + length]], `from ${from} to ${start}`).toEqual([GUARD, GUARD]);
      }
    }
  });
});

it('copies as many bytes as the array says that it has, though it has more or fewer', () => {
  class Lying extends Uint8Array {
    override get length(): number {
      return 300;
    }
  }
  for (const real of [1_000, 20]) {
    const to = new Uint8Array(new SharedArrayBuffer(ROOM)).fill(GUARD);
    copyBytes(to, 100, new Lying(real));
    expect(to.indexOf(0)).toBe(100);
    expect(to.indexOf(GUARD, 100)).toBe(400);
    expect(to.subarray(400).every((byte) => byte === GUARD)).toBe(true);
  }
});
