/**
 * Functions of the options of `createCache`, which a handle can't carry: each thread that attaches gives them again. And
 * what a thread may have otherwise than the creator: the versions of the values that its code knows.
 */
import type { Codec } from '../codecs/codec.js';
import { checkCodec, OWN_CODEC } from '../codecs/own-codec.js';
import { checkVersion, MigrationChain, type Migrations, resolveMigrations } from '../codecs/versions.js';
import { HandleError, OptionError } from '../errors.js';
import { checkNames } from './checks.js';
import type { CacheHandle } from './handle.js';
import type { CacheOptions, TypeOptions } from './options.js';
import type { CachePlan } from './plan.js';
import { checkReducer, type Reducer } from './reducer.js';
import { checkTierOf, type TierOf, UserTiers } from './users.js';

/** Those of a type: the reducer and the codec that it was created with, each only then. */
export interface TypeFunctions<V> {
  readonly reduce?: Reducer<V>;
  readonly codec?: Codec<V>;
  /** The version that this thread's code knows. Default: the creator's. */
  readonly version?: number;
  readonly migrate?: Migrations;
}

export interface AttachFunctions<T = Record<string, unknown>> {
  readonly users?: { readonly tierOf?: TierOf };
  readonly types?: { readonly [K in keyof T]?: TypeFunctions<T[K]> };
}

/** The same, as one thread uses them. */
export interface ThreadFunctions {
  readonly tiers: UserTiers | undefined;
  /** By the names of types. */
  readonly reducers: ReadonlyMap<string, Reducer<never>>;
  /** By the names of all types. */
  readonly chains: ReadonlyMap<string, MigrationChain>;
  /** By the names of types. */
  readonly codecs: ReadonlyMap<string, Codec>;
}

type OfTypes = Readonly<Record<string, TypeFunctions<never> | undefined>>;

/** The functions among the options, which have been checked. */
export function functionsIn<T>({ users, types }: CacheOptions<T>): AttachFunctions<T> {
  const options = (types ?? {}) as Record<string, TypeOptions<never> | undefined>;
  const given = Object.entries(options).map(([name, { reduce, migrate, codec } = {}]) => {
    const own = typeof codec === 'object' && { codec };
    return [name, { ...(reduce && { reduce }), ...(migrate && { migrate }), ...own }] as const;
  });
  return {
    ...(users?.tierOf !== undefined && { users: { tierOf: users.tierOf } }),
    types: Object.fromEntries(given) as unknown as NonNullable<AttachFunctions<T>['types']>,
  };
}

/** Throws for names that no cache with this plan knows. */
export function checkFunctions<T>({ plan }: CacheHandle<T>, functions: AttachFunctions<T>): void {
  checkNames('functions', functions, ['users', 'types']);
  const { users = {}, types = {} } = functions;
  checkNames('functions.users', users, ['tierOf']);
  const names = plan.types.map(({ name }) => name);
  checkNames('functions.types', types, names);
  for (const [name, options] of Object.entries(types))
    checkNames(`functions.types.${name}`, options, ['reduce', 'codec', 'version', 'migrate']);
}

/**
 * Throws for functions that the cache doesn't have, and names those that are missing, unless `areAll` is false, for a thread that has them.
 * Their names have been checked.
 */
export function functionsOf<T>(
  { plan }: CacheHandle<T>,
  functions: AttachFunctions<T>,
  areAll: boolean = true,
): ThreadFunctions {
  const { users = {}, types = {} } = functions;
  const given = types as OfTypes;
  return {
    tiers: tiersOf(plan, users.tierOf, areAll),
    reducers: reducersOf(plan, given, areAll),
    chains: chainsOf(plan, given, areAll),
    codecs: codecsOf(plan, given, areAll),
  };
}

/** Stands for a codec in a thread that only meets the bytes of values. */
const NO_CODEC: Codec = { encode: lacking, decode: lacking };

function lacking(): never {
  throw new HandleError('this thread has no codecs of the user');
}

/** Those of a thread that does nothing for which it would need one. */
export function withoutFunctions({ plan }: CacheHandle<unknown>): ThreadFunctions {
  const chains = plan.types.map(({ name, version }) => [name, new MigrationChain(version, new Map())] as const);
  const own = plan.types.filter(({ codec }) => codec === OWN_CODEC).map(({ name }) => [name, NO_CODEC] as const);
  return { tiers: undefined, reducers: new Map(), chains: new Map(chains), codecs: new Map(own) };
}

function tiersOf({ users, arena }: CachePlan, tierOf: TierOf | undefined, areAll: boolean): UserTiers | undefined {
  if (tierOf !== undefined) checkTierOf(tierOf);
  if (areAll && users?.hasTierOf === true && tierOf === undefined)
    throw missing('users.tierOf', '{ users: { tierOf } }');
  if (users?.hasTierOf !== true && tierOf !== undefined)
    throw new OptionError('users.tierOf', 'given', 'the cache was created without it');
  return users && new UserTiers(users, arena.capacityBytes, tierOf);
}

function reducersOf({ types }: CachePlan, given: OfTypes, areAll: boolean): ThreadFunctions['reducers'] {
  const reducers = new Map<string, Reducer<never>>();
  for (const { name, overflow } of types) {
    const option = `types.${name}.reduce`;
    const reduce = Object.hasOwn(given, name) ? given[name]?.reduce : undefined;
    if (reduce !== undefined) checkReducer(option, reduce);
    if (areAll && overflow === 'reduce' && reduce === undefined)
      throw missing(option, `{ types: { ${JSON.stringify(name)}: { reduce } } }`);
    if (overflow !== 'reduce' && reduce !== undefined)
      throw new OptionError(option, 'given', 'the cache was created without it');
    if (reduce !== undefined) reducers.set(name, reduce);
  }
  return reducers;
}

/** A thread without a version of its own migrates as the creator does; one with it decides for itself. */
function chainsOf({ types }: CachePlan, given: OfTypes, areAll: boolean): ThreadFunctions['chains'] {
  const chains = types.map(({ name, version: creators, migrates }) => {
    const where = `types.${name}`;
    const { version, migrate } = (Object.hasOwn(given, name) ? given[name] : undefined) ?? {};
    if (version !== undefined) checkVersion(`${where}.version`, version);
    if (areAll && migrates && version === undefined && migrate === undefined)
      throw missing(`${where}.migrate`, `{ types: { ${JSON.stringify(name)}: { migrate } } }`);
    const own = version ?? creators;
    return [name, new MigrationChain(own, resolveMigrations(`${where}.migrate`, own, migrate))] as const;
  });
  return new Map(chains);
}

function codecsOf({ types }: CachePlan, given: OfTypes, areAll: boolean): ThreadFunctions['codecs'] {
  const codecs = new Map<string, Codec>();
  for (const { name, codec: planned } of types) {
    const option = `types.${name}.codec`;
    const codec = Object.hasOwn(given, name) ? given[name]?.codec : undefined;
    if (codec !== undefined) checkCodec(option, codec);
    if (areAll && planned === OWN_CODEC && codec === undefined)
      throw missing(option, `{ types: { ${JSON.stringify(name)}: { codec } } }`);
    if (planned !== OWN_CODEC && codec !== undefined)
      throw new OptionError(option, 'given', 'the cache was created without it');
    if (codec !== undefined) codecs.set(name, codec as Codec);
  }
  return codecs;
}

function missing(name: string, how: string): HandleError {
  return new HandleError(`the cache was created with ${name}: pass it to attachCache(handle, ${how})`);
}
