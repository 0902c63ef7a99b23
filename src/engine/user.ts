/**
 * The user of the set in hand: 64 bits that stand for the name, and the share that the user may have. One object a
 * thread, used again by each set. The two hashes have keys that are derived from the cache's, so that they are
 * strangers to each other and to those of keys.
 */
import { KeyHash } from '../../native-free/index.js';

export const USER_BYTES_MAX = 255;
/** No type has this number, which salts the hashes of keys. */
const SALT = 255;

const encoder = new TextEncoder();

export class User {
  hash0 = 0;
  hash1 = 0;
  /** Granules that the user's tier may have. */
  shareGranules = 0;
  readonly #first: KeyHash;
  readonly #second: KeyHash;
  readonly #bytes = new Uint8Array(USER_BYTES_MAX + 1);
  readonly #words = new Int32Array(this.#bytes.buffer);

  constructor(hashKey0: number, hashKey1: number) {
    const root = new KeyHash(hashKey0, hashKey1);
    this.#first = root.derived(1, SALT);
    this.#second = root.derived(2, SALT);
  }

  /** Takes a well-formed name of 1 to USER_BYTES_MAX bytes. */
  prepare(name: string, shareGranules: number): void {
    const { written } = encoder.encodeInto(name, this.#bytes);
    for (let i = written; (i & 3) !== 0; i++) this.#bytes[i] = 0;
    this.hash0 = this.#first.hash(this.#words, written, SALT);
    this.hash1 = this.#second.hash(this.#words, written, SALT);
    this.shareGranules = shareGranules;
  }
}
