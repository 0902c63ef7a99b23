import { isSharedMemory } from '../../native-free/index.js';
import { OptionError } from '../errors.js';

const GAUGE_BYTES = 8;

/**
 * A share that a test, or an application with a figure of its own, sets by hand, in place of a source of pressure. It
 * lives in a small SharedArrayBuffer, so that the cache's threads read it.
 */
export class Gauge {
  readonly buffer: SharedArrayBuffer;
  readonly #share: Float64Array<SharedArrayBuffer>;

  /** Begins at `share`, from 0 to 1, by default 0. */
  constructor(share = 0, buffer: SharedArrayBuffer = new SharedArrayBuffer(GAUGE_BYTES)) {
    if (!isGaugeBuffer(buffer)) throw new OptionError('buffer', buffer, 'must be that of a Gauge');
    this.buffer = buffer;
    this.#share = new Float64Array(buffer);
    if (share !== 0) this.set(share);
  }

  /** The gauge over the buffer of another thread's. */
  static from(buffer: SharedArrayBuffer): Gauge {
    return new Gauge(0, buffer);
  }

  /** From 0 to 1, whatever others have written into the buffer. */
  get(): number {
    const share = this.#share[0]!;
    return Number.isNaN(share) ? 0 : Math.min(1, Math.max(0, share));
  }

  /** Throws VELOCACHE_OPTION for a share that is not from 0 to 1. */
  set(share: number): void {
    if (typeof share !== 'number' || !(share >= 0 && share <= 1))
      throw new OptionError('share', share, 'must be a number from 0 to 1');
    this.#share[0] = share;
  }
}

/** By its buffer, not its class: another copy of this package may have made it. */
export function isGauge(value: unknown): value is Gauge {
  return isGaugeBuffer((value as Gauge | null)?.buffer);
}

/** Not that of a ManualClock, which is longer. */
export function isGaugeBuffer(buffer: unknown): buffer is SharedArrayBuffer {
  return isSharedMemory(buffer) && buffer.byteLength === GAUGE_BYTES;
}
