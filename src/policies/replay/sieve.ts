/**
 * SIEVE (Zhang, Yang, Yue, Vigfusson, Rashmi, "SIEVE is simpler than LRU", NSDI 2024): a queue in order of insertion and a
 * hand that goes from its oldest end to its newest and round again. It evicts the first object that nobody has asked for
 * since it last passed; the others lose their mark and stay where they are. State: 9 bytes an object, two links and the
 * mark.
 */
import { Links, NONE } from '../links.js';
import { type PolicyOptions, WeighingPolicy } from './policy.js';

const ORDER = 0;

export class Sieve extends WeighingPolicy {
  readonly #links: Links;
  readonly #visited: Uint8Array;
  #hand = NONE;

  constructor(capacity: number, options: PolicyOptions) {
    super(capacity, options);
    this.#links = new Links(options.keys, 1);
    this.#visited = new Uint8Array(options.keys);
  }

  protected hit(id: number): void {
    this.#visited[id] = 1;
  }

  protected miss(id: number, weight: number): void {
    this.makeRoom(weight);
    this.#links.pushNewest(ORDER, id);
    this.#visited[id] = 0;
    this.store(id, weight);
  }

  protected evict(): void {
    let victim = this.#at(this.#hand);
    while (this.#visited[victim] === 1) {
      this.#visited[victim] = 0;
      victim = this.#at(this.#links.newerThan(victim));
    }
    this.#hand = victim;
    this.remove(victim);
  }

  protected remove(id: number): void {
    if (id === this.#hand) this.#hand = this.#links.newerThan(id);
    this.#links.remove(id);
    this.release(id);
  }

  /** Past the newest object the hand starts again from the oldest. */
  #at(id: number): number {
    return id === NONE ? this.#links.oldest(ORDER) : id;
  }
}
