/** The cache as one thread sees it: the key space of type `default`, those of the other types, and the whole. */
import { EventEmitter } from 'node:events';
import { HEADER } from '../../native-free/index.js';
import type { FormCodec } from '../codecs/codec.js';
import { createCodecs } from '../codecs/codecs.js';
import { createCompressors } from '../codecs/compressors.js';
import { Dictionaries } from '../codecs/dictionaries.js';
import { OwnCodec } from '../codecs/own-codec.js';
import { Packer } from '../codecs/packer.js';
import type { ShapeLog } from '../codecs/shapes.js';
import { EVENT } from '../engine/items.js';
import type { EngineStats, TypeStats } from '../engine/statistics.js';
import { BusyError, OptionError, TypeNameError } from '../errors.js';
import { Coarsener } from './coarsener.js';
import { type CacheEventName, type CacheEvents, decodeEvent, EVENT_NAMES, nameOf } from './events.js';
import { describeEviction, type EvictionQuery, type EvictionRecord, resolveQuery } from './evictions.js';
import { fail } from './failures.js';
import type { ThreadFunctions } from './functions.js';
import type { CacheHandle } from './handle.js';
import { KeySpace, type SpaceSetup } from './key-space.js';
import { Loads } from './loads.js';
import type { Member } from './member.js';
import { Migrator } from './migrator.js';
import { NearCache, type NearStats, sumOf } from './near-cache.js';
import type { CachePlan } from './plan.js';
import type { Offloading } from './pool/offload.js';
import { type PoolStats, readPool } from './pool/stats.js';
import { type PressureStats, readPressure } from './pressure-words.js';
import type { Reducer } from './reducer.js';
import { compressionOf } from './type-compression.js';
import { checkUser, type UserTiers } from './users.js';

/** The value type of `T`'s type `default`; unknown if it has none. */
export type DefaultValue<T> = T extends { default: infer V } ? V : unknown;

export interface CacheStats extends Omit<EngineStats, 'byType'> {
  /** By the names of the types. */
  readonly types: Readonly<Record<string, TypeStats>>;
  /** Events that found the ring full or a listener too slow. */
  readonly eventsDropped: number;
  /** What all threads share for good: shapes of objects, and dictionaries of compressors. It counts among `bytesMetadata`. */
  readonly log: LogStats;
  readonly pressure: PressureStats;
  readonly pool: PoolStats;
  /** What the near caches of the asking thread hold on its heap, as estimated. */
  readonly near: NearStats;
}

interface LogStats {
  readonly records: number;
  readonly bytesUsed: number;
  /** 0 in a cache none of whose types needs a log. */
  readonly bytesTotal: number;
}

/** What a user has. Entries whose time is over count until they are swept. */
export interface UserUsage {
  /** Bytes of the chunks that hold the user's entries. */
  readonly bytes: number;
  /** Bytes that the user may have now: the share of its tier, moved by its activity. */
  readonly limit: number;
  readonly entries: number;
  readonly tier: string;
}

/** Events handed on in one go, some 0.2 ms, before the event loop gets its turn. */
const EVENTS_PER_TURN = 100;

export class Cache<T = { default: unknown }> extends KeySpace<DefaultValue<T>> {
  /** Pass this to other threads for `attachCache`. */
  readonly handle: CacheHandle<T>;
  readonly #member: Member;
  readonly #plan: CachePlan;
  readonly #tiers: UserTiers | undefined;
  readonly #offloading: Offloading;
  readonly #nears: readonly NearCache<unknown>[];
  readonly #spaces: ReadonlyMap<string, KeySpace<unknown>>;
  readonly #emitter = new EventEmitter();
  readonly #end: () => Promise<void>;
  #cursor = 0;

