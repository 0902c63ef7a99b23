/** Single operations, timed one by one: what is drawn and made for them is ready before the clock runs. */
import type { Cache } from '../../src/index.js';

export const OPERATIONS = ['get', 'set', 'miss'] as const;
export type Operation = (typeof OPERATIONS)[number];

const VALUE_BYTES = 100;
/** Operations for which keys are made at a time. */
const STRIDE = 128;

/** Through a buffer: a string that was put together from parts is a tree until somebody reads it. */
function flat(text: string): string {
  return Buffer.from(text).toString('latin1');
}

function keyOf(item: number): string {
  return flat(`user:session:${String(item).padStart(8, '0')}`);
}

function absentKeyOf(item: number): string {
  return flat(`user:nowhere:${String(item).padStart(8, '0')}`);
}

export class Operations {
  readonly #cache: Cache;
  readonly #entries: number;
  readonly #value = new Uint8Array(VALUE_BYTES);
  #random: number;

  constructor(cache: Cache, entries: number, seed: number) {
    this.#cache = cache;
    this.#entries = entries;
    this.#random = seed;
  }

  fill(): void {
    for (let item = 0; item < this.#entries; item++) {
      if (!this.#cache.setBytes(keyOf(item), this.#value)) throw new Error(`entry ${item} found no room`);
    }
  }

  /** Nanoseconds of each of as many operations as there is room for. */
  time(operation: Operation, ns: Float64Array): void {
    const run = this.#runOf(operation);
    const nameOf = operation === 'miss' ? absentKeyOf : keyOf;
    for (let at = 0; at < ns.length; at += STRIDE) {
      const keys = Array.from({ length: Math.min(STRIDE, ns.length - at) }, () => nameOf(this.#draw()));
      for (const [i, key] of keys.entries()) {
        const startMs = performance.now();
        run(key);
        ns[at + i] = (performance.now() - startMs) * 1e6;
      }
    }
  }

  #runOf(operation: Operation): (key: string) => void {
    const cache = this.#cache;
    if (operation === 'set') return (key) => void cache.setBytes(key, this.#value);
    const isThere = operation === 'get';
    return (key) => {
      if ((cache.getBytes(key) !== undefined) !== isThere) throw new Error(`${operation} of "${key}" went wrong`);
    };
  }

  #draw(): number {
    this.#random ^= this.#random << 13;
    this.#random ^= this.#random >>> 17;
    this.#random ^= this.#random << 5;
    return Math.floor(((this.#random >>> 0) / 2 ** 32) * this.#entries);
  }
}
