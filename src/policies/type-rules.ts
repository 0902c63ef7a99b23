/**
 * Who may be evicted, and who first: by the importance of the types, what is reserved for them, and the pressure.
 *
 *     pressure              optional  standard  important  critical
 *     normal, elevated      first     second    never      never
 *     high                  first     second    third      never
 *     critical              first     second    third      last
 *
 * Usage is summed over the shards when it decides something; far from a share, a sum of a moment ago is enough.
 */
import { HEADER, type Layout, TYPE_WORDS } from '../../native-free/index.js';
import type { EvictionRules } from '../engine/ports.js';

/** By importance, ascending: optional, standard, important, critical. */
export const IMPORTANCES = ['optional', 'standard', 'important', 'critical'] as const;
export type Importance = (typeof IMPORTANCES)[number];

/** Levels of pressure, as stored in the header. */
export const LEVELS = ['normal', 'elevated', 'high', 'critical'] as const;
export type Level = (typeof LEVELS)[number];

/** A type that evicts aggressively goes down to this part of its share once it has reached it. */
const AGGRESSIVE_PART = 0.8;
/** Uses of a sum that is far from the share, before it is taken anew. */
const SUM_USES_MAX = 64;
/** How far from its share a type must be for that, as a part of the share. */
const FAR_PART = 1 / 16;

/** What the rules know of a type. Shares are parts of the capacity. */
export interface TypeShare {
  /** Position in IMPORTANCES. */
  readonly importance: number;
  readonly maxShare: number;
  readonly reserve: number;
  /** Evicts down to 80 % of its share when it has reached it. */
  readonly isAggressive: boolean;
}

/** A type of standard importance that may fill the cache. */
export const UNLIMITED: TypeShare = { importance: 1, maxShare: 1, reserve: 0, isAggressive: false };

/** Precedence of an importance at a level of pressure; 0: may not go. */
function precedenceAt(level: number, importance: number): number {
  const isAllowed = importance <= 1 || importance <= level;
  return isAllowed ? IMPORTANCES.length - importance : 0;
}

export class TypeRules implements EvictionRules {
  readonly #meta: Int32Array;
  readonly #layout: Layout;
  readonly #types: readonly TypeShare[];
  readonly #shares: Float64Array;
  readonly #reserves: Float64Array;
  /** The declared type of each, and the payloads of each declared one, or -1: these count as one. */
  readonly #declared: Uint8Array;
  readonly #payloads: Int16Array;
  /** Precedence by level and type. */
  readonly #precedences: readonly Uint8Array[];
  readonly #sums: Float64Array;
  readonly #sumUses: Int32Array;

  /** `declared`: the types that the user has declared. */
  constructor(meta: Int32Array, layout: Layout, declared: readonly TypeShare[]) {
    const granules = layout.config.capacityBytes / 8;
    this.#meta = meta;
    this.#layout = layout;
    this.#declared = Uint8Array.from({ length: layout.config.types }, (_, type) => layout.declaredTypeOf(type));
    this.#payloads = Int16Array.from({ length: layout.config.types }, (_, type) => layout.payloadTypeOf(type));
    const types = Array.from(this.#declared, (type) => declared[type]!);
    this.#types = types;
    this.#shares = Float64Array.from(types, ({ maxShare }) => Math.floor(maxShare * granules));
    this.#reserves = Float64Array.from(types, ({ reserve }) => Math.floor(reserve * granules));
    this.#precedences = LEVELS.map((_, level) =>
      Uint8Array.from(types, ({ importance }) => precedenceAt(level, importance)),
    );
    this.#sums = new Float64Array(types.length);
    this.#sumUses = new Int32Array(types.length);
  }

  precedence(type: number): number {
    return this.#precedences[this.#meta[HEADER.level]! & 3]![type]!;
  }

  isReserved(type: number, forType: number): boolean {
    const reserve = this.#reserves[type]!;
    if (reserve === 0 || type === forType) return false;
    const isOwn = forType >= 0 && this.#declared[type] === this.#declared[forType];
    return !isOwn && !this.#exceeds(type, reserve);
  }

  isLimited(type: number): boolean {
    return this.#types[type]!.maxShare < 1;
  }

  excess(type: number, granules: number): number {
    const share = this.#shares[type]!;
    if (granules > share) return Number.POSITIVE_INFINITY;
    return Math.max(0, this.#sumWith(type, granules) - share);
  }

  surplus(type: number, granules: number): number {
    const share = this.#shares[type]!;
    if (granules > share) return Number.POSITIVE_INFINITY;
    const sum = this.#sumWith(type, granules);
    const excess = Math.max(0, sum - share);
    if (!this.#types[type]!.isAggressive) return excess;
    const state = this.#layout.typeState(this.#declared[type]!);
    const aim = Math.max(0, sum - share * AGGRESSIVE_PART);
    // In the type's word of the arena a hint that all threads share: from the moment at which the share is reached until the aim is.
    if (excess > 0) this.#meta[state] = 1;
    else if (aim === 0) this.#meta[state] = 0;
    return this.#meta[state] === 0 ? 0 : aim;
  }

  /** Granules of a type with so many more; exact when they may reach its share. */
  #sumWith(ofType: number, granules: number): number {
    const type = this.#declared[ofType]!;
    const isFar = this.#sums[type]! + granules * SUM_USES_MAX < this.#shares[type]! * (1 - FAR_PART);
    if (isFar && this.#sumUses[type]! > 0) {
      this.#sumUses[type]! -= 1;
    } else {
      this.#sumUses[type] = SUM_USES_MAX;
      this.#sums[type] = this.#add(type, Number.POSITIVE_INFINITY);
    }
    this.#sums[type]! += granules;
    return this.#sums[type]!;
  }

  #exceeds(type: number, granules: number): boolean {
    return this.#add(type, granules) > granules;
  }

  /** Sums the granules of a type and its payloads over the shards until the sum exceeds a bound. */
  #add(type: number, bound: number): number {
    const { shards } = this.#layout.config;
    const declared = this.#declared[type]!;
    const payloads = this.#payloads[declared]!;
    let sum = 0;
    for (let i = 0; i < shards && sum <= bound; i++) {
      const types = this.#layout.shard(i) + this.#layout.typesOffset;
      sum += this.#meta[types + declared * TYPE_WORDS + 1]!;
      if (payloads >= 0) sum += this.#meta[types + payloads * TYPE_WORDS + 1]!;
    }
    return sum;
  }
}