  /** For createCache and attachCache. `end` is what `close` does for this thread. */
  constructor(handle: CacheHandle<T>, setups: readonly SpaceSetup[], end: () => Promise<void>) {
    const [{ member, offloading, tiers }] = setups as [SpaceSetup];
    super(setups[0]!);
    this.handle = handle;
    this.#member = member;
    this.#plan = handle.plan;
    this.#tiers = tiers;
    this.#offloading = offloading;
    this.#end = end;
    const others = setups.slice(1).map((setup) => [setup.plan.name, new KeySpace<unknown>(setup)] as const);
    this.#spaces = new Map<string, KeySpace<unknown>>([['default', this as KeySpace<unknown>], ...others]);
    this.#nears = setups.flatMap(({ near }) => near ?? []);
    // A listener of `once` is removed when it is called, not by `off`.
    this.#emitter.on('removeListener', () => {
      if (member.isOpen) member.listen(this.#heard());
    });
    member.onEvents = () => this.#drain();
    member.onPressure = () => this.#fitNears();
  }

  /** The key space of a type; `type('default')` is the cache itself. Throws VELOCACHE_TYPE for an unknown one. */
  type<K extends keyof T & string>(name: K): KeySpace<T[K]> {
    const space = this.#spaces.get(name);
    if (space === undefined) throw new TypeNameError(name, [...this.#spaces.keys()]);
    return space as KeySpace<T[K]>;
  }

  /** Figures of the whole cache, over all threads. */
  stats(): CacheStats {
    this.#member.begin();
    const { byType, ...stats } = this.#member.store.stats();
    const types = Object.fromEntries(this.#plan.types.map(({ name }, i) => [name, byType[i]!]));
    const pressure = readPressure(this.#member.store, stats.rejectsByReason);
    const { count: records, bytesUsed, bytesTotal } = this.#member.store.context.log;
    const log = { records, bytesUsed, bytesTotal };
    const pool = readPool(this.#member.store.context, this.#offloading.pool);
    const near = sumOf(this.#nears);
    return { ...stats, types, eventsDropped: this.#member.store.events.dropped, log, pressure, pool, near };
  }

  /**
   * The latest evictions and expirations, newest first, of those that a bounded log in shared memory still holds: the
   * last 32 to 256 of each shard of about 16 MB. Takes no lock. Throws VELOCACHE_OPTION for what can't be asked for,
   * VELOCACHE_TYPE for an unknown type.
   */
  evictions(query: EvictionQuery = {}): EvictionRecord[] {
    this.#member.begin();
    const { store } = this.#member;
    const names = this.#plan.types.map(({ name }) => name);
    const { last, wants } = resolveQuery(query, names);
    return store.evictions(last, wants).map((eviction) => describeEviction(eviction, names, store.context.createdTick));
  }

  /**
   * What a user has and may have; undefined for one without entries, and in a cache without `users`. Throws
   * VELOCACHE_BUSY if a lock can't be had.
   */
  usage(user: string): UserUsage | undefined {
    checkUser(user);
    const tier = this.#tiers?.of(user);
    this.#member.begin();
    if (tier === undefined) return undefined;
    const { store } = this.#member;
    store.user.prepare(user, tier.shareGranules);
    const usage = store.usage();
    if (usage === false) throw new BusyError('usage');
    return usage && { ...usage, tier: tier.name };
  }

  /** Walks the whole structure: one sentence for each violation, [] when all is well. Exact shard by shard. */
  verify(): string[] {
    this.#member.begin();
    return this.#member.store.verify();
  }

  /** Removes the entries of all types. */
  clearAll(): void {
    this.#member.begin();
    this.#offloading.pending.overtakeAll(-1);
    const isClear = this.#member.store.clear(-1);
    this.#member.wakeWaiters();
    if (!isClear) throw new BusyError('clearAll');
  }

  /** Listens for what happens in any thread. Listeners keep no process alive; one that throws is an uncaught error. */
  on<E extends CacheEventName>(event: E, listener: (event: CacheEvents[E]) => void): this {
    this.#listen(event, listener);
    this.#emitter.on(event, listener);
    return this;
  }

  once<E extends CacheEventName>(event: E, listener: (event: CacheEvents[E]) => void): this {
    this.#listen(event, listener);
    this.#emitter.once(event, listener);
    return this;
  }

  off<E extends CacheEventName>(event: E, listener: (event: CacheEvents[E]) => void): this {
    checkListener(event, listener);
    this.#emitter.off(event, listener);
    return this;
  }

  /** The kinds of events that have listeners, as bits. */
  #heard(): number {
    const heard = EVENT_NAMES.filter((name) => this.#emitter.listenerCount(name) > 0);
    return heard.reduce((kinds, name) => kinds | (1 << EVENT[name]), 0);
  }

  #listen(event: CacheEventName, listener: unknown): void {
    checkListener(event, listener);
    this.#member.begin();
    if (this.#heard() === 0) this.#cursor = this.#member.store.events.head;
    this.#member.listen(this.#heard() | (1 << EVENT[event]));
  }

  #drain(): void {
    const { events } = this.#member.store;
    for (let i = 0; i < EVENTS_PER_TURN; i++) {
      const next = events.read(this.#cursor, (record) => {
        const name = nameOf(record);
        if (name === undefined || this.#emitter.listenerCount(name) === 0) return;
        const event = decodeEvent(name, record, this.#plan);
        // Each in a turn of its own: a listener that throws takes no event from the others.
        process.nextTick(() => this.#emitter.emit(name, event));
      });
      if (next === this.#cursor) return;
      this.#cursor = next;
    }
    setImmediate(() => this.#drain()).unref();
  }

  /**
   * In the thread that created the cache: ends it for all threads. Elsewhere: detaches this thread, once it has been
   * called as often as `attachCache`. Idempotent.
   */
  close(): Promise<void> {
    const ended = this.#end();
    if (!this.#member.isOpen) for (const near of this.#nears) near.clear();
    return ended;
  }

  #fitNears(): void {
    const level = this.#member.arena.meta[HEADER.level]!;
    for (const near of this.#nears) near.fit(level);
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }
}

function checkListener(event: unknown, listener: unknown): void {
  if (!EVENT_NAMES.includes(event as CacheEventName))
    throw new OptionError('event', event, `must be one of ${EVENT_NAMES.join(', ')}`);
  if (typeof listener !== 'function') throw new OptionError('listener', listener, 'must be a function');
}

/** What the key spaces of a thread are made of, by the numbers of their types. */
export function spaceSetups(
  plan: CachePlan,
  member: Member,
  { tiers, reducers, chains, codecs: own }: ThreadFunctions,
  offloading: Offloading,
): SpaceSetup[] {
  const log = logOf(plan, member);
  const codecs = createCodecs(log.bytesTotal > 0 ? log : undefined);
  const dictionaries = plan.dictionaryLogBytes > 0 ? new Dictionaries(log) : undefined;
  const compressors = createCompressors();
  const builtIn: (FormCodec | undefined)[] = [];
  for (const codec of codecs.values()) builtIn[codec.id] = codec;
  const { itemBytesMax } = plan;
  const loads = new Loads(member);
  return plan.types.map((type, typeId) => {
    const given = own.get(type.name);
    const codec = given === undefined ? codecs.get(type.codec)! : new OwnCodec(type.name, given);
    const codecsById = [...builtIn];
    codecsById[codec.id] = codec;
    const chain = chains.get(type.name)!;
    const { name, importance, hasCrc } = type;
    const { version } = chain;
    const { store } = member;
    const compression = compressionOf(type.compression, member, typeId, compressors, itemBytesMax, dictionaries);
    const lazy = type.lazy && { names: type.lazy, onUnreadable: unreadable(member, typeId, name) };
    const packer = new Packer({ codec, codecsById, hasCrc, version, compression, lazy });
    const begin = (): void => member.begin();
    const migrator = new Migrator({ store, typeId, type: name, importance, packer, chain, itemBytesMax, begin });
    const near = type.near && new NearCache<unknown>(type.near);
    const space = { member, typeId, plan: type, packer, itemBytesMax, tiers, migrator, near, loads, offloading };
    return { ...space, coarsener: coarsenerOf(space, reducers.get(type.name)) };
  });
}

/** Counts a heavy property that does not decode, and tells of it; it may be read behind the thread's `close`. */
function unreadable(member: Member, typeId: number, type: string): (error: unknown) => void {
  return (error) => {
    if (member.isOpen) fail(member.store, 'decode', typeId, type, error);
  };
}

/** The log as codecs use it: outside any operation, so an append begins as one. */
function logOf({ dictionaryLogBytes }: CachePlan, member: Member): ShapeLog {
  const { log } = member.store.context;
  return {
    get count() {
      return log.count;
    },
    bytesTotal: log.bytesTotal - dictionaryLogBytes,
    kindOf: (number) => log.kindOf(number),
    read: (number) => log.read(number),
    append: (kind, bytes, seen) => {
      member.begin();
      return log.append(kind, bytes, seen);
    },
  };
}

function coarsenerOf(space: Omit<SpaceSetup, 'coarsener'>, reduce: Reducer<never> | undefined): Coarsener | undefined {
  const { member, typeId, plan, packer, migrator } = space;
  if (reduce === undefined && plan.overflow !== 'compress') return undefined;
  const begin = (): void => member.begin();
  return new Coarsener({ store: member.store, typeId, type: plan.name, packer, migrator, reduce, begin });
}
