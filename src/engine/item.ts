/**
 * The header of a chunk, in words:
 *
 *     0  key bytes (16), type (8), flags (8)      3, 4  chained: value bytes, generation
 *     1  value bytes; chained: next chunk         then  idle: idle ticks, deadline
 *     2  hash                                     then  owned: owner, older, younger, mark
 *                                                 then  the key, padded to a word, and the value
 *
 * A continuation of a chained item has words 0 to 2 and goes on with the stream of key and value. Its next ref stands
 * where that of the head stands, so that a chain can be walked before its head is written.
 */
export const FLAG_IDLE = 1;
export const FLAG_CHAINED = 2;
export const FLAG_CONTINUATION = 4;
/** Chained: some thread copies the item under a pin: it must not be freed or moved now. */
export const FLAG_PINNED = 8;
/** Bits 4 to 6 of the flags: the form of the value, which only who stored it knows; 0 for bytes. */
export const FORM_SHIFT = 4;
const FORM_MASK = 7;
/** Of a value that is just the bytes that were given. */
export const FORM_PLAIN = 0;
/** In a type that stores equal values once: the value is a pointer to the payload that has its bytes. See payloads.ts. */
export const FORM_POINTER = 5;
/** The entry is a user's: see users.ts. */
export const FLAG_OWNED = 128;

export const WORD_SIZES = 0;
export const WORD_VALUE_BYTES = 1;
export const WORD_NEXT = 1;
export const WORD_HASH = 2;
export const WORD_CHAINED_BYTES = 3;
export const WORD_GENERATION = 4;

export const HEADER_BYTES = 12;
export const CONTINUATION_BYTES = 12;
export const CHAINED_BYTES = 8;
const IDLE_BYTES = 8;
const OWNED_BYTES = 16;
export const KEY_BYTES_MAX = 65_535;

export function packSizes(keyBytes: number, type: number, flags: number): number {
  return keyBytes | (type << 16) | (flags << 24);
}

export function keyBytesOf(sizes: number): number {
  return sizes & 0xffff;
}

export function typeOf(sizes: number): number {
  return (sizes >>> 16) & 0xff;
}

export function flagsOf(sizes: number): number {
  return sizes >>> 24;
}

export function formOf(flags: number): number {
  return (flags >>> FORM_SHIFT) & FORM_MASK;
}

export function headerBytes(flags: number): number {
  return (
    HEADER_BYTES +
    ((flags & FLAG_CHAINED) === 0 ? 0 : CHAINED_BYTES) +
    ((flags & FLAG_IDLE) === 0 ? 0 : IDLE_BYTES) +
    ((flags & FLAG_OWNED) === 0 ? 0 : OWNED_BYTES)
  );
}

/** Word at which the value of an item of one chunk begins, or that of a chained one whose head holds the whole key. */
export function valueWord(sizes: number): number {
  return (headerBytes(flagsOf(sizes)) + paddedKey(keyBytesOf(sizes))) >>> 2;
}

/** Word of the idle ticks from the item's start; the deadline follows. */
export function idleWord(flags: number): number {
  return (flags & FLAG_CHAINED) === 0 ? 3 : 5;
}

/** Word of an owned item's owner from its start; see OWNED for what follows. */
export function ownedWord(flags: number): number {
  return idleWord(flags) + ((flags & FLAG_IDLE) === 0 ? 0 : 2);
}

/** Words of an owned item, from `ownedWord` on. */
export const OWNED = { owner: 0, older: 1, younger: 2, mark: 3 } as const;

/** Bytes that a key takes, padding included, so that values begin on a word. */
export function paddedKey(keyBytes: number): number {
  return (keyBytes + 3) & ~3;
}
