/** A bijection of 32 bits that spreads every bit over all: two rounds of multiplication and xor-shift. Signed. */
export function mix(word: number): number {
  let mixed = Math.imul(word ^ (word >>> 16), 0x7feb352d);
  mixed = Math.imul(mixed ^ (mixed >>> 15), 0x846ca68b);
  return mixed ^ (mixed >>> 16);
}
