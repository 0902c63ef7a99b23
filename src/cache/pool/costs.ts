/** What asynchronous operations cost, as measured: so that only what is worth the trip is sent to a worker. */
import type { CompressionPlan } from '../../codecs/compression.js';

/** Nanoseconds a byte of storing and reading, before any was measured; and with a compressor's work. */
const PLAIN_NS = 2;
const COMPRESSED_NS = 10;
const CARRIAGE_NS = 0.1;
/** What compression makes of a value, roughly. */
const RATIO = 4;

/** A trip to a worker and back, before any was made. */
const TRIP_NS = 50_000;
const TRIP_NS_MIN = 1_000;
const TRIP_JUMP = 4;
/** Work is sent that takes so many times what sending it does: the rest of the trip is the event loop's. */
const GAIN = 2;
/** How fast an average follows a shorter time and a longer one: what disturbs a measurement only ever makes it longer. */
const WEIGHT_SHORTER = 1 / 4;
const WEIGHT_LONGER = 1 / 16;
/** A measurement counts for so many times what was known at most: a thread off its core is no slow codec. */
const JUMP = 64;
/** Powers of two that a size may lie between. */
const SIZES = 32;

/** Nanoseconds of an operation by its bytes, averaged by the byte within each power of two. */
export class SizedCost {
  readonly #nsPerByte = new Float64Array(SIZES);
  readonly #priorOf: (bytes: number) => number;

  /** `priorOf`: nanoseconds for each of so many bytes, until something has been measured. */
  constructor(priorOf: (bytes: number) => number) {
    this.#priorOf = priorOf;
  }

  note(bytes: number, ns: number): void {
    const size = sizeOf(bytes);
    const known = this.#nsPerByte[size] || this.#priorOf(bytes);
    const measured = Math.min(ns / Math.max(1, bytes), known * JUMP);
    this.#nsPerByte[size] = known + (measured - known) * (measured < known ? WEIGHT_SHORTER : WEIGHT_LONGER);
  }

  /** What so many bytes are likely to take, by the nearest size that has been measured. */
  estimate(bytes: number): number {
    const size = sizeOf(bytes);
    for (let distance = 0; distance < SIZES; distance++) {
      const known = this.#nsPerByte[size - distance] || this.#nsPerByte[size + distance] || 0;
      if (known !== 0) return known * bytes;
    }
    return this.#priorOf(bytes) * bytes;
  }
}

function sizeOf(bytes: number): number {
  return SIZES - Math.clz32(Math.max(1, bytes)) - 1;
}

/**
 * The time of a trip to an idle worker and back, the work itself left out: of the latest about the shortest. What a worker's
 * start adds to one is hardly felt.
 */
export class TripCost {
  ns: number = TRIP_NS;

  note(ns: number): void {
    const measured = Math.min(ns, this.ns * TRIP_JUMP);
    this.ns = measured < this.ns ? Math.max(TRIP_NS_MIN, measured) : this.ns + (measured - this.ns) / 64;
  }
}

/** Sets, or gets, of one type. */
export class OffloadCosts {
  /** What a worker can do in place of this thread, a compressor's work among it. */
  readonly work: SizedCost;
  /** What only sending takes: the copy to or from an exchange buffer. */
  readonly carriage: SizedCost = new SizedCost(() => CARRIAGE_NS);
  readonly #trip: TripCost;

  /** `compressed`: operations on more bytes than that are likely to meet a compressor. */
  constructor(trip: TripCost, compressed: number) {
    this.#trip = trip;
    this.work = new SizedCost((bytes) => (bytes > compressed ? COMPRESSED_NS : PLAIN_NS));
  }

  /** Whether an operation on so many bytes is worth a trip. */
  isWorth(bytes: number): boolean {
    return this.work.estimate(bytes) > GAIN * (this.#trip.ns + this.carriage.estimate(bytes));
  }
}

/** Bytes from which on sets of a type are compressed. */
export function setsCompressed(plan: CompressionPlan | undefined): number {
  return plan?.atSet === true ? plan.above : Number.POSITIVE_INFINITY;
}

/** Bytes from which on stored values of a type are likely to be compressed: a fraction of what they were. */
export function getsCompressed(plan: CompressionPlan | undefined): number {
  return plan === undefined ? Number.POSITIVE_INFINITY : plan.above / RATIO;
}
