/** Behind the kills: does every page and chunk add up, and does the cache hold as much as a fresh one? */
import { attachCache, type Cache, createCache } from 'velocache';
import { imbalances } from '../../support/sums.js';
import type { Board } from './board.js';
import { type Crew, pause } from './crew.js';
import {
  functionsFor,
  type KillTypes,
  keyOf,
  LIMITED_SHARE,
  MORTAL_TYPES,
  OPTIONS,
  RESERVED_KEYS,
  SAFE_TYPES,
  typeOf,
} from './keys.js';
import { describeLocks } from './locks.js';

export interface RoundAccounts {
  readonly bytesLost: number;
  /** Entries that a cache held that was filled after the kills, and a fresh one. */
  readonly refilled: number;
  readonly fresh: number;
  readonly deaths: number;
  readonly recoveries: number;
  readonly lockTimeouts: number;
  readonly readerFallbacks: number;
  readonly pagesMoved: number;
  readonly itemsMoved: number;
  readonly evictions: number;
  readonly reductions: number;
}

const SETTLE_MS_MAX = 15_000;
/** Two fresh caches differ by about this much, since their hashes are seeded. */
const REFILL_TOLERANCE = 0.02;
/** Some entries, one for each thread. */
const IN_HAND_BYTES_MAX = 100_000;
const FILL_BYTES = new Uint8Array(40);

let fresh = 0;

export async function checkAccounts(crew: Crew, board: Board): Promise<RoundAccounts> {
  fresh ||= await fillFresh();
  const cache = attachCache(crew.handle, functionsFor(crew.handle));
  await settle(cache, crew, board);
  for (const sentence of cache.verify()) board.report('bytes lost', `verify: ${sentence}`);
  // The warden removes what runs out, and statistics that are read meanwhile are not of one moment.
  for (const type of MORTAL_TYPES) cache.type(type).clear();
  const stats = cache.stats();
  for (const sentence of imbalances(stats, Object.values(stats.types))) board.report('bytes lost', sentence);
  checkLog(cache, board);
  checkTypes(cache, board);
  const lostPages = pagesMissing(cache);
  if (lostPages !== 0) board.report('bytes lost', `${lostPages} pages belong to nothing`);
  const { left, refilled } = clearAndRefill(cache, crew, board);
  for (const sentence of cache.verify()) board.report('bytes lost', `verify after refill: ${sentence}`);
  await cache.close();
  const { deaths, recoveries, lockTimeouts, readerFallbacks, pagesMoved, itemsMoved, removals, reductions } = stats;
  const bytesLost = Math.abs(lostPages) * stats.pageBytes + left;
  const counted = { deaths, recoveries, lockTimeouts, readerFallbacks, pagesMoved, itemsMoved };
  return { bytesLost, refilled, fresh, ...counted, evictions: removals.size, reductions };
}

/** No safe entry was evicted, those that are reserved are all there, and no type has more than its share but for what threads had in hand at once. */
function checkTypes(cache: Cache<KillTypes>, board: Board): void {
  const { types, capacityBytes } = cache.stats();
  for (const name of SAFE_TYPES) {
    const { evictions } = types[name]!;
    if (evictions !== 0) board.report('wrong value', `${evictions} entries of type ${name} were evicted`);
  }
  const missing = RESERVED_KEYS.filter((keyId) => !cache.type('reserved').has(keyOf(keyId)));
  if (missing.length > 0) board.report('wrong value', `keys ${missing.join(', ')} of type reserved are gone`);
  const { bytesUsed } = types['limited']!;
  const share = (bytesUsed - IN_HAND_BYTES_MAX) / capacityBytes;
  if (share > LIMITED_SHARE) board.report('wrong value', `type limited has ${share} of the capacity`);
}

/** A torn record of the log would tell of a key that there isn't, or of another one's type, length or time. */
function checkLog(cache: Cache<KillTypes>, board: Board): void {
  const { uptimeMs } = cache.stats();
  for (const record of cache.evictions({ last: 10_000 })) {
    const { type, key, keyBytes, bytes, ageMs, atMs } = record;
    const id = Number.parseInt(key, 10);
    const whole = keyOf(id);
    const isWhole =
      whole.startsWith(key) &&
      keyBytes === Buffer.byteLength(whole) &&
      type === typeOf(id) &&
      bytes >= keyBytes &&
      ageMs <= atMs &&
      atMs <= uptimeMs;
    if (!isWhole) board.report('wrong value', `log: ${JSON.stringify(record)}`);
  }
}

function clearAndRefill(cache: Cache<KillTypes>, crew: Crew, board: Board): { left: number; refilled: number } {
  try {
    cache.clearAll();
    const left = chunkBytesLeft(cache);
    if (left !== 0) board.report('bytes lost', `${left} bytes are used after clearAll`);
    const { active, bytes } = cache.stats().users;
    if (active !== 0 || bytes !== 0) board.report('bytes lost', `${active} users have ${bytes} bytes after clearAll`);
    const refilled = fill(cache);
    if (refilled < fresh * (1 - REFILL_TOLERANCE)) {
      board.report('bytes lost', `${refilled} entries fit where a fresh cache holds ${fresh}`);
    }
    return { left, refilled };
  } catch (error) {
    board.report('hang', `on a quiet cache: ${(error as Error).message}; ${describeLocks(crew.handle)}`);
    return { left: 0, refilled: 0 };
  }
}

/** Waits until every death has been noticed: only the crew, the warden and this thread are attached. */
async function settle(cache: Cache<KillTypes>, crew: Crew, board: Board): Promise<void> {
  const until = performance.now() + SETTLE_MS_MAX;
  while (cache.stats().threads !== crew.size + 2) {
    if (performance.now() > until) {
      return board.report(
        'bytes lost',
        `${cache.stats().threads} threads are attached where ${crew.size + 2} should be; ${describeLocks(crew.handle)}`,
      );
    }
    await pause(10);
  }
}

/** Pages that are neither free nor of a class nor of the index. */
function pagesMissing(cache: Cache<KillTypes>): number {
  const { pagesFree, pagesTotal, bytesIndex, pageBytes, classes } = cache.stats();
  return pagesTotal - pagesFree - bytesIndex / pageBytes - classes.reduce((sum, { pages }) => sum + pages, 0);
}

function chunkBytesLeft(cache: Cache<KillTypes>): number {
  const { bytesUsed, classes } = cache.stats();
  return Math.max(
    bytesUsed,
    classes.reduce((sum, { chunksUsed, chunkBytes }) => sum + chunksUsed * chunkBytes, 0),
  );
}

/** Fills the cache with small entries until they evict each other; returns how many it holds. */
function fill(cache: Cache<KillTypes>): number {
  const { capacityBytes } = cache.stats();
  const count = Math.ceil(capacityBytes / 76);
  for (let i = 0; i < count; i++) cache.setBytes(`fill-${i}`, FILL_BYTES);
  return cache.stats().entries;
}

/** What a fresh cache holds of the smallest entries, of which there are the most: its index has grown to the full. */
async function fillFresh(): Promise<number> {
  const cache = await createCache<KillTypes>(OPTIONS);
  const entries = fill(cache);
  await cache.close();
  return entries;
}
