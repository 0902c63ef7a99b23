/**
 * The share of the window in a shard, found by trial, with the steps that hill climbing takes when it is replayed alone
 * (Einziger, Eytan, Friedman, Manes, "Adaptive software cache management", Middleware 2018): after each sample of requests a
 * step in the direction that raised the hit ratio; smaller and smaller steps, and large ones anew when the hit ratio jumps.
 *
 *     word 0   requests of this sample
 *     word 1   inserts of it: what was not a hit
 *     word 2   hit ratio of the sample before
 *     word 3   the next step
 *     word 4   the share
 */

export const CLIMBER_WORDS = 5;

const REQUESTS = 0;
const INSERTS = 1;
const RATIO = 2;
const STEP = 3;
const SHARE = 4;

/** 1 in the words. */
const WHOLE = 2 ** 24;
/** Requests of a sample for each entry of the shard. */
const SAMPLE_SHARE = 10;
const STEP_MAX = 0.0625;
const STEP_DECAY = 0.98;
/** A change of the hit ratio by this much means that the load has changed. */
const RESTART_CHANGE = 0.05;
/** Half of the time that the sweep takes is the shortest that an entry stays, on average. */
const SHARE_MIN = 1 / 32;
const SHARE_MAX = 0.8;

export class WindowClimber {
  readonly #meta: Int32Array;
  readonly #offset: number;

  /** `offset`: where its words lie in a shard's record. */
  constructor(meta: Int32Array, offset: number) {
    this.#meta = meta;
    this.#offset = offset;
  }

  format(shard: number): void {
    this.#meta[shard + this.#offset + STEP] = STEP_MAX * WHOLE;
    this.#meta[shard + this.#offset + SHARE] = SHARE_MIN * WHOLE;
  }

  /** The share of the bytes that the window should have. */
  share(shard: number): number {
    return Math.max(SHARE_MIN, this.#meta[shard + this.#offset + SHARE]! / WHOLE);
  }

  /** Counts an insert and requests, that insert among them. True if a sample of this shard has ended with it. */
  note(shard: number, requests: number, entries: number): boolean {
    const meta = this.#meta;
    const at = shard + this.#offset;
    meta[at + REQUESTS] = meta[at + REQUESTS]! + requests;
    meta[at + INSERTS] = meta[at + INSERTS]! + 1;
    if (meta[at + REQUESTS]! < entries * SAMPLE_SHARE) return false;
    this.#climb(at);
    meta[at + REQUESTS] = 0;
    meta[at + INSERTS] = 0;
    return true;
  }

  #climb(at: number): void {
    const meta = this.#meta;
    const ratio = 1 - meta[at + INSERTS]! / Math.max(1, meta[at + REQUESTS]!);
    const change = ratio - meta[at + RATIO]! / WHOLE;
    const amount = (change >= 0 ? meta[at + STEP]! : -meta[at + STEP]!) / WHOLE;
    const step = Math.abs(change) >= RESTART_CHANGE ? Math.sign(amount) * STEP_MAX : amount * STEP_DECAY;
    const share = Math.min(SHARE_MAX, Math.max(SHARE_MIN, meta[at + SHARE]! / WHOLE + amount));
    meta[at + RATIO] = Math.round(ratio * WHOLE);
    meta[at + STEP] = Math.round(step * WHOLE);
    meta[at + SHARE] = Math.round(share * WHOLE);
  }
}
