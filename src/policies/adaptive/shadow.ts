/**
 * Learns from a sample of the keys which ranks serve the load best. Keys are sampled by their hash (Waldspurger, Park,
 * Garthwaite, Ahmad, "Efficient MRC construction with SHARDS", FAST 2015), so that of a sampled key every access is seen.
 * A life table of them gives the learned ranks (learner.ts); and each expert runs a miniature of the cache on them, with
 * the sample's share of the capacity. The expert whose miniature hits most of late is the one in use.
 *
 * A key is tracked while a miniature holds it, and for some time after, as it would be remembered by a ghost.
 *
 * Times come in the clock of the key's shard. They are only ever compared with other times of that key.
 *
 * Bounds: about 0.5 MB, all private. An access costs up to 64 ranks for each entry that it makes a miniature evict, some
 * 100 steps of the life table, and once in a while an evaluation, some 0.1 ms. When the sample is thinned out, which
 * happens as often as the number of residents doubles, all tracked keys are looked at, some 1 ms.
 */
import { Links } from '../links.js';
import { Xorshift } from '../xorshift.js';
import { ghostCells } from './ghosts.js';
import { Learner } from './learner.js';
import { AGE_MAX, nextHistory } from './mark.js';
import { Miniature, type Scales } from './miniature.js';
import { EXPERT_LEARNED, EXPERT_REUSE, eighthsOf, RANK_WORDS, rankAt, setExpert, sizeRank } from './ranks.js';
import { TRACKED_MAX, Tracked, UNTRACKED } from './tracked.js';

/** One key in 2^shift is sampled, so that its share of the residents is at most this. */
const ENTRIES_MAX = 2_048;
/** The sample grows again when only so many are left of that. */
const ENTRIES_FEW = ENTRIES_MAX / 4;
const SHIFT_MAX = 31;
const SIZE_MAX = 2 ** 31 - 1;

/** Misses of the miniature in use from one evaluation to the next: a share of its entries, and a least number. */
const PERIOD_SHARE = 0.1;
const PERIOD_MIN = 100;
/** Accesses over which scores are forgotten: for each entry of a miniature, and a least number. */
const SCORE_ACCESSES = 8;
const SCORE_ACCESSES_MIN = 1_000;
/** Another expert takes over when it is better by this factor and one hit. */
const LEAD = 1.01;
/**
 * Where sizes are part of the ranks, the experts store entries of other sizes, and a cache that has changed over takes
 * a turnover to come back: so the learned expert is left only for one that is clearly better, and returned to at once.
 */
const LEAD_AWAY = 1.1;
const LEAD_BACK = 1;
/** The use that is being learned took place within its unit: half of it counts. */
const HALF_UNIT = 0.5;
const LEFT = 0;
/** Ages in view: a unit more than the life tables have. */
const VIEW_MAX = 8192;

export interface ShadowOptions {
  /** Which ratio counts: that of hits or that of bytes hit. Where all sizes are given as 1, 'bytes'. */
  readonly favour: 'objects' | 'bytes';
  /** Runs with one seed are the same. */
  readonly seed: number;
  /** The time in the shard of the key with this hash: an int32 that may wrap. */
  readonly nowOf: (hash: number) => number;
}

export class Shadow {
  readonly #favoursBytes: boolean;
  readonly #nowOf: (hash: number) => number;
  readonly #random: Xorshift;
  readonly #learner = new Learner();
  readonly #keys = new Tracked();
  /** Keys that no miniature holds, in the order in which they left. */
  readonly #left = new Links(TRACKED_MAX, 1);
  #leftCount = 0;
  readonly #miniatures: readonly Miniature[];
  #inUse: Miniature;
  readonly #words = new Int32Array(RANK_WORDS);
  /** The default ranks, from which it starts, aren't told: a successor's cache has better ones. */
  #isChanged = false;

  #capacity = 1;
  #residents = 0;
  #shift = 0;
  /** The sample's part of the capacity and of the ghosts. */
  #room = 1;
  #leftMax = 0;

  #period = PERIOD_MIN;
  /** Misses until the next evaluation. The first one comes sooner. */
  #due = PERIOD_MIN / 2;
  #hand = 0;
  /** What is left of the scores after each access. */
  #keep = 1 - 1 / SCORE_ACCESSES_MIN;
  /** Accesses of late, and what they asked for: the weight of a mean one is their ratio. */
  #accesses = 0;
  #asked = 0;

