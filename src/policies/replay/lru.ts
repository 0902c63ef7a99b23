/**
 * LRU, exactly: the object that was used least recently leaves (Mattson, Gecsei, Slutz, Traiger, "Evaluation techniques
 * for storage hierarchies", IBM Systems Journal 9(2), 1970). State: 8 bytes an object, two links.
 */
import { Links } from '../links.js';
import { type PolicyOptions, WeighingPolicy } from './policy.js';

const ORDER = 0;

export class ExactLru extends WeighingPolicy {
  readonly #links: Links;

  constructor(capacity: number, options: PolicyOptions) {
    super(capacity, options);
    this.#links = new Links(options.keys, 1);
  }

  protected hit(id: number): void {
    this.#links.remove(id);
    this.#links.pushNewest(ORDER, id);
  }

  protected miss(id: number, weight: number): void {
    this.makeRoom(weight);
    this.#links.pushNewest(ORDER, id);
    this.store(id, weight);
  }

  protected evict(): void {
    this.remove(this.#links.oldest(ORDER));
  }

  protected remove(id: number): void {
    this.#links.remove(id);
    this.release(id);
  }
}
