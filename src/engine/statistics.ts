/** Sums over the arena, read under no lock: each figure is exact at some moment, all of them only when nobody writes. */
import {
  OWNER_SLOTS,
  PAGE,
  POINTERS,
  RECORD_KIND,
  REMOVAL_WORDS,
  RecentCounts,
  SHARD,
  TICK_MS,
  TYPE_WORDS,
} from '../../native-free/index.js';
import {
  EVICTION_CAUSES,
  GLOBAL_COUNTER,
  REJECT_REASONS,
  REMOVAL_CAUSES,
  type RejectReason,
  type RemovalCause,
  TYPE_COUNTER,
} from './causes.js';
import type { Context } from './context.js';
import { PAGE_FREE, PAGE_INDEX, PAGE_ITEMS, pageClass, pageKind } from './page-pool.js';
import type { Quota } from './quota.js';
import { POINTER_BYTES } from './references.js';

export interface CompressionStats {
  /** Values that were compressed, by `set` or for the share of their type. */
  readonly values: number;
  /** Their bytes before and after. */
  readonly bytesBefore: number;
  readonly bytesAfter: number;
  /** bytesBefore / bytesAfter; 1 before the first. */
  readonly ratio: number;
  /** Values that were compressed and stored as they were, since they would have taken as much memory. */
  readonly unpaid: number;
  /**
   * Time that compressing took, also where it didn't pay, and learning dictionaries, in ms. What `auto` spends on samples is not
   * in it.
   */
  readonly compressMs: number;
  /** Values decompressed, and the time that it took, in ms: what compression adds to reads. */
  readonly decompressions: number;
  readonly decompressMs: number;
  /** Dictionaries that were trained for the type and are in the log. */
  readonly dictionaries: number;
}

/** Of a type that stores equal values once; all 0 of any other. */
export interface DedupeStats {
  /** Values that are stored for all entries that have them, and those entries. Small values and those of users are not among them. */
  readonly payloads: number;
  readonly references: number;
  /**
   * Bytes of the values of those entries, less the bytes of what is stored in their place: payloads with their keys, and
   * pointers. Negative where few are equal.
   */
  readonly bytesSaved: number;
}

export interface TypeStats {
  /** Entries stored, expired ones that were not yet removed among them. */
  readonly entries: number;
  /** Bytes of the chunks that hold them, and the values that they share. */
  readonly bytesUsed: number;
  /** Bytes of their keys and values, each as it is stored. */
  readonly bytesPayload: number;
  readonly hits: number;
  readonly misses: number;
  /** hits / (hits + misses); 0 before the first read. */
  readonly hitRatio: number;
  /** Those of the hits whose value the reading thread still had, decoded, in its near cache. */
  readonly nearHits: number;
  /** Bytes of the keys and values that were hit. */
  readonly bytesHit: number;
  /**
   * Bytes that the misses asked for, as far as that can be known: misses * bytesInserted / inserts. Exact where each
   * miss is followed by a set of its key, and each insert follows a miss.
   */
  readonly bytesMissed: number;
  /** bytesHit / (bytesHit + bytesMissed); 0 before the first hit. */
  readonly byteHitRatio: number;
  /** Values stored: entries and the sum of all removals, always. */
  readonly sets: number;
  /** Those under keys that were absent or whose time was over, and the bytes of their keys and values. */
  readonly inserts: number;
  readonly bytesInserted: number;
  readonly deletes: number;
  /** Sets that were refused, for whatever reason. */
  readonly rejects: number;
  /** The same by reason. */
  readonly rejectsByReason: Readonly<Record<RejectReason, number>>;
  /** Values made smaller for the share of their type; each counts as a set that replaced a value, too. */
  readonly reductions: number;
  /** Values of which that failed because the reducer or the codec threw. */
  readonly reducerFailures: number;
  /** Reads that missed because the stored bytes didn't decode. */
  readonly decodeFailures: number;
  /** Values brought to a newer version by a read, and stored; each counts as a set that replaced a value, too. */
  readonly migrations: number;
  /** Times that a migration threw, returned what can't be stored, or was not given; a read misses then. */
  readonly migrationFailures: number;
  /** Reads that missed because the value is of a newer version than the reading thread knows. */
  readonly newerVersions: number;
  readonly compression: CompressionStats;
  readonly dedupe: DedupeStats;
  /** Entries that left, by cause. */
  readonly removals: Readonly<Record<RemovalCause, number>>;
  /** Those that left to make room: all causes but explicit, replaced, expired, idle, flushed and recovered. */
  readonly evictions: number;
  /** Of them, those of the last 60 s of the cache's clock; the first of these 4 s are counted in proportion. */
  readonly evictionsPerMinute: number;
  /** Mean time between the last use of an entry and its eviction, in ms, to some 1/32 of a turnover; 0 without any. */
  readonly evictionAgeMs: number;
  /** Entries that left because their TTL or idle time ran out. */
  readonly expirations: number;
  /** hits / sets, 0 before the first set: how often a value is read before it ends. Values that still live count too. */
  readonly accessesPerEntry: number;
}

