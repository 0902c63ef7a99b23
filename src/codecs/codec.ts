/** What turns the values of a type into bytes, and back. */

/**
 * A codec of your own, for `types.NAME.codec`. It is used in each thread that attaches, and belongs to that thread.
 *
 * Both methods run under no lock and in no critical section: they may call the cache, and may throw anything. They must be
 * synchronous. What one thread's `encode` has written, the `decode` of every other must read.
 */
export interface Codec<V = unknown> {
  /**
   * The bytes to be stored for a value, at best in memory that is not shared. They are copied before any other code runs,
   * so it may return the same memory each time. An error is thrown on by `set`, which then has changed nothing; what is no
   * Uint8Array has `set` throw VELOCACHE_VALUE.
   */
  encode(value: V): Uint8Array;
  /**
   * A value that deeply equals the one that was encoded, and shares nothing with what was returned before. `bytes` are
   * exactly those that `encode` returned, in memory of their own: the value may keep them. An error, or `undefined`, makes
   * the read a miss that `stats().decodeFailures` counts.
   */
  decode(bytes: Uint8Array): V;
}

/** A codec as a packer uses it. An instance belongs to one thread: it keeps buffers and caches between calls. */
export interface FormCodec {
  readonly name: string;
  /** The form of what it writes, stored with every entry: see frame.ts. */
  readonly id: number;
  /** Bytes of `value`, valid until the next `encode` of this codec. Throws `ValueError` on what cannot be stored. */
  encode(value: unknown): Uint8Array;
  /**
   * The value in `source[start..end)`, or `CodecError`. `source` is private memory that will be overwritten after the
   * call; the result never aliases it.
   */
  decode(source: Uint8Array, start: number, end: number): unknown;
  /** Like `decode`, but of an object it may leave out properties that are not among `names`. */
  decodeFields?(source: Uint8Array, start: number, end: number, names: ReadonlySet<string>): unknown;
  /**
   * The bytes of each value as a message of its own, in memory that later calls leave alone; undefined if an object may be in two of them,
   * or one is nothing that this codec can tell that of.
   */
  encodeApart?(values: readonly unknown[]): readonly Uint8Array[] | undefined;
}
