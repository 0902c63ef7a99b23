/**
 * True if a lone surrogate may have been written, which msgpackr and cbor-x do alike: in a short string as three bytes
 * from 0xed 0xa0 up, in a long one as the replacement character, 0xef 0xbf 0xbd. To search the bytes costs a fraction of checking each string.
 */
export function mayMisspell(bytes: Buffer): boolean {
  for (let at = bytes.indexOf(0xed); at >= 0; at = bytes.indexOf(0xed, at + 1)) {
    if (bytes[at + 1]! >> 5 === 0b101 && bytes[at + 2]! >> 6 === 0b10) return true;
  }
  for (let at = bytes.indexOf(0xef); at >= 0; at = bytes.indexOf(0xef, at + 1)) {
    if (bytes[at + 1] === 0xbf && bytes[at + 2] === 0xbd) return true;
  }
  return false;
}