export interface ClassStats {
  /** Bytes of one chunk. */
  readonly chunkBytes: number;
  readonly pages: number;
  readonly chunks: number;
  readonly chunksUsed: number;
  /** Bytes asked for in the used chunks: headers, keys, values. */
  readonly bytesRequested: number;
  /** Bytes of the used chunks that nobody asked for. */
  readonly bytesWasted: number;
  /** Bytes of the class's pages over bytes asked for in them; 1 when nothing is. */
  readonly fragmentation: number;
}

export interface UsersStats {
  /** Users with entries. */
  readonly active: number;
  /** Bytes of the chunks that hold their entries. */
  readonly bytes: number;
  /** Users with entries that there is room for, at least. 0: the cache was created without users. */
  readonly max: number;
  /** Entries that users over their quota gave up. */
  readonly evictions: number;
  /** Sets that were refused for the quota of their user, or because `max` users have entries. */
  readonly rejects: number;
}

/** bytesUsed + bytesFree + bytesIndex + bytesMetadata = capacityBytes. */
export interface EngineStats extends TypeStats {
  /** Milliseconds since the creation, on the cache's clock. */
  readonly uptimeMs: number;
  readonly users: UsersStats;
  readonly capacityBytes: number;
  /** Bytes of tables, fixed at creation. */
  readonly bytesMetadata: number;
  /** Bytes of pages that hold index buckets. */
  readonly bytesIndex: number;
  /** Bytes that hold nothing: free pages, free chunks, and what is left over behind the last chunk and page. */
  readonly bytesFree: number;
  /** Bytes of all pages of slab classes over bytes asked for in them; 1 when nothing is. */
  readonly fragmentation: number;
  readonly pageBytes: number;
  readonly pagesTotal: number;
  readonly pagesFree: number;
  readonly byType: readonly TypeStats[];
  readonly classes: readonly ClassStats[];
  /** Attached threads, the cache's own warden and the workers of pools among them. */
  readonly threads: number;
  /** Attached threads that were found dead. */
  readonly deaths: number;
  /** Sections of others, or abandoned, that were brought to rest. */
  readonly recoveries: number;
  /** Shards that had to be emptied because an invariant failed. */
  readonly shardsEmptied: number;
  readonly lockTimeouts: number;
  /** Reads that took a lock. */
  readonly readerFallbacks: number;
  readonly pagesMoved: number;
  readonly itemsMoved: number;
  /** Index splits put off because too many entries share one hash. */
  readonly splitsSkipped: number;
  /** Loads that `fetch` began, in whatever thread. */
  readonly loads: number;
  /** Of them, those begun since another's thread had died or its lease was over. */
  readonly loadTakeOvers: number;
  /** Of them, those that callers in other threads could not share, and whose values were not stored. */
  readonly loadsUnshared: number;
  /** Times that a call of `fetch` waited for a load that another call had begun. */
  readonly loadWaits: number;
  /** Loads that failed. */
  readonly loadFailures: number;
  /** Loads whose value was not stored since a set, delete or clear, or a later load, came before it. */
  readonly loadsLost: number;
}

