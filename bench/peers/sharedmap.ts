/** A map of strings in one SharedArrayBuffer: no eviction, no expiry. */
import { createRequire } from 'node:module';
import type { Contender, Lane, Prepared, Setup } from './contender.js';
import { poolOf, type RiderObject, scoreOf, textOf } from './values.js';

interface Strings {
  get(key: string): string | undefined;
  set(key: string, value: string): void;
}

/** Its own declarations don't match what it exports. */
function load(): new (maxSize: number, keySize: number, valueSize: number) => Strings {
  return createRequire(import.meta.url)('sharedmap');
}

const KEY_CHARS = 24;
/** JSON text may be somewhat longer than a value is said to be. */
const CHARS_BESIDE_VALUE = 23;

export const sharedMap: Contender = {
  name: 'sharedmap',
  async prepare({ items, valueBytes }: Setup): Promise<Prepared> {
    const SharedMap = load();
    // Its chains grow long when it is nearly full.
    return { share: new SharedMap(items * 2, KEY_CHARS, valueBytes + CHARS_BESIDE_VALUE), close: async () => {} };
  },
  async open(setup: Setup, keys: readonly string[], share: unknown): Promise<Lane> {
    // What arrived is a clone without its methods; this is how the package itself says to bring them back.
    const map = Object.setPrototypeOf(share, load().prototype) as Strings;
    const pool = poolOf((item) => textOf(setup, item));
    const read =
      setup.kind === 'bytes'
        ? (text: string, item: number): number => text.charCodeAt(item & 63)
        : (text: string): number => scoreOf(JSON.parse(text) as RiderObject);
    const get = (item: number): number => {
      const text = map.get(keys[item]!);
      return text === undefined ? -1 : read(text, item);
    };
    const set = (item: number): number => {
      map.set(keys[item]!, pool(item));
      return 0;
    };
    return { get: { one: get }, set: { one: set } };
  },
};
