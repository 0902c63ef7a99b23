/** What a value takes as an object on the heap, and what a process takes beyond its objects while it makes them. */
import type { DemoType } from '../../src/cli/values.js';
import { Bodies, type BodiesPlan } from './bodies.js';
import { LOADS, TYPES } from './workload.js';

export interface HeapReport {
  /** Mean bytes of an object of each type. */
  readonly bytesOf: Record<DemoType, number>;
  /** Resident bytes for each byte of objects. */
  readonly residentShare: number;
}

const SAMPLE = 512;
const FILL_BYTES = 200e6;

const plan = JSON.parse(process.argv[2]!) as BodiesPlan;
const bodies = new Bodies(plan);

function measure(type: DemoType): number {
  globalThis.gc!();
  const before = process.memoryUsage().heapUsed;
  const objects = Array.from({ length: SAMPLE }, (_, thing) => JSON.parse(bodies.textOf(type, thing)) as unknown);
  globalThis.gc!();
  return (process.memoryUsage().heapUsed - before) / objects.length;
}

/** Values of all types as the load brings them, without asking for a collection. */
function fill(bytesOf: Readonly<Record<DemoType, number>>): number {
  const before = process.memoryUsage().rss;
  const held = new Map<string, unknown>();
  let bytes = 0;
  for (let round = 0; bytes < FILL_BYTES; round++) {
    for (const type of TYPES) {
      const { accesses, again } = LOADS[type];
      for (let i = 0; i < accesses * (1 - again) * 1_000; i++) {
        const thing = round * 1_000 + i;
        held.set(`${type} ${thing}`, JSON.parse(bodies.textOf(type, thing)));
        bytes += bytesOf[type];
      }
    }
  }
  const resident = process.memoryUsage().rss - before;
  return held.size > 0 ? resident / bytes : Number.NaN;
}

// Once around: the first of each type brings code and shapes with it.
for (const type of TYPES) measure(type);
const bytesOf = Object.fromEntries(TYPES.map((type) => [type, measure(type)])) as Record<DemoType, number>;
process.send!({ bytesOf, residentShare: fill(bytesOf) } satisfies HeapReport);
process.disconnect();
