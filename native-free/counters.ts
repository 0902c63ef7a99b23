/**
 * Striped counters: each owner slot has a stripe that only the thread in that slot writes, so counting is a plain
 * add, with no line shared between threads. A stripe is never reset, also when its slot gets a new thread: sums only
 * grow. Doubles hold whole numbers to 2^53 and are read and written whole.
 */
export class Counters {
  readonly #values: Float64Array<SharedArrayBuffer>;
  readonly #perStripe: number;
  readonly #stripes: number;
  #base = 0;

  /** `stripe` is the slot whose stripe `add` writes. */
  constructor(buffer: SharedArrayBuffer, byteOffset: number, perStripe: number, stripes: number, stripe: number) {
    this.#values = new Float64Array(buffer, byteOffset, perStripe * stripes);
    this.#perStripe = perStripe;
    this.#stripes = stripes;
    this.#base = stripe * perStripe;
  }

  add(counter: number, delta: number): void {
    const index = this.#base + counter;
    this.#values[index] = this.#values[index]! + delta;
  }

  /** `count` counters from `first` on, of this thread's stripe: to be added to in place. */
  own(first: number, count: number): Float64Array<SharedArrayBuffer> {
    return this.#values.subarray(this.#base + first, this.#base + first + count);
  }

  /** The sum of one counter over the stripes. */
  sum(counter: number): number {
    let total = 0;
    for (let stripe = 0; stripe < this.#stripes; stripe++) total += this.#values[stripe * this.#perStripe + counter]!;
    return total;
  }

  /** The sums of all counters over the stripes: one walk over memory in its order. */
  sums(): Float64Array {
    const totals = new Float64Array(this.#perStripe);
    for (let stripe = 0; stripe < this.#stripes; stripe++) this.addStripe(stripe, totals);
    return totals;
  }

  /** Adds the counters of one stripe to totals of as many. */
  addStripe(stripe: number, totals: Float64Array): void {
    const perStripe = this.#perStripe;
    for (let i = 0; i < perStripe; i++) totals[i] = totals[i]! + this.#values[stripe * perStripe + i]!;
  }
}
