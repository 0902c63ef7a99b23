/**
 * The key of the operation in hand, in UTF-8 and hashed. One object a thread, used again by each operation. An ASCII
 * key's units are its bytes; any other key is encoded. Keys in chunks begin on a word, so they are hashed, compared and
 * written word by word.
 */
import { KeyHash } from '../../native-free/index.js';
import { KEY_BYTES_MAX } from './item.js';
import { tagOf } from './tag.js';

export const KEY_OK = 0;
export const KEY_NOT_STRING = 1;
const KEY_TOO_LONG = 2;
export const KEY_ILL_FORMED = 3;

/** No type has this number, which salts the hashes of keys. */
const SALT = 255;
/** Numbers 1 and 2 are the hashes of users. */
const CHECK_HASH = 3;

const encoder = new TextEncoder();

export class Key {
  hash = 0;
  /** What the index compares before it looks at an item. */
  tag = 0;
  type = 0;
  byteLength = 0;
  readonly #hash: KeyHash;
  readonly #checkHash: KeyHash;
  readonly #bytes: Uint8Array;
  readonly #words: Int32Array;

  /** For keys of up to so many bytes. */
  constructor(hashKey0: number, hashKey1: number, bytesMax: number = KEY_BYTES_MAX) {
    this.#bytes = new Uint8Array((bytesMax + 3) & ~3);
    this.#words = new Int32Array(this.#bytes.buffer);
    this.#hash = new KeyHash(hashKey0, hashKey1);
    this.#checkHash = this.#hash.derived(CHECK_HASH, SALT);
  }

  /** Takes `text` as the key in the space of `type`. Returns KEY_OK, or what is wrong with it. */
  prepare(text: string, type: number): number {
    if (typeof text !== 'string' || text.length === 0) return KEY_NOT_STRING;
    if (text.length > KEY_BYTES_MAX) return KEY_TOO_LONG;
    const bytes = this.#bytes;
    const length = text.length;
    let unitsOr = 0;
    for (let i = 0; i < length; i++) {
      const unit = text.charCodeAt(i);
      unitsOr |= unit;
      bytes[i] = unit;
    }
    this.type = type;
    this.byteLength = length;
    if (unitsOr >= 0x80) {
      const outcome = this.#encode(text);
      if (outcome !== KEY_OK) return outcome;
    }
    this.#finish();
    return KEY_OK;
  }

  #finish(): void {
    for (let i = this.byteLength; (i & 3) !== 0; i++) this.#bytes[i] = 0;
    this.hash = this.#hash.hash(this.#words, this.byteLength, this.type);
    this.tag = tagOf(this.hash, this.type);
  }

  /** Takes bytes as the key in the space of `type`: of a stored key, or one that is no text. */
  prepareBytes(bytes: Uint8Array, type: number): void {
    this.#bytes.set(bytes);
    this.type = type;
    this.byteLength = bytes.length;
    this.#finish();
  }

  /** Takes two words as the key, which is 8 bytes long then. */
  prepareWords(first: number, second: number, type: number): void {
    this.#words[0] = first;
    this.#words[1] = second;
    this.type = type;
    this.byteLength = 8;
    this.#finish();
  }

  #encode(text: string): number {
    if (!text.isWellFormed()) return KEY_ILL_FORMED;
    const { read, written } = encoder.encodeInto(text, this.#bytes);
    if (read < text.length || written > KEY_BYTES_MAX) return KEY_TOO_LONG;
    this.byteLength = written;
    return KEY_OK;
  }

  /** A second hash: both together stand for the key where it can't be compared. */
  check(): number {
    return this.#checkHash.hash(this.#words, this.byteLength, this.type);
  }

  /** Whether the key that begins at word `at` is this one, of the same length; its padding is 0. */
  equalsWords(words: Int32Array, at: number): boolean {
    const own = this.#words;
    for (let i = 0, count = (this.byteLength + 3) >>> 2; i < count; i++) if (words[at + i] !== own[i]) return false;
    return true;
  }

  /** Whether the `byteLength` bytes at `offset` are this key. */
  equals(bytes: Uint8Array, offset: number): boolean {
    const own = this.#bytes;
    for (let i = 0, length = this.byteLength; i < length; i++) if (bytes[offset + i] !== own[i]) return false;
    return true;
  }

  /** Writes the key with its padding from word `at` on. */
  writeWords(words: Int32Array, at: number): void {
    const own = this.#words;
    for (let i = 0, count = (this.byteLength + 3) >>> 2; i < count; i++) words[at + i] = own[i]!;
  }

  writeTo(bytes: Uint8Array, offset: number): void {
    const own = this.#bytes;
    for (let i = 0, length = this.byteLength; i < length; i++) bytes[offset + i] = own[i]!;
  }
}
