import type { Key } from '../../src/engine/key.js';

/** The hash of a key in the space of type 0. */
export function hashOf(key: Key, text: string): number {
  key.prepare(text, 0);
  return key.hash;
}
