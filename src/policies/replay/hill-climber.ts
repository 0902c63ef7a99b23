/**
 * Finds the best size of a part of a cache by trial: it changes the size a little, looks whether the hit ratio has risen
 * or fallen since, and goes on in the same direction or turns round (Einziger, Eytan, Friedman, Manes, "Adaptive software
 * cache management", Middleware 2018). Steps become smaller as it converges, and start anew when the hit ratio jumps.
 */
const STEP_SHARE = 0.0625;
const STEP_DECAY = 0.98;
/** A change of the hit ratio by this much means that the load has changed. */
const RESTART_CHANGE = 0.05;

export class HillClimber {
  readonly #stepMax: number;
  #step: number;
  #hitRatioBefore = 0;
  #hits = 0;
  #requests = 0;

  /** `capacity`: of the whole cache. The first step makes the part larger, since it starts small. */
  constructor(capacity: number) {
    this.#stepMax = capacity * STEP_SHARE;
    this.#step = this.#stepMax;
  }

  note(isHit: boolean): void {
    this.#requests += 1;
    if (isHit) this.#hits += 1;
  }

  /** By how much the part should grow, or shrink if below zero; 0 until `sampleSize` requests were noted. */
  climb(sampleSize: number): number {
    if (this.#requests < sampleSize) return 0;
    const hitRatio = this.#hits / this.#requests;
    const change = hitRatio - this.#hitRatioBefore;
    const amount = change >= 0 ? this.#step : -this.#step;
    this.#step = Math.abs(change) >= RESTART_CHANGE ? Math.sign(amount) * this.#stepMax : amount * STEP_DECAY;
    this.#hitRatioBefore = hitRatio;
    this.#hits = 0;
    this.#requests = 0;
    return Math.trunc(amount);
  }
}
