/**
 * HalfSipHash-1-3 over the UTF-16 units of a key, keyed with 64 random bits a cache (Aumasson and Bernstein,
 * "SipHash: a fast short-input PRF", 2012). Keyed and non-linear, so that nobody who doesn't know the key can make
 * keys collide, which a seeded FNV or Murmur doesn't give. Two units make one 32-bit word; the last word carries the
 * length and the salt, so that "a" under salt 1 and under salt 2 are strangers.
 */
export class KeyHash {
  readonly #k0: number;
  readonly #k1: number;
  /** Bitwise or of all units of the last key: below 0x80 means pure ASCII. */
  unitsOr = 0;
  /** The low bytes of the units of the last key: the key itself, if it is pure ASCII. */
  readonly bytes: Uint8Array<ArrayBuffer>;

  /** `bytes` has room for every key that will be hashed. */
  constructor(k0: number, k1: number, bytes: Uint8Array<ArrayBuffer> = new Uint8Array(65_536)) {
    this.#k0 = k0 | 0;
    this.#k1 = k1 | 0;
    this.bytes = bytes;
  }

  /** A signed 32-bit hash of `key` under `salt` (0..255). */
  hash(key: string, salt: number): number {
    const length = key.length;
    const words = length >>> 1;
    // Asking a string for its units costs as much as all the rest: they are kept for comparing and storing the key.
    const { bytes } = this;
    let v0 = this.#k0;
    let v1 = this.#k1;
    let v2 = 0x6c796765 ^ this.#k0;
    let v3 = 0x74656462 ^ this.#k1;
    let or = 0;
    // One body serves the message words, the odd last unit, the length word and the three rounds of the end.
    for (let i = 0, end = words + 5; i < end; i++) {
      let m = 0;
      if (i < words) {
        const low = key.charCodeAt(i << 1);
        const high = key.charCodeAt((i << 1) + 1);
        bytes[i << 1] = low;
        bytes[(i << 1) + 1] = high;
        or |= low | high;
        m = low | (high << 16);
      } else if (i === words) {
        if ((length & 1) === 0) continue;
        m = key.charCodeAt(length - 1);
        bytes[length - 1] = m;
        or |= m;
      } else if (i === words + 1) {
        m = length ^ (salt << 24);
      } else if (i === words + 2) {
        v2 ^= 0xff;
      }
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
    this.unitsOr = or;
    return v1 ^ v3;
  }
}