  constructor({ favour, seed, nowOf }: ShadowOptions) {
    this.#favoursBytes = favour === 'bytes';
    this.#nowOf = nowOf;
    this.#random = new Xorshift(seed);
    const scales: Scales = {
      sizeOf: (key) => this.#keys.sizes[key]!,
      rankOf: (expert, key) => this.#rankOf(expert, key),
      draw: (bound) => this.#random.below(bound),
    };
    this.#miniatures = [EXPERT_LEARNED, EXPERT_REUSE].map((expert) => new Miniature(expert, scales));
    this.#inUse = this.#miniatures[0]!;
    this.#learner.evaluate(this.#words, 0);
  }

  /** One key in 2^shift is sampled. */
  get shift(): number {
    return this.#shift;
  }

  /** Keys that are tracked now. */
  get tracked(): number {
    return this.#keys.count;
  }

  /**
   * Follows the cache: its capacity in bytes (in objects, if all sizes are given as 1), and how many entries it holds or is
   * expected to hold. At most one key in 2^shiftMin is sampled.
   */
  resize(capacity: number, residents: number, shiftMin: number = 0): void {
    if (capacity === this.#capacity && residents === this.#residents && shiftMin <= this.#shift) return;
    this.#capacity = capacity;
    this.#residents = residents;
    let shift = Math.max(this.#shift, shiftMin);
    while (shift < SHIFT_MAX && residents / 2 ** shift > ENTRIES_MAX) shift += 1;
    while (shift > shiftMin && residents / 2 ** shift < ENTRIES_FEW) shift -= 1;
    this.#sample(shift);
  }

  /** Whether the key is sampled. */
  sees(hash: number): boolean {
    return this.#shift === 0 || hash >>> (32 - this.#shift) === 0;
  }

  /**
   * An access of a sampled key, hit or miss, with the key's size in bytes (of which the whole part counts, up to 2 GiB) and
   * the time in its shard.
   */
  access(hash: number, size: number, now: number): void {
    const bytes = Math.min(Math.floor(size), SIZE_MAX);
    const key = this.#arrive(hash, bytes, now);
    if (key === UNTRACKED) return;
    const weight = this.#favoursBytes ? bytes : 1;
    this.#accesses = this.#accesses * this.#keep + 1;
    this.#asked = this.#asked * this.#keep + weight;
    const isMiss = !this.#inUse.has(key);
    for (const miniature of this.#miniatures) {
      miniature.score *= this.#keep;
      if (miniature.has(key)) miniature.score += weight;
      else if (bytes <= this.#room) miniature.add(key);
      this.#shrink(miniature, key);
    }
    if (!this.#isHeld(key)) this.#leave(key);
    if (isMiss) this.#learn();
    this.#choose();
  }

  /** Writes what was learned to RANK_WORDS words (ranks.ts). False if nothing has changed since the last time. */
  publish(words: Int32Array, start: number): boolean {
    if (!this.#isChanged) return false;
    setExpert(this.#words, 0, this.#inUse.expert);
    words.set(this.#words, start);
    this.#isChanged = false;
    return true;
  }

  /** Takes one key in 2^shift from now on. */
  #sample(shift: number): void {
    const isThinner = shift > this.#shift;
    this.#shift = shift;
    if (isThinner) this.#forgetUnseen();
    const entries = this.#residents / 2 ** shift;
    this.#room = Math.max(1, Math.round(this.#capacity / 2 ** shift));
    this.#leftMax = Math.ceil(ghostCells(this.#residents) / 2 ** shift);
    this.#period = Math.max(PERIOD_MIN, PERIOD_SHARE * entries);
    this.#keep = 1 - 1 / Math.max(SCORE_ACCESSES_MIN, SCORE_ACCESSES * entries);
    for (const miniature of this.#miniatures) this.#shrink(miniature, UNTRACKED);
  }

  #forgetUnseen(): void {
    for (let key = 0; key < TRACKED_MAX; key++) {
      if (!this.#keys.has(key) || this.sees(this.#keys.hashes[key]!)) continue;
      const isHeld = this.#isHeld(key);
      for (const miniature of this.#miniatures) if (miniature.has(key)) miniature.remove(key);
      if (!isHeld) this.#unleave(key);
      this.#keys.remove(key);
    }
  }

  /** The number of the key that was accessed, with its past brought up to date. UNTRACKED if it isn't sampled any more. */
  #arrive(hash: number, size: number, now: number): number {
    const keys = this.#keys;
    let key = keys.find(hash);
    if (key === UNTRACKED) {
      key = this.#admit(hash);
      if (key === UNTRACKED) return UNTRACKED;
    } else {
      const seen = this.#ageAt(key, now);
      const age = Math.min(seen, AGE_MAX);
      this.#count(key, seen, HALF_UNIT);
      this.#learner.use(keys.histories[key]! >>> 4, age);
      keys.histories[key] = nextHistory(keys.histories[key]!, age, now);
      if (!this.#isHeld(key)) this.#unleave(key);
      for (const miniature of this.#miniatures) if (miniature.has(key)) miniature.reweigh(size - keys.sizes[key]!);
    }
    keys.sizes[key] = size;
    keys.lastUses[key] = now;
    keys.countedAges[key] = 0;
    return key;
  }

  /** Where there is no room the longest gone key is forgotten, or the sample is thinned out. */
  #admit(hash: number): number {
    const key = this.#keys.add(hash);
    if (key !== UNTRACKED) return key;
    if (this.#leftCount > 0) this.#forgetOldest();
    else this.#sample(Math.min(this.#shift + 1, SHIFT_MAX));
    return this.sees(hash) ? this.#keys.add(hash) : UNTRACKED;
  }

  #isHeld(key: number): boolean {
    return this.#miniatures.some((miniature) => miniature.has(key));
  }

  #leave(key: number): void {
    this.#left.pushNewest(LEFT, key);
    this.#leftCount += 1;
    while (this.#leftCount > this.#leftMax) this.#forgetOldest();
  }

  #unleave(key: number): void {
    this.#left.remove(key);
    this.#leftCount -= 1;
  }

  #forgetOldest(): void {
    const key = this.#left.oldest(LEFT);
    this.#count(key, this.#ageOf(key), 0);
    this.#unleave(key);
    this.#keys.remove(key);
  }

  /** Evicts until the miniature holds no more than its part. */
  #shrink(miniature: Miniature, newcomer: number): void {
    while (miniature.used > this.#room) {
      const victim = miniature.victim(newcomer);
      miniature.remove(victim);
      if (victim !== newcomer && !this.#isHeld(victim)) this.#leave(victim);
    }
  }

  /** One miss of the miniature in use: the life tables take in some keys, all of them from one evaluation to the next. */
  #learn(): void {
    const steps = Math.ceil(TRACKED_MAX / this.#period);
    for (let step = 0; step < steps; step++) {
      this.#hand = (this.#hand + 1) % TRACKED_MAX;
      if (this.#keys.has(this.#hand)) this.#count(this.#hand, this.#ageOf(this.#hand), 0);
    }
    this.#due -= 1;
    if (this.#due > 0) return;
    this.#due += this.#period;
    this.#learner.evaluate(this.#words, 0);
    this.#learner.forget();
    this.#isChanged = true;
  }

  /** The key has been in view up to this age. */
  #count(key: number, age: number, and: number): void {
    const from = this.#keys.countedAges[key]!;
    if (age + and <= from) return;
    this.#learner.expose(this.#keys.histories[key]! >>> 4, from, age + and);
    this.#keys.countedAges[key] = age;
  }

  #choose(): void {
    let bar = this.#inUse.score * this.#lead() + this.#asked / this.#accesses;
    for (const miniature of this.#miniatures) {
      if (miniature.score <= bar) continue;
      bar = miniature.score;
      this.#inUse = miniature;
      this.#isChanged = true;
    }
  }

  #lead(): number {
    if (this.#favoursBytes) return LEAD;
    return this.#inUse.expert === EXPERT_LEARNED ? LEAD_AWAY : LEAD_BACK;
  }

  #rankOf(expert: number, key: number): number {
    const rank = rankAt(this.#words, 0, expert, this.#keys.histories[key]!, Math.min(this.#ageOf(key), AGE_MAX));
    return this.#favoursBytes ? rank : rank + sizeRank(eighthsOf(this.#keys.sizes[key]!));
  }

  #ageOf(key: number): number {
    return this.#ageAt(key, this.#nowOf(this.#keys.hashes[key]!));
  }

  /** Reports of several threads may come out of order: such an age is 0. */
  #ageAt(key: number, now: number): number {
    return Math.min(Math.max((now - this.#keys.lastUses[key]!) | 0, 0), VIEW_MAX);
  }
}
