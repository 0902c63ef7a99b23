/**
 * Where everything lies: the offsets of native-free/README.md as constants, and the plan of an arena computed from
 * its configuration. Every thread computes the same plan; nothing else in the code knows an offset of a region.
 */
import { assert } from './assert.js';
import { alignUp, isPower } from './bits.js';
import { EVENT_RING_HEADER, EVENT_RING_LOCK } from './event-ring.js';
import { evictionLogWords } from './eviction-log.js';
import { FlightsRegion } from './flights-region.js';
import { journalWords } from './journal.js';
import { OWNER_SLOTS, OWNER_WORDS } from './owners.js';
import { recentCountsWords } from './recent-counts.js';
import { ReferencesRegion } from './references-region.js';
import { USER_OPERATION_WORDS, UsersRegion } from './users-region.js';

export const MAGIC = 0x76656c6f;
export const LAYOUT_VERSION = 1;

/** Header words, segment 0. Words that change often stand on lines (16 words) of their own. */
export const HEADER = {
  magic: 0,
  version: 1,
  configHash: 2,
  state: 3,
  idLow: 4,
  idHigh: 5,
  hashKey0: 6,
  hashKey1: 7,
  wardenThread: 8,
  listening: 9,
  /** Two words, a double: the clock's milliseconds at the creation. */
  created: 10,
  tick: 16,
  pageReleases: 32,
  pageHint: 33,
  level: 34,
  pressureStep: 35,
  ttlShift: 36,
  leastImportance: 37,
  headroomTarget: 38,
  used: 39,
  usedSource: 40,
  /** One for each of four sources. */
  usedBySource: 41,
  alertsRaised: 45,
  headroom: 46,
  largeLock: 48,
  recoveryLock: 50,
  words: 64,
} as const;

export const STATE_OPEN = 1;
export const STATE_CLOSED = 2;

/** Refs, the addresses of chunks, count granules of 8 bytes from the start of segment 0; 0 is none. */
export const GRANULE_SHIFT = 3;

/**
 * A bucket is two cache lines: sequence, overflow, ten tags, and ten pairs of ref and time; a pair is compared and
 * exchanged as one. The ref and the time of slot `i` are at `refs + 2 * i` and `times + 2 * i`.
 */
export const BUCKET_GRANULES = 16;
export const BUCKET_SLOTS = 10;
export const BUCKET = { sequence: 0, overflow: 1, tags: 2, refs: 12, times: 13 } as const;

/** Shard record words. Line 0 is the writers', line 1 is read by every lookup. */
export const SHARD = {
  dueAdded: 0,
  pendingFree: 1,
  condition: 2,
  itemCount: 3,
  overflowFree: 4,
  directoryUsed: 5,
  generation: 6,
  failedScan: 7,
  hand: 8,
  flights: 9,
  insertsSinceStamp: 10,
  due: 11,
  pageCursor: 12,
  draining: 13,
  lock: 14,
  bucketCount: 16,
  stamp: 17,
  partial: 32,
  requested: 96,
} as const;

export const CLASS_MAX = 64;
/** Cold candidates kept per class, and per type, as pairs (position, order), behind a count and a pause. */
export const RING_ENTRIES = 16;
export const RING_WORDS: number = 2 + RING_ENTRIES * 2;
/** Thresholds of coldness: one for each precedence of eviction, then one for each type. */
export const PRECEDENCES = 8;
/** Words per type in a shard: entries, granules, payload bytes low and high. */
export const TYPE_WORDS = 4;
/** Words of a count of removals in a shard, by type and cause: low and high. */
export const REMOVAL_WORDS = 2;
export const JOURNAL_ENTRIES = 1024;

/** Page descriptor words; the bitmap of used chunks follows. */
export const PAGE = { state: 0, freeChunks: 1, previous: 2, next: 3, hint: 4, intent: 5, head: 6, bitmap: 8 } as const;