export function collectStats(context: Context, quota: Quota): EngineStats {
  const { layout, arena } = context;
  const counts = context.counters.sums();
  const recent = recentEvictions(context);
  const learned = learnedDictionaries(context);
  const byType: TypeStats[] = [];
  for (let type = 0; type < layout.typesDeclared; type++) {
    byType.push(typeStats(context, type, counts, recent[type]!, learned[type]!));
  }
  const { classes, indexPages, freePages } = pageStats(context);
  const global = (counter: number): number => counts[layout.config.types * layout.config.countersPerType + counter]!;
  const { pageBytes } = layout.config;
  const remainder = layout.config.capacityBytes - layout.bytesTotal;
  let threads = 0;
  for (let slot = 0; slot < OWNER_SLOTS; slot++) if (arena.owners.isLive(slot)) threads += 1;
  const total = sumTypes(byType);
  return {
    ...total,
    uptimeMs: context.clock.nowMs() - context.createdMs[0]!,
    users: {
      ...quota.totals(),
      max: layout.config.users ?? 0,
      evictions: total.removals.quota,
      rejects: total.rejectsByReason.quota + total.rejectsByReason.users,
    },
    capacityBytes: layout.config.capacityBytes,
    bytesMetadata: layout.pagesStartBytes,
    bytesIndex: indexPages * pageBytes,
    bytesFree: remainder + freePages * pageBytes + freeInClasses(classes, pageBytes),
    fragmentation: fragmentation(sumOf(classes, 'pages') * pageBytes, sumOf(classes, 'bytesRequested')),
    pageBytes,
    pagesTotal: layout.pages,
    pagesFree: freePages,
    byType,
    classes,
    threads,
    deaths: global(GLOBAL_COUNTER.deaths),
    recoveries: global(GLOBAL_COUNTER.recoveries),
    shardsEmptied: global(GLOBAL_COUNTER.shardsEmptied),
    lockTimeouts: global(GLOBAL_COUNTER.lockTimeouts),
    readerFallbacks: global(GLOBAL_COUNTER.readerFallbacks),
    pagesMoved: global(GLOBAL_COUNTER.pagesMoved),
    itemsMoved: global(GLOBAL_COUNTER.itemsMoved),
    splitsSkipped: global(GLOBAL_COUNTER.splitsSkipped),
    loads: global(GLOBAL_COUNTER.loads),
    loadTakeOvers: global(GLOBAL_COUNTER.loadTakeOvers),
    loadsUnshared: global(GLOBAL_COUNTER.loadsUnshared),
    loadWaits: global(GLOBAL_COUNTER.loadWaits),
    loadFailures: global(GLOBAL_COUNTER.loadFailures),
    loadsLost: global(GLOBAL_COUNTER.loadsLost),
  };
}

function recentEvictions(context: Context): Float64Array {
  const { clock, layout, meta } = context;
  const sums = new Float64Array(layout.config.types);
  const recent = new RecentCounts(meta, layout.config.types);
  const tick = clock.precise();
  for (let i = 0; i < layout.config.shards; i++) recent.collect(layout.shard(i) + layout.recentOffset, tick, sums);
  return sums;
}

/** By type, whose number is the first byte of the record. */
function learnedDictionaries({ layout, log }: Context): Int32Array {
  const learned = new Int32Array(layout.config.types);
  for (let number = 0; layout.logWords > 0 && number < log.count; number++) {
    if (log.kindOf(number) === RECORD_KIND.dictionary) learned[log.read(number)[0]!]! += 1;
  }
  return learned;
}

