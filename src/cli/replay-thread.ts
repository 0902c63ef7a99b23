import { ItemTooLargeError, type KeySpace } from '../index.js';
import type { TraceChunk } from './messages.js';
import type { Pacer } from './pacer.js';
import { hashText } from './random.js';
import { retryBusy } from './retry.js';
import { createTally, noteViolation, type Tally } from './tally.js';
import type { TraceRequest } from './trace.js';

/** Columns of a chunk's `fields`; the number of the step and its time come with every request. */
const COLUMNS = 5;
const FIELD = { op: 0, size: 1, ttl: 2, step: 3, time: 4 } as const;
const OPS = { get: 0, set: 1, delete: 2 } as const;
const UNKNOWN = -1;

/** Bytes of a value whose size the trace doesn't say. */
export const SIZE_BYTES_DEFAULT = 1_024;
const MARK_BYTES = 4;
/** Keys whose last known state each thread remembers. */
const LEDGER_SLOTS = 2 ** 16;

/** Collects one thread's requests into a chunk. */
export class ChunkWriter {
  #keys: string[] = [];
  #fields: number[] = [];

  add({ key, op, sizeBytes, ttlMs }: TraceRequest, step: number, timeMs: number): void {
    const code = op === 'get' ? OPS.get : op === 'delete' ? OPS.delete : OPS.set;
    this.#keys.push(key);
    this.#fields.push(code, sizeBytes ?? SIZE_BYTES_DEFAULT, ttlMs ?? UNKNOWN, step, timeMs);
  }

  take(endStep: number, endTimeMs: number): TraceChunk {
    const chunk = { keys: this.#keys, fields: Float64Array.from(this.#fields), endStep, endTimeMs };
    this.#keys = [];
    this.#fields = [];
    return chunk;
  }
}

/** What is known of the keys last used: a bounded table in which a key displaces another of the same slot. */
class Ledger {
  readonly #keys: (string | undefined)[] = new Array(LEDGER_SLOTS).fill(undefined);
  readonly #sizes: Int32Array = new Int32Array(LEDGER_SLOTS);

  /** `sizeBytes` of the value last set; `UNKNOWN` if the key was deleted or its set was refused. */
  note(key: string, hash: number, sizeBytes: number): void {
    this.#keys[slotOf(hash)] = key;
    this.#sizes[slotOf(hash)] = sizeBytes;
  }

  find(key: string, hash: number): number | undefined {
    return this.#keys[slotOf(hash)] === key ? this.#sizes[slotOf(hash)] : undefined;
  }
}

/** The high bits, 16 of them: the low ones have already picked the thread. */
function slotOf(hash: number): number {
  return hash >>> 16;
}

/** Replays the requests of one thread's keys, in the trace's order and at the trace's time. */
export class ReplayThread {
  readonly tally: Tally = createTally();
  readonly #space: KeySpace<unknown>;
  readonly #pacer: Pacer;
  readonly #thread: number;
  readonly #sizeBytesMax: number;
  readonly #ledger: Ledger = new Ledger();
  #scratch: Buffer = Buffer.alloc(SIZE_BYTES_DEFAULT);

  /** A value larger than the cache can't be stored, whatever its size: one byte more than the capacity stands for it. */
  constructor(space: KeySpace<unknown>, pacer: Pacer, thread: number, capacityBytes: number) {
    this.#space = space;
    this.#pacer = pacer;
    this.#thread = thread;
    this.#sizeBytesMax = capacityBytes + 1;
  }

  run({ keys, fields, endStep, endTimeMs }: TraceChunk): void {
    for (const [i, key] of keys.entries()) {
      const at = i * COLUMNS;
      if (!this.#pacer.enter(this.#thread, fields[at + FIELD.step] ?? 0, fields[at + FIELD.time] ?? 0)) return;
      this.#request(key, fields.subarray(at, at + COLUMNS));
    }
    this.#pacer.announce(this.#thread, endStep, endTimeMs);
  }

  #request(key: string, fields: Float64Array): void {
    const hash = hashText(key);
    const sizeBytes = Math.min(fields[FIELD.size] ?? 0, this.#sizeBytesMax);
    const ttlMs = fields[FIELD.ttl] ?? UNKNOWN;
    if (fields[FIELD.op] === OPS.delete) this.#delete(key, hash);
    else if (fields[FIELD.op] === OPS.set) this.#set(key, hash, sizeBytes, ttlMs);
    else this.#get(key, hash, sizeBytes, ttlMs);
  }

  #get(key: string, hash: number, sizeBytes: number, ttlMs: number): void {
    this.tally.gets++;
    this.tally.bytesRequested += sizeBytes;
    const value = this.#space.getBytes(key);
    if (value === undefined) {
      this.#set(key, hash, sizeBytes, ttlMs);
      return;
    }
    this.tally.bytesHit += sizeBytes;
    this.#check(key, hash, value);
  }

  #set(key: string, hash: number, sizeBytes: number, ttlMs: number): void {
    this.tally.sets++;
    const stored = this.#store(key, this.#valueOf(hash, sizeBytes), ttlMs);
    if (stored !== true) this.tally.rejected++;
    // A value that is too large leaves the one before where it was.
    if (stored !== undefined) this.#ledger.note(key, hash, stored ? sizeBytes : UNKNOWN);
  }

  /** Undefined if the value is too large for any cache of this capacity. */
  #store(key: string, value: Uint8Array, ttlMs: number): boolean | undefined {
    try {
      const options = ttlMs === UNKNOWN ? undefined : { ttl: ttlMs };
      return retryBusy(() => this.#space.setBytes(key, value, options));
    } catch (error) {
      if (error instanceof ItemTooLargeError) return undefined;
      throw error;
    }
  }

  #delete(key: string, hash: number): void {
    this.tally.deletes++;
    retryBusy(() => this.#space.delete(key));
    this.#ledger.note(key, hash, UNKNOWN);
  }

  /** A value starts and ends with its key's hash, as far as it is long enough: so mixed and torn values show. */
  #valueOf(hash: number, sizeBytes: number): Uint8Array {
    if (this.#scratch.length < sizeBytes) this.#scratch = Buffer.alloc(sizeBytes);
    const value = this.#scratch.subarray(0, sizeBytes);
    if (sizeBytes < MARK_BYTES) return value.fill(hash & 0xff);
    value.writeUInt32LE(hash, 0);
    value.writeUInt32LE(hash, sizeBytes >= 2 * MARK_BYTES ? sizeBytes - MARK_BYTES : 0);
    return value;
  }

  #check(key: string, hash: number, value: Uint8Array): void {
    this.tally.checked++;
    const known = this.#ledger.find(key, hash);
    if (known === UNKNOWN) noteViolation(this.tally, `get("${key}") returned a value although none is stored`);
    else if (known !== undefined && known !== value.length)
      noteViolation(this.tally, `get("${key}") returned ${value.length} bytes; ${known} were set`);
    else if (!isMarked(value, hash)) noteViolation(this.tally, `get("${key}") returned bytes of another value`);
  }
}

function isMarked(value: Uint8Array, hash: number): boolean {
  if (value.length < MARK_BYTES) return value.every((byte) => byte === (hash & 0xff));
  const view = new DataView(value.buffer, value.byteOffset, value.byteLength);
  if (view.getUint32(0, true) !== hash) return false;
  return value.length < 2 * MARK_BYTES || view.getUint32(value.length - MARK_BYTES, true) === hash;
}
