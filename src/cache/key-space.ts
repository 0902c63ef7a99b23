/** The operations on the key space of one type. */

import type { Words } from '#atomics';
import { HEADER, type SharedClock, STATE_OPEN } from '../../native-free/index.js';
import { FORM_BYTES } from '../codecs/frame.js';
import type { Opened, Packer } from '../codecs/packer.js';
import { TYPE_COUNTER } from '../engine/causes.js';
import { ENDED, type Flight } from '../engine/flights.js';
import { Hold } from '../engine/holds.js';
import type { ReadProof } from '../engine/proofs.js';
import { READ_HEAD, READ_PRESENCE, READ_VALUE } from '../engine/reader.js';
import type { SharedStore } from '../engine/store.js';
import { BUSY, STORED } from '../engine/writer.js';
import { BusyError, NotBytesError, OptionError, ValueError } from '../errors.js';
import type { Coarsener } from './coarsener.js';
import { fail } from './failures.js';
import { type FetchCall, Fetcher, type Loader } from './fetcher.js';
import { checkedNames, pick } from './fields.js';
import { deepFreeze, type Makers } from './freeze.js';
import { importLoader } from './loader-module.js';
import type { Bring, Loads } from './loads.js';
import type { Member } from './member.js';
import type { Migrator } from './migrator.js';
import type { Kept, NearCache } from './near-cache.js';
import type { TypePlan } from './plan.js';
import { type Findings, Offload, type Offloading } from './pool/offload.js';
import type { PendingSets } from './pool/pending-sets.js';
import { PoolLoads } from './pool/pool-loads.js';
import { beginKey, type Placement, Putter } from './putter.js';
import { Intake } from './streams/intake.js';
import { CacheReadStream } from './streams/read-stream.js';
import { CacheWriteStream } from './streams/write-stream.js';
import { type Duration, parseDuration, parseSize, type Size } from './units.js';
import { checkUser, type Tier, type UserTiers } from './users.js';

export interface SetOptions {
  /** How long this entry lives after it was stored. Default: the type's. */
  readonly ttl?: Duration | undefined;
  /** How long this entry lives after it was last stored or read. Default: the type's. */
  readonly idle?: Duration | undefined;
  /**
   * Whose entry it is: a non-empty string of up to 255 UTF-8 bytes. It counts for that user's quota, in a cache with the
   * option `users`; elsewhere it is checked and has no effect. Default: nobody's, also where it replaces a user's.
   */
  readonly user?: string | undefined;
}

export interface GetAsyncOptions {
  /** Rejects the promise with its reason. */
  readonly signal?: AbortSignal | undefined;
}

/** A set that is aborted once a worker has begun with it may be stored all the same. */
export interface SetAsyncOptions extends SetOptions, GetAsyncOptions {}

export interface WriteStreamOptions extends SetOptions {
  /**
   * How many bytes will come. Room for them is reserved before the first is taken, and more or fewer are an error. Default: as many as
   * come, up to `slab.maxItem`.
   */
  readonly size?: Size | undefined;
  /** Destroys the stream, with an AbortError. */
  readonly signal?: AbortSignal | undefined;
}

export interface FetchOptions extends SetOptions {
  /** Ends the wait of this call, which rejects with the signal's reason; the load goes on if another call waits for it. */
  readonly signal?: AbortSignal | undefined;
  /**
   * How long others wait for the load that this call begins, on the cache's clock, before one of them loads again.
   * Default: 30 s.
   */
  readonly lease?: Duration | undefined;
}

const SET_OPTIONS = ['ttl', 'idle', 'user'];
const GET_ASYNC_OPTIONS = ['signal'];
const SET_ASYNC_OPTIONS = [...SET_OPTIONS, ...GET_ASYNC_OPTIONS];
const FETCH_OPTIONS = [...SET_OPTIONS, 'signal', 'lease'];
const WRITE_STREAM_OPTIONS = [...SET_OPTIONS, 'size', 'signal'];
const LEASE_MS = 30_000;
/**
 * So many hits in a row are quick at most, whatever the clock says: the thread may be the only one that moves it on. A prime, so that
 * loops don't skip keys.
 */