export interface ArenaConfig {
  /** Bound on all shared bytes. */
  readonly capacityBytes: number;
  /** Bytes of a page, a power of two. */
  readonly pageBytes: number;
  /** Bytes of the smallest chunk, a multiple of 8. */
  readonly chunkBytesMin: number;
  /** Independently locked parts, a power of two up to 256. */
  readonly shards: number;
  /** Types of entries, 1 to 255. */
  readonly types: number;
  /** Counters per type, and for the whole cache, in each stripe. */
  readonly countersPerType: number;
  readonly countersGlobal: number;
  /** Words that belong to the eviction policy: in each shard, and of the whole cache. */
  readonly policyWords: number;
  readonly policySharedWords: number;
  /** Causes for which entries leave: a count for each by type, in each shard. */
  readonly removalCauses: number;
  /** Records of the eviction log of a shard. */
  readonly evictionRecords: number;
  /** Words of the event ring, a power of two. */
  readonly eventWords: number;
  /** Bytes of a segment, a power of two up to 1 GiB. */
  readonly segmentBytes: number;
  /** Users with entries that there is room for, up to USERS_MAX; none without it. */
  readonly users?: number;
  /** Loads in flight of a shard, a power of two from 8 on; none without it. */
  readonly flights?: number;
  /** Bytes of the append-only log; none without it. */
  readonly logBytes?: number;
  /** Types that store equal values once. Each has a type of its payloads: the last of `types`, in this order. */
  readonly dedupes?: readonly number[];
  /** References that may wait in each shard to be given back; for `dedupes` only. Default: RELEASES. */
  readonly releases?: number;
}

/** More types than there are. */
const TYPES_END = 256;
/** No type. */
const NONE = -1;
const RELEASES = 64;

/** Words of what all shards know of a type. */
const TYPE_STATE_WORDS = 3;

/** Byte and word offsets of every region. Regions up to the first page lie in segment 0. */
export class Layout {
  readonly config: ArenaConfig;
  readonly owners: number;
  readonly counters: number;
  readonly countersPerStripe: number;
  /** Words of each type that all shards know: see `typeState`. */
  readonly typeStates: number;
  readonly policyShared: number;
  readonly events: number;
  readonly eventLock: number;
  readonly shards: number;
  readonly shardWords: number;
  readonly typesOffset: number;
  readonly ringsOffset: number;
  readonly typeRingsOffset: number;
  readonly thresholdsOffset: number;
  readonly policyOffset: number;
  readonly directoryOffset: number;
  readonly directoryEntries: number;
  readonly userOperationOffset: number;
  readonly journalOffset: number;
  readonly removalsOffset: number;
  readonly recentOffset: number;
  readonly evictionsOffset: number;
  readonly flights: FlightsRegion;
  readonly references: ReferencesRegion;
  /** Types that the user has declared: the first ones. */
  readonly typesDeclared: number;
  readonly #payloadTypes = new Int16Array(TYPES_END).fill(NONE);
  readonly #declaredTypes = Uint8Array.from({ length: TYPES_END }, (_, type) => type);
  readonly users: UsersRegion;
  readonly log: number;
  readonly logWords: number;
  readonly descriptors: number;
  readonly descriptorWords: number;
  readonly pages: number;
  readonly pagesStartBytes: number;
  readonly pageGranules: number;
  readonly pagesStart: number;
  readonly bytesMetadata: number;
  readonly bytesTotal: number;
  readonly bucketsPerPage: number;

