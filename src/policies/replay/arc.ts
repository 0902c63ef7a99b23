/**
 * ARC (Megiddo, Modha, "ARC: A self-tuning, low overhead replacement cache", FAST 2003). Objects used once lie in one list by
 * recency, those used again in another, and behind each lies one of ghosts. A ghost that is asked for shows which list is too
 * short: its share grows. Where sizes differ, lists and shares are weighed.
 *
 * State: 9 bytes an object, two links and its list; as much for a ghost, and 4 bytes of its weight. The ghosts weigh as much
 * as the capacity.
 */
import { Links, NONE } from '../links.js';
import { type PolicyOptions, WeighingPolicy } from './policy.js';

/** Lists: what was used once and again, and the ghosts of both. */
const ONCE = 0;
const AGAIN = 1;
const ONCE_GHOSTS = 2;
const AGAIN_GHOSTS = 3;
const LISTS = 4;
const NOWHERE = LISTS;

export class Arc extends WeighingPolicy {
  readonly #links: Links;
  readonly #listOf: Uint8Array;
  readonly #listed: Int32Array;
  /** Weights of the lists. */
  readonly #weights = new Float64Array(LISTS);
  /** Weight that the list of what was used once is to have. */
  #onceAim = 0;
  /** Where that is just reached, the object asked for decides: one that was used again before wants room of the others. */
  #prefersAgain = false;

  constructor(capacity: number, options: PolicyOptions) {
    super(capacity, options);
    this.#links = new Links(options.keys, LISTS);
    this.#listOf = new Uint8Array(options.keys).fill(NOWHERE);
    this.#listed = new Int32Array(options.keys);
  }

  protected hit(id: number): void {
    this.#leave(id);
    this.#enter(AGAIN, id, this.weightOf(id));
  }

  protected miss(id: number, weight: number): void {
    const ghosts = this.#listOf[id]!;
    if (ghosts === ONCE_GHOSTS) this.#moveAim(weight * this.#growth(AGAIN_GHOSTS, ONCE_GHOSTS));
    if (ghosts === AGAIN_GHOSTS) this.#moveAim(-weight * this.#growth(ONCE_GHOSTS, AGAIN_GHOSTS));
    if (ghosts !== NOWHERE) this.#leave(id);
    this.#prefersAgain = ghosts === AGAIN_GHOSTS;
    this.makeRoom(weight);
    this.store(id, weight);
    this.#enter(ghosts === NOWHERE ? ONCE : AGAIN, id, weight);
    this.#forgetGhosts();
  }

  /** In whole steps: the share is a number of objects. */
  #growth(other: number, own: number): number {
    return Math.max(1, Math.floor(this.#weights[other]! / this.#weights[own]!));
  }

  #moveAim(by: number): void {
    this.#onceAim = Math.min(this.capacity, Math.max(0, this.#onceAim + by));
  }

  protected evict(): void {
    const once = this.#weights[ONCE]!;
    const isOver = once > this.#onceAim || (this.#prefersAgain && once === this.#onceAim);
    const fromOnce = this.#links.oldest(AGAIN) === NONE || (once > 0 && isOver);
    const id = this.#links.oldest(fromOnce ? ONCE : AGAIN);
    const weight = this.weightOf(id);
    this.remove(id);
    this.#enter(fromOnce ? ONCE_GHOSTS : AGAIN_GHOSTS, id, weight);
  }

  /** Each list with its ghosts, and all together, within the bounds of the paper. */
  #forgetGhosts(): void {
    while (this.#weights[ONCE]! + this.#weights[ONCE_GHOSTS]! > this.capacity) this.#forget(ONCE_GHOSTS);
    while (this.#weights.reduce((sum, weight) => sum + weight, 0) > 2 * this.capacity) {
      this.#forget(this.#links.oldest(AGAIN_GHOSTS) === NONE ? ONCE_GHOSTS : AGAIN_GHOSTS);
    }
  }

  #forget(ghosts: number): void {
    this.#leave(this.#links.oldest(ghosts));
  }

  protected remove(id: number): void {
    this.#leave(id);
    this.release(id);
  }

  protected override reweighed(id: number, by: number): void {
    this.#listed[id]! += by;
    this.#weights[this.#listOf[id]!]! += by;
  }

  #enter(list: number, id: number, weight: number): void {
    this.#links.pushNewest(list, id);
    this.#listOf[id] = list;
    this.#listed[id] = weight;
    this.#weights[list]! += weight;
  }

  #leave(id: number): void {
    const list = this.#listOf[id]!;
    this.#links.remove(id);
    this.#weights[list]! -= this.#listed[id]!;
    this.#listOf[id] = NOWHERE;
  }
}
