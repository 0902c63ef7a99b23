/** Strings out of bytes, quicker than Buffer's `toString` for short ones. */

/** Keys up to this many bytes are looked up in the key cache. */
const CACHED_KEY_BYTES_MAX = 32;
const KEY_CACHE_SLOTS = 2048;

/** From this length on, one native UTF-8 decode beats looking at each byte first. */
const SCANNED_TEXT_BYTES_MAX = 160;

/** One remembered object key; interning keys spares a string and its hash for every property read. */
interface CachedKey {
  readonly bytes: Uint8Array;
  readonly text: string;
}

/** Buffer's own decoders: `toString` spends longer on its arguments than these do on a short string. */
interface TextSlices {
  latin1Slice(start: number, end: number): string;
  utf8Slice(start: number, end: number): string;
}

export type TextBytes = Buffer & TextSlices;

/** A view of the same memory, to read text from. */
export function bytesOfText(source: Uint8Array): TextBytes {
  return Buffer.from(source.buffer, source.byteOffset, source.byteLength) as TextBytes;
}

/** The text in `bytes[from..from + length)`, which is UTF-8. */
export function textAt(bytes: TextBytes, from: number, length: number): string {
  const end = from + length;
  if (length === 0) return '';
  if (length > SCANNED_TEXT_BYTES_MAX) return bytes.utf8Slice(from, end);
  let high = 0;
  for (let i = from; i < end; i++) high |= bytes[i]!;
  return high < 0x80 ? bytes.latin1Slice(from, end) : bytes.utf8Slice(from, end);
}

/** Reads the keys of objects; remembers those it has read, so make one per thread. */
export class KeyReader {
  readonly #keys: (CachedKey | undefined)[] = new Array(KEY_CACHE_SLOTS);

  /** Like `textAt`. */
  key(bytes: TextBytes, from: number, length: number): string {
    // Length, first, middle and last byte tell apart most keys that occur together in one object.
    const mixed = length * 31 + bytes[from]! * 7 + bytes[from + (length >> 1)]! * 131 + bytes[from + length - 1]! * 17;
    const slot = mixed & (KEY_CACHE_SLOTS - 1);
    const known = this.#keys[slot];
    if (known !== undefined && sameBytes(known.bytes, bytes, from, length)) return known.text;
    const text = textAt(bytes, from, length);
    if (length <= CACHED_KEY_BYTES_MAX) {
      this.#keys[slot] = { bytes: Uint8Array.prototype.slice.call(bytes, from, from + length), text };
    }
    return text;
  }
}

function sameBytes(known: Uint8Array, bytes: Uint8Array, from: number, length: number): boolean {
  if (known.length !== length) return false;
  for (let i = 0; i < length; i++) if (known[i] !== bytes[from + i]) return false;
  return true;
}
