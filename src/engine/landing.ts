/**
 * Private memory that values are copied to before anybody looks at them: bytes that go to the user in blocks that
 * many small results share, as Node's own buffers do, and coded values in scratch memory that the next read
 * overwrites. Offsets are multiples of 8, so that values can be copied word by word.
 *
 * A call may be abandoned at any line (a full stack, a time-out of vm), and the thread lives on. So memory and its views
 * are exchanged with the bytes last, and none in between: the next call sees all of the new, or makes it anew.
 */
import { markAsUntransferable } from 'node:worker_threads';
import { copyBytes } from '../../native-free/index.js';

const BLOCK_BYTES = 64 * 1024;
/** Results above this get memory of their own. */
const SHARED_BYTES_MAX = 4 * 1024;
/** Up to here a loop over words is faster than making a view and a call. */
const LOOP_BYTES_MAX = 512;
const NONE = new Uint8Array(0);

export class Landing {
  bytes: Uint8Array<ArrayBuffer> = newBlock();
  start = 0;
  /** That of `bytes`, kept since asking a view for it is slow. */
  #buffer: ArrayBuffer = this.bytes.buffer;
  #words: Int32Array<ArrayBuffer> = new Int32Array(this.bytes.buffer);
  #next = 0;
  #blockBytes: Uint8Array<ArrayBuffer> = this.bytes;
  #blockBuffer: ArrayBuffer = this.#buffer;
  #blockWords: Int32Array<ArrayBuffer> = this.#words;
  #scratchBytes: Uint8Array<ArrayBuffer> = new Uint8Array(SHARED_BYTES_MAX);
  #scratchWords: Int32Array<ArrayBuffer> = new Int32Array(this.#scratchBytes.buffer);

  /** Points `bytes` and `start` at room for a result that the user will own. */
  forUser(length: number): void {
    if (length > SHARED_BYTES_MAX) {
      const bytes = uncleared((length + 7) & ~7);
      // What the copy doesn't reach: a user sees it behind the result, in its buffer.
      bytes.fill(0, length);
      this.bytes = bytes;
      this.#buffer = bytes.buffer;
      this.#words = new Int32Array(this.#buffer);
      this.start = 0;
      return;
    }
    // A block that a user detached all the same (`ArrayBuffer.prototype.transfer`) has no bytes left.
    const isDetached = this.#blockBytes.length === 0;
    if (isDetached || this.#next + length > BLOCK_BYTES) this.#renewBlock();
    this.bytes = this.#blockBytes;
    this.#buffer = this.#blockBuffer;
    this.#words = this.#blockWords;
    this.start = this.#next;
  }

  #renewBlock(): void {
    const bytes = newBlock();
    this.#blockBytes = NONE;
    this.#blockBuffer = bytes.buffer;
    this.#blockWords = new Int32Array(bytes.buffer);
    this.#next = 0;
    this.#blockBytes = bytes;
  }

  /** The result, once it is known to be whole; its room is given out for good. */
  take(length: number): Uint8Array {
    const { start } = this;
    if (this.bytes === this.#blockBytes) this.#next = (start + length + 7) & ~7;
    return new Uint8Array(this.#buffer, start, length);
  }

  /** Points `bytes` and `start` at scratch room. */
  forScratch(length: number): void {
    if (length > this.#scratchBytes.length) this.#growScratch(length);
    this.bytes = this.#scratchBytes;
    this.#words = this.#scratchWords;
    this.start = 0;
  }

  #growScratch(length: number): void {
    const bytes = new Uint8Array(Math.max((length + 7) & ~7, this.#scratchBytes.length * 2));
    this.#scratchBytes = NONE;
    this.#scratchWords = new Int32Array(bytes.buffer);
    this.#scratchBytes = bytes;
  }

  /** Word `index` of what was copied to `start`. */
  wordAt(index: number): number {
    return this.#words[(this.start >>> 2) + index]!;
  }

  /** Copies `length` bytes that begin on a word to `start`. */
  copyFrom(words: Int32Array, bytes: Uint8Array, wordIndex: number, length: number): void {
    if (length > LOOP_BYTES_MAX) {
      copyBytes(this.bytes, this.start, bytes.subarray(wordIndex * 4, wordIndex * 4 + length));
      return;
    }
    const to = this.#words;
    const first = this.start >>> 2;
    for (let i = 0, count = (length + 3) >>> 2; i < count; i++) to[first + i] = words[wordIndex + i]!;
  }
}

/** Its buffer stays in this thread: results that share a block must not vanish with one that is posted elsewhere. */
function newBlock(): Uint8Array<ArrayBuffer> {
  const block = uncleared(BLOCK_BYTES);
  markAsUntransferable(block.buffer);
  return block;
}

/**
 * Memory that isn't cleared first, which takes a fifth to a half of what the copies do: they overwrite all that is given out.
 * What hasn't been given out yet has what was there before, as in Node's own pool of small buffers.
 */
function uncleared(length: number): Uint8Array<ArrayBuffer> {
  return new Uint8Array(Buffer.allocUnsafeSlow(length).buffer);
}
