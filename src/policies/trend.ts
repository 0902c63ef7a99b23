/**
 * A rate that leaves its own recent band. The band is the exponentially weighted mean of the rate, and to each side
 * WIDTH times its weighted mean deviation, but no less than a floor and a quarter of the mean. It is updated once in
 * SAMPLE_MS of the cache's clock, with 1/MEMORY of what is new, so that it reaches some five minutes back. A value
 * outside counts as one on the edge, so that an outlier doesn't widen the band much, and a rate that stays where it
 * went makes itself the new normal within minutes. OUTSIDE values in a row outside are an alert; as many inside end it.
 */
import type { Alert, AlertCode } from './alert.js';

export const SAMPLE_MS = 10_000;
export const MEMORY = 30;
const WIDTH = 4;
const MEAN_SHARE_MIN = 0.25;
export const OUTSIDE = 3;
/** Requests in a sample under which a ratio says nothing. */
const REQUESTS_MIN = 100;

export interface TrendSums {
  readonly requests: number;
  readonly misses: number;
  readonly evictions: number;
}

export interface TrendRate {
  readonly sum: keyof TrendSums;
  /** A ratio to the requests, or a rate per minute. */
  readonly of: 'requests' | 'time';
  /** Whether falling out of the band below is an alert too. */
  readonly both: boolean;
  /** Least width of the band to each side. */
  readonly floor: number;
}

export class Trend {
  readonly #code: AlertCode;
  readonly #rate: TrendRate;
  #lastMs: number | undefined;
  #last: TrendSums = { requests: 0, misses: 0, evictions: 0 };
  #samples = 0;
  #mean = 0;
  #deviation = 0;
  /** Values in a row that disagree with what was told last. */
  #run = 0;
  #isOutside = false;

  constructor(code: AlertCode, rate: TrendRate) {
    this.#code = code;
    this.#rate = rate;
  }

  /** Takes sums that only grow; an alert if the rate has left its band. */
  update(nowMs: number, sums: TrendSums): Alert | undefined {
    const lastMs = this.#lastMs;
    if (lastMs !== undefined && nowMs - lastMs < SAMPLE_MS) return undefined;
    const value = lastMs === undefined ? undefined : this.#valueOf(sums, nowMs - lastMs);
    this.#lastMs = nowMs;
    this.#last = sums;
    return value === undefined ? undefined : this.#take(value);
  }

  #valueOf(sums: TrendSums, elapsedMs: number): number | undefined {
    const grown = sums[this.#rate.sum] - this.#last[this.#rate.sum];
    if (this.#rate.of === 'time') return (grown * 60_000) / elapsedMs;
    const requests = sums.requests - this.#last.requests;
    return requests < REQUESTS_MIN ? undefined : grown / requests;
  }

  #take(value: number): Alert | undefined {
    const width = Math.max(WIDTH * this.#deviation, this.#rate.floor, MEAN_SHARE_MIN * this.#mean);
    const low = this.#mean - width;
    const high = this.#mean + width;
    const isWarm = this.#samples >= MEMORY;
    this.#learn(isWarm ? Math.min(high, Math.max(low, value)) : value);
    if (!isWarm) return undefined;
    const isOutside = value > high || (this.#rate.both && value < low);
    this.#run = isOutside === this.#isOutside ? 0 : this.#run + 1;
    if (this.#run < OUTSIDE) return undefined;
    this.#run = 0;
    this.#isOutside = isOutside;
    return isOutside ? this.#alert(value, value > high ? high : low) : undefined;
  }

  /** The first values weigh as much as each other. */
  #learn(value: number): void {
    this.#samples += 1;
    const weight = Math.max(1 / MEMORY, 1 / this.#samples);
    const distance = Math.abs(value - this.#mean);
    this.#mean += weight * (value - this.#mean);
    if (this.#samples > 1) this.#deviation += weight * (distance - this.#deviation);
  }

  #alert(figure: number, threshold: number): Alert {
    const unit = this.#rate.of === 'requests' ? 'of the requests' : 'a minute';
    const name = `${this.#rate.sum} ${unit}`;
    const message = `${round(figure)} ${name}, ${figure > threshold ? 'above' : 'below'} the recent band, which ends at ${round(threshold)}`;
    return { code: this.#code, severity: this.#rate.both ? 'info' : 'warning', figure, threshold, message };
  }
}

function round(value: number): number {
  return Number(value.toPrecision(3));
}
