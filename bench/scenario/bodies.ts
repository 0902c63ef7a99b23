/**
 * The values of the back ends, as JSON text in a file: what lies there is in nobody's memory until it is asked for. Each
 * type has so many bodies that a dictionary can't hold a noticeable part of them; things share them by their numbers.
 */
import { closeSync, openSync, readSync, writeSync } from 'node:fs';
import { KINDS } from '../../src/cli/payloads.js';
import { keyOf } from '../../src/cli/profile.js';
import { deriveSeed, Random } from '../../src/cli/random.js';
import { type SizeProfile, sizeAt } from '../../src/cli/sizes.js';
import type { DemoType } from '../../src/cli/values.js';
import { LOADS, TYPES } from './workload.js';

const BODIES = 512;
/** Coprime to the number of bodies: neighbours are of sizes far apart. */
const STRIDE = 197;

export interface BodiesPlan {
  readonly file: string;
  /** Where each body of a type begins, and the last ends. */
  readonly offsets: Readonly<Record<DemoType, readonly number[]>>;
}

/** Sizes at even steps of their distribution, as recorded, times what brings their mean to that of the load. */
export function sizesOf(sizes: SizeProfile, meanBytes: number): number[] {
  const recorded = Array.from({ length: BODIES }, (_, i) => sizeAt(sizes, (i + 0.5) / BODIES));
  const factor = (meanBytes * BODIES) / recorded.reduce((sum, bytes) => sum + bytes, 0);
  return recorded.map((bytes) => bytes * factor);
}

export function writeBodies(file: string, seed: number): BodiesPlan {
  const descriptor = openSync(file, 'w');
  const offsets: Record<DemoType, number[]> = { session: [], route: [], weather: [], llm: [], stats: [], misc: [] };
  let offset = 0;
  for (const type of TYPES) {
    const random = new Random(deriveSeed(seed, `bodies ${type}`));
    for (const bytes of sizesOf(KINDS[type].sizes, LOADS[type].meanBytes)) {
      offsets[type].push(offset);
      offset += writeSync(descriptor, JSON.stringify(KINDS[type].make(random, bytes)));
    }
    offsets[type].push(offset);
  }
  closeSync(descriptor);
  return { file, offsets };
}

export class Bodies {
  readonly #descriptor: number;
  readonly #offsets: BodiesPlan['offsets'];

  constructor({ file, offsets }: BodiesPlan) {
    this.#descriptor = openSync(file, 'r');
    this.#offsets = offsets;
  }

  /** The text of a thing, as it comes from its back end. */
  textOf(type: DemoType, thing: number): string {
    const body = (thing * STRIDE) % BODIES;
    const [start, end] = [this.#offsets[type][body]!, this.#offsets[type][body + 1]!];
    const bytes = Buffer.allocUnsafe(end - start);
    readSync(this.#descriptor, bytes, 0, bytes.length, start);
    return `{"key":"${keyOf(type, thing)}",${bytes.toString('utf8', 1)}`;
  }

  close(): void {
    closeSync(this.#descriptor);
  }
}