function typeStats(
  context: Context,
  type: number,
  counts: Float64Array,
  recent: number,
  dictionaries: number,
): TypeStats {
  const { layout, meta } = context;
  const { removalCauses, shards } = layout.config;
  const removed = new Array<number>(removalCauses).fill(0);
  const { entries, granules, payload } = held(context, type);
  const shared = heldOnce(context, type);
  for (let i = 0; i < shards; i++) {
    const counted = layout.shard(i) + layout.removalsOffset + type * removalCauses * REMOVAL_WORDS;
    for (let cause = 0; cause < removalCauses; cause++) {
      const word = counted + cause * REMOVAL_WORDS;
      removed[cause] = removed[cause]! + meta[word + 1]! * 2 ** 32 + (meta[word]! >>> 0);
    }
  }
  const sum = (counter: number): number => counts[type * layout.config.countersPerType + counter]!;
  const hits = sum(TYPE_COUNTER.hits);
  const misses = sum(TYPE_COUNTER.misses);
  const rejectsByReason = reasons((position) => sum(TYPE_COUNTER.rejects + position));
  const inserts = sum(TYPE_COUNTER.inserts);
  const bytesHit = sum(TYPE_COUNTER.bytesHit);
  const bytesInserted = sum(TYPE_COUNTER.bytesInserted);
  const bytesMissed = inserts === 0 ? 0 : (misses * bytesInserted) / inserts;
  const removals = causes((position) => removed[position]!);
  const evictions = EVICTION_CAUSES.reduce((total, cause) => total + removals[cause], 0);
  const sets = removed.reduce((total, count) => total + count, entries);
  return {
    entries,
    bytesUsed: (granules + shared.granules) * 8,
    bytesPayload: payload + shared.payload,
    hits,
    misses,
    hitRatio: ratio(hits, misses),
    nearHits: sum(TYPE_COUNTER.nearHits),
    bytesHit,
    bytesMissed,
    byteHitRatio: ratio(bytesHit, bytesMissed),
    sets,
    inserts,
    bytesInserted,
    deletes: removals.explicit,
    rejects: sumReasons(rejectsByReason),
    rejectsByReason,
    reductions: sum(TYPE_COUNTER.reductions),
    reducerFailures: sum(TYPE_COUNTER.reducerFailures),
    decodeFailures: sum(TYPE_COUNTER.decodeFailures),
    migrations: sum(TYPE_COUNTER.migrations),
    migrationFailures: sum(TYPE_COUNTER.migrationFailures),
    newerVersions: sum(TYPE_COUNTER.newerVersions),
    compression: withRatio({
      values: sum(TYPE_COUNTER.compressed),
      bytesBefore: sum(TYPE_COUNTER.bytesRaw),
      bytesAfter: sum(TYPE_COUNTER.bytesCompressed),
      unpaid: sum(TYPE_COUNTER.unpaid),
      compressMs: sum(TYPE_COUNTER.compressMs),
      decompressions: sum(TYPE_COUNTER.decompressed),
      decompressMs: sum(TYPE_COUNTER.decompressMs),
      dictionaries,
    }),
    dedupe: shared.stats,
    removals,
    evictions,
    evictionsPerMinute: Math.round(recent),
    evictionAgeMs: (sum(TYPE_COUNTER.evictionTicks) * TICK_MS) / Math.max(1, evictions),
    expirations: removals.expired + removals.idle,
    accessesPerEntry: hits / Math.max(1, sets),
  };
}

interface Held {
  readonly entries: number;
  readonly granules: number;
  readonly payload: number;
}

