/** What an entry takes of its slab classes, before anything is stored. Without an idle time or a user, unless it says so. */
import { CHAINED_BYTES, FLAG_IDLE, FLAG_OWNED, HEADER_BYTES, headerBytes, paddedKey } from './item.js';
import type { SizeClasses } from './size-classes.js';

/** Bytes of its header, key and value. */
export function requestedBytes(keyBytes: number, valueBytes: number): number {
  return HEADER_BYTES + paddedKey(keyBytes) + valueBytes;
}

/** Bytes of its chunks. */
export function chunkBytes(classes: SizeClasses, keyBytes: number, valueBytes: number): number {
  return itemChunkBytes(classes, requestedBytes(keyBytes, valueBytes));
}

/** Bytes that any entry has beside its value: header and key. */
export function besideBytes(keyBytes: number, isIdle: boolean, isOwned: boolean): number {
  return headerBytes((isIdle ? FLAG_IDLE : 0) | (isOwned ? FLAG_OWNED : 0)) + paddedKey(keyBytes);
}

/** Bytes of the chunks of an item of so many, header, key and value; what a chained one has more is added here. */
export function itemChunkBytes(classes: SizeClasses, itemBytes: number): number {
  if (itemBytes <= classes.singleBytesMax) return classes.bytes[classes.classFor(itemBytes)]!;
  return classes.pieceGranules(itemBytes - HEADER_BYTES, HEADER_BYTES + CHAINED_BYTES) * 8;
}
