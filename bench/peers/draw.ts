/** Which items are asked for, and which of the operations are sets. */
import { Random } from '../../src/cli/random.js';
import { ZipfSampler } from '../../src/cli/zipf.js';
import type { Setup } from './contender.js';

const ZIPF_EXPONENT = 0.99;
/** A prime with which neighbours in popularity are strangers in order; it divides no number of items that is a power of ten. */
const SCATTER = 7_919;

export type DrawItem = () => number;

/** A state that lives on: no slice repeats the one before it. */
export function drawerOf({ items, keys }: Setup, seed: number): DrawItem {
  if (keys === 'uniform') return uniform(items, seed);
  const [zipf, random] = [new ZipfSampler(items, ZIPF_EXPONENT), new Random(seed)];
  return () => (zipf.draw(random) * SCATTER) % items;
}

function uniform(items: number, seed: number): DrawItem {
  let random = seed;
  return () => {
    random ^= random << 13;
    random ^= random >>> 17;
    random ^= random << 5;
    return (((random >>> 0) * items) / 2 ** 32) | 0;
  };
}

/**
 * Fills `drawn` with items, those to be set as their complement, the others' share being `reads`. Returns something
 * of the keys, so that looking at them can't be left out.
 */
export function drawStride(
  drawn: Int32Array,
  keys: readonly string[],
  nextItem: DrawItem,
  reads: number,
  random: Random,
): number {
  let seen = 0;
  for (let i = 0; i < drawn.length; i++) {
    const item = nextItem();
    const isRead = reads === 1 || (reads > 0 && random.next() < reads);
    drawn[i] = isRead ? item : ~item;
    seen += keys[item]!.charCodeAt(0);
  }
  return seen;
}