/** Entries of a type over all shards. */
function held({ layout, meta }: Context, type: number): Held {
  let entries = 0;
  let granules = 0;
  let payload = 0;
  for (let i = 0; i < layout.config.shards; i++) {
    const at = layout.shard(i) + layout.typesOffset + type * TYPE_WORDS;
    entries += meta[at]!;
    granules += meta[at + 1]!;
    payload += meta[at + 3]! * 2 ** 32 + (meta[at + 2]! >>> 0);
  }
  return { entries, granules, payload };
}

const NOTHING_SHARED = { granules: 0, payload: 0, stats: { payloads: 0, references: 0, bytesSaved: 0 } } as const;

/** The payloads of a type over all shards, and what their pointers say. */
function heldOnce(context: Context, type: number): Omit<Held, 'entries'> & { readonly stats: DedupeStats } {
  const { layout, meta } = context;
  const payloadType = layout.payloadTypeOf(type);
  if (payloadType < 0) return NOTHING_SHARED;
  const { entries: payloads, granules, payload } = held(context, payloadType);
  let references = 0;
  let bytes = 0;
  for (let i = 0; i < layout.config.shards; i++) {
    const sums = layout.references.sums(layout.shard(i), payloadType - layout.typesDeclared);
    references += meta[sums + POINTERS.entries]!;
    bytes += meta[sums + POINTERS.bytesHigh]! * 2 ** 32 + (meta[sums + POINTERS.bytesLow]! >>> 0);
  }
  const bytesSaved = bytes - payload - references * POINTER_BYTES;
  return { granules, payload, stats: { payloads, references, bytesSaved } };
}

function withRatio(sums: Omit<CompressionStats, 'ratio'>): CompressionStats {
  return { ...sums, ratio: sums.values === 0 ? 1 : sums.bytesBefore / sums.bytesAfter };
}

function causes(count: (position: number) => number): Record<RemovalCause, number> {
  return Object.fromEntries(REMOVAL_CAUSES.map((cause, i) => [cause, count(i)])) as Record<RemovalCause, number>;
}

function reasons(count: (position: number) => number): Record<RejectReason, number> {
  return Object.fromEntries(REJECT_REASONS.map((reason, i) => [reason, count(i)])) as Record<RejectReason, number>;
}

function sumReasons(byReason: Readonly<Record<RejectReason, number>>): number {
  return REJECT_REASONS.reduce((total, reason) => total + byReason[reason], 0);
}

function ratio(hits: number, misses: number): number {
  return hits + misses === 0 ? 0 : hits / (hits + misses);
}

function sumTypes(byType: readonly TypeStats[]): TypeStats {
  const sum = (value: (stats: TypeStats) => number): number => byType.reduce((total, stats) => total + value(stats), 0);
  const hits = sum((stats) => stats.hits);
  const misses = sum((stats) => stats.misses);
  const bytesHit = sum((stats) => stats.bytesHit);
  const bytesMissed = sum((stats) => stats.bytesMissed);
  const sets = sum((stats) => stats.sets);
  const evictions = sum((stats) => stats.evictions);
  const evictionMs = sum((stats) => stats.evictionAgeMs * stats.evictions);
  return {
    entries: sum((stats) => stats.entries),
    bytesUsed: sum((stats) => stats.bytesUsed),
    bytesPayload: sum((stats) => stats.bytesPayload),
    hits,
    misses,
    hitRatio: ratio(hits, misses),
    nearHits: sum((stats) => stats.nearHits),
    bytesHit,
    bytesMissed,
    byteHitRatio: ratio(bytesHit, bytesMissed),
    sets,
    inserts: sum((stats) => stats.inserts),
    bytesInserted: sum((stats) => stats.bytesInserted),
    deletes: sum((stats) => stats.deletes),
    rejects: sum((stats) => stats.rejects),
    rejectsByReason: reasons((position) => sum((stats) => stats.rejectsByReason[REJECT_REASONS[position]!])),
    reductions: sum((stats) => stats.reductions),
    reducerFailures: sum((stats) => stats.reducerFailures),
    decodeFailures: sum((stats) => stats.decodeFailures),
    migrations: sum((stats) => stats.migrations),
    migrationFailures: sum((stats) => stats.migrationFailures),
    newerVersions: sum((stats) => stats.newerVersions),
    compression: withRatio({
      values: sum(({ compression }) => compression.values),
      bytesBefore: sum(({ compression }) => compression.bytesBefore),
      bytesAfter: sum(({ compression }) => compression.bytesAfter),
      unpaid: sum(({ compression }) => compression.unpaid),
      compressMs: sum(({ compression }) => compression.compressMs),
      decompressions: sum(({ compression }) => compression.decompressions),
      decompressMs: sum(({ compression }) => compression.decompressMs),
      dictionaries: sum(({ compression }) => compression.dictionaries),
    }),
    dedupe: {
      payloads: sum(({ dedupe }) => dedupe.payloads),
      references: sum(({ dedupe }) => dedupe.references),
      bytesSaved: sum(({ dedupe }) => dedupe.bytesSaved),
    },
    removals: causes((position) => sum((stats) => stats.removals[REMOVAL_CAUSES[position]!])),
    evictions,
    evictionsPerMinute: sum((stats) => stats.evictionsPerMinute),
    evictionAgeMs: evictionMs / Math.max(1, evictions),
    expirations: sum((stats) => stats.expirations),
    accessesPerEntry: hits / Math.max(1, sets),
  };
}

