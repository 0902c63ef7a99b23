/** Sentences that any thread writes and the run reads, in shared memory; those beyond the room are only counted. */
const TEXTS_MAX = 64;
const TEXT_BYTES = 512;

export class TextLog {
  readonly buffer: SharedArrayBuffer;
  readonly #count: Int32Array;
  readonly #texts: Uint8Array;

  constructor(buffer: SharedArrayBuffer = new SharedArrayBuffer(4 + TEXTS_MAX * TEXT_BYTES)) {
    this.buffer = buffer;
    this.#count = new Int32Array(buffer, 0, 1);
    this.#texts = new Uint8Array(buffer, 4);
  }

  write(text: string): void {
    const at = Atomics.add(this.#count, 0, 1);
    if (at < TEXTS_MAX) this.#texts.set(Buffer.from(text).subarray(0, TEXT_BYTES - 1), at * TEXT_BYTES);
  }

  get count(): number {
    return Atomics.load(this.#count, 0);
  }

  texts(): string[] {
    return Array.from({ length: Math.min(this.count, TEXTS_MAX) }, (_, i) => {
      const text = Buffer.from(this.#texts.slice(i * TEXT_BYTES, (i + 1) * TEXT_BYTES)).toString();
      return text.slice(0, text.indexOf('\0'));
    });
  }
}
