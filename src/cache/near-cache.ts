/**
 * The values of a type that one thread has read lately, decoded and frozen, on its own heap: a hit costs a look-up in a Map and
 * the proof that the shared entry is unchanged (src/engine/proofs.ts). Nothing is ever told to a near cache; what has changed
 * fails its proof.
 *
 * A value is kept when its key is read the second time within about as many reads of others as there is room for: what is read once
 * would only take the place of others. What was read since it was last looked at gets a second chance (CLOCK: Corbató,
 * "A paging experiment with the Multics system", 1968).
 */
import { ceilPower } from '../../native-free/index.js';
import { QUICK_TICKS_MAX, type ReadProof } from '../engine/proofs.js';
import { OptionError } from '../errors.js';
import { LEVELS } from '../policies/type-rules.js';
import { parseSize, type Size } from './units.js';

export interface NearOptions {
  /** Values that a thread keeps at most, from 1 to 1,000,000. Default: 10,000. */
  readonly entries?: number;
  /** Bytes of its heap that they take at most, as estimated; one that takes more than half is not kept. Default: '16mb'. */
  readonly bytes?: Size;
}

export interface NearPlan {
  readonly entries: number;
  readonly bytes: number;
}

export interface NearStats {
  readonly entries: number;
  readonly bytes: number;
}

export const NEAR_OPTIONS: readonly string[] = ['entries', 'bytes'];
const ENTRIES_MAX = 1_000_000;
const BYTES_MIN = 4_096;
const BYTES_MAX = 2 ** 32;
/** What is left of the bounds at each level of pressure. */
const SHARES: readonly number[] = LEVELS.map((level) => ({ normal: 1, elevated: 1, high: 1 / 4, critical: 0 })[level]);
/** Of the bytes, that one value may take. */
const VALUE_SHARE = 1 / 2;
/** Second chances given before one value leaves, so that leaving is bounded. */
const CHANCES_MAX = 16;
/** For each key that there is room for: so one in this many is taken for one that was read before. */
const SEEN_BITS = 8;
/** An entry of the Map, the proof and the record, beside key and value. */
const BESIDE_BYTES = 320;

/** Throws for bounds that a near cache can't have. The names have been checked. */
export function resolveNear(where: string, { entries = 10_000, bytes = '16mb' }: NearOptions): NearPlan {
  const isCount = Number.isInteger(entries) && entries >= 1 && entries <= ENTRIES_MAX;
  if (!isCount) throw new OptionError(`${where}.entries`, entries, `must be an integer from 1 to ${ENTRIES_MAX}`);
  return { entries, bytes: parseSize(`${where}.bytes`, bytes, BYTES_MIN, BYTES_MAX) };
}

/** A value, and what proves that it is still that of its key. What a quick hit looks at comes first, side by side. */
export class Kept<V> {
  readonly value: V;
  /** Those of the proof. */
  readonly words: ReadProof['words'];
  readonly at: number;
  readonly sequence: number;
  readonly payloadBytes: number;
  quickUntil: number;
  wasUsed = false;
  readonly proof: ReadProof;
  readonly bytes: number;

  constructor(value: V, proof: ReadProof, bytes: number) {
    this.value = value;
    this.words = proof.words;
    this.at = proof.at;
    this.sequence = proof.sequence;
    this.payloadBytes = proof.payloadBytes;
    this.quickUntil = proof.quickUntil;
    this.proof = proof;
    this.bytes = bytes;
  }

  /** Whether a hit at a tick may be quick, as the proof has it. Unsigned: what is kept for months must not become so again. */
  isQuickAt(tick: number): boolean {
    return (this.quickUntil - tick - 1) >>> 0 < QUICK_TICKS_MAX;
  }

  /**
   * Whether the chain of the entry has not changed: what quick hits ask. A plain load, where the full proof has an atomic one, for
   * which V8 calls a function: 14 ns of 55. It reads a word whole, and nothing older than a change that happened before: whatever
   * told this thread that the change had returned (a message, an atomic operation) orders the two. Nothing else is ordered by
   * it, the value being private; and quick hits in a row end by a full proof.
   */
  get isUnchanged(): boolean {
    return this.words[this.at] === this.sequence;
  }
}

export class NearCache<V> {
  readonly #plan: NearPlan;
  readonly #kept = new Map<string, Kept<V>>();
  /** A bit for the hash of each key that was read once of late. Empty until the first: not every thread reads. */
  #seen = new Int32Array(0);
  #seenCount = 0;
  #bytes = 0;

  constructor(plan: NearPlan) {
    this.#plan = plan;
  }

  get stats(): NearStats {
    return { entries: this.#kept.size, bytes: this.#bytes };
  }

  /** What is kept of a key. Its proof is still to be asked. */
  find(key: string): Kept<V> | undefined {
    return this.#kept.get(key);
  }

  /** Whether a key that is not kept, and is read now, was read lately; by chance also one that was not. */
  wants(hash: number): boolean {
    const { entries } = this.#plan;
    if (this.#seen.length === 0) this.#seen = new Int32Array(ceilPower(Math.ceil((entries * SEEN_BITS) / 32)));
    const word = (hash >>> 5) & (this.#seen.length - 1);
    const bit = 1 << hash;
    if ((this.#seen[word]! & bit) !== 0) return true;
    if (this.#seenCount >= entries) this.#forgetSeen();
    this.#seenCount += 1;
    this.#seen[word]! |= bit;
    return false;
  }

  #forgetSeen(): void {
    this.#seen.fill(0);
    this.#seenCount = 0;
  }

  /** Keeps a frozen value that takes so many bytes, in place of what is kept of its key, if the bounds at this level allow it. */
  keep(key: string, value: V, valueBytes: number, proof: ReadProof, level: number): void {
    const bytes = valueBytes + key.length + BESIDE_BYTES;
    this.drop(key);
    if (bytes > this.#plan.bytes * SHARES[level]! * VALUE_SHARE) return;
    this.#kept.set(key, new Kept(value, proof, bytes));
    this.#bytes += bytes;
    this.fit(level);
  }

  /** Lets go of what is kept of a key. */
  drop(key: string): void {
    const kept = this.#kept.get(key);
    if (kept === undefined) return;
    this.#kept.delete(key);
    this.#bytes -= kept.bytes;
  }

  /** Lets go of what is over the bounds at a level of pressure: those that were not used first. */
  fit(level: number): void {
    const share = SHARES[level]!;
    if (share === 0) this.clear();
    const [entries, bytes] = [this.#plan.entries * share, this.#plan.bytes * share];
    while (this.#kept.size > 0 && (this.#kept.size > entries || this.#bytes > bytes)) this.#evict();
  }

  #evict(): void {
    let chances = CHANCES_MAX;
    for (const [key, kept] of this.#kept) {
      if (!kept.wasUsed || chances === 0) {
        this.drop(key);
        return;
      }
      chances -= 1;
      kept.wasUsed = false;
      // To the young end of the Map's order.
      this.#kept.delete(key);
      this.#kept.set(key, kept);
    }
  }

  clear(): void {
    this.#kept.clear();
    this.#bytes = 0;
  }
}

export function sumOf(nears: readonly NearCache<unknown>[]): NearStats {
  const sum = (value: (stats: NearStats) => number): number =>
    nears.reduce((total, { stats }) => total + value(stats), 0);
  return { entries: sum(({ entries }) => entries), bytes: sum(({ bytes }) => bytes) };
}
