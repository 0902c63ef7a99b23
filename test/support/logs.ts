/** An append-only log without an arena, and more threads' views of it. */
import { AppendLog, lockToken, OWNER_SLOTS, OWNER_WORDS, OwnerTable } from '../../native-free/index.js';

export interface LogBed {
  readonly words: Int32Array<SharedArrayBuffer>;
  /** The log as another thread has it. */
  join(): AppendLog;
}

/** A log of so many bytes, its head and table included. */
export function logBed(bytes: number): LogBed {
  const size = bytes >>> 2;
  const words = new Int32Array(new SharedArrayBuffer((size + OWNER_SLOTS * OWNER_WORDS) * 4));
  const owners = new OwnerTable(words, size);
  let threads = 0;
  const join = (): AppendLog => {
    threads += 1;
    return new AppendLog({ words, base: 0, size, token: lockToken(owners.claim(threads), threads), owners });
  };
  return { words, join };
}
