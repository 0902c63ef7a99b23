/** A process with a million small objects in one cache, which then works for a while. Reports its worst GC pause. */
import { setImmediate } from 'node:timers/promises';
import { LRUCache } from 'lru-cache';
import { createCache } from '../src/index.js';
import { type GcSums, GcWatch } from './gc-watch.js';
import { keyOf, objectOf } from './peers/values.js';

export interface GcReport {
  /** Of Node. */
  readonly version: string;
  readonly longestPauseMs: number;
  /** The longest after the cache was filled. */
  readonly longestSteadyMs: number;
  readonly collections: number;
  readonly pausesMs: number;
  readonly heapMb: number;
  readonly rssMb: number;
}

const ITEMS = 1_000_000;
const STEADY_OPERATIONS = 1_000_000;
/** Operations between two turns of the event loop, in which pauses are reported. */
const STRIDE = 5_000;

interface Store {
  set(item: number): void;
  get(item: number): unknown;
  close(): Promise<void>;
}

async function open(kind: string): Promise<Store> {
  if (kind === 'lru-cache') {
    const cache = new LRUCache<string, object>({ max: ITEMS, ttl: 3_600_000 });
    return {
      set: (item) => void cache.set(keyOf(item), objectOf(item)),
      get: (item) => cache.get(keyOf(item)),
      close: async () => {},
    };
  }
  const cache = await createCache({ capacity: '512mb', types: { default: { ttl: '1h' } } });
  return {
    set: (item) => void cache.set(keyOf(item), objectOf(item)),
    get: (item) => cache.get(keyOf(item)),
    close: () => cache.close(),
  };
}

async function fill(store: Store): Promise<void> {
  for (let item = 0; item < ITEMS; item++) {
    store.set(item);
    if (item % STRIDE === 0) await setImmediate();
  }
  await setImmediate();
}

async function use(store: Store): Promise<void> {
  for (let i = 0; i < STEADY_OPERATIONS; i++) {
    const item = Math.imul(i, 0x9e3779b1) >>> 0;
    if ((i & 3) === 0) store.set(item % ITEMS);
    else store.get(item % ITEMS);
    if (i % STRIDE === 0) await setImmediate();
  }
  // A collection of everything, as any long-lived process meets sooner or later.
  globalThis.gc?.();
  await setImmediate();
  await setImmediate();
}

async function collectionsDuring(work: () => Promise<void>): Promise<GcSums> {
  const watch = new GcWatch(true);
  await work();
  const sums = watch.sums();
  watch.stop();
  return sums;
}

async function report(store: Store): Promise<GcReport> {
  const filling = await collectionsDuring(() => fill(store));
  const steady = await collectionsDuring(() => use(store));
  const { heapUsed, rss } = process.memoryUsage();
  return {
    version: process.version,
    longestPauseMs: Math.max(filling.longestMs, steady.longestMs),
    longestSteadyMs: steady.longestMs,
    collections: filling.count + steady.count,
    pausesMs: filling.totalMs + steady.totalMs,
    heapMb: heapUsed / 2 ** 20,
    rssMb: rss / 2 ** 20,
  };
}

const store = await open(process.argv[2] ?? '');
process.send!(await report(store));
await store.close();
process.disconnect();
