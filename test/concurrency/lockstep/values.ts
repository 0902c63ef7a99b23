/**
 * Values that say what they are: the key they were stored under, the write that stored them, and their length, with a
 * pattern of all three behind. So a value that was mixed from two writes never looks like either.
 */
const HEADER_BYTES = 12;

/** What `readValue` says of bytes that no write stored as they are. */
export const TORN = -1;
/** A whole value, but one that was stored under another key. */
export const FOREIGN = -2;

/** Stands in place of the key in a value that any key may have. */
export const ANY_KEY = 62;

export function makeValue(key: number, id: number, length: number): Uint8Array {
  const value = new Uint8Array(Math.max(HEADER_BYTES, length));
  const view = new DataView(value.buffer);
  view.setInt32(0, key, true);
  view.setInt32(4, id, true);
  view.setInt32(8, value.length, true);
  for (let i = HEADER_BYTES; i < value.length; i++) value[i] = patternAt(key, id, i);
  return value;
}

/** The id of the write that stored the value, or what is wrong with it. */
export function readValue(value: Uint8Array, key: number): number {
  if (value.length < HEADER_BYTES) return TORN;
  const view = new DataView(value.buffer, value.byteOffset, value.length);
  const storedKey = view.getInt32(0, true);
  const id = view.getInt32(4, true);
  if (id <= 0 || view.getInt32(8, true) !== value.length) return TORN;
  for (let i = HEADER_BYTES; i < value.length; i++) if (value[i] !== patternAt(storedKey, id, i)) return TORN;
  return storedKey === key || storedKey === ANY_KEY ? id : FOREIGN;
}

function patternAt(key: number, id: number, i: number): number {
  return (key * 31 + id * 17 + i * 7) & 0xff;
}
