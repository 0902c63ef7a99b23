/** The undo journal (native-free/README.md): all of a transaction or nothing, and sequences that only run forward. */
import { describe, expect, it } from 'vitest';
import { Journal } from '../../../native-free/index.js';
import { journalWords } from '../../../native-free/journal.js';

const CAPACITY = 8;
const BASE = 100;

function make() {
  const segments = [0, 1].map(() => new Int32Array(new SharedArrayBuffer(4_096)));
  const [meta, other] = [segments[0]!, segments[1]!];
  const journal = new Journal(segments, CAPACITY);
  journal.begin(BASE);
  return { segments, meta, other, journal };
}

describe('Journal', () => {
  it('a commit keeps every store, and later recovery undoes nothing', () => {
    const { journal, meta, other } = make();
    journal.write(0, 10, 1);
    journal.write(1, 10, -5);
    journal.write(0, 10, 2);
    journal.commit();
    journal.recover(BASE);
    expect([meta[10], other[10]]).toEqual([2, -5]);
  });

  it('recovery puts the old values back, last first, in all segments', () => {
    const { journal, meta, other } = make();
    meta[10] = 7;
    other[1_023] = -9;
    journal.write(0, 10, 1);
    journal.write(0, 10, 2);
    journal.write(1, 1_023, 3);
    journal.recover(BASE);
    expect([meta[10], other[1_023]]).toEqual([7, -9]);
  });

  it('recovering twice, also from the middle of a recovery, changes nothing more', () => {
    const { journal, segments, meta } = make();
    meta[10] = 7;
    meta[11] = 8;
    journal.write(0, 10, 1);
    journal.write(0, 11, 2);
    const record = meta.slice(BASE, BASE + journalWords(CAPACITY));
    journal.recover(BASE);
    // As the recovery stood before its last store: the record is still full.
    meta.set(record, BASE);
    new Journal(segments, CAPACITY).recover(BASE);
    expect([meta[10], meta[11], meta[BASE]]).toEqual([7, 8, 0]);
    new Journal(segments, CAPACITY).recover(BASE);
    expect([meta[10], meta[11]]).toEqual([7, 8]);
  });

  it('an entry that was being written when the thread died is not counted', () => {
    const { journal, segments, meta } = make();
    meta[10] = 7;
    journal.write(0, 10, 1);
    // The next entry, torn: address and value are there, the count is not.
    meta[BASE + 8 + 2] = 11;
    meta[BASE + 8 + 3] = 99;
    new Journal(segments, CAPACITY).recover(BASE);
    expect([meta[10], meta[11]]).toEqual([7, 0]);
  });

  it('a rollback undoes the transaction in hand, and another may follow', () => {
    const { journal, meta } = make();
    journal.write(0, 10, 1);
    journal.open(0, 20);
    journal.rollback();
    expect([meta[10], meta[20]]).toEqual([0, 2]);
    journal.write(0, 10, 2);
    journal.commit();
    expect(meta[10]).toBe(2);
  });

  it('has room for as many stores as it was made for, and refuses one more before it is made', () => {
    const { journal, meta } = make();
    for (let i = 0; i < CAPACITY; i++) {
      expect(journal.room).toBe(CAPACITY - i);
      journal.write(0, 10 + i, i + 1);
    }
    expect(() => journal.write(0, 50, 1)).toThrow(/journal full/);
    expect(meta[50]).toBe(0);
    journal.recover(BASE);
    expect([...meta.subarray(10, 18)]).toEqual([0, 0, 0, 0, 0, 0, 0, 0]);
  });
});

describe('sequences', () => {
  it('are odd while open, two further after a commit, and after a recovery', () => {
    const { journal, meta } = make();
    meta[20] = 10;
    journal.open(0, 20);
    journal.open(0, 20);
    expect(meta[20]).toBe(11);
    journal.commit();
    expect(meta[20]).toBe(12);
    journal.open(0, 20);
    journal.recover(BASE);
    expect(meta[20]).toBe(14);
    journal.recover(BASE);
    expect(meta[20]).toBe(14);
  });

  it.each([0x7ffffffe, -2])('wrap at %d', (start) => {
    const { journal, meta } = make();
    meta[20] = start;
    journal.open(0, 20);
    expect(meta[20]).toBe((start + 1) | 0);
    journal.commit();
    expect(meta[20]).toBe((start + 2) | 0);
    journal.open(0, 20);
    journal.recover(BASE);
    expect(meta[20]).toBe((start + 4) | 0);
  });

  it('that a death left open behind a commit, or before it, are closed by the recovery', () => {
    const { journal, segments, meta } = make();
    for (const isCommitted of [true, false]) {
      meta[20] = 10;
      meta[30] = 40;
      meta[10] = 0;
      journal.begin(BASE);
      journal.write(0, 10, 1);
      journal.open(0, 20);
      journal.open(0, 30);
      // The commit's deciding store, and a death behind the first of the sequences.
      if (isCommitted) {
        meta[BASE] = 0;
        meta[20] = 12;
      }
      new Journal(segments, CAPACITY).recover(BASE);
      expect([meta[10], meta[20], meta[30]]).toEqual([isCommitted ? 1 : 0, 12, 42]);
    }
  });

  it('four may be open, and no more', () => {
    const { journal } = make();
    for (let i = 0; i < 4; i++) journal.open(1, i);
    expect(() => journal.open(1, 4)).toThrow(/too many sequences/);
    journal.rollback();
  });
});
