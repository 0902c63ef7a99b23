/**
 * S3-FIFO (Yang, Zhang, Qiu, Yue, Rashmi, "FIFO queues are all you need for cache eviction", SOSP 2023). A small queue takes
 * a tenth of the capacity, the main queue the rest. New objects enter the small one and, at its end, go on to the main one
 * if they were asked for twice meanwhile; otherwise they leave, and a ghost queue remembers them: asked for again, they
 * enter the main queue directly. In the main queue an object goes round once more for every use, up to three.
 *
 * As in the authors' simulator an object must be smaller than the small queue, or it isn't stored: so a cache of less than
 * 20 objects stores nothing.
 *
 * State: 9 bytes an object, two links and queue and uses; as much for a ghost, and 4 bytes of its weight. The ghosts weigh
 * up to nine tenths of the capacity.
 */
import { Links, NONE } from '../links.js';
import { GHOST_SHARE, SMALL_SHARE, USES_MAX, USES_TO_STAY } from '../s3-fifo.js';
import { type PolicyOptions, WeighingPolicy } from './policy.js';

const SMALL = 0;
const MAIN = 1;
const GHOST = 2;
const NOWHERE = 3;

/** Meta of an object: its queue in two bits, its uses above. */
const QUEUE_MASK = 3;
const USES_SHIFT = 2;

export class S3Fifo extends WeighingPolicy {
  readonly #links: Links;
  readonly #meta: Uint8Array;
  readonly #ghostWeights: Int32Array;
  readonly #smallMax: number;
  readonly #mainMax: number;
  readonly #ghostMax: number;
  /** Weights of the queues, by their numbers. */
  readonly #weights: Float64Array = new Float64Array(3);

  constructor(capacity: number, options: PolicyOptions) {
    super(capacity, options);
    this.#links = new Links(options.keys, 3);
    this.#meta = new Uint8Array(options.keys).fill(NOWHERE);
    this.#ghostWeights = new Int32Array(options.keys);
    this.#smallMax = Math.floor(capacity * SMALL_SHARE);
    this.#mainMax = capacity - this.#smallMax;
    this.#ghostMax = Math.floor(capacity * GHOST_SHARE);
  }

  protected override fits(weight: number): boolean {
    return weight < this.#smallMax;
  }

  protected hit(id: number): void {
    const meta = this.#meta[id]!;
    if (meta >>> USES_SHIFT < USES_MAX) this.#meta[id] = meta + (1 << USES_SHIFT);
  }

  protected miss(id: number, weight: number): void {
    const wasGhost = this.#queueOf(id) === GHOST;
    if (wasGhost) this.#leaveGhosts(id);
    this.makeRoom(weight);
    this.store(id, weight);
    this.#enter(wasGhost ? MAIN : SMALL, id, 0);
  }

  protected evict(): void {
    if (this.#weights[MAIN]! > this.#mainMax || this.#links.oldest(SMALL) === NONE) this.#evictMain();
    else this.#evictSmall();
  }

  protected remove(id: number): void {
    this.#leave(id);
    this.#meta[id] = NOWHERE;
    this.release(id);
  }

  protected override reweighed(id: number, by: number): void {
    this.#weights[this.#queueOf(id)]! += by;
  }

  /** May evict nothing, if all that was in the small queue goes on to the main one. */
  #evictSmall(): void {
    for (let id = this.#links.oldest(SMALL); id !== NONE; id = this.#links.oldest(SMALL)) {
      if (this.#usesOf(id) < USES_TO_STAY) {
        const weight = this.weightOf(id);
        this.remove(id);
        this.#remember(id, weight);
        return;
      }
      this.#leave(id);
      this.#enter(MAIN, id, 0);
    }
  }

  #evictMain(): void {
    let id = this.#links.oldest(MAIN);
    while (this.#usesOf(id) > 0) {
      this.#leave(id);
      this.#enter(MAIN, id, this.#usesOf(id) - 1);
      id = this.#links.oldest(MAIN);
    }
    this.remove(id);
  }

  #remember(id: number, weight: number): void {
    while (this.#weights[GHOST]! + weight > this.#ghostMax) this.#leaveGhosts(this.#links.oldest(GHOST));
    this.#links.pushNewest(GHOST, id);
    this.#meta[id] = GHOST;
    this.#ghostWeights[id] = weight;
    this.#weights[GHOST]! += weight;
  }

  #leaveGhosts(id: number): void {
    this.#links.remove(id);
    this.#meta[id] = NOWHERE;
    this.#weights[GHOST]! -= this.#ghostWeights[id]!;
  }

  #enter(queue: number, id: number, uses: number): void {
    this.#links.pushNewest(queue, id);
    this.#meta[id] = queue | (uses << USES_SHIFT);
    this.#weights[queue]! += this.weightOf(id);
  }

  #leave(id: number): void {
    this.#links.remove(id);
    this.#weights[this.#queueOf(id)]! -= this.weightOf(id);
  }

  #queueOf(id: number): number {
    return this.#meta[id]! & QUEUE_MASK;
  }

  #usesOf(id: number): number {
    return this.#meta[id]! >>> USES_SHIFT;
  }
}
