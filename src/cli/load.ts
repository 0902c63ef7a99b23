import { isDeepStrictEqual } from 'node:util';
import type { Cache, KeySpace, SetOptions } from '../index.js';
import { poolSizeFor, ValuePool } from './payloads.js';
import { Pending } from './pending.js';
import { LOADED_TYPES, POOLED_TYPES } from './pooling.js';
import { DEMO_TYPES, keyOf, type Populations, PROFILES, type TypeProfile } from './profile.js';
import { deriveSeed, Random } from './random.js';
import { reduceStats, reduceWeather } from './reducers.js';
import { retryBusy, retryBusyAsync } from './retry.js';
import { FLOODER, riderOf } from './riders.js';
import { createTally, noteViolation, type Tally } from './tally.js';
import type { DemoType, DemoTypes, Keyed } from './values.js';
import { ZipfSampler } from './zipf.js';

/** One value in so many is compared in full; that it carries its own key is checked on every one. */
const FULL_CHECK_EVERY = 32;
/** Share of the accesses in which one user opens yet another session. */
const FLOOD_SHARE = 0.01;
/** Operations that may be in a pool, or wait for it, at a time. */
const PENDING_MAX = 64;

export interface LoadOptions {
  readonly seed: number;
  /** This thread among those that share the load, from 0. */
  readonly participant: number;
  readonly participants: number;
  readonly populations: Populations;
}

interface TypeLoad {
  readonly type: DemoType;
  readonly profile: TypeProfile;
  readonly space: KeySpace<Keyed>;
  readonly pool: ValuePool<DemoType>;
  readonly ranks: ZipfSampler;
  /** Sum of the access shares up to and including this type. */
  readonly accessLimit: number;
  /** Values go by the pool. */
  readonly isPooled: boolean;
  /** What is missing is loaded there. */
  readonly isLoaded: boolean;
}

/**
 * One thread's part of the load: reads with Zipf-like popularity, loads what it misses, rewrites and invalidates a
 * little. It works in small steps, so that its thread can attend to its event loop between them. What a pool may do it
 * doesn't wait for, so long as that isn't too much.
 */
export class Load {
  readonly tally: Tally = createTally();
  readonly #random: Random;
  readonly #types: readonly TypeLoad[];
  readonly #warmUp: Iterator<void>;
  readonly #participant: number;
  readonly #pending = new Pending(PENDING_MAX);
  #floods = 0;

  constructor(cache: Cache<DemoTypes>, options: LoadOptions) {
    this.#random = new Random(deriveSeed(options.seed, `thread ${options.participant}`));
    this.#types = createTypeLoads(cache, options);
    this.#warmUp = this.#fill(options);
    this.#participant = options.participant;
  }

  /** Has the pool start, and its workers make what they load from: that is no part of what is measured. */
  async open(): Promise<void> {
    const loaded = this.#types.filter(({ isLoaded }) => isLoaded);
    await Promise.all(loaded.map(({ type, space }) => space.fetch(keyOf(type, this.#participant))));
  }

  /** Stores up to `count` of this thread's keys, in place; false once all of them have been. */
  warmUp(count: number): boolean {
    for (let i = 0; i < count; i++) if (this.#warmUp.next().done) return false;
    return true;
  }

  /** Makes so many accesses, or fewer where it then has to wait for room. */
  run(accesses: number): true | Promise<true> {
    for (let i = 0; i < accesses && !this.#pending.isFull; i++) this.#access();
    return this.#goOn();
  }

  #goOn(): true | Promise<true> {
    return !this.#pending.isFull || this.#pending.room().then(() => true);
  }

  /** Waits for all that is under way. */
  finish(): Promise<void> {
    return this.#pending.none();
  }

  /** From the least popular keys to the most, so that what has to be evicted is what is asked for least. */
  *#fill({ participant, participants }: LoadOptions): Generator<void> {
    const steps = Math.max(...this.#types.map(({ ranks }) => ranks.size));
    for (let step = steps - 1; step >= 0; step--) {
      for (const load of this.#types) {
        const rank = rankAtStep(step, steps, load.ranks.size);
        if (rank === undefined || rank % participants !== participant) continue;
        this.#storeHere(load, rank, keyOf(load.type, rank));
        yield;
      }
    }
  }

  #access(): void {
    if (this.#random.next() < FLOOD_SHARE) {
      this.#flood();
      return;
    }
    const load = this.#pickType();
    const rank = load.ranks.draw(this.#random);
    const key = keyOf(load.type, rank);
    const { invalidateShare, rewriteShare } = load.profile;
    const choice = this.#random.next();
    if (choice < invalidateShare) this.#invalidate(load, key);
    else if (choice < invalidateShare + rewriteShare) this.#store(load, rank, key);
    else this.#read(load, rank, key);
  }

  #flood(): void {
    const load = this.#types.find(({ type }) => type === 'session')!;
    const number = this.#floods++;
    this.tally.sets++;
    const key = `session:flood-${this.#participant}-${number}`;
    const stored = retryBusy(() => load.space.set(key, load.pool.valueOf(number, key), { user: FLOODER }));
    if (!stored) this.tally.rejected++;
  }

  #pickType(): TypeLoad {
    const choice = this.#random.next();
    const load = this.#types.find(({ accessLimit }) => choice < accessLimit) ?? this.#types.at(-1);
    if (load === undefined) throw new Error('a load needs at least one type');
    return load;
  }

  #read(load: TypeLoad, rank: number, key: string): void {
    const isFull = ++this.tally.gets % FULL_CHECK_EVERY === 0;
    if (load.isPooled) {
      this.#pending.add(this.#readByPool(load, rank, key, isFull));
      return;
    }
    const value = load.space.get(key);
    if (value === undefined) this.#store(load, rank, key);
    else this.#check(load, rank, key, value, isFull);
  }

  async #readByPool(load: TypeLoad, rank: number, key: string, isFull: boolean): Promise<void> {
    const { space, isLoaded } = load;
    const isFetched = isLoaded && !space.has(key);
    const value = isFetched ? await retryBusyAsync(() => space.fetch(key)) : await space.getAsync(key);
    if (value !== undefined) this.#check(load, rank, key, value, isFull);
    else if (isFetched) noteViolation(this.tally, `fetch("${key}") of type ${load.type} returned nothing`);
    else this.#store(load, rank, key);
  }

  #store(load: TypeLoad, rank: number, key: string): void {
    if (load.isPooled) this.#pending.add(this.#storeByPool(load, rank, key));
    else this.#storeHere(load, rank, key);
  }

