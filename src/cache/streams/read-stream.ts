/** The stream that `readStream` returns. */
import { addAbortSignal, Readable } from 'node:stream';
import { Hold } from '../../engine/holds.js';
import { ClosedError } from '../../errors.js';
import type { Member } from '../member.js';

/** Where the bytes come from: an item that is held, or a copy. */
type Source = Hold | Uint8Array;

/** Most bytes that one read copies. */
const READ_BYTES_MAX = 64 * 1_024;

/** Gives the bytes that were stored when it was made, whatever becomes of their entry meanwhile. */
export class CacheReadStream extends Readable {
  readonly #member: Member;
  readonly #whole: { readonly length: number };
  #source: Source;

  /** For `readStream`, which takes the hold, where it gives one, behind this: its length is not known before. */
  constructor(member: Member, source: Source, signal: AbortSignal | undefined) {
    super();
    this.#member = member;
    this.#whole = source instanceof Hold ? source : { length: source.length };
    this.#source = source;
    // Last: it may be aborted already.
    if (signal !== undefined) addAbortSignal(signal, this);
  }

  /** Bytes of the whole value. */
  get size(): number {
    return this.#whole.length;
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
    if (source instanceof Hold) {
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
    this.#member.streams.delete(this);
    if (!(source instanceof Hold) || !this.#member.isOpen) return;
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
