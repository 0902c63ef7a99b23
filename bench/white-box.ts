/** The engine of one thread on an arena of its own, without warden, smaller than what `createCache` makes. */
import { Arena, type ArenaConfig, Layout, ManualClock } from '../native-free/index.js';
import { resolveOptions } from '../src/cache/options.js';
import { GLOBAL_COUNTERS, TYPE_COUNTERS } from '../src/engine/causes.js';
import { READ_VALUE } from '../src/engine/reader.js';
import { SizeClasses } from '../src/engine/size-classes.js';
import { SharedStore } from '../src/engine/store.js';
import { STORED } from '../src/engine/writer.js';
import { createEnginePolicy, type EnginePolicy, policyWordsOf } from '../src/policies/engine-policies.js';
import { TypeRules, UNLIMITED } from '../src/policies/type-rules.js';
import { UserQuotas } from '../src/policies/user-quotas.js';

/** The least capacity that has a default geometry. */
const GEOMETRY_BYTES_MIN = 2 ** 20;
const TINY_PAGE_BYTES = 2 ** 12;
const FOREVER = { deadline: 0, idleTicks: 0 };

export class WhiteBox {
  readonly store: SharedStore;
  /** It stands until it is set. */
  readonly clock: ManualClock = new ManualClock(1_000);

  /** `bytes` are those of the pages; the tables come on top. */
  constructor(bytes: number, policy: EnginePolicy = 'lru') {
    const config = geometry(bytes, policy);
    const layout = new Layout(config);
    const arena = Arena.create(layout, { configHash: 1, random: [1, 2, 0x2545f491, 0x4f6cdd1d] });
    const clock = this.clock.shared();
    this.store = new SharedStore({
      arena,
      classes: new SizeClasses(config.pageBytes, config.chunkBytesMin, 1.15),
      clock,
      slot: arena.owners.claim(0),
      threadId: 0,
      itemBytesMax: config.capacityBytes / 8,
      weakMemory: process.arch !== 'x64',
      policy: createEnginePolicy({ name: policy, favour: 'objects' }, arena.meta, layout, clock),
      rules: new TypeRules(
        arena.meta,
        layout,
        Array.from({ length: layout.config.types }, () => UNLIMITED),
      ),
      quotas: new UserQuotas(),
    });
    this.store.format();
  }

  /** True for a hit. */
  read(key: string): boolean {
    this.store.key.prepare(key, 0);
    return this.store.reader.read(this.store.key, READ_VALUE, true);
  }

  /** Without `ttlMs` the entry lives for ever. */
  set(key: string, value: Uint8Array, ttlMs?: number): boolean {
    this.store.key.prepare(key, 0);
    const lifetime =
      ttlMs === undefined ? FOREVER : { deadline: this.store.context.clock.deadline(ttlMs), idleTicks: 0 };
    return this.store.set(value, 0, lifetime) === STORED;
  }

  /** True if the key was there. */
  delete(key: string): boolean {
    this.store.key.prepare(key, 0);
    return this.store.delete() === STORED;
  }

  get entries(): number {
    return this.store.stats().entries;
  }
}

/** That of `createCache` for large arenas, small pages in one shard for others. */
function geometry(bytes: number, policy: EnginePolicy): ArenaConfig {
  const isTiny = bytes < GEOMETRY_BYTES_MIN;
  const plan = resolveOptions({ capacity: Math.max(GEOMETRY_BYTES_MIN, bytes) }).arena;
  const tiny = { pageBytes: TINY_PAGE_BYTES, shards: 1, eventWords: 2 ** 11, evictionRecords: 8 };
  const config = {
    ...plan,
    ...(isTiny ? tiny : {}),
    countersPerType: TYPE_COUNTERS,
    countersGlobal: GLOBAL_COUNTERS,
    ...policyWordsOf({ name: policy, favour: 'objects' }, bytes, isTiny ? 1 : plan.shards),
    capacityBytes: bytes,
  };
  // What the tables take depends on the capacity, by little: once around is enough.
  const tables = new Layout({ ...config, capacityBytes: bytes + 2 ** 20 }).bytesMetadata;
  return { ...config, capacityBytes: bytes + tables + config.pageBytes };
}
