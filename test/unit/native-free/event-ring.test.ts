/** The event ring: whole records, in order, for each reader; the slow ones lose the oldest, which is counted. */
import { describe, expect, it } from 'vitest';
import {
  EventRing,
  lockToken,
  OWNER_SLOTS,
  OWNER_WORDS,
  OwnerTable,
  type RingRecord,
} from '../../../native-free/index.js';
import { Random } from '../../support/random.js';

const BASE = 32;
const HEADER_WORDS = 16;

function make(size: number) {
  const start = BASE + HEADER_WORDS + size;
  const words = new Int32Array(new SharedArrayBuffer((start + OWNER_SLOTS * OWNER_WORDS) * 4));
  const owners = new OwnerTable(words, start);
  const slot = owners.claim(1);
  const ring = new EventRing(words, BASE, size);
  const append = (key: string, bytes = 1) => {
    const encoded = Buffer.from(`__${key}`);
    ring.append(1, 2, 3, bytes, 9, encoded, 2, encoded.length - 2, lockToken(slot, 1), owners);
  };
  return { words, owners, ring, append };
}

function drain(ring: EventRing, cursor: number): { records: RingRecord[]; cursor: number } {
  const records: RingRecord[] = [];
  for (let at = cursor; ; ) {
    const next = ring.read(at, (record) => records.push(record));
    if (next === at) return { records, cursor: at };
    at = next;
  }
}

function keysOf(records: readonly RingRecord[]): string[] {
  return records.map(({ key }) => Buffer.from(key).toString());
}

describe('EventRing', () => {
  it('gives records back as they were', () => {
    const { ring, append } = make(256);
    const start = ring.head;
    append('a clé', 2 ** 32 - 1);
    append('', 0);
    const { records } = drain(ring, start);
    expect(keysOf(records)).toEqual(['a clé', '']);
    expect(records[0]).toMatchObject({ kind: 1, type: 2, cause: 3, bytes: 2 ** 32 - 1, threadId: 9 });
    expect(ring.dropped).toBe(0);
  });

  it('each reader has a cursor of its own; one that begins now misses what was', () => {
    const { ring, append } = make(256);
    const early = ring.head;
    append('a');
    const late = ring.head;
    append('b');
    expect(keysOf(drain(ring, early).records)).toEqual(['a', 'b']);
    expect(keysOf(drain(ring, late).records)).toEqual(['b']);
    expect(drain(ring, ring.head).records).toEqual([]);
  });

  it('a lapped reader goes on with the oldest whole record, and the loss is counted', () => {
    const { ring, append } = make(64);
    const start = ring.head;
    for (let i = 0; i < 100; i++) append(`key ${i}`);
    const { records, cursor } = drain(ring, start);
    const numbers = keysOf(records).map((key) => Number(key.slice(4)));
    expect(numbers.length).toBeGreaterThan(4);
    expect(numbers).toEqual(numbers.map((_, i) => 100 - numbers.length + i));
    expect(cursor).toBe(ring.head);
    expect(ring.dropped).toBeGreaterThan(0);
  });

  it('a record that would fill more than a quarter of the ring is dropped and counted', () => {
    const { ring, append } = make(64);
    const start = ring.head;
    append('x'.repeat(11 * 4));
    append('x'.repeat(11 * 4 + 1));
    expect(drain(ring, start).records).toHaveLength(1);
    expect(ring.dropped).toBe(1);
  });

  it.each([0x7fffffff - 40, -40, -1])('head and tail wrap: from %d words on', (start) => {
    const { ring, words, append } = make(64);
    words[BASE + 1] = start;
    words[BASE + 2] = start;
    let cursor = ring.head;
    expect(cursor).toBe(start);
    for (let i = 0; i < 200; i++) {
      append(`key ${i}`);
      const drained = drain(ring, cursor);
      expect(keysOf(drained.records)).toEqual([`key ${i}`]);
      cursor = drained.cursor;
    }
    expect(ring.dropped).toBe(0);
    for (let i = 0; i < 200; i++) append(`key ${i}`);
    expect(keysOf(drain(ring, cursor).records).at(-1)).toBe('key 199');
  });

  it('readers that are now and then lapped read whole records in order (seed 11)', () => {
    const { ring, append } = make(128);
    const random = new Random(11);
    let cursor = ring.head;
    let sent = 0;
    let last = -1;
    for (let i = 0; i < 2_000; i++) {
      for (let n = random.below(25); n > 0; n--) append(`${sent++}:${'x'.repeat(random.below(60))}`);
      const drained = drain(ring, cursor);
      cursor = drained.cursor;
      for (const key of keysOf(drained.records)) {
        expect(key).toMatch(/^\d+:x*$/);
        expect(Number(key.split(':')[0])).toBeGreaterThan(last);
        last = Number(key.split(':')[0]);
      }
      if (drained.records.length > 0) expect(last).toBe(sent - 1);
    }
    expect(ring.dropped).toBeGreaterThan(0);
  });

  it('a writer that died under the lock holds up nobody: the lock is taken, the record was never there', () => {
    const { ring, words, owners, append } = make(64);
    const start = ring.head;
    append('whole');
    const slot = owners.claim(2);
    words[ring.lockIndex] = lockToken(slot, 2);
    words[BASE + HEADER_WORDS + (ring.head & 63)] = 12;
    append('dropped');
    expect(ring.dropped).toBe(1);
    owners.markDead(slot, 2);
    append('after');
    expect(keysOf(drain(ring, start).records)).toEqual(['whole', 'after']);
  });
});