/** One walk over the descriptors, in the order of memory and with plain loads: they are most of what the figures cost. */
function pageStats(context: Context): { classes: ClassStats[]; indexPages: number; freePages: number } {
  const { layout, meta, classes } = context;
  const pages = new Int32Array(classes.count);
  const free = new Int32Array(classes.count);
  let indexPages = 0;
  let freePages = 0;
  const end = layout.descriptor(layout.pages);
  for (let descriptor = layout.descriptor(0); descriptor < end; descriptor += layout.descriptorWords) {
    const state = meta[descriptor + PAGE.state]!;
    const kind = pageKind(state);
    if (kind === PAGE_FREE) freePages += 1;
    else if (kind === PAGE_INDEX) indexPages += 1;
    else if (kind === PAGE_ITEMS) {
      const id = pageClass(state);
      pages[id] = pages[id]! + 1;
      free[id] = free[id]! + meta[descriptor + PAGE.freeChunks]!;
    }
  }
  const ofClasses = classes.bytes.map((_, id) => classStats(context, id, pages[id]!, free[id]!));
  return { classes: ofClasses, indexPages, freePages };
}

function classStats(context: Context, id: number, pages: number, free: number): ClassStats {
  const { layout, meta, classes } = context;
  let bytesRequested = 0;
  for (let i = 0; i < layout.config.shards; i++) bytesRequested += meta[layout.shard(i) + SHARD.requested + id]! >>> 0;
  const chunkBytes = classes.bytes[id]!;
  const chunks = pages * classes.chunksPerPage[id]!;
  const chunksUsed = chunks - free;
  return {
    chunkBytes,
    pages,
    chunks,
    chunksUsed,
    bytesRequested,
    bytesWasted: chunksUsed * chunkBytes - bytesRequested,
    fragmentation: fragmentation(pages * layout.config.pageBytes, bytesRequested),
  };
}

function fragmentation(bytesHeld: number, bytesRequested: number): number {
  return bytesRequested === 0 ? 1 : bytesHeld / bytesRequested;
}

function sumOf(classes: readonly ClassStats[], field: 'pages' | 'bytesRequested'): number {
  return classes.reduce((sum, stats) => sum + stats[field], 0);
}

/** Bytes of the classes' pages that are no used chunk's. */
function freeInClasses(classes: readonly ClassStats[], pageBytes: number): number {
  return classes.reduce(
    (sum, { pages, chunksUsed, chunkBytes }) => sum + pages * pageBytes - chunksUsed * chunkBytes,
    0,
  );
}
