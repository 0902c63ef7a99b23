/** An engine without threads: one arena in this thread, for tests that look or reach into shared memory. */
import { Arena, type ArenaConfig, Layout, ManualClock } from '../../native-free/index.js';
import { GLOBAL_COUNTERS, REMOVAL_CAUSES, TYPE_COUNTERS } from '../../src/engine/causes.js';
import type { ReadProof } from '../../src/engine/proofs.js';
import type { UserUsage } from '../../src/engine/quota.js';
import { READ_PRESENCE, READ_VALUE } from '../../src/engine/reader.js';
import { type CopiedEntry, SMALLER } from '../../src/engine/rewriter.js';
import { SizeClasses } from '../../src/engine/size-classes.js';
import type { EngineStats } from '../../src/engine/statistics.js';
import { SharedStore } from '../../src/engine/store.js';
import { createEnginePolicy, type EnginePolicy, policyWordsOf } from '../../src/policies/engine-policies.js';
import { TypeRules, type TypeShare, UNLIMITED } from '../../src/policies/type-rules.js';
import { UserQuotas } from '../../src/policies/user-quotas.js';

export interface EngineOptions {
  readonly capacityBytes?: number;
  readonly pageBytes?: number;
  readonly chunkBytesMin?: number;
  readonly growthFactor?: number;
  readonly shards?: number;
  readonly types?: number;
  /** What the rules know of each type; every type is UNLIMITED by default. */
  readonly shares?: readonly TypeShare[];
  readonly segmentBytes?: number;
  readonly itemBytesMax?: number;
  readonly evictionRecords?: number;
  /** Types that store equal values once, and the references that may wait in each shard to be given back. */
  readonly dedupes?: readonly number[];
  readonly releases?: number;
  readonly eventWords?: number;
  readonly policy?: EnginePolicy;
  readonly clock?: ManualClock;
  readonly weakMemory?: boolean;
  /** Users with entries that there is room for, and the bytes that one may have, before activity moves that. */
  readonly users?: number;
  /** Loads that may be in flight in each shard. */
  readonly flights?: number;
  readonly userBytes?: number;
  /** The key of the hash: tests that need keys to collide know it. */
  readonly hashKey?: readonly [number, number];
}

export interface EntryOptions {
  readonly type?: number;
  readonly ttlMs?: number;
  readonly idleMs?: number;
  readonly form?: number;
  readonly user?: string;
}

export class Engine {
  readonly arena: Arena;
  readonly layout: Layout;
  readonly classes: SizeClasses;
  readonly clock: ManualClock;
  readonly store: SharedStore;
  readonly slot: number;
  readonly threadId: number;
  readonly #options: EngineOptions;

  private constructor(arena: Arena, options: EngineOptions, clock: ManualClock, threadId: number) {
    this.arena = arena;
    this.layout = arena.layout;
    this.clock = clock;
    this.threadId = threadId;
    this.#options = options;
    const { pageBytes, chunkBytesMin, capacityBytes } = arena.layout.config;
    this.classes = new SizeClasses(pageBytes, chunkBytesMin, options.growthFactor ?? 1.15);
    this.slot = arena.owners.claim(threadId);
    const shared = clock.shared();
    this.store = new SharedStore({
      arena,
      classes: this.classes,
      clock: shared,
      slot: this.slot,
      threadId,
      itemBytesMax: options.itemBytesMax ?? capacityBytes / 8,
      weakMemory: options.weakMemory ?? false,
      policy: createEnginePolicy(
        { name: options.policy ?? 'lru', favour: 'objects' },
        arena.meta,
        arena.layout,
        shared,
      ),
      rules: new TypeRules(arena.meta, arena.layout, sharesOf(options)),
      quotas: new UserQuotas(),
    });
  }

  static create(options: EngineOptions = {}): Engine {
    const clock = options.clock ?? new ManualClock(1_000);
    const layout = new Layout(arenaConfig(options));
    const [key0, key1] = options.hashKey ?? [3, 4];
    const engine = new Engine(Arena.create(layout, { configHash: 1, random: [1, 2, key0, key1] }), options, clock, 0);
    engine.store.format();
    return engine;
  }