  #storeHere(load: TypeLoad, rank: number, key: string): void {
    this.tally.sets++;
    const stored = retryBusy(() => load.space.set(key, load.pool.valueOf(rank, key), optionsOf(load, rank)));
    if (!stored) this.tally.rejected++;
  }

  async #storeByPool({ space, pool }: TypeLoad, rank: number, key: string): Promise<void> {
    this.tally.sets++;
    if (!(await retryBusyAsync(() => space.setAsync(key, pool.valueOf(rank, key))))) this.tally.rejected++;
  }

  #invalidate(load: TypeLoad, key: string): void {
    this.tally.deletes++;
    retryBusy(() => load.space.delete(key));
  }

  #check(load: TypeLoad, rank: number, key: string, value: Keyed, isFull: boolean): void {
    if (value.key !== key) {
      noteViolation(this.tally, `get("${key}") of type ${load.type} returned the value of "${value.key}"`);
    } else if (isFull) {
      this.tally.checked++;
      if (mayHold(load.type, value, load.pool.valueOf(rank, key))) return;
      noteViolation(this.tally, `get("${key}") of type ${load.type} returned a value that was never set for it`);
    }
  }
}

function createTypeLoads(cache: Cache<DemoTypes>, { seed, participants, populations }: LoadOptions): TypeLoad[] {
  let accessLimit = 0;
  return DEMO_TYPES.map((type) => {
    const profile = PROFILES[type];
    accessLimit += profile.accessShare;
    const ranks = new ZipfSampler(populations[type], profile.exponent);
    return {
      type,
      profile,
      space: cache.type(type),
      pool: new ValuePool(type, seed, poolSizeFor(participants)),
      ranks,
      accessLimit,
      isPooled: POOLED_TYPES.includes(type),
      isLoaded: LOADED_TYPES.includes(type),
    };
  });
}

/** Spreads `size` ranks evenly over the steps; undefined where a step has none. */
function rankAtStep(step: number, steps: number, size: number): number | undefined {
  const rank = Math.floor((step * size) / steps);
  return rank === Math.floor(((step + 1) * size) / steps) ? undefined : rank;
}

/** Whether a value is what was stored, or what reducing that has made of it. */
function mayHold(type: DemoType, value: Keyed, stored: Keyed): boolean {
  let expected: Keyed | undefined = stored;
  while (expected !== undefined && !isDeepStrictEqual(value, expected)) {
    if (type === 'weather') expected = reduceWeather(expected as DemoTypes['weather']);
    else expected = type === 'stats' ? reduceStats(expected as DemoTypes['stats']) : undefined;
  }
  return expected !== undefined;
}

function optionsOf({ type, profile }: TypeLoad, rank: number): SetOptions | undefined {
  return type === 'session' ? { user: riderOf(rank) } : lifeOf(profile, rank);
}

function lifeOf({ shortLivedEvery, shortTtl }: TypeProfile, rank: number): SetOptions | undefined {
  if (shortLivedEvery === undefined || shortTtl === undefined || rank % shortLivedEvery !== 0) return undefined;
  return { ttl: shortTtl };
}
