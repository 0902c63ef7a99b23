/** memcached, with its own defaults but for the memory. */
import type { Contender, Setup } from './contender.js';
import { encodeGet, encodeSet, parseMeta } from './meta.js';
import { contendersOf } from './server.js';

/** An item's header, key and rounding to chunks, at the most. */
const BYTES_BESIDE_VALUE = 120;
const ROUNDING = 1.3;
const MEGABYTES_MIN = 64;

export const memcached: readonly Contender[] = contendersOf({
  program: 'memcached',
  name: 'memcached',
  policy: 'segmented LRU',
  settings(port, setup) {
    // It refuses to run as root unless a user is named.
    const user = process.getuid?.() === 0 ? ['-u', 'nobody'] : [];
    return ['-p', String(port), '-l', '127.0.0.1', '-U', '0', '-m', String(megabytes(setup)), ...user];
  },
  encodeGet,
  encodeSet,
  parse: parseMeta,
});

function megabytes({ items, valueBytes, bound }: Setup): number {
  if (bound !== undefined) return Math.floor(bound.bytes / 2 ** 20);
  return Math.max(MEGABYTES_MIN, Math.ceil((items * (valueBytes * ROUNDING + BYTES_BESIDE_VALUE)) / 2 ** 20));
}
