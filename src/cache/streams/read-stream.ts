/** The stream that `readStream` returns. */
import { addAbortSignal, Readable } from 'node:stream';
import type { Hold } from '../../engine/holds.js';
import { ClosedError } from '../../errors.js';
import type { Member } from '../member.js';
import type { StreamSet } from './write-stream.js';

/** Where the bytes come from: an item that is pinned, or a copy. */
export type Source = Hold | Uint8Array;

/** Most bytes that one read copies. */
const READ_BYTES_MAX = 64 * 1_024;

/** Gives the bytes that were stored when it was made, whatever becomes of their entry meanwhile. */
export class CacheReadStream extends Readable {
  /** Bytes of the whole value. */
  readonly size: number;
  readonly #member: Member;
  readonly #open: StreamSet;
  #source: Source;

  /** For `readStream`. */
  constructor(member: Member, source: Source, open: StreamSet, signal: AbortSignal | undefined) {
    super();
    this.size = source.length;
    this.#member = member;
    this.#open = open;
    this.#source = source;
    open.add(this);
    // Last: it may be aborted already.
    if (signal !== undefined) addAbortSignal(signal, this);
  }

  override _read(bytes: number): void {
    let next: Uint8Array | null;
    try {
      next = this.#next(Math.max(1, Math.min(bytes, READ_BYTES_MAX)));
    } catch (error) {
      this.destroy(error as Error);
      return;
    }
    // The memory of what was read to its end is given back before anybody is told.
    if (next === null) this.#release();
    this.push(next);
  }

  #next(bytes: number): Uint8Array | null {
    this.#member.begin();
    const source = this.#source;
    if (!(source instanceof Uint8Array)) {
      if (source.left === 0) return null;
      const next = Buffer.allocUnsafe(Math.min(bytes, source.left));
      this.#member.store.readHeld(source, next);
      return next;
    }
    if (source.length === 0) return null;
    this.#source = source.subarray(bytes);
    return source.subarray(0, bytes);
  }

  #release(): void {
    const source = this.#source;
    this.#source = NOTHING;
    this.#open.delete(this);
    if (source instanceof Uint8Array || !this.#member.isOpen) return;
    this.#member.begin();
    this.#member.store.release(source);
  }

  override _destroy(error: Error | null, done: (error?: Error | null) => void): void {
    this.#release();
    done(error);
  }

  /** For the cache, when this thread leaves it. An error that nobody listens for would end the process. */
  leave(): void {
    this.destroy(this.listenerCount('error') > 0 ? new ClosedError() : undefined);
  }

  /** The same as a web stream of bytes, with as much back-pressure. */
  toWeb(): ReadableStream<Uint8Array> {
    const strategy = new ByteLengthQueuingStrategy({ highWaterMark: this.readableHighWaterMark });
    return Readable.toWeb(this, { strategy }) as ReadableStream<Uint8Array>;
  }
}

const NOTHING = new Uint8Array(0);
