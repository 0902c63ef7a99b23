/**
 * Shared memory in which bytes cross between a thread and the workers of its pool. In bytes:
 *
 *     0..3   the recall: 0, or 1 when the thread has called the task off
 *     8..    the bytes of the task, or of its answer
 *
 * A buffer belongs to the thread while it is free or being filled, and to one worker from the posting of the task to its
 * answer. One whose task ends without an answer is never used again, since nothing tells that its worker has stopped
 * writing; the garbage collector takes it when the last of the two has let go.
 */
import { store, type Words } from '#atomics';
import { copyBytes } from '../../../native-free/index.js';

const HEAD_BYTES = 8;
const BUFFER_BYTES_MIN = 2 ** 16;

export class ExchangeBuffer {
  readonly memory: SharedArrayBuffer;
  readonly recall: Words;
  readonly bytes: Uint8Array<SharedArrayBuffer>;

  constructor(memory: SharedArrayBuffer) {
    this.memory = memory;
    this.recall = new Int32Array(memory, 0, 1);
    this.bytes = new Uint8Array(memory, HEAD_BYTES);
  }

  /** One with room for so many bytes, at least. */
  static create(bytes: number): ExchangeBuffer {
    return new ExchangeBuffer(new SharedArrayBuffer(HEAD_BYTES + Math.max(BUFFER_BYTES_MIN, Math.ceil(bytes / 8) * 8)));
  }
}

/** Where a worker has put bytes: in the buffer that it was given, or in one of its own making. */
interface Placed {
  readonly length: number;
  readonly memory: SharedArrayBuffer | undefined;
}

/** The free buffers of a pool, of so many bytes at most: what is more is dropped. */
export class ExchangeBuffers {
  readonly #bytesMax: number;
  readonly #free: ExchangeBuffer[] = [];
  #bytes = 0;

  constructor(bytesMax: number) {
    this.#bytesMax = bytesMax;
  }

  /** A buffer with room for so many bytes, which nobody else has; its recall is 0. */
  acquire(bytes: number): ExchangeBuffer {
    const at = this.#free.findIndex((buffer) => buffer.bytes.length >= bytes);
    if (at < 0) return ExchangeBuffer.create(bytes);
    const [buffer] = this.#free.splice(at, 1) as [ExchangeBuffer];
    this.#bytes -= buffer.bytes.length;
    store(buffer.recall, 0, 0);
    return buffer;
  }

  /** A private copy of what a worker has put into the buffer that it was given, or one of its own, which is kept. */
  takeOut({ length, memory }: Placed, given: ExchangeBuffer): Uint8Array {
    const buffer = memory === undefined ? given : new ExchangeBuffer(memory);
    const bytes = new Uint8Array(length);
    copyBytes(bytes, 0, buffer.bytes.subarray(0, length));
    if (buffer !== given) this.release(buffer);
    return bytes;
  }

  /** Takes a buffer back whose task was answered. */
  release(buffer: ExchangeBuffer): void {
    if (this.#bytes + buffer.bytes.length > this.#bytesMax) return;
    this.#bytes += buffer.bytes.length;
    this.#free.push(buffer);
  }

  /** Lets go of all that is free. */
  clear(): void {
    this.#free.length = 0;
    this.#bytes = 0;
  }
}
