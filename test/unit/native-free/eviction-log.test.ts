/** Records of the log are whole or absent, whatever was cut short. */
import { describe, expect, it } from 'vitest';
import { evictionLogWords } from '../../../native-free/eviction-log.js';
import { EvictionLog, LOGGED_KEY_BYTES, SeqlockReader } from '../../../native-free/index.js';
import { cutAt } from '../../support/cut.js';

const RECORDS = 4;
const BASE = 16;

function logOf(): { words: Int32Array<SharedArrayBuffer>; log: EvictionLog; append: (n: number) => void } {
  const words = new Int32Array(new SharedArrayBuffer((BASE + evictionLogWords(RECORDS)) * 4));
  const log = new EvictionLog(words, RECORDS, new SeqlockReader(words, 0, true));
  const source = new Int32Array(new SharedArrayBuffer(256));
  const append = (n: number): void => {
    source.fill(n);
    log.appendLocked(BASE, n, n, n & 0xff, n & 7, n, 100, source, 0);
  };
  return { words, log, append };
}

function ticks(log: EvictionLog): number[] {
  return [...log.newestFirst(BASE)].map(({ tick, ageTicks, bytes, key, type, cause, keyBytes }) => {
    expect([ageTicks, bytes, type, cause, keyBytes]).toEqual([tick, tick, tick & 0xff, tick & 7, 100]);
    expect(new Set(new Int32Array(key.buffer, key.byteOffset, key.length / 4))).toEqual(new Set([tick]));
    expect(key).toHaveLength(LOGGED_KEY_BYTES);
    return tick;
  });
}

describe('EvictionLog', () => {
  it('has the last records, newest first', () => {
    const { log, append } = logOf();
    expect(ticks(log)).toEqual([]);
    append(1);
    append(2);
    expect(ticks(log)).toEqual([2, 1]);
    for (let n = 3; n <= 10; n++) append(n);
    expect(ticks(log)).toEqual([10, 9, 8, 7]);
  });

  it('keeps the length of a key, and no more of it than there is', () => {
    const { log, words } = logOf();
    const source = new Int32Array(new SharedArrayBuffer(16));
    source.fill(0x41414141);
    log.appendLocked(BASE, 1, 0, 0, 0, 9, 5, source, 0);
    const [record] = [...log.newestFirst(BASE)];
    expect(Buffer.from(record!.key).toString()).toBe('AAAAA');
    expect(words[BASE + 16 + 16 + 5 + 2], 'a word behind the key').toBe(0);
  });

  it('a death at any step costs one record, and the next writer goes on', () => {
    for (let step = 0; ; step++) {
      const { log, append } = logOf();
      for (let n = 1; n <= 6; n++) append(n);
      const isCut = cutAt(step, () => append(7));
      const left = ticks(log);
      expect(
        [
          [6, 5, 4, 3],
          [6, 5, 4],
          [7, 6, 5, 4],
        ],
        `step ${step}`,
      ).toContainEqual(left);
      append(8);
      expect(ticks(log)[0], `step ${step}`).toBe(8);
      if (!isCut) break;
    }
  });

  it('a record that is overwritten while it is read is left out', () => {
    const { log, append } = logOf();
    for (let n = 1; n <= 4; n++) append(n);
    const records = log.newestFirst(BASE);
    expect(records.next().value).toMatchObject({ tick: 4 });
    append(5);
    append(6);
    expect([...records].map(({ tick }) => tick)).toEqual([3]);
  });

  it('numbers may wrap', () => {
    const { words, log, append } = logOf();
    words[BASE] = -3;
    for (let n = 1; n <= 6; n++) append(n);
    // The record numbered 0 can't be told from one that was never written.
    expect(ticks(log)).toEqual([6, 5, 4]);
  });
});
