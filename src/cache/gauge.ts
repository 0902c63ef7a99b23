import { isSharedMemory } from './shared-memory.js';

/**
 * A share that a test, or an application with a figure of its own, sets by hand, in place of a source of pressure. It
 * lives in a small SharedArrayBuffer, so that the cache's threads read it.
 */
export class Gauge {
  readonly buffer: SharedArrayBuffer;
  readonly #share: Float64Array<SharedArrayBuffer>;

  /** Begins at `share`, from 0 to 1, by default 0. */
  constructor(share = 0, buffer: SharedArrayBuffer = new SharedArrayBuffer(8)) {
    this.buffer = buffer;
    this.#share = new Float64Array(buffer);
    if (share !== 0) this.set(share);
  }

  /** The gauge over the buffer of another thread's. */
  static from(buffer: SharedArrayBuffer): Gauge {
    return new Gauge(0, buffer);
  }

  get(): number {
    return this.#share[0]!;
  }

  /** Throws a RangeError for a share that is not from 0 to 1. */
  set(share: number): void {
    if (!(share >= 0 && share <= 1)) throw new RangeError(`a gauge shows a share from 0 to 1, not ${share}`);
    this.#share[0] = share;
  }
}

/** By its buffer, not its class: another copy of this package may have made it. */
export function isGauge(value: unknown): value is Gauge {
  return isSharedMemory((value as Gauge | null)?.buffer);
}
