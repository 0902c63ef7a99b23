/**
 * The stress run: rounds of some seconds, each on a new cache, of two to four real threads on the same few keys. Behind
 * each round the history of every key is checked, and that the cache adds up.
 */
import { Worker } from 'node:worker_threads';
import { type Cache, createCache } from 'velocache';
import { HEADER } from '../../../native-free/index.js';
import { Random } from '../../../src/cli/random.js';
import { Key } from '../../../src/engine/key.js';
import { imbalances } from '../../support/sums.js';
import { checkHistory, type Operation } from './history.js';
import { KEYS, OPTIONS, type StressData, type StressOutcome, type StressTypes } from './plan.js';

const OPERATIONS = 120_000;
const ROUND_MS_MAX = 2_000;
/** In every other round. */
const CHAINED_SHARE = 0.7;
/** Keys collide in so many of the lowest bits of their hash, which choose shard and bucket. */
const COLLIDING_BITS = 7;
const FILLERS = 3_000;
/** Bytes of each size, one and a half times the capacity. */
const FILL_BYTES = 15 * 2 ** 20;
const FIELDS = 5;
const COUNTS = ['operations', 'hits', 'busy', 'evictions', 'pagesMoved', 'decompressions'] as const;

export interface StressResult {
  readonly rounds: number;
  readonly operations: number;
  readonly hits: number;
  readonly busy: number;
  readonly evictions: number;
  readonly pagesMoved: number;
  readonly decompressions: number;
  readonly problems: readonly string[];
}

export async function stress(seed: number, seconds: number): Promise<StressResult> {
  const until = performance.now() + seconds * 1_000;
  const total = {
    rounds: 0,
    operations: 0,
    hits: 0,
    busy: 0,
    evictions: 0,
    pagesMoved: 0,
    decompressions: 0,
    problems: [] as string[],
  };
  while ((performance.now() < until || total.rounds < 2) && total.problems.length === 0) {
    const threads = 4 - (total.rounds % 3);
    const round = await runRound(new Random(seed + total.rounds), threads, total.rounds % 2 === 0 ? 0 : CHAINED_SHARE);
    total.rounds += 1;
    for (const name of COUNTS) total[name] += round[name];
    total.problems.push(...round.problems);
  }
  return total;
}

async function runRound(random: Random, threads: number, chainedShare: number): Promise<StressResult> {
  const cache = await createCache<StressTypes>(OPTIONS);
  const { names, fillers } = collidingNames(cache);
  fillUp(cache);
  const stamps = new SharedArrayBuffer(8);
  const common = {
    handle: cache.handle,
    operations: OPERATIONS,
    untilMs: ROUND_MS_MAX,
    chainedShare,
    names,
    fillers,
    stamps,
  };
  const outcomes = await Promise.all(
    Array.from({ length: threads }, (_, i) =>
      runThread({ ...common, thread: i + 1, seed: random.between(0, 2 ** 31) }),
    ),
  );
  // The warden removes what runs out, and statistics that are read meanwhile are not of one moment.
  cache.type('brief').clear();
  const stats = cache.stats();
  const { removals, pagesMoved, compression } = stats;
  const problems = [
    ...imbalances(stats, Object.values(stats.types)),
    ...outcomes.flatMap((outcome) => outcome.problems),
    ...checkHistory(outcomes.flatMap(operationsOf)),
  ];
  problems.push(...cache.verify());
  cache.clearAll();
  const { bytesUsed } = cache.stats();
  if (bytesUsed !== 0) problems.push(`${bytesUsed} bytes are used after clearAll`);
  await cache.close();
  const sum = (name: 'done' | 'hits' | 'busy') => outcomes.reduce((total, outcome) => total + outcome[name], 0);
  const counts = { operations: sum('done'), hits: sum('hits'), busy: sum('busy') };
  const { decompressions } = compression;
  return { rounds: 1, ...counts, evictions: removals.size, pagesMoved, decompressions, problems };
}

/** Fills the cache with small values, then with larger ones: from the first operation on, entries leave and pages move. */
function fillUp(cache: Cache<StressTypes>): void {
  for (const bytes of [100, 1_500]) {
    for (let i = 0; i < FILL_BYTES / bytes; i++) cache.setBytes(`fill-${bytes}-${i}`, new Uint8Array(bytes));
  }
}

function runThread(data: StressData): Promise<StressOutcome> {
  const worker = new Worker(new URL('../../../dist/test/concurrency/stress/worker.js', rootOf()), { workerData: data });
  return new Promise((resolve, reject) => {
    worker.once('message', resolve);
    worker.once('error', reject);
  });
}

/** This file is run from its source by the test runner, and from `dist` by node: three folders below the root, or four. */
function rootOf(): URL {
  const isBuilt = import.meta.url.includes('/dist/test/');
  return isBuilt ? new URL('../', import.meta.url) : new URL(import.meta.url);
}

function operationsOf({ operations }: StressOutcome): Operation[] {
  return Array.from({ length: operations.length / FIELDS }, (_, i) => {
    const [key, value, isRead, begin, end] = operations.subarray(i * FIELDS, i * FIELDS + FIELDS);
    return { key: key!, value: value!, isRead: isRead === 1, begin: begin!, end: end! };
  });
}

/** Names whose hashes agree in their lowest bits: long chains in few buckets. */
function collidingNames(cache: Cache<StressTypes>): { names: string[]; fillers: string[] } {
  const header = new Int32Array(cache.handle.buffers[0]!);
  const key = new Key(header[HEADER.hashKey0]!, header[HEADER.hashKey1]!);
  const found: string[] = [];
  for (let i = 0; found.length < KEYS.length + FILLERS; i++) {
    const name = `key-${i}`;
    key.prepare(name, 0);
    if ((key.hash & (2 ** COLLIDING_BITS - 1)) === 0) found.push(name);
  }
  return { names: found.slice(0, KEYS.length), fillers: found.slice(KEYS.length) };
}