  constructor(config: ArenaConfig) {
    assert(isPower(config.pageBytes) && isPower(config.segmentBytes), 'page and segment sizes are powers of two');
    assert(config.segmentBytes <= 2 ** 30 && config.segmentBytes >= config.pageBytes, 'segment size out of range');
    assert(isPower(config.shards) && config.shards <= 256, 'shards out of range');
    this.config = config;
    this.owners = HEADER.words;
    this.counters = this.owners + OWNER_SLOTS * OWNER_WORDS;
    this.countersPerStripe = alignUp(config.types * config.countersPerType + config.countersGlobal, 8);
    this.typeStates = this.counters + OWNER_SLOTS * this.countersPerStripe * 2;
    this.policyShared = alignUp(this.typeStates + config.types * TYPE_STATE_WORDS, 16);
    this.events = alignUp(this.policyShared + config.policySharedWords, 16);
    this.eventLock = this.events + EVENT_RING_LOCK;
    this.shards = alignUp(this.events + EVENT_RING_HEADER + config.eventWords, 16);
    this.typesOffset = SHARD.partial + CLASS_MAX * 2;
    this.ringsOffset = this.typesOffset + config.types * TYPE_WORDS;
    this.typeRingsOffset = this.ringsOffset + CLASS_MAX * RING_WORDS;
    this.thresholdsOffset = this.typeRingsOffset + config.types * RING_WORDS;
    this.policyOffset = this.thresholdsOffset + PRECEDENCES + config.types;
    this.directoryOffset = this.policyOffset + config.policyWords;
    this.pageGranules = config.pageBytes >>> GRANULE_SHIFT;
    this.bucketsPerPage = this.pageGranules / BUCKET_GRANULES;
    this.descriptorWords = alignUp(PAGE.bitmap + Math.ceil(config.pageBytes / config.chunkBytesMin / 32), 8);
    const pagesMost = Math.floor(config.capacityBytes / config.pageBytes);
    // A third of a fair share, and some: past that the index of a shard stops growing and its chains lengthen.
    this.directoryEntries = alignUp(Math.min(pagesMost, Math.ceil((pagesMost / config.shards) * 0.35) + 16), 8);
    this.userOperationOffset = this.directoryOffset + this.directoryEntries;
    this.journalOffset = alignUp(this.userOperationOffset + USER_OPERATION_WORDS, 16);
    this.removalsOffset = this.journalOffset + journalWords(JOURNAL_ENTRIES);
    this.recentOffset = this.removalsOffset + config.types * config.removalCauses * REMOVAL_WORDS;
    this.evictionsOffset = alignUp(this.recentOffset + recentCountsWords(config.types), 16);
    const flightsOffset = alignUp(this.evictionsOffset + evictionLogWords(config.evictionRecords), 16);
    this.flights = new FlightsRegion(flightsOffset, config.flights ?? 0);
    const dedupes = config.dedupes ?? [];
    const referencesOffset = alignUp(flightsOffset + this.flights.words, 16);
    this.references = new ReferencesRegion(referencesOffset, dedupes.length, config.releases ?? RELEASES);
    this.typesDeclared = config.types - dedupes.length;
    dedupes.forEach((type, place) => {
      this.#payloadTypes[type] = this.typesDeclared + place;
      this.#declaredTypes[this.typesDeclared + place] = type;
    });
    this.shardWords = alignUp(referencesOffset + this.references.words, 16);
    this.users = new UsersRegion(this.shards + this.shardWords * config.shards, config.users ?? 0);
    this.log = this.shards + this.shardWords * config.shards + this.users.words;
    this.logWords = alignUp((config.logBytes ?? 0) >>> 2, 16);
    this.descriptors = this.log + this.logWords;
    this.pages = this.#fit(pagesMost);
    this.bytesMetadata = (this.descriptors + this.pages * this.descriptorWords) * 4;
    this.pagesStartBytes = alignUp(this.bytesMetadata, config.pageBytes);
    this.pagesStart = this.pagesStartBytes / 8;
    this.bytesTotal = this.pagesStartBytes + this.pages * config.pageBytes;
    assert(this.pagesStartBytes <= config.segmentBytes, 'the tables do not fit the first segment');
    assert(this.bytesTotal <= config.capacityBytes || this.pages <= 0, 'over capacity');
  }

  #fit(pagesMost: number): number {
    const { capacityBytes, pageBytes } = this.config;
    const fixed = this.descriptors * 4;
    let pages = Math.min(pagesMost, Math.floor((capacityBytes - fixed) / (pageBytes + this.descriptorWords * 4)));
    while (
      pages > 0 &&
      alignUp(fixed + pages * this.descriptorWords * 4, pageBytes) + pages * pageBytes > capacityBytes
    ) {
      pages--;
    }
    return pages;
  }

  /** The first word of what all shards know of a type. */
  typeState(type: number): number {
    return this.typeStates + type * TYPE_STATE_WORDS;
  }

  /** The type of the payloads of a type; -1 if it stores each value by itself. */
  payloadTypeOf(type: number): number {
    return this.#payloadTypes[type]!;
  }

  /** The type that the payloads of a type are of; of any other type itself. */
  declaredTypeOf(type: number): number {
    return this.#declaredTypes[type]!;
  }

  shard(index: number): number {
    return this.shards + index * this.shardWords;
  }

  descriptor(page: number): number {
    return this.descriptors + page * this.descriptorWords;
  }

  pageRef(page: number): number {
    return this.pagesStart + page * this.pageGranules;
  }

  /** The page that a ref points into; out of 0..pages-1 for a wild ref. */
  pageOf(ref: number): number {
    return Math.floor((ref - this.pagesStart) / this.pageGranules);
  }

  /** Bytes of each segment: all full but the last. */
  segments(): number[] {
    const sizes: number[] = [];
    for (let left = this.bytesTotal; left > 0; left -= this.config.segmentBytes) {
      sizes.push(Math.min(left, this.config.segmentBytes));
    }
    return sizes;
  }
}
