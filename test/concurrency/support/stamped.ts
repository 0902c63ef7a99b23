/**
 * Values that say whose they are. Each carries the id of its key, its writer, its sequence number, when it was made
 * and for how long; everything else in it follows from those by a hash, so a reader recomputes it and sees any
 * mixture of two values.
 */
export interface Stamp {
  readonly keyId: number;
  readonly writer: number;
  readonly seq: number;
  /** Milliseconds since the run began. */
  readonly bornMs: number;
  /** 0: no bound. */
  readonly ttlMs: number;
}

export interface StampedObject {
  readonly stamp: readonly [number, number, number, number, number];
  readonly size: number;
  readonly text: string;
  readonly inner: { readonly seed: number; readonly list: readonly number[] };
}

/** The least bytes of a stamped value. */
export const STAMP_BYTES = 24;
const STAMP_WORDS = STAMP_BYTES / 4;
const HALVED_SIZE_MIN = 100;
const GOLDEN = 0x9e3779b9;

function mix(word: number): number {
  let bits = Math.imul(word ^ (word >>> 16), 0x7feb352d);
  bits = Math.imul(bits ^ (bits >>> 15), 0x846ca68b);
  return (bits ^ (bits >>> 16)) | 0;
}

function seedOf(stamp: Stamp, size: number): number {
  let seed = mix(stamp.keyId + 1);
  for (const word of [stamp.writer, stamp.seq, stamp.bornMs, stamp.ttlMs, size]) seed = mix(seed + word + GOLDEN);
  return seed;
}

export function bytesOf(stamp: Stamp, length: number): Uint8Array {
  const bytes = new Uint8Array(Math.max(length, STAMP_BYTES));
  const words = new Int32Array(bytes.buffer, 0, bytes.length >>> 2);
  words.set([stamp.keyId, stamp.writer, stamp.seq, stamp.bornMs, stamp.ttlMs, bytes.length]);
  const seed = seedOf(stamp, bytes.length);
  for (let i = STAMP_WORDS; i < words.length; i++) words[i] = Math.imul(seed + i, GOLDEN);
  bytes.fill(seed & 0xff, words.length * 4);
  return bytes;
}

/** The stamp of bytes that are whole; else a sentence that says what is wrong. */
export function stampOfBytes(bytes: Uint8Array): Stamp | string {
  if (bytes.length < STAMP_BYTES) return `only ${bytes.length} bytes`;
  const words = new Int32Array(bytes.buffer.slice(bytes.byteOffset, bytes.byteOffset + (bytes.length & ~3)));
  const stamp = { keyId: words[0]!, writer: words[1]!, seq: words[2]!, bornMs: words[3]!, ttlMs: words[4]! };
  if (words[5] !== bytes.length) return `${bytes.length} bytes where ${words[5]} were written (${describe(stamp)})`;
  const seed = seedOf(stamp, bytes.length);
  for (let i = STAMP_WORDS; i < words.length; i++) {
    if (words[i] !== Math.imul(seed + i, GOLDEN))
      return `torn at byte ${i * 4} of ${bytes.length} (${describe(stamp)})`;
  }
  for (let i = words.length * 4; i < bytes.length; i++) if (bytes[i] !== (seed & 0xff)) return `torn at byte ${i}`;
  return stamp;
}

function textOf(seed: number, size: number): string {
  const token = `${(seed >>> 0).toString(36)}${seed % 5 === 0 ? 'é€' : '.'}`;
  return token.repeat(Math.ceil(size / token.length));
}

function listOf(seed: number, size: number): number[] {
  return Array.from({ length: size & 15 }, (_, i) => mix(seed + i) / (i & 1 ? 1 : 1_024));
}

export function objectOf(stamp: Stamp, size: number): StampedObject {
  const seed = seedOf(stamp, size);
  return {
    stamp: [stamp.keyId, stamp.writer, stamp.seq, stamp.bornMs, stamp.ttlMs],
    size,
    text: textOf(seed, size),
    inner: { seed, list: listOf(seed, size) },
  };
}

/** The same object at half its size; undefined if it is small. */
export function halfOf({ stamp, size }: StampedObject): StampedObject | undefined {
  const [keyId, writer, seq, bornMs, ttlMs] = stamp;
  return size < HALVED_SIZE_MIN ? undefined : objectOf({ keyId, writer, seq, bornMs, ttlMs }, size >> 1);
}

/** The stamp of an object that is whole; else a sentence that says what is wrong. */
export function stampOfObject(value: StampedObject): Stamp | string {
  if (!Array.isArray(value?.stamp)) return `not a stamped object: ${JSON.stringify(value)?.slice(0, 80)}`;
  const [keyId, writer, seq, bornMs, ttlMs] = value.stamp;
  const stamp = { keyId, writer, seq, bornMs, ttlMs };
  const seed = seedOf(stamp, value.size);
  if (value.inner?.seed !== seed) return `torn: seed ${value.inner?.seed} (${describe(stamp)})`;
  if (value.text !== textOf(seed, value.size)) return `torn text (${describe(stamp)})`;
  const list = listOf(seed, value.size);
  if (value.inner.list.length !== list.length || value.inner.list.some((n, i) => n !== list[i])) {
    return `torn list (${describe(stamp)})`;
  }
  return stamp;
}

export function stampOf(value: unknown): Stamp | string {
  return value instanceof Uint8Array ? stampOfBytes(value) : stampOfObject(value as StampedObject);
}

export function describe(stamp: Stamp): string {
  return `key ${stamp.keyId}, writer ${stamp.writer}, sequence ${stamp.seq}`;
}
