/** Sums over the arena, read under no lock: each figure is exact at some moment, all of them only when nobody writes. */
import { OWNER_SLOTS, PAGE, SHARD, TYPE_WORDS } from '../../native-free/index.js';
import {
  GLOBAL_COUNTER,
  REJECT_REASONS,
  REMOVAL_CAUSES,
  type RejectReason,
  type RemovalCause,
  TYPE_COUNTER,
} from './causes.js';
import type { Context } from './context.js';
import { PAGE_FREE, PAGE_INDEX, PAGE_ITEMS, type PagePool, pageClass, pageKind } from './page-pool.js';

export interface TypeStats {
  /** Entries stored, expired ones that were not yet removed among them. */
  readonly entries: number;
  /** Bytes of the chunks that hold them. */
  readonly bytesUsed: number;
  /** Bytes of their keys and values. */
  readonly bytesPayload: number;
  readonly hits: number;
  readonly misses: number;
  /** hits / (hits + misses); 0 before the first read. */
  readonly hitRatio: number;
  readonly sets: number;
  readonly deletes: number;
  /** Sets that were refused, for whatever reason. */
  readonly rejects: number;
  /** The same by reason. */
  readonly rejectsByReason: Readonly<Record<RejectReason, number>>;
  /** Entries that left, by cause. */
  readonly removals: Readonly<Record<RemovalCause, number>>;
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
}

export interface EngineStats extends TypeStats {
  readonly capacityBytes: number;
  /** Bytes of tables, fixed at creation. */
  readonly bytesMetadata: number;
  /** Bytes of pages that hold index buckets. */
  readonly bytesIndex: number;
  /** Bytes of pages that belong to nothing. */
  readonly bytesFree: number;
  readonly pageBytes: number;
  readonly pagesTotal: number;
  readonly pagesFree: number;
  readonly byType: readonly TypeStats[];
  readonly classes: readonly ClassStats[];
  /** Attached threads, the cache's own warden among them. */
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
}

export function collectStats(context: Context, pages: PagePool): EngineStats {
  const { layout, arena } = context;
  const byType: TypeStats[] = [];
  for (let type = 0; type < layout.config.types; type++) byType.push(typeStats(context, type));
  const { classes, indexPages, freePages } = pageStats(context, pages);
  const global = (counter: number): number =>
    context.counters.sum(layout.config.types * layout.config.countersPerType + counter);
  let threads = 0;
  for (let slot = 0; slot < OWNER_SLOTS; slot++) if (arena.owners.isLive(slot)) threads += 1;
  return {
    ...sumTypes(byType),
    capacityBytes: layout.config.capacityBytes,
    bytesMetadata: layout.pagesStartBytes,
    bytesIndex: indexPages * layout.config.pageBytes,
    bytesFree: freePages * layout.config.pageBytes,
    pageBytes: layout.config.pageBytes,
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
  };
}

function typeStats(context: Context, type: number): TypeStats {
  const { layout, meta, counters } = context;
  let entries = 0;
  let granules = 0;
  let payload = 0;
  for (let i = 0; i < layout.config.shards; i++) {
    const at = layout.shard(i) + layout.typesOffset + type * TYPE_WORDS;
    entries += meta[at]!;
    granules += meta[at + 1]!;
    payload += meta[at + 3]! * 2 ** 32 + (meta[at + 2]! >>> 0);
  }
  const sum = (counter: number): number => counters.sum(type * layout.config.countersPerType + counter);
  const hits = sum(TYPE_COUNTER.hits);
  const misses = sum(TYPE_COUNTER.misses);
  const rejectsByReason = reasons((position) => sum(TYPE_COUNTER.rejects + position));
  return {
    entries,
    bytesUsed: granules * 8,
    bytesPayload: payload,
    hits,
    misses,
    hitRatio: ratio(hits, misses),
    sets: sum(TYPE_COUNTER.sets),
    deletes: sum(TYPE_COUNTER.deletes),
    rejects: sumReasons(rejectsByReason),
    rejectsByReason,
    removals: causes((position) => sum(TYPE_COUNTER.causes + position)),
  };
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
  return {
    entries: sum((stats) => stats.entries),
    bytesUsed: sum((stats) => stats.bytesUsed),
    bytesPayload: sum((stats) => stats.bytesPayload),
    hits,
    misses,
    hitRatio: ratio(hits, misses),
    sets: sum((stats) => stats.sets),
    deletes: sum((stats) => stats.deletes),
    rejects: sum((stats) => stats.rejects),
    rejectsByReason: reasons((position) => sum((stats) => stats.rejectsByReason[REJECT_REASONS[position]!])),
    removals: causes((position) => sum((stats) => stats.removals[REMOVAL_CAUSES[position]!])),
  };
}

function pageStats(
  context: Context,
  pages: PagePool,
): { classes: ClassStats[]; indexPages: number; freePages: number } {
  const { layout, meta, classes } = context;
  const held = classes.bytes.map(() => ({ pages: 0, free: 0 }));
  let indexPages = 0;
  let freePages = 0;
  for (let page = 0; page < layout.pages; page++) {
    const state = pages.state(page);
    if (pageKind(state) === PAGE_FREE) freePages += 1;
    if (pageKind(state) === PAGE_INDEX) indexPages += 1;
    if (pageKind(state) !== PAGE_ITEMS) continue;
    const sums = held[pageClass(state)]!;
    sums.pages += 1;
    sums.free += meta[layout.descriptor(page) + PAGE.freeChunks]!;
  }
  return { classes: held.map((sums, id) => classStats(context, id, sums.pages, sums.free)), indexPages, freePages };
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
  };
}
