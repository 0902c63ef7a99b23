/**
 * Whether memory follows the sizes of what is stored. A cache is run with values of 100 bytes until it is steady, then
 * with 1 KB values. After one turnover (as many bytes set as the cache has) its hit ratio over the next turnover is
 * held against that of a fresh cache which met only the 1 KB part of the very same requests. By LRU, which keeps no
 * judgement of what was small: what is left is the allocator's. And by the default policy, as users have it.
 */
import { Random } from '../src/cli/random.js';
import { ZipfSampler } from '../src/cli/zipf.js';
import { createCache } from '../src/index.js';
import { percent, table, verdict } from './figures.js';
import type { BenchOptions } from './options.js';

type ByteCache = Awaited<ReturnType<typeof createCache>>;

const CAPACITY_BYTES = 32 * 2 ** 20;
const UNIVERSE = 1_000_000;
const EXPONENT = 0.9;
const SMALL_BYTES = 100;
const LARGE_BYTES = 1_024;
/** Turnovers with small values before the shift. */
const STEADY_TURNOVERS = 3;
const WITHIN = 0.02;
const SEEDS = [1, 2, 3];
const POLICIES = ['lru', 'adaptive'] as const;

class Requests {
  readonly #random: Random;
  readonly #zipf: ZipfSampler;

  constructor(zipf: ZipfSampler, seed: number) {
    this.#zipf = zipf;
    this.#random = new Random(seed);
  }

  next(): string {
    return `item:${this.#zipf.draw(this.#random)}`;
  }
}

export async function runShift(_options: BenchOptions): Promise<void> {
  const zipf = new ZipfSampler(UNIVERSE, EXPONENT);
  const rows = [['policy', 'seed', 'after the shift', 'fresh', 'difference']];
  let worst = 0;
  for (const policy of POLICIES) {
    for (const seed of SEEDS) {
      const { shifted, fresh } = await runSeed(zipf, policy, seed);
      worst = Math.max(worst, fresh - shifted);
      rows.push([policy, String(seed), percent(shifted), percent(fresh), ((shifted - fresh) * 100).toFixed(2)]);
    }
  }
  process.stdout.write(table(rows));
  const points = (worst * 100).toFixed(2);
  process.stdout.write(`  at most ${points} points under a fresh cache, to reach 2: ${verdict(worst <= WITHIN)}\n`);
}

async function runSeed(
  zipf: ZipfSampler,
  policy: (typeof POLICIES)[number],
  seed: number,
): Promise<{ shifted: number; fresh: number }> {
  const options = { capacity: CAPACITY_BYTES, policy };
  await using cache = await createCache(options);
  const before = new Requests(zipf, seed + 1_000);
  for (let i = 0; i < STEADY_TURNOVERS; i++) turnOver(cache, before, SMALL_BYTES);
  const after = new Requests(zipf, seed);
  const first = turnOver(cache, after, LARGE_BYTES);
  const second = turnOver(cache, after, LARGE_BYTES);
  await using other = await createCache(options);
  const same = new Requests(zipf, seed);
  run(other, same, LARGE_BYTES, first.requests);
  const freshHits = run(other, same, LARGE_BYTES, second.requests);
  return { shifted: second.hits / second.requests, fresh: freshHits / second.requests };
}

/** Requests until as many bytes have been set as the cache has. */
function turnOver(cache: ByteCache, requests: Requests, bytes: number): { requests: number; hits: number } {
  const value = new Uint8Array(bytes);
  let count = 0;
  let hits = 0;
  for (let set = 0; set < CAPACITY_BYTES; count++) {
    if (access(cache, requests.next(), value)) hits++;
    else set += bytes;
  }
  return { requests: count, hits };
}

function run(cache: ByteCache, requests: Requests, bytes: number, count: number): number {
  const value = new Uint8Array(bytes);
  let hits = 0;
  for (let i = 0; i < count; i++) if (access(cache, requests.next(), value)) hits++;
  return hits;
}

/** True for a hit; a miss stores. */
function access(cache: ByteCache, key: string, value: Uint8Array): boolean {
  if (cache.getBytes(key) !== undefined) return true;
  cache.setBytes(key, value);
  return false;
}
