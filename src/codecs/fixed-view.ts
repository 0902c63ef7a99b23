/** Bytes of the user's whose length another thread may change. */

/** An array of up to so many bytes has no buffer before somebody asks for it, which costs more than a copy. */
const HEAP_BYTES_MAX = 64;

/** Later than the library of types that this is compiled with. */
interface Growable {
  readonly growable?: boolean;
}

const { prototype } = Uint8Array;
/** As the language has it, whatever a subclass or an own property says. */
const lengthOf = Object.getOwnPropertyDescriptor(Object.getPrototypeOf(prototype), 'length')!.get as (
  this: Uint8Array,
) => number;

/**
 * The bytes that there are at this moment: `bytes` itself, or, where it may get longer with the shared memory that it
 * lies in, or says its length by code of the user's, an array that doesn't.
 */
export function fixedView(bytes: Uint8Array): Uint8Array {
  const length = lengthOf.call(bytes);
  if (length <= HEAP_BYTES_MAX) return new Uint8Array(bytes);
  const { buffer } = bytes;
  if ((buffer as Growable).growable !== true && isPlain(bytes)) return bytes;
  return new Uint8Array(buffer, bytes.byteOffset, length);
}

function isPlain(bytes: Uint8Array): boolean {
  const own: unknown = Object.getPrototypeOf(bytes);
  return (own === Buffer.prototype || own === prototype) && !Object.hasOwn(bytes, 'length');
}
