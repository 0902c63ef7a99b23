/**
 * A process that stores texts and reads small values at a fixed rate each, by the pool or in place, and reports what that
 * did to its event loop and heap.
 */
import { monitorEventLoopDelay } from 'node:perf_hooks';
import { setTimeout as sleep } from 'node:timers/promises';
import { Random } from '../src/cli/random.js';
import { type Cache, createCache, type TypeOptions } from '../src/index.js';

export interface LoopReport {
  readonly sets: number;
  readonly gets: number;
  readonly stored: number;
  readonly p50Ms: number;
  readonly p99Ms: number;
  readonly maxMs: number;
  readonly heapMb: number;
  /** Operations that workers did, of the sets. */
  readonly tasks: number;
  /** What a text takes in the cache, on average, over its bytes. */
  readonly storedShare: number;
}

interface Types {
  default: unknown;
  route: string;
}

const TEXT_BYTES = 500_000;
const TEXTS = 8;
const SETS_PER_SECOND = 50;
const GETS_PER_SECOND = 2_000;
const SMALL_KEYS = 10_000;
const WARM_UP_MS = 2_000;
/** Timers fire no more often: what is due by then is done at once. */
const STEP_MS = 4;
const RESOLUTION_MS = 1;
const SEED = 20_264;
const ROUTE: TypeOptions<string> = { compress: { with: 'brotli', level: 4 } };

/** GeoJSON of a line with so many bytes of text, one flat string. */
function routeText(random: Random): string {
  const points: string[] = [];
  let [east, north] = [8_500_000 + random.between(0, 9_999), 47_300_000 + random.between(0, 9_999)];
  for (let bytes = 0; bytes < TEXT_BYTES; bytes += points.at(-1)!.length + 1) {
    east += random.between(-200, 200);
    north += random.between(-200, 200);
    points.push(`[${east / 1e6},${north / 1e6},${random.decimal(400, 480, 1)}]`);
  }
  const geometry = `{"type":"LineString","coordinates":[${points.join(',')}]}`;
  return Buffer.from(`{"type":"Feature","properties":{"name":"ride"},"geometry":${geometry}}`).toString();
}

class Load {
  sets = 0;
  gets = 0;
  stored = 0;
  heapMb = 0;
  readonly #cache: Cache<Types>;
  readonly #texts: readonly string[];
  readonly #random = new Random(SEED);
  readonly #pending = new Set<Promise<void>>();

  constructor(cache: Cache<Types>, texts: readonly string[]) {
    this.#cache = cache;
    this.#texts = texts;
  }

  /** Does what is due, step by step, for so long. */
  async run(ms: number): Promise<void> {
    const startMs = performance.now();
    const [sets, gets] = [this.sets, this.gets];
    for (let nowMs = startMs; nowMs < startMs + ms; nowMs = performance.now()) {
      const seconds = (nowMs - startMs) / 1_000;
      while (this.sets - sets < seconds * SETS_PER_SECOND) this.#set();
      while (this.gets - gets < seconds * GETS_PER_SECOND) this.#get();
      this.heapMb = Math.max(this.heapMb, process.memoryUsage().heapUsed / 2 ** 20);
      await sleep(STEP_MS);
    }
    await Promise.all(this.#pending);
  }

  #set(): void {
    this.sets += 1;
    const text = this.#texts[this.sets % TEXTS]!;
    const storing = this.#cache
      .type('route')
      .setAsync(`route:${this.sets % 200}`, text)
      .then((isStored) => {
        this.stored += Number(isStored);
        this.#pending.delete(storing);
      });
    this.#pending.add(storing);
  }

  #get(): void {
    this.gets += 1;
    this.#cache.get(`small:${this.#random.between(0, SMALL_KEYS - 1)}`);
  }
}

const [mode, seconds] = process.argv.slice(2) as [string, string];
const pool = mode === 'in place' ? false : ({} as const);
const cache = await createCache<Types>({ capacity: '256mb', types: { route: ROUTE }, pool, pressure: false });
const random = new Random(SEED);
for (let i = 0; i < SMALL_KEYS; i++) cache.set(`small:${i}`, { id: i, name: `n${i}`, at: [i, i + 1] });
const load = new Load(
  cache,
  Array.from({ length: TEXTS }, () => routeText(random)),
);
await load.run(WARM_UP_MS);
globalThis.gc?.();
load.heapMb = 0;
const delay = monitorEventLoopDelay({ resolution: RESOLUTION_MS });
delay.enable();
const before = { sets: load.sets, gets: load.gets, stored: load.stored, tasks: cache.stats().pool.tasks };
await load.run(Number(seconds) * 1_000);
delay.disable();
const { pool: did, types } = cache.stats();
const route = types['route']!;
const msOf = (ns: number): number => Math.max(0, ns / 1e6 - RESOLUTION_MS);
const report: LoopReport = {
  sets: load.sets - before.sets,
  gets: load.gets - before.gets,
  stored: load.stored - before.stored,
  p50Ms: msOf(delay.percentile(50)),
  p99Ms: msOf(delay.percentile(99)),
  maxMs: msOf(delay.max),
  heapMb: load.heapMb,
  tasks: did.tasks - before.tasks,
  storedShare: route.bytesPayload / route.entries / TEXT_BYTES,
};
process.send?.(report);
await cache.close();
