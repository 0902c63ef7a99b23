/** The stream that `writeStream` returns. */
import { addAbortSignal, Writable } from 'node:stream';
import { fixedView } from '../../codecs/fixed-view.js';
import { ClosedError } from '../../errors.js';
import type { Intake } from './intake.js';

/** Bytes that go to the arena in one turn of the event loop: some 0.1 ms where nothing need be evicted. */
const SLICE_BYTES = 256 * 1_024;

/** How a stream hears that its thread leaves the cache. */
export type StreamSet = Set<{ leave(): void }>;

/**
 * Takes a value piece by piece, strings as UTF-8. It is stored when the stream ends, as by a `setBytes` at that moment, and not
 * seen before; a stream that is destroyed, or whose thread dies, leaves nothing behind.
 */
export class CacheWriteStream extends Writable {
  /**
   * Undefined until 'finish'. Then what `set` would have said: false if there was no room that the rules allow, and the key is
   * absent.
   */
  stored: boolean | undefined;
  readonly #intake: Intake;
  readonly #open: StreamSet;

  /** For `writeStream`. */
  constructor(intake: Intake, open: StreamSet, signal: AbortSignal | undefined) {
    super();
    this.#intake = intake;
    this.#open = open;
    open.add(this);
    // Last: it may be aborted already.
    if (signal !== undefined) addAbortSignal(signal, this);
  }

  override _write(chunk: Buffer, _encoding: BufferEncoding, done: (error?: Error | null) => void): void {
    this.#take(fixedView(chunk), 0, done);
  }

  /**
   * Takes a slice of a chunk, and the rest in later turns of the event loop. So a write that fills a page ends in a later turn, and
   * neither a large chunk nor a source that never waits can hold that up.
   */
  #take(chunk: Uint8Array, from: number, done: (error?: Error | null) => void): void {
    const end = Math.min(chunk.length, from + SLICE_BYTES);
    let pages: number;
    try {
      pages = this.#intake.add(chunk.subarray(from, end));
    } catch (error) {
      done(error as Error);
      return;
    }
    if (end === chunk.length && pages === 0) done();
    else setImmediate(() => this.#goOn(chunk, end, done));
  }

  #goOn(chunk: Uint8Array, from: number, done: (error?: Error | null) => void): void {
    if (this.destroyed || from === chunk.length) done();
    else this.#take(chunk, from, done);
  }

  override _final(done: (error?: Error | null) => void): void {
    try {
      this.stored = this.#intake.finish();
    } catch (error) {
      done(error as Error);
      return;
    }
    done();
  }

  override _destroy(error: Error | null, done: (error?: Error | null) => void): void {
    this.#open.delete(this);
    this.#intake.abandon();
    done(error);
  }

  /** For the cache, when this thread leaves it. An error that nobody listens for would end the process. */
  leave(): void {
    this.destroy(this.listenerCount('error') > 0 ? new ClosedError() : undefined);
  }

  /** The same as a web stream, with as much back-pressure. `stored` stays here. */
  toWeb(): WritableStream<Uint8Array> {
    const strategy = new ByteLengthQueuingStrategy({ highWaterMark: this.writableHighWaterMark });
    return new WritableStream<Uint8Array>(
      {
        start: (controller) => {
          this.on('error', (error) => controller.error(error));
        },
        write: (chunk) => settled((done) => this.write(chunk, done)),
        close: () => settled((done) => this.end(done)),
        abort: (reason) => {
          this.destroy(reason instanceof Error ? reason : new Error('the stream was aborted', { cause: reason }));
        },
      },
      strategy,
    );
  }
}

function settled(begin: (done: (error?: Error | null) => void) => void): Promise<void> {
  return new Promise((resolve, reject) => {
    begin((error) => (error ? reject(error) : resolve()));
  });
}
