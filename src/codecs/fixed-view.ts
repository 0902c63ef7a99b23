/** Bytes of the user's whose length another thread may change. */

/** An array of up to so many bytes has no buffer before somebody asks for it, which costs more than a copy. */
const HEAP_BYTES_MAX = 64;

/** Later than the library of types that this is compiled with. */
interface Growable {
  readonly growable?: boolean;
}

/**
 * The bytes that there are at this moment: `bytes` itself, or, where it may get longer with the shared memory that it
 * lies in, an array that doesn't.
 */
export function fixedView(bytes: Uint8Array): Uint8Array {
  if (bytes.length <= HEAP_BYTES_MAX) return new Uint8Array(bytes);
  const { buffer } = bytes;
  if ((buffer as Growable).growable !== true) return bytes;
  return new Uint8Array(buffer, bytes.byteOffset, bytes.length);
}
