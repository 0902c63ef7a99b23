/** Turns values into bytes and back. An instance belongs to one thread: it keeps buffers and caches between calls. */
export interface Codec {
  readonly name: string;
  /** 1..15, stored with every entry. 0 means raw bytes, which need no codec. */
  readonly id: number;
  /** Bytes of `value`, valid until the next `encode` of this codec. Throws `ValueError` on what cannot be stored. */
  encode(value: unknown): Uint8Array;
  /**
   * The value in `source[start..end)`, or `CodecError`. `source` is private memory that will be overwritten after the
   * call; the result never aliases it.
   */
  decode(source: Uint8Array, start: number, end: number): unknown;
}