  /** The same arena as another thread would have it: a slot, a journal and views of its own. */
  join(threadId: number): Engine {
    return new Engine(Arena.attach(this.layout, this.arena.buffers), this.#options, this.clock, threadId);
  }

  get meta(): Arena['meta'] {
    return this.arena.meta;
  }

  set(key: string, value: Uint8Array, { type = 0, ttlMs = 0, idleMs = 0, form = 0, user }: EntryOptions = {}): number {
    this.#begin(key, type);
    if (user !== undefined) this.#prepareUser(user);
    const deadline = ttlMs === 0 ? 0 : this.clock.shared().deadline(ttlMs);
    return this.store.set(value, form, { deadline, idleTicks: Math.ceil(idleMs / 10) }, user !== undefined);
  }

  /** A proof of what a key has; undefined for a miss, and of what is read under a lock. Renews nothing. */
  prove(key: string, type = 0): ReadProof | undefined {
    this.#begin(key, type);
    return this.store.reader.read(this.store.key, READ_PRESENCE, false)
      ? this.store.proofs.prove(this.store.key)
      : undefined;
  }

  /** A copy of a cold entry of a type, of the first shard that has one. */
  cold(type = 0): CopiedEntry | undefined {
    this.store.begin();
    for (let shard = 0; shard < this.layout.config.shards; shard++) {
      const entry = this.store.cold(shard, type);
      if (entry !== undefined) return entry;
    }
    return undefined;
  }

  /** A copy of the live entry of a key. */
  copy(key: string, type = 0): CopiedEntry | undefined {
    this.#begin(key, type);
    return this.store.copy();
  }

  /** Stores a value in place of an entry that was copied: the engine's answer. */
  rewrite(
    entry: CopiedEntry,
    value: Uint8Array,
    { type = 0, form = 0 }: EntryOptions = {},
    growthMax: number = SMALLER,
  ): number {
    this.#begin(entry.key, type);
    return this.store.rewrite(entry, value, form, growthMax);
  }

  /** What a user has and may have; undefined for one without entries. */
  usage(user: string): UserUsage | undefined {
    this.store.begin();
    this.#prepareUser(user);
    const usage = this.store.usage();
    if (usage === false) throw new Error('the lock of a stripe of users could not be had');
    return usage;
  }

  #prepareUser(user: string): void {
    this.store.user.prepare(user, (this.#options.userBytes ?? this.layout.config.capacityBytes) / 8);
  }

  get(key: string, type = 0, renew = true): Uint8Array | undefined {
    this.#begin(key, type);
    const { reader } = this.store;
    return reader.read(this.store.key, READ_VALUE, renew) ? reader.landing.take(reader.length) : undefined;
  }

  has(key: string, type = 0): boolean {
    this.#begin(key, type);
    return this.store.reader.read(this.store.key, READ_PRESENCE, false);
  }

  delete(key: string, type = 0): boolean {
    this.#begin(key, type);
    return this.store.delete() === 1;
  }

  keys(type = 0): string[] {
    const { scanner } = this.store;
    const keys: string[] = [];
    for (let shard = 0; shard < scanner.shards; shard++) {
      const groups = scanner.groups(shard) ?? 0;
      for (let group = 0; group < groups; group++) keys.push(...(scanner.keys(shard, group, groups, type) ?? []));
    }
    return keys;
  }

  hashOf(key: string, type = 0): number {
    this.store.key.prepare(key, type);
    return this.store.key.hash;
  }

  /** Index of the record of the shard that a key belongs to. */
  shardOf(key: string, type = 0): number {
    return this.store.context.shardOf(this.hashOf(key, type));
  }

  stats(): EngineStats {
    return this.store.stats();
  }

  verify(): string[] {
    return this.store.verify();
  }

  #begin(key: string, type: number): void {
    this.store.begin();
    if (this.store.key.prepare(key, type) !== 0) throw new Error(`not a key: ${JSON.stringify(key)}`);
  }
}

function arenaConfig(options: EngineOptions): ArenaConfig {
  return {
    capacityBytes: options.capacityBytes ?? 8 << 20,
    pageBytes: options.pageBytes ?? 16_384,
    chunkBytesMin: options.chunkBytesMin ?? 64,
    shards: options.shards ?? 1,
    types: sharesOf(options).length + (options.dedupes ?? []).length,
    dedupes: options.dedupes ?? [],
    releases: options.releases ?? 64,
    countersPerType: TYPE_COUNTERS,
    countersGlobal: GLOBAL_COUNTERS,
    ...policyWordsOf(
      { name: options.policy ?? 'lru', favour: 'objects' },
      options.capacityBytes ?? 8 << 20,
      options.shards ?? 1,
    ),
    removalCauses: REMOVAL_CAUSES.length,
    evictionRecords: options.evictionRecords ?? 32,
    eventWords: options.eventWords ?? 4_096,
    segmentBytes: options.segmentBytes ?? 2 ** 30,
    users: options.users ?? 0,
    flights: options.flights ?? 64,
  };
}

function sharesOf({ shares, types }: EngineOptions): readonly TypeShare[] {
  return shares ?? Array.from({ length: types ?? 1 }, () => UNLIMITED);
}
