/**
 * HalfSipHash written from its description (Aumasson and Bernstein), slowly and without regard to the engine's own:
 * `c` rounds for each message word, `d` at the end, 32 bits out. The caller makes the words, the last one included.
 */
export function halfSipHash(words: readonly number[], k0: number, k1: number, c: number, d: number): number {
  const v: State = [k0 >>> 0, k1 >>> 0, (0x6c796765 ^ k0) >>> 0, (0x74656462 ^ k1) >>> 0];
  for (const word of words) {
    v[3] = (v[3] ^ word) >>> 0;
    for (let i = 0; i < c; i++) round(v);
    v[0] = (v[0] ^ word) >>> 0;
  }
  v[2] = (v[2] ^ 0xff) >>> 0;
  for (let i = 0; i < d; i++) round(v);
  return (v[1] ^ v[3]) | 0;
}

type State = [number, number, number, number];

function round(v: State): void {
  half(v, 0, 1, 5);
  v[0] = rotate(v[0], 16);
  half(v, 2, 3, 8);
  half(v, 0, 3, 7);
  half(v, 2, 1, 13);
  v[2] = rotate(v[2], 16);
}

function half(v: State, a: 0 | 2, b: 1 | 3, bits: number): void {
  v[a] = (v[a] + v[b]) >>> 0;
  v[b] = (rotate(v[b], bits) ^ v[a]) >>> 0;
}

function rotate(value: number, bits: number): number {
  return ((value << bits) | (value >>> (32 - bits))) >>> 0;
}

/** The words of a message of bytes: little-endian, the last one with the length in its top byte. */
export function wordsOfBytes(bytes: readonly number[]): number[] {
  const words: number[] = [];
  const whole = bytes.length >> 2;
  for (let i = 0; i < whole; i++) words.push(wordAt(bytes, i * 4, 4));
  words.push(wordAt(bytes, whole * 4, bytes.length & 3) | (bytes.length << 24));
  return words;
}

function wordAt(bytes: readonly number[], start: number, count: number): number {
  let word = 0;
  for (let i = 0; i < count; i++) word |= bytes[start + i]! << (i * 8);
  return word;
}

/** The words that the engine makes of a key: its UTF-8 bytes, padded with 0, then length and salt. */
export function wordsOfKey(key: string, salt: number): number[] {
  const bytes = [...Buffer.from(key, 'utf8')];
  const words: number[] = [];
  for (let i = 0; i < bytes.length; i += 4) words.push(wordAt(bytes, i, Math.min(4, bytes.length - i)));
  words.push(bytes.length ^ (salt << 24));
  return words;
}
