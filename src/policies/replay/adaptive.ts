/**
 * The policy of the engine, alone: marks, ghosts, learned ranks (../adaptive). The coldest of some entries drawn at random
 * leaves, the newcomer among them: so it may be refused at once, and its mark, remembered, lets it in later.
 *
 * State: 20 bits of mark an object stored, 5 to 10 bytes of ghosts, and some 0.5 MB of the simulations; here also 8 bytes
 * an object, to draw from those that are stored.
 */
import { GHOST_WAYS, Ghosts, ghostCells } from '../adaptive/ghosts.js';
import { writeDefaultRanks } from '../adaptive/learner.js';
import { freshMark, refreshMark, touchMark } from '../adaptive/mark.js';
import { mix } from '../adaptive/mix.js';
import { eighthsOf, RANK_WORDS, rankOf } from '../adaptive/ranks.js';
import { Shadow } from '../adaptive/shadow.js';
import { Xorshift } from '../xorshift.js';
import { type PolicyOptions, WeighingPolicy } from './policy.js';

/** Candidates of one eviction; up to twice as many entries are looked at all. */
const CANDIDATES = 32;
/** Stamps in one turnover. */
const TURNOVER = 256;

export class Adaptive extends WeighingPolicy {
  readonly #random: Xorshift;
  readonly #salt: number;
  readonly #sizeExponent: 0 | 1;
  readonly #shadow: Shadow;
  readonly #words = new Int32Array(RANK_WORDS);
  /** By object. */
  readonly #marks: Int32Array;
  readonly #places: Int32Array;
  /** Objects that are stored, in no order. */
  readonly #stored: Int32Array;
  #cells: Int32Array;
  #ghosts: Ghosts;
  readonly #keys: number;
  #now = 0;
  /** Since the last stamp: inserts, times TURNOVER. */
  #progress = 0;

  constructor(capacity: number, options: PolicyOptions) {
    super(capacity, options);
    const { keys, unit, seed, favour } = options;
    this.#random = new Xorshift(seed);
    this.#salt = this.#random.below(2 ** 31);
    // Where objects are counted, both ratios are the same, and no size goes into the ranks.
    const favoursHits = unit === 'bytes' && favour === 'objects';
    this.#sizeExponent = favoursHits ? 1 : 0;
    this.#shadow = new Shadow({ favour: favoursHits ? 'objects' : 'bytes', seed: seed + 1, nowOf: () => this.#now });
    writeDefaultRanks(this.#words, 0);
    this.#marks = new Int32Array(keys);
    this.#places = new Int32Array(keys);
    this.#stored = new Int32Array(keys);
    this.#keys = keys;
    this.#cells = new Int32Array(ghostCells(unit === 'objects' ? Math.min(capacity, keys) : 0));
    this.#ghosts = new Ghosts(this.#cells, 0, this.#cells.length);
  }

  protected hit(id: number): void {
    this.#marks[id] = touchMark(this.#marks[id]!, this.#now);
    this.#tell(id, this.weightOf(id));
  }

  protected miss(id: number, weight: number): void {
    this.#tick();
    const ghost = this.#ghosts.recall(this.#hashOf(id));
    this.#marks[id] = ghost < 0 ? freshMark(this.#now) : touchMark(ghost, this.#now);
    this.#places[id] = this.count;
    this.#stored[this.count] = id;
    this.store(id, weight);
    while (this.used > this.capacity) this.#evictBeside(id);
    this.#grow();
    this.#tell(id, weight);
  }

  protected evict(): void {
    this.#evictBeside(this.#stored[0]!);
  }

  protected remove(id: number): void {
    this.#ghosts.remember(this.#hashOf(id), this.#marks[id]!, this.#now);
    this.release(id);
    const moved = this.#stored[this.count]!;
    const place = this.#places[id]!;
    this.#stored[place] = moved;
    this.#places[moved] = place;
  }

  /** As many as it will hold when it's full, if those to come are as large. */
  #residents(): number {
    return Math.min(this.#keys, Math.max(this.count, (this.count * this.capacity) / Math.max(1, this.used)));
  }

  /** The clock moves on by one with every 1/256 of the residents inserted. */
  #tick(): void {
    const residents = this.#residents();
    this.#progress += TURNOVER;
    if (this.#progress < residents) return;
    this.#progress -= Math.max(residents, TURNOVER);
    this.#now = (this.#now + 1) | 0;
  }

  /** The first one is a candidate in any case, and goes if no other is colder. */
  #evictBeside(first: number): void {
    let coldest = this.has(first) ? first : this.#stored[0]!;
    let rank = this.#rankOf(coldest);
    const isAll = this.count <= 2 * CANDIDATES;
    const looks = isAll ? this.count : CANDIDATES;
    for (let look = 0; look < looks; look++) {
      const id = this.#stored[isAll ? look : this.#random.below(this.count)]!;
      const other = this.#rankOf(id);
      if (other <= rank) continue;
      rank = other;
      coldest = id;
    }
    this.remove(coldest);
  }

  #rankOf(id: number): number {
    const mark = refreshMark(this.#marks[id]!, this.#now);
    this.#marks[id] = mark;
    return rankOf(this.#words, 0, mark, this.#now, eighthsOf(this.weightOf(id)), this.#sizeExponent);
  }

  #tell(id: number, weight: number): void {
    const hash = this.#hashOf(id);
    if (!this.#shadow.sees(hash)) return;
    this.#shadow.access(hash, weight, this.#now);
    this.#shadow.publish(this.#words, 0);
  }

  /** Follows a number of entries that wasn't known before. Keys of a set then share two, of which they use one each. */
  #grow(): void {
    this.#shadow.resize(this.capacity, this.#residents());
    if (ghostCells(this.count) <= this.#cells.length) return;
    const before = this.#cells;
    this.#cells = new Int32Array(before.length * 2);
    for (let at = 0; at < before.length; at += GHOST_WAYS) {
      const set = before.subarray(at, at + GHOST_WAYS);
      this.#cells.set(set, at * 2);
      this.#cells.set(set, at * 2 + GHOST_WAYS);
    }
    this.#ghosts = new Ghosts(this.#cells, 0, this.#cells.length);
  }

  #hashOf(id: number): number {
    return mix(id ^ this.#salt);
  }
}
