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
  /**
   * The value that `bytes` hold in fewer bytes, which `decode` takes as well, or undefined if that can't be had: for
   * types with `overflow: 'compress'`. `bytes` is private memory that will be overwritten after the call; the result is
   * valid until the next call. Absent in a codec that doesn't compress.
   */
  compact?(bytes: Uint8Array): Uint8Array | undefined;
}
