/**
 * HalfSipHash-1-3 over the UTF-8 bytes of a key, keyed with 64 random bits a cache (Aumasson and Bernstein, "SipHash: a
 * fast short-input PRF", 2012). Keyed and non-linear, so that nobody who doesn't know the key can make keys collide,
 * which a seeded FNV or Murmur doesn't give. The last word carries the length and the salt, so that "a" under salt 1
 * and under salt 2 are strangers.
 */
export class KeyHash {
  readonly #k0: number;
  readonly #k1: number;

  constructor(k0: number, k1: number) {
    this.#k0 = k0 | 0;
    this.#k1 = k1 | 0;
  }

  /** A hash whose key follows from this one's: a stranger to it, and to those of other numbers. */
  derived(number: number, salt: number): KeyHash {
    const part = (i: number): number => this.hash(Int32Array.of(i), 4, salt);
    return new KeyHash(part(number * 2 - 1), part(number * 2));
  }

  /** A signed 32-bit hash of the first `byteLength` bytes in `words`, padded with 0 to a whole word; `salt` 0..255. */
  hash(words: Int32Array, byteLength: number, salt: number): number {
    const count = (byteLength + 3) >>> 2;
    let v0 = this.#k0;
    let v1 = this.#k1;
    let v2 = 0x6c796765 ^ this.#k0;
    let v3 = 0x74656462 ^ this.#k1;
    let m = 0;
    // One body serves the words, the length word behind them and the three rounds of the end.
    for (let i = 0, end = count + 4; i < end; i++) {
      if (i < count) m = words[i]!;
      else if (i === count) m = byteLength ^ (salt << 24);
      else m = 0;
      if (i === count + 1) v2 ^= 0xff;
      v3 ^= m;
      v0 = (v0 + v1) | 0;
      v1 = ((v1 << 5) | (v1 >>> 27)) ^ v0;
      v0 = (v0 << 16) | (v0 >>> 16);
      v2 = (v2 + v3) | 0;
      v3 = ((v3 << 8) | (v3 >>> 24)) ^ v2;
      v0 = (v0 + v3) | 0;
      v3 = ((v3 << 7) | (v3 >>> 25)) ^ v0;
      v2 = (v2 + v1) | 0;
      v1 = ((v1 << 13) | (v1 >>> 19)) ^ v2;
      v2 = (v2 << 16) | (v2 >>> 16);
      v0 ^= m;
    }
    return v1 ^ v3;
  }
}
