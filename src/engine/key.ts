/**
 * The key of the operation in hand: hashed and compared where it stands. One object a thread, used again by each
 * operation. An ASCII key is never encoded; any other is, once, into scratch memory.
 */
import { KeyHash } from '../../native-free/index.js';
import { KEY_BYTES_MAX } from './item.js';

export const KEY_OK = 0;
export const KEY_NOT_STRING = 1;
export const KEY_TOO_LONG = 2;
export const KEY_ILL_FORMED = 3;

const encoder = new TextEncoder();

export class Key {
  hash = 0;
  type = 0;
  byteLength = 0;
  #text = '';
  #ascii = true;
  readonly #hash: KeyHash;
  readonly #encoded = new Uint8Array(KEY_BYTES_MAX + 1);

  constructor(hashKey0: number, hashKey1: number) {
    this.#hash = new KeyHash(hashKey0, hashKey1);
  }

  /** Takes `text` as the key in the space of `type`. Returns KEY_OK, or what is wrong with it. */
  prepare(text: string, type: number): number {
    if (typeof text !== 'string' || text.length === 0) return KEY_NOT_STRING;
    if (text.length > KEY_BYTES_MAX) return KEY_TOO_LONG;
    this.hash = this.#hash.hash(text, type);
    this.type = type;
    this.#text = text;
    this.#ascii = this.#hash.unitsOr < 0x80;
    this.byteLength = text.length;
    return this.#ascii ? KEY_OK : this.#encode(text);
  }

  #encode(text: string): number {
    if (!text.isWellFormed()) return KEY_ILL_FORMED;
    const { read, written } = encoder.encodeInto(text, this.#encoded);
    if (read < text.length || written > KEY_BYTES_MAX) return KEY_TOO_LONG;
    this.byteLength = written;
    return KEY_OK;
  }

  /** Whether the `byteLength` bytes at `offset` are this key. */
  equals(bytes: Uint8Array, offset: number): boolean {
    const length = this.byteLength;
    if (this.#ascii) {
      const text = this.#text;
      for (let i = 0; i < length; i++) if (bytes[offset + i] !== text.charCodeAt(i)) return false;
      return true;
    }
    const encoded = this.#encoded;
    for (let i = 0; i < length; i++) if (bytes[offset + i] !== encoded[i]) return false;
    return true;
  }

  writeTo(bytes: Uint8Array, offset: number): void {
    const length = this.byteLength;
    if (this.#ascii) {
      const text = this.#text;
      for (let i = 0; i < length; i++) bytes[offset + i] = text.charCodeAt(i);
      return;
    }
    const encoded = this.#encoded;
    for (let i = 0; i < length; i++) bytes[offset + i] = encoded[i]!;
  }
}
