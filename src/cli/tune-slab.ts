/** Slab classes for the sizes of a trace: those that lose least to rounding, for several numbers of classes. */
import { chunkBytes, requestedBytes } from '../engine/rounding.js';
import { chunkSizes, SizeClasses } from '../engine/size-classes.js';
import type { NumberedTrace } from './numbered-trace.js';

export interface Slab {
  readonly minChunk: number;
  readonly growthFactor: number;
}

const MIN_CHUNKS = [32, 40, 48, 64, 80, 96, 128, 192, 256, 384, 512];
const GROWTH_FACTORS = Array.from({ length: 26 }, (_, i) => (105 + i) / 100);
/**
 * More classes lose less to rounding but hold more half-filled pages, which only a replay can weigh up: so the best is
 * sought under each of these bounds. The first is the most that an engine has.
 */
const CLASSES_MAX = [64, 40, 24];

/** How many entries there are of one size. */
interface SizeCount {
  readonly keyBytes: number;
  readonly valueBytes: number;
  count: number;
}

/** The best under each bound; none if the trace has no sizes. */
export function slabCandidates(trace: NumberedTrace, pageBytes: number): Slab[] {
  const sizes = countSizes(trace);
  if (sizes.length === 0) return [];
  const all = MIN_CHUNKS.flatMap((minChunk) => GROWTH_FACTORS.map((growthFactor) => ({ minChunk, growthFactor })))
    .map((slab) => ({ slab, classes: chunkSizes(pageBytes, slab.minChunk, slab.growthFactor).length }))
    .filter(({ classes }) => classes <= CLASSES_MAX[0]!)
    .map(({ slab, classes }) => ({ slab, classes, waste: waste(slab, sizes, pageBytes) }))
    .toSorted((a, b) => a.waste - b.waste || a.classes - b.classes);
  const best = CLASSES_MAX.flatMap((most) => all.find(({ classes }) => classes <= most)?.slab ?? []);
  return [...new Set(best)];
}

function countSizes({ keys, sizes }: NumberedTrace): SizeCount[] {
  const counts = new Map<string, SizeCount>();
  for (const [id, key] of keys.entries()) {
    const valueBytes = sizes[id]!;
    if (valueBytes === 0) continue;
    const keyBytes = Buffer.byteLength(key);
    const name = `${keyBytes},${valueBytes}`;
    const known = counts.get(name);
    if (known === undefined) counts.set(name, { keyBytes, valueBytes, count: 1 });
    else known.count += 1;
  }
  return [...counts.values()];
}

/** Bytes of chunks that nobody asked for. */
function waste({ minChunk, growthFactor }: Slab, sizes: readonly SizeCount[], pageBytes: number): number {
  const classes = new SizeClasses(pageBytes, minChunk, growthFactor);
  let bytes = 0;
  for (const { keyBytes, valueBytes, count } of sizes) {
    bytes += count * (chunkBytes(classes, keyBytes, valueBytes) - requestedBytes(keyBytes, valueBytes));
  }
  return bytes;
}
