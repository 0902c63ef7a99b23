/** Users as the options describe them: tiers, whose users may have what share of the capacity. */
import { USERS_MAX } from '../../native-free/index.js';
import { USER_BYTES_MAX } from '../engine/user.js';
import { OptionError } from '../errors.js';
import { checkHolds, checkObject } from './checks.js';

export interface UserOptions {
  /**
   * By the names of tiers, the share of the capacity that one of its users may have, above 0 and up to 1; activity moves
   * it between a half and one and a half of that. Default: standard 0.01, premium 0.03, admin 0.05.
   */
  readonly tiers?: Readonly<Record<string, number>>;
  /** The tier of users that `tierOf` gives none. Default: 'standard', or the first of `tiers`. */
  readonly defaultTier?: string;
  /**
   * The name of a user's tier, or undefined for the default. Called at each `set` with a user and each `usage`, under no
   * lock; to be given to `attachCache` too. Default: all users are of the default tier.
   */
  readonly tierOf?: TierOf;
  /**
   * Users with entries that there is room for, at least; a set for one more is refused when there is no more room.
   * 1 to capacity / 512, at most 1,048,576. Default: capacity / 2,048, at least 1,024. Each takes some 50 bytes.
   */
  readonly max?: number;
}

export type TierOf = (user: string) => string | undefined;

/** The part of the plan that is about users. */
export interface UsersPlan {
  readonly tiers: readonly { readonly name: string; readonly share: number }[];
  readonly defaultTier: string;
  readonly hasTierOf: boolean;
  readonly max: number;
}

const TIERS: Readonly<Record<string, number>> = { standard: 0.01, premium: 0.03, admin: 0.05 };
const BYTES_PER_USER = 2_048;
const BYTES_PER_USER_MIN = 512;
const USERS_DEFAULT_MIN = 1_024;
const GRANULE_BYTES = 8;

export const USER_OPTIONS: readonly string[] = ['tiers', 'defaultTier', 'tierOf', 'max'];

/** The names have been checked. */
export function resolveUsers(options: UserOptions, capacityBytes: number, chunkBytesMin: number): UsersPlan {
  const tiers = resolveTiers(options.tiers === undefined ? TIERS : options.tiers);
  for (const { name, share } of tiers) checkHolds(`users.tiers.${name}`, share, capacityBytes, chunkBytesMin);
  const names = tiers.map(({ name }) => name);
  const fallback = names.includes('standard') ? 'standard' : names[0]!;
  const defaultTier = options.defaultTier === undefined ? fallback : options.defaultTier;
  if (!names.includes(defaultTier))
    throw new OptionError('users.defaultTier', defaultTier, `must be one of ${names.join(', ')}`);
  const { tierOf } = options;
  if (tierOf !== undefined) checkTierOf(tierOf);
  return { tiers, defaultTier, hasTierOf: tierOf !== undefined, max: resolveMax(options.max, capacityBytes) };
}

function resolveTiers(options: Readonly<Record<string, number>>): UsersPlan['tiers'] {
  checkObject('users.tiers', options);
  const tiers = Object.entries(options).map(([name, share]) => ({ name, share }));
  if (tiers.length === 0) throw new OptionError('users.tiers', '{}', 'must have one tier at least');
  for (const { name, share } of tiers) {
    if (typeof share !== 'number' || !(share > 0 && share <= 1))
      throw new OptionError(`users.tiers.${name}`, share, 'must be a share of the capacity, above 0 and up to 1');
  }
  return tiers;
}

function resolveMax(max: number | undefined, capacityBytes: number): number {
  const most = Math.min(USERS_MAX, Math.floor(capacityBytes / BYTES_PER_USER_MIN));
  if (max === undefined)
    return Math.min(USERS_MAX, Math.max(USERS_DEFAULT_MIN, Math.floor(capacityBytes / BYTES_PER_USER)));
  if (!Number.isInteger(max) || max < 1 || max > most)
    throw new OptionError('users.max', max, `must be a whole number from 1 to ${most} with this capacity`);
  return max;
}

export function checkTierOf(tierOf: unknown): asserts tierOf is TierOf {
  if (typeof tierOf !== 'function') throw new OptionError('users.tierOf', tierOf, 'must be a function');
}

export function checkUser(user: unknown): asserts user is string {
  const isValid =
    typeof user === 'string' && user !== '' && user.isWellFormed() && Buffer.byteLength(user) <= USER_BYTES_MAX;
  if (!isValid)
    throw new OptionError('user', user, `must be a non-empty well-formed string of up to ${USER_BYTES_MAX} bytes`);
}

export interface Tier {
  readonly name: string;
  /** Granules that a user of it may have, before activity moves that. */
  readonly shareGranules: number;
}

/** The tiers of a cache in one thread. */
export class UserTiers {
  readonly #tiers: ReadonlyMap<string, Tier>;
  readonly #default: Tier;
  readonly #tierOf: TierOf | undefined;

  constructor(plan: UsersPlan, capacityBytes: number, tierOf: TierOf | undefined) {
    const granules = capacityBytes / GRANULE_BYTES;
    const tiers = plan.tiers.map(({ name, share }) => ({ name, shareGranules: Math.floor(granules * share) }));
    this.#tiers = new Map(tiers.map((tier) => [tier.name, tier]));
    this.#default = this.#tiers.get(plan.defaultTier)!;
    this.#tierOf = tierOf;
  }

  /** Runs the user's code: to be called under no lock, before anything of an operation is prepared. */
  of(user: string): Tier {
    const name = this.#tierOf?.(user);
    if (name === undefined) return this.#default;
    const tier = this.#tiers.get(name);
    if (tier !== undefined) return tier;
    throw new OptionError('users.tierOf(user)', name, `must be one of ${[...this.#tiers.keys()].join(', ')}`);
  }
}
