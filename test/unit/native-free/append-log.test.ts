/** The append-only log: records stay as they were put, under the number that they were given, whatever comes later. */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  AppendLog,
  LOG_BUSY,
  LOG_FULL,
  LOG_MOVED,
  lockToken,
  OWNER_SLOTS,
  OWNER_WORDS,
  OwnerTable,
} from '../../../native-free/index.js';

const { FC_SEED } = process.env;
const SEED = Number(FC_SEED ?? Math.floor(Math.random() * 2 ** 31));
const BASE = 32;
const HEADER_WORDS = 16;
/** Behind the log, where nothing of it may come to lie. */
const GUARD = 0x1234567;

function make(size: number) {
  const table = BASE + size + 16;
  const words = new Int32Array(new SharedArrayBuffer((table + OWNER_SLOTS * OWNER_WORDS) * 4));
  words[BASE + size] = GUARD;
  const owners = new OwnerTable(words, table);
  /** A log as the thread with that id has it. */
  const of = (threadId: number) => {
    const token = lockToken(owners.claim(threadId), threadId);
    return new AppendLog({ words, base: BASE, size, token, owners });
  };
  return { words, owners, of };
}

const bytesOf = (text: string) => Uint8Array.from(Buffer.from(text));

describe('AppendLog', () => {
  it('gives records back as they were, to every thread', () => {
    const { of } = make(128);
    const [one, other] = [of(1), of(2)];
    expect(one.append(7, bytesOf('first'), 0)).toBe(0);
    expect(other.append(255, new Uint8Array(0), 1)).toBe(1);
    for (const log of [one, other]) {
      expect(log.count).toBe(2);
      expect([log.kindOf(0), log.kindOf(1)]).toEqual([7, 255]);
      expect(log.read(0)).toEqual(bytesOf('first'));
      expect(log.read(1)).toEqual(new Uint8Array(0));
      expect(log.problems()).toEqual([]);
    }
  });

  it('a copy is private: changing it changes no record', () => {
    const log = make(128).of(1);
    log.append(1, bytesOf('same'), 0);
    log.read(0).fill(0);
    expect(log.read(0)).toEqual(bytesOf('same'));
  });

  it('takes nothing from a thread that has not seen all records', () => {
    const { of } = make(128);
    const [one, other] = [of(1), of(2)];
    one.append(1, bytesOf('a'), 0);
    expect(other.append(1, bytesOf('a'), 0)).toBe(LOG_MOVED);
    expect(other.count).toBe(1);
    expect(other.append(1, bytesOf('b'), 1)).toBe(1);
  });

  it('says so when it is full, and keeps what it has', () => {
    const { words, of } = make(HEADER_WORDS + 8);
    const log = of(1);
    expect(log.bytesTotal).toBe(32);
    expect(log.append(1, new Uint8Array(25), 0)).toBe(LOG_FULL);
    expect(log.append(1, bytesOf('sixteen bytes...'), 0)).toBe(0);
    expect(log.bytesUsed).toBe(24);
    expect(log.append(1, bytesOf('a'), 1)).toBe(LOG_FULL);
    expect(log.append(1, new Uint8Array(0), 1)).toBe(1);
    expect(log.bytesUsed).toBe(32);
    expect(log.append(1, new Uint8Array(0), 2)).toBe(LOG_FULL);
    expect(log.read(0)).toEqual(bytesOf('sixteen bytes...'));
    expect(log.problems()).toEqual([]);
    expect(words[BASE + HEADER_WORDS + 8]).toBe(GUARD);
  });

  it('one without memory takes nothing and has nothing', () => {
    const log = make(0).of(1);
    expect([log.count, log.bytesUsed, log.bytesTotal]).toEqual([0, 0, 0]);
    expect(log.append(1, new Uint8Array(0), 0)).toBe(LOG_FULL);
    expect(log.problems()).toEqual([]);
  });

  it('waits no longer than its bound for a lock whose owner lives, and takes that of one that is dead', () => {
    const { words, owners, of } = make(128);
    const [holder, log] = [owners.claim(8), of(1)];
    words[BASE] = lockToken(holder, 8);
    expect(log.append(1, bytesOf('a'), 0)).toBe(LOG_BUSY);
    expect([log.count, log.isHeld]).toEqual([0, false]);
    owners.markDead(holder, 8);
    expect(log.append(1, bytesOf('a'), 0)).toBe(0);
    expect(words[BASE]).toBe(0);
  });

  it('what a dead writer left unpublished is overwritten', () => {
    const { words, of } = make(64);
    const log = of(1);
    log.append(1, bytesOf('kept'), 0);
    words.fill(-1, BASE + HEADER_WORDS + 2, BASE + 63);
    expect(log.count).toBe(1);
    expect(log.append(2, bytesOf('next'), 1)).toBe(1);
    expect([log.read(0), log.read(1)]).toEqual([bytesOf('kept'), bytesOf('next')]);
    expect(log.problems()).toEqual([]);
  });

  it('lets go of a lock that an append of this thread has left', () => {
    const { words, of } = make(64);
    const [log, other] = [of(1), of(2)];
    words[BASE] = lockToken(0, 1);
    log.isHeld = true;
    log.letGo();
    expect([words[BASE], log.isHeld]).toEqual([0, false]);
    expect(other.append(1, bytesOf('a'), 0)).toBe(0);
  });

  it.each([
    ['a count that is too large', 2, 1_000],
    ['a negative count', 2, -1],
    ['a record without a kind', HEADER_WORDS, 5],
    ['a length that leads elsewhere', HEADER_WORDS, (1 << 24) | 500],
    ['a place that is not its own', 63, HEADER_WORDS + 1],
  ])('verification finds %s', (_, word, value) => {
    const { words, of } = make(64);
    const log = of(1);
    log.append(1, bytesOf('first'), 0);
    log.append(1, bytesOf('second'), 1);
    words[BASE + word] = value;
    expect(log.problems()).not.toEqual([]);
  });

  it(`any row of records, as long as there is room (seed ${SEED})`, () => {
    const record = fc.tuple(fc.integer({ min: 1, max: 255 }), fc.uint8Array({ maxLength: 90 }));
    fc.assert(
      fc.property(fc.array(record, { maxLength: 40 }), fc.integer({ min: 16, max: 300 }), (records, size) => {
        const { words, of } = make(size);
        const logs = [of(1), of(2)];
        const kept = records.filter(([kind, bytes], i) => {
          const log = logs[i % 2]!;
          return log.append(kind, bytes, log.count) >= 0;
        });
        const [log] = logs as [AppendLog, AppendLog];
        expect(Array.from({ length: log.count }, (_, n) => [log.kindOf(n), log.read(n)])).toEqual(kept);
        expect(log.bytesUsed).toBe(kept.reduce((sum, [, { length }]) => sum + 8 + Math.ceil(length / 4) * 4, 0));
        expect(log.bytesUsed).toBeLessThanOrEqual(log.bytesTotal);
        expect(log.problems()).toEqual([]);
        expect(words[BASE + size]).toBe(GUARD);
      }),
      { seed: SEED },
    );
  });
});
