/** What an entry without an idle time takes of its slab classes: for choosing them, before anything is stored. */
import { CHAINED_BYTES, HEADER_BYTES, paddedKey } from './item.js';
import type { SizeClasses } from './size-classes.js';

/** Bytes of its header, key and value. */
export function requestedBytes(keyBytes: number, valueBytes: number): number {
  return HEADER_BYTES + paddedKey(keyBytes) + valueBytes;
}

/** Bytes of its chunks. */
export function chunkBytes(classes: SizeClasses, keyBytes: number, valueBytes: number): number {
  const single = requestedBytes(keyBytes, valueBytes);
  if (single <= classes.singleBytesMax) return classes.bytes[classes.classFor(single)]!;
  return classes.pieceGranules(single - HEADER_BYTES, HEADER_BYTES + CHAINED_BYTES) * 8;
}