const QUICK_HITS_MAX = 61;
/** Those that make nothing of values but plain objects and arrays, each anew, beside what can't be frozen. */
const PLAIN_CODECS: ReadonlySet<string> = new Set(['msgpack', 'json', 'cbor']);

/** What a key space needs to know of its cache. */
export interface SpaceSetup {
  readonly member: Member;
  readonly typeId: number;
  readonly plan: TypePlan;
  readonly packer: Packer;
  readonly itemBytesMax: number;
  readonly tiers: UserTiers | undefined;
  readonly migrator: Migrator;
  /** Makes values of the type smaller; undefined where it doesn't. */
  readonly coarsener: Coarsener | undefined;
  /** Undefined for a type without one. */
  readonly near: NearCache<unknown> | undefined;
  readonly loads: Loads;
  /** Where asynchronous operations go. */
  readonly offloading: Offloading;
}

export class KeySpace<V> {
  readonly #member: Member;
  readonly #store: SharedStore;
  readonly #typeId: number;
  readonly #plan: TypePlan;
  readonly #packer: Packer;
  readonly #putter: Putter;
  readonly #itemBytesMax: number;
  readonly #tiers: UserTiers | undefined;
  readonly #migrator: Migrator;
  readonly #fetcher: Fetcher<V>;
  /** Undefined without a pool: the module of the type then runs in place. */
  readonly #poolLoads: PoolLoads<V> | undefined;
  readonly #pending: PendingSets;
  readonly #offload: Offload;
  /** Undefined for a type without one. */
  readonly #near: NearCache<V> | undefined;
  readonly #makers: Makers;
  readonly #clock: SharedClock;
  readonly #meta: Words;
  /** This thread's counters of the type. */
  readonly #counters: Float64Array;
  /** Hits that may still be quick before one is not. */
  #quickHits = 0;
  readonly #findings: Findings<V> = {
    value: (key, opened, payloadBytes) => this.#decoded(key, opened, payloadBytes, true),
    miss: () => this.#countMiss(),
    unreadable: (error) => this.#unreadable(true, error),
  };

  constructor(setup: SpaceSetup) {
    this.#member = setup.member;
    this.#store = setup.member.store;
    this.#typeId = setup.typeId;
    this.#plan = setup.plan;
    this.#packer = setup.packer;
    this.#tiers = setup.tiers;
    this.#migrator = setup.migrator;
    this.#pending = setup.offloading.pending;
    this.#putter = new Putter(setup, this.#pending);
    this.#itemBytesMax = setup.itemBytesMax;
    this.#near = setup.near as NearCache<V> | undefined;
    this.#clock = this.#store.context.clock;
    this.#meta = this.#store.context.meta;
    this.#counters = this.#store.context.countersOf(setup.typeId);
    this.#makers = PLAIN_CODECS.has(setup.plan.codec) ? 'plain' : 'any';
    this.#offload = new Offload(setup.offloading, { ...setup, putter: this.#putter });
    this.#fetcher = new Fetcher<V>(
      {
        typeId: setup.typeId,
        store: this.#store,
        begin: (key) => this.#begin(key),
        peek: (key) => this.peek(key),
        end: (flight) => this.#endFlight(flight),
        count: (counter) => this.#countGlobal(counter),
      },
      setup.loads,
    );
    this.#poolLoads = this.#poolLoadsOf(setup);
  }

  #poolLoadsOf({ offloading: { pool }, plan, typeId }: SpaceSetup): PoolLoads<V> | undefined {
    if (pool === undefined || plan.loader === undefined) return undefined;
    return new PoolLoads({
      typeId,
      offload: this.#offload,
      pool,
      value: (key, opened) => this.#decoded(key, opened, 0, false),
      count: (counter) => this.#countGlobal(counter),
    });
  }

  /** Not behind the thread's `close`, which has ended its flights: its slot may be another's by then. */
  #endFlight(flight: Flight): void {
    if (!this.#member.isOpen) return;
    this.#store.begin();
    this.#store.flights.end(flight, ENDED);
    this.#member.wakeWaiters();
  }

  /** Not behind the thread's `close`: its counters may be another's by then. */
  #countGlobal(counter: number): void {
    if (this.#member.isOpen) this.#store.context.countGlobal(counter, 1);
  }

  /**
   * Stores a value. False if there was no room that the rules allow: then the key is absent. Throws for `undefined`,
   * for what the type's codec can't keep, for a key and value larger than `slab.maxItem`; VELOCACHE_BUSY if a lock
   * can't be had. What throws has changed nothing, but that a `setAsync` of the key that was under way in this thread may have been
   * called off before VELOCACHE_BUSY.
   */
  set(key: string, value: V, options?: SetOptions): boolean {
    if (value === undefined) throw new ValueError('undefined can not be stored: it would look like a miss; use delete');
    const placement = this.#placementOf(options);
    // The codec may run the user's code, and so may reading the options, either of which may call the cache: so the
    // options come first, since what the codec returns is good only until it is called again.
    const bytes = this.#packer.pack(value, this.#putter.besideBytes(key, placement));
    return this.#putter.put(key, bytes, this.#packer.form, placement) === STORED;
  }

  /** Stores bytes as they are, to be read by `getBytes` or `get`. Otherwise like `set`. */
  setBytes(key: string, bytes: Uint8Array, options?: SetOptions): boolean {
    if (!(bytes instanceof Uint8Array)) throw new ValueError('setBytes takes a Uint8Array; use set for other values');
    const placement = this.#placementOf(options);
    const packed = this.#packer.packBytes(bytes, this.#putter.besideBytes(key, placement));
    return this.#putter.put(key, packed, this.#packer.form, placement) === STORED;
  }

  /**
   * Like `set`, but stored by a worker of the cache's pool where that is worth the trip; the value is taken as it is now.
   * Resolves to whether it is stored: false, too, if a later set, delete or clear of this thread came first, which
   * always has the last word. Rejects with what `set` throws, with the reason of `signal`, and with VELOCACHE_WORKER if
   * the worker died; it may have been stored then.
   */
  async setAsync(key: string, value: V, options?: SetAsyncOptions): Promise<boolean> {
    if (value === undefined) throw new ValueError('undefined can not be stored: it would look like a miss; use delete');
    const placement = this.#placementOf(options, SET_ASYNC_OPTIONS);
    const signal = checkedSignal(options);
    signal?.throwIfAborted();
    return this.#offload.set(key, value, placement, signal);
  }

  #placementOf(options: SetOptions | undefined, names: readonly string[] = SET_OPTIONS): Placement {
    const placement = this.#untieredOf(options, names);
    return placement.user === undefined ? placement : this.#tiered(placement);
  }

  #tiered(placement: Placement): Placement {
    return { ...placement, shareGranules: this.#tierOf(placement.user)?.shareGranules };
  }

  /** The same without what the user's tier allows, which the user's code may have to say. */
  #untieredOf(options: SetOptions | undefined, names: readonly string[]): Placement {
    const { ttlMs, idleMs } = this.#plan;
    if (options === undefined) return { ttlMs, idleMs, user: undefined, shareGranules: undefined };
    checkOptions(options, names);
    const { ttl, idle, user } = options;
    if (user !== undefined) checkUser(user);
    return {
      ttlMs: ttl === undefined ? ttlMs : parseDuration('ttl', ttl),
      idleMs: idle === undefined ? idleMs : parseDuration('idle', idle),
      user,
      shareGranules: undefined,
    };
  }

  /** The tier of a set's user, which has been checked; none without a user, or in a cache without users. */
  #tierOf(user: string | undefined): Tier | undefined {
    return user === undefined ? undefined : this.#tiers?.of(user);
  }

  #begin(key: string): void {
    beginKey(this.#member, key, this.#typeId);
  }

  /**
   * A private copy of the value, or undefined for a miss. Renews idle time and recency. An entry whose bytes don't decode
   * is a miss, too: `stats().decodeFailures` counts it and an alert tells of it. A value of an older version is migrated, and
   * stored if the entry hasn't changed; one of a newer version than this thread knows is a miss. Of a type with the option
   * `near` objects are frozen, in all depth, and may be those that were returned before.
   */
  get(key: string): V | undefined {
    const near = this.#nearValue(key);
    if (near !== undefined) return near;
    if (this.#read(key, true)) return this.#value(key, true);
    this.#countMiss();
    return undefined;
  }

  /** The value that the near cache has of a key, counted and renewed as a hit; undefined if it has none that still holds. */
  #nearValue(key: string): V | undefined {
    const kept = this.#near?.find(key);
    if (kept === undefined) return undefined;
    // Most hits of hot keys: a use was noted a moment ago, and the sequence stands. A thread that has left the cache keeps nothing, so
    // that the state of the cache says whether it is open.
    const isQuick = kept.isQuickAt(this.#clock.coarse()) && --this.#quickHits > 0;
    const isOpen = this.#meta[HEADER.state] === STATE_OPEN;
    if (!isQuick || !isOpen || !kept.isUnchanged) return this.#proved(key, kept);
    this.#countNearHit(kept.payloadBytes);
    return kept.value;
  }

  /** The same, in full: repairs, moves the clock and notes the use, as every operation does. */
  #proved(key: string, kept: Kept<V>): V | undefined {
    this.#member.begin();
    if (this.#quickHits <= 0) this.#member.publishClock();
    if (!this.#store.proofs.use(kept.proof)) {
      this.#near!.drop(key);
      return undefined;
    }
    kept.wasUsed = true;
    kept.quickUntil = kept.proof.quickUntil;
    this.#quickHits = QUICK_HITS_MAX;
    this.#countNearHit(kept.payloadBytes);
    return kept.value;
  }

  #countNearHit(payloadBytes: number): void {
    this.#countHit(payloadBytes);
    this.#counters[TYPE_COUNTER.nearHits]! += 1;
  }

  /**
   * Like `get`, but read and decompressed by a worker of the cache's pool where that is worth the trip. Rejects with the
   * reason of `signal`, and with VELOCACHE_WORKER if the worker died.
   */
  async getAsync(key: string, options?: GetAsyncOptions): Promise<V | undefined> {
    if (options !== undefined) checkOptions(options, GET_ASYNC_OPTIONS);
    const signal = checkedSignal(options);
    signal?.throwIfAborted();
    const near = this.#nearValue(key);
    if (near !== undefined) return near;
    const proof = this.#proofAhead(key);
    if (proof === undefined) return this.#offload.get<V>(key, signal, this.#findings);
    return this.#offload.get<V>(key, signal, {
      ...this.#findings,
      value: (name, opened, payloadBytes) => this.#decoded(name, opened, payloadBytes, true, proof),
    });
  }

  /** A proof of what is about to be read, if the near cache wants it: it stands as long as that is what was read. */
  #proofAhead(key: string): ReadProof | undefined {
    if (this.#near === undefined) return undefined;
    this.#begin(key);
    const { reader, proofs, key: prepared } = this.#store;
    const isWanted = this.#near.wants(prepared.hash) && reader.read(prepared, READ_PRESENCE, false);
    return isWanted ? proofs.prove(prepared) : undefined;
  }

  /** A proof of what the reader has just found under the prepared key, if the near cache wants it. */
  #proof(): ReadProof | undefined {
    const { key, proofs } = this.#store;
    return this.#near?.wants(key.hash) === true ? proofs.prove(key) : undefined;
  }

  /** A decoded value as callers get it; with a proof it is kept for the next. */
  #handOut(key: string, value: V, proof: ReadProof | undefined): V {
    if (this.#near === undefined) return value;
    const bytes = deepFreeze(value, this.#makers);
    if (proof !== undefined && !Number.isNaN(bytes)) this.#near.keep(key, value, bytes, proof, this.#level);
    return value;
  }

  /** The level of pressure, as a position in LEVELS. */
  get #level(): number {
    return this.#meta[HEADER.level]!;
  }

  /**
   * Like `get`, but only the named properties of the value that it has of its own, in the order of the names, at most 256: the others
   * are decoded as little as the codec can do without. Of what is no object, an object without properties. Throws VELOCACHE_OPTION
   * for what are no names.
   */
  getFields<K extends keyof V & string>(key: string, names: readonly K[]): Pick<V, K> | undefined;
  getFields(key: string, names: readonly string[]): Record<string, unknown> | undefined;
  getFields(key: string, names: readonly string[]): object | undefined {
    const wanted = checkedNames(names);
    if (!this.#read(key, true)) return this.#countMiss();
    const value: unknown = this.#value(key, true, wanted);
    if (value === undefined) return undefined;
    const picked = pick(value, wanted);
    return this.#near === undefined ? picked : Object.freeze(picked);
  }

  /** A private copy of the bytes. Throws VELOCACHE_NOT_BYTES for an entry that `set` stored. Otherwise like `get`. */
  getBytes(key: string): Uint8Array | undefined {
    if (!this.#read(key, true)) {
      this.#countMiss();
      return undefined;
    }
    if (!this.#isBytes()) {
      this.#countHit(this.#store.reader.payloadBytes);
      throw new NotBytesError(key);
    }
    return this.#value(key, true) as Uint8Array | undefined;
  }

  /**
   * A stream of Node's (`toWeb()` for one of the web) that takes a value of bytes, in whatever pieces, and stores it under the key
   * when it ends, as `setBytes` would at that moment; 'finish' comes then, and `stored` says whether there was room. Nothing is seen before,
   * and a stream that is destroyed leaves nothing behind. Its errors: VELOCACHE_ITEM_TOO_LARGE, VELOCACHE_STREAM if other streams have the
   * room or `size` is not what came, VELOCACHE_BUSY, VELOCACHE_CLOSED; the key keeps its value then. Throws on bad arguments.
   */
  writeStream(key: string, options?: WriteStreamOptions): CacheWriteStream {
    const placement = this.#placementOf(options, WRITE_STREAM_OPTIONS);
    const signal = checkedSignal(options);
    const size = options?.size === undefined ? undefined : parseSize('size', options.size, 0, Number.MAX_SAFE_INTEGER);
    const space = { member: this.#member, typeId: this.#typeId, packer: this.#packer, putter: this.#putter };
    const intake = new Intake({ ...space, itemBytesMax: this.#itemBytesMax }, key, placement, size);
    return new CacheWriteStream(intake, this.#member.streams, signal);
  }

  /**
   * A stream of Node's (`toWeb()` for one of the web) of the bytes stored under the key, or undefined for a miss. It gives what is stored now to
   * its end, whatever becomes of the entry. Counts, renews and throws as `getBytes`. Destroy it if it isn't read to the end.
   */
  readStream(key: string, options?: GetAsyncOptions): CacheReadStream | undefined {
    if (options !== undefined) checkOptions(options, GET_ASYNC_OPTIONS);
    const signal = checkedSignal(options);
    return this.#streamOfHeld(key, signal) ?? this.#streamOfCopy(key, signal);
  }

  #streamOfCopy(key: string, signal: AbortSignal | undefined): CacheReadStream | undefined {
    const bytes = this.getBytes(key);
    if (bytes === undefined) return undefined;
    const stream = new CacheReadStream(this.#member, bytes, signal);
    this.#register(stream);
    return stream;
  }

  /** A stream of the key's item itself, counted as a hit; undefined if it is to be copied, or is not there. */
  #streamOfHeld(key: string, signal: AbortSignal | undefined): CacheReadStream | undefined {
    this.#begin(key);
    const { reader, key: prepared } = this.#store;
    if (signal?.aborted === true || !reader.read(prepared, READ_HEAD, false) || !this.#store.mayHold) return undefined;
    const hold = new Hold();
    const stream = new CacheReadStream(this.#member, hold, signal);
    // A signal may be anybody's, and its code may have called the cache.
    this.#begin(key);
    reader.read(prepared, READ_PRESENCE, true);
    if (stream.destroyed) return stream;
    if (!this.#store.hold(hold)) {
      stream.destroy();
      return undefined;
    }
    this.#countHit(prepared.byteLength + hold.length);
    this.#register(stream);
    // Last: were anything cut short behind it, nobody would have the stream, and the item would be held for good.
    this.#store.keep(hold);
    return stream;
  }

  /** One that its signal has destroyed already has nothing to be told. */
  #register(stream: CacheReadStream): void {
    if (!stream.destroyed) this.#member.streams.add(stream);
  }

  #read(key: string, renew: boolean): boolean {
    this.#begin(key);
    return this.#store.reader.read(this.#store.key, READ_VALUE, renew);
  }

  #countMiss(): undefined {
    this.#counters[TYPE_COUNTER.misses]! += 1;
  }

  #countHit(payloadBytes: number): void {
    this.#counters[TYPE_COUNTER.hits]! += 1;
    this.#counters[TYPE_COUNTER.bytesHit]! += payloadBytes;
  }

  /**
   * The value that the reader holds; undefined if it can't be had. `isCounted`: as a hit, or else as a miss. With `names`,
   * other properties may be left out.
   */
  #value(key: string, isCounted: boolean, names?: ReadonlySet<string>): V | undefined {
    const { landing, length, form, payloadBytes } = this.#store.reader;
    if (form === FORM_BYTES) {
      if (isCounted) this.#countHit(payloadBytes);
      return landing.take(length) as V;
    }
    // Before the decoding, which may run code of the user's that reads.
    const proof = isCounted && names === undefined ? this.#proof() : undefined;
    let value: unknown;
    try {
      value = this.#packer.unpack(form, landing.bytes, landing.start, landing.start + length, names);
    } catch (error) {
      return this.#unreadable(isCounted, error);
    }
    return this.#current(key, value, payloadBytes, isCounted, proof);
  }

  /** The same for the codec's bytes; with a proof of what they were read from. */
  #decoded(key: string, opened: Opened, payloadBytes: number, isCounted: boolean, proof?: ReadProof): V | undefined {
    let value: unknown;
    try {
      value = this.#packer.decode(opened);
    } catch (error) {
      return this.#unreadable(isCounted, error);
    }
    return this.#current(key, value, payloadBytes, isCounted, proof);
  }

  #unreadable(isCounted: boolean, error: unknown): undefined {
    fail(this.#store, 'decode', this.#typeId, this.#plan.name, error);
    if (isCounted) this.#countMiss();
    return undefined;
  }

  /** What was unpacked last, as a value of this thread's version. */
  #current(
    key: string,
    value: unknown,
    payloadBytes: number,
    isCounted: boolean,
    proof: ReadProof | undefined,
  ): V | undefined {
    const { unpackedVersion, version } = this.#packer;
    const isCurrent = unpackedVersion === version;
    const current = (isCurrent ? value : this.#migrator.read(key, value, unpackedVersion)) as V | undefined;
    if (isCounted && (isCurrent || current !== undefined)) this.#countHit(payloadBytes);
    else if (isCounted) this.#countMiss();
    // What was migrated has been stored anew, so that no proof of it stands.
    return current === undefined ? undefined : this.#handOut(key, current, isCurrent ? proof : undefined);
  }

  /** Whether what the reader holds is bytes that somebody gave; also of a forged frame, which can't be read at all. */
  #isBytes(): boolean {
    const { landing, length, form } = this.#store.reader;
    try {
      return this.#packer.isBytes(form, landing.bytes, landing.start, landing.start + length);
    } catch {
      return true;
    }
  }

  /**
   * Like `get`, but loads what is missing: one load for a key at a time, over all threads, whose value is stored with the
   * options given and is what all calls that wait for it resolve to. Undefined if the loader returned that; then nothing
   * is stored. A `set`, `delete` or `clear` during a load wins: the value goes to the call that began the load, and isn't
   * stored; the others look, and load, again. Without a function the module of the option `loader` is run, in a worker of
   * the pool. Of a type with the option `near` what it returned is frozen. Rejects with what the function threw, in other threads
   * and of a module with VELOCACHE_LOAD; with VELOCACHE_WORKER if the worker died; with the signal's reason; VELOCACHE_CLOSED; VELOCACHE_OPTION without a loader.
   */
  async fetch(key: string, loader?: Loader<V>, options?: FetchOptions): Promise<V | undefined> {
    const call = this.#callOf(key, loader, options);
    call.signal?.throwIfAborted();
    const value = this.get(key);
    return value === undefined ? this.#fetcher.fetch(key, call) : value;
  }

  #callOf(key: string, loader: Loader<V> | undefined, options: FetchOptions | undefined): FetchCall<V> {
    checkLoader(loader, this.#plan);
    const untiered = this.#untieredOf(options, FETCH_OPTIONS);
    const signal = checkedSignal(options);
    const leaseMs = options?.lease === undefined ? LEASE_MS : parseDuration('lease', options.lease);
    return { bring: this.#bringOf(key, loader, untiered), leaseMs, signal };
  }

  #bringOf(key: string, loader: Loader<V> | undefined, untiered: Placement): Bring<V> {
    if (loader === undefined && this.#poolLoads !== undefined)
      return this.#poolLoads.bring(key, () => this.#tiered(untiered));
    const load = this.#freezing(loader ?? this.#imported);
    return this.#fetcher.inPlace(key, load, (value, flight) => {
      const placement = this.#tiered(untiered);
      const bytes = this.#packer.pack(value, this.#putter.besideBytes(key, placement));
      return this.#putter.put(key, bytes, this.#packer.form, placement, flight);
    });
  }

  /** With a near cache, the loader's own value is frozen too, before anybody gets it. */
  #freezing(loader: Loader<V>): Loader<V> {
    if (this.#near === undefined) return loader;
    return async (key, info) => {
      const value = await loader(key, info);
      deepFreeze(value, 'any');
      return value;
    };
  }

  /** The module of the type, in this thread. */
  readonly #imported: Loader<V> = async (key, info) => {
    const { name, loader } = this.#plan;
    return (await importLoader<V>(name, loader!))(key, info);
  };

  /** Like `get`, but renews nothing and counts as neither hit nor miss. */
  peek(key: string): V | undefined {
    return this.#read(key, false) ? this.#value(key, false) : undefined;
  }

  /** Whether the key is live, whatever the version of its value. Renews nothing, counts as neither hit nor miss. */
  has(key: string): boolean {
    this.#begin(key);
    return this.#store.reader.read(this.#store.key, READ_PRESENCE, false);
  }

  /** Renews idle time and recency without reading the value; counts as a hit or a miss. True if the key is live. */
  touch(key: string): boolean {
    this.#begin(key);
    const isHit = this.#store.reader.read(this.#store.key, READ_PRESENCE, true);
    if (isHit) this.#countHit(this.#store.reader.payloadBytes);
    else this.#countMiss();
    return isHit;
  }

  /** True if the key was live. Throws VELOCACHE_BUSY if a lock can't be had. */
  delete(key: string): boolean {
    this.#begin(key);
    this.#pending.overtake(this.#typeId, key);
    const outcome = this.#store.delete();
    if (this.#store.flights.hasEnded) this.#member.wakeWaiters();
    if (outcome === BUSY) throw new BusyError('delete');
    return outcome === STORED;
  }

  /** Removes every entry of this type; takes time in proportion to the size of the whole cache. */
  clear(): void {
    this.#member.begin();
    this.#pending.overtakeAll(this.#typeId);
    const isClear = this.#store.clear(this.#typeId);
    this.#member.wakeWaiters();
    if (!isClear) throw new BusyError('clear');
  }

  /** Values in the order of the keys, undefined for misses. Not atomic as a whole. */
  getMany(keys: readonly string[]): (V | undefined)[] {
    this.#member.begin();
    if (!Array.isArray(keys)) throw new OptionError('keys', keys, 'must be an array');
    return keys.map((key) => this.get(key));
  }

  /** What `set` says to each entry. Not atomic as a whole: what was stored before one that throws stays. */
  setMany(entries: Iterable<readonly [key: string, value: V, options?: SetOptions]>): boolean[] {
    this.#member.begin();
    checkIterable('entries', entries);
    const outcomes: boolean[] = [];
    for (const entry of entries) {
      if (!Array.isArray(entry)) throw new OptionError('entries', entry, 'must be arrays of key, value and options');
      const [key, value, options] = entry as readonly [string, V, SetOptions?];
      outcomes.push(this.set(key, value, options));
    }
    return outcomes;
  }

  /** How many of the keys were live. Not atomic as a whole. */
  deleteMany(keys: Iterable<string>): number {
    this.#member.begin();
    checkIterable('keys', keys);
    let deleted = 0;
    for (const key of keys) if (this.delete(key)) deleted += 1;
    return deleted;
  }

  /**
   * The live keys. Weakly consistent: an entry that lives throughout appears exactly once, others at most once. No
   * lock is held between two steps. Throws VELOCACHE_BUSY if a lock can't be had.
   */
  keys(): IterableIterator<string> {
    this.#member.begin();
    return this.#keys();
  }

  *#keys(): IterableIterator<string> {
    const { scanner } = this.#store;
    for (let shard = 0; shard < scanner.shards; shard++) {
      this.#member.begin();
      const groups = scanner.groups(shard);
      if (groups === undefined) throw new BusyError('keys');
      for (let group = 0; group < groups; group++) {
        this.#member.begin();
        const keys = scanner.keys(shard, group, groups, this.#typeId);
        if (keys === undefined) throw new BusyError('keys');
        if (this.#plan.dedupes) yield* this.#withValues(keys);
        else yield* keys;
      }
    }
  }

  /** Keys whose values have not been evicted, where one may leave before its keys do. */
  *#withValues(keys: readonly string[]): IterableIterator<string> {
    for (const key of keys) if (this.has(key)) yield key;
  }

  /** The live entries, each value as of the moment at which it is reached; otherwise like `keys`. */
  entries(): IterableIterator<[string, V]> {
    return this.#entries(this.keys());
  }

  *#entries(keys: Iterable<string>): IterableIterator<[string, V]> {
    for (const key of keys) {
      const value = this.peek(key);
      if (value !== undefined) yield [key, value];
    }
  }

  [Symbol.iterator](): IterableIterator<[string, V]> {
    return this.entries();
  }
}

/** A text can be iterated too, but then it is one key that was meant. */
function checkIterable(name: string, list: Iterable<unknown>): void {
  if (typeof list === 'object' && list !== null && Symbol.iterator in list) return;
  throw new OptionError(name, list, 'must be an iterable other than a text');
}

function checkOptions(options: object, names: readonly string[]): void {
  if (typeof options !== 'object' || options === null) throw new OptionError('options', options, 'must be an object');
  for (const name in options) {
    if (!names.includes(name)) throw new OptionError(name, 'given', `the options are ${names.join(', ')}`);
  }
}

function checkedSignal(options: { readonly signal?: AbortSignal | undefined } | undefined): AbortSignal | undefined {
  const signal = options?.signal;
  if (signal === undefined || signal instanceof AbortSignal) return signal;
  throw new OptionError('signal', signal, 'must be an AbortSignal');
}

function checkLoader(loader: unknown, plan: TypePlan): void {
  if (loader === undefined ? plan.loader !== undefined : typeof loader === 'function') return;
  throw new OptionError('loader', loader, `must be a function, or types.${plan.name} have the option loader`);
}
