/**
 * Sums that only grow, as rates over the last while: a short list of samples, one for each step of time, of which the
 * oldest within the span is the one to compare with. Bounded by `span / step` samples.
 */
export class Window {
  readonly #spanMs: number;
  readonly #stepMs: number;
  readonly #samples: { readonly atMs: number; readonly sums: readonly number[] }[] = [];

  /** Rates over `spanMs`, in steps of at least `stepMs`. */
  constructor(spanMs: number, stepMs: number) {
    this.#spanMs = spanMs;
    this.#stepMs = stepMs;
  }

  /** Takes the sums of this moment; ignores them if the last ones are less than a step old. */
  add(nowMs: number, sums: readonly number[]): void {
    const last = this.#samples.at(-1);
    if (last !== undefined && nowMs - last.atMs < this.#stepMs) return;
    this.#samples.push({ atMs: nowMs, sums });
    // The oldest that stays is the youngest that is a whole span old.
    while (this.#samples.length > 2 && nowMs - this.#samples[1]!.atMs >= this.#spanMs) this.#samples.shift();
  }

  /** Whether a whole span has been seen. */
  get isFull(): boolean {
    return this.coveredMs >= this.#spanMs;
  }

  /** The time between the first and the last sample. */
  get coveredMs(): number {
    return (this.#samples.at(-1)?.atMs ?? 0) - (this.#samples[0]?.atMs ?? 0);
  }

  /** How much a sum has grown in the window. */
  growth(sum: number): number {
    return (this.#samples.at(-1)?.sums[sum] ?? 0) - (this.#samples[0]?.sums[sum] ?? 0);
  }

  /** The same for a span that was longer or shorter than it should be, in proportion. */
  rate(sum: number): number {
    return this.coveredMs > this.#spanMs ? (this.growth(sum) * this.#spanMs) / this.coveredMs : this.growth(sum);
  }
}
