/**
 * A process that measures one build of velocache, which it is told the path of: the same code for any build. Reports the
 * nanoseconds of an operation for each micro bench.
 */
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { Random } from '../../src/cli/random.js';
import { bytesOf, keyOf, objectOf, poolOf, type RiderObject } from '../peers/values.js';

export interface MicroJob {
  /** Root of the checkout. */
  readonly checkout: string;
  readonly items: number;
  readonly sliceMs: number;
}

export type MicroReport = readonly { readonly name: string; readonly ns: number }[];

type Velocache = typeof import('../../src/index.js');

/** Does something with the key of a number, and returns something of what it read. */
type Operation = (key: string, item: number) => number;

/** Keys that are hot: their buckets and items stay in the processor's caches. */
const HOT_ITEMS = 64;
/** Values of several KB, and keys of them: more than the processor's caches hold. */
const LARGE_BYTES = 10_000;
const LARGE_ITEMS = 2_000;
/** Operations between two looks at the clock, and keys of a getMany. */
const STRIDE = 128;
const BATCH = 16;
/** Of a slice: before the samples that count, and of them, of which the median is taken. */
const WARMUPS = 3;
const SAMPLES = 5;

interface Types {
  bytes: Uint8Array;
  large: Uint8Array;
  objects: RiderObject;
  near: RiderObject;
}

class Micro {
  readonly #job: MicroJob;
  readonly #keys: readonly string[];
  readonly #absent: readonly string[];
  readonly #random = new Random(1);
  /** So that reading can't be left out. */
  sum = 0;

  constructor(job: MicroJob) {
    this.#job = job;
    const flat = (text: string): string => Buffer.from(text).toString('latin1');
    this.#keys = Array.from({ length: job.items }, (_, item) => flat(keyOf(item)));
    this.#absent = this.#keys.map((key) => flat(`absent:${key.slice(-8)}`));
  }

  /** Hot alone. */
  hot(name: string, operation: Operation): MicroReport {
    return [this.#row(`${name}, hot`, this.#keys, HOT_ITEMS, operation)];
  }

  /** Hot and cold. A miss asks for keys that nobody has set. */
  both(name: string, operation: Operation, isMiss = false): MicroReport {
    const keys = isMiss ? this.#absent : this.#keys;
    return [
      this.#row(`${name}, hot`, keys, HOT_ITEMS, operation),
      this.#row(`${name}, cold`, keys, this.#job.items, operation),
    ];
  }

  /** Of large values, cold. */
  large(name: string, operation: Operation): MicroReport {
    return [this.#row(`${name}, cold`, this.#keys, Math.min(LARGE_ITEMS, this.#job.items), operation)];
  }

  /** The median of samples: nanoseconds of an operation. */
  #row(name: string, keys: readonly string[], items: number, operation: Operation): MicroReport[number] {
    const samples: number[] = [];
    for (let sample = -WARMUPS; sample < SAMPLES; sample++) {
      const ns = this.#sample(keys, items, operation);
      if (sample >= 0) samples.push(ns);
    }
    return { name, ns: samples.sort((a, b) => a - b)[SAMPLES >> 1]! };
  }

  #sample(keys: readonly string[], items: number, operation: Operation): number {
    const drawn = new Int32Array(STRIDE);
    let operations = 0;
    let elapsedMs = 0;
    for (; elapsedMs < this.#job.sliceMs / SAMPLES; operations += STRIDE) {
      for (let i = 0; i < STRIDE; i++) {
        drawn[i] = this.#random.next() * items;
        this.sum += keys[drawn[i]!]!.charCodeAt(0);
      }
      const begin = performance.now();
      for (let i = 0; i < STRIDE; i++) this.sum += operation(keys[drawn[i]!]!, drawn[i]!);
      elapsedMs += performance.now() - begin;
    }
    return (elapsedMs * 1e6) / operations;
  }
}

/** Keys are gathered, and asked for when there are enough: what is measured is a key of a getMany. */
function batched<V>(getMany: (keys: string[]) => readonly (V | undefined)[], read: (value: V) => number): Operation {
  let keys: string[] = [];
  return (key) => {
    if (keys.push(key) < BATCH) return 0;
    let sum = 0;
    for (const value of getMany(keys)) if (value !== undefined) sum += read(value);
    keys = [];
    return sum;
  };
}

async function run(job: MicroJob): Promise<MicroReport> {
  const entry = pathToFileURL(join(job.checkout, 'dist/src/index.js'));
  const { createCache } = (await import(entry.href)) as Velocache;
  const capacity = Math.max(64 * 2 ** 20, job.items * 1_024);
  const types = { bytes: {}, large: {}, objects: {}, near: { near: { entries: HOT_ITEMS * 2, bytes: '8mb' } } };
  const cache = await createCache<Types & { default: unknown }>({ capacity, types });
  const [bytes, large] = [cache.type('bytes'), cache.type('large')];
  const [objects, near] = [cache.type('objects'), cache.type('near')];
  const micro = new Micro(job);
  const [byteValue, objectValue] = [poolOf((item) => bytesOf(item)), poolOf((item) => objectOf(item))];
  const largeValue = poolOf((item) => bytesOf(item, LARGE_BYTES));
  for (let item = 0; item < job.items; item++) {
    bytes.setBytes(keyOf(item), byteValue(item));
    objects.set(keyOf(item), objectValue(item));
    if (item < LARGE_ITEMS) large.setBytes(keyOf(item), largeValue(item));
    if (item < HOT_ITEMS) near.set(keyOf(item), objectValue(item));
  }
  const manyBytes = batched(
    (keys) => bytes.getMany(keys),
    ([first]) => first ?? 0,
  );
  const manyObjects = batched(
    (keys) => objects.getMany(keys),
    ({ score }) => score,
  );
  const report = [
    micro.both('get bytes', (key) => bytes.getBytes(key)?.[0] ?? 0),
    micro.both('get objects', (key) => objects.get(key)?.score ?? 0),
    micro.hot('get near objects', (key) => near.get(key)?.score ?? 0),
    micro.both('getMany bytes', manyBytes),
    micro.both('getMany objects', manyObjects),
    micro.both('set bytes', (key, item) => Number(bytes.setBytes(key, byteValue(item)))),
    micro.both('set objects', (key, item) => Number(objects.set(key, objectValue(item)))),
    micro.large('get 10 KB', (key) => large.getBytes(key)?.[0] ?? 0),
    micro.large('set 10 KB', (key, item) => Number(large.setBytes(key, largeValue(item)))),
    micro.both('has', (key) => Number(objects.has(key))),
    micro.both('miss of bytes', (key) => bytes.getBytes(key)?.[0] ?? 0, true),
    micro.both('miss of objects', (key) => objects.get(key)?.score ?? 0, true),
  ].flat();
  await cache.close();
  return report;
}

process.send!(await run(JSON.parse(process.argv[2] ?? '') as MicroJob));
process.disconnect();
