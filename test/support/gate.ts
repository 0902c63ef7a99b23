/** Holds workers of a cache's pool in the middle of a set, until the test lets them go on. */
import { setEnvironmentData, type Worker } from 'node:worker_threads';
import type { Cache, CacheOptions, PoolOptions } from 'velocache';
import { expect } from 'vitest';

const CLOSED = 0;
const ARRIVED = 1;
const MODULE = new URL('./fixtures/pool-functions.mjs', import.meta.url);

/** Types whose sets run a function in the worker: one that waits at the gate, and one that ends the worker. */
export type GateTypes = { default: unknown; gated: string; fatal: string };

/** Options of a cache with those types; a set of `FULL` to a type that is `filled` calls its function. */
export function gateOptions(pool: PoolOptions): Partial<CacheOptions<GateTypes>> {
  const reducing = { maxShare: 0.05, overflow: 'reduce', reduce: () => undefined } as const;
  return {
    pressure: false,
    types: { gated: reducing, fatal: reducing },
    pool: { send: 'always', module: MODULE, ...pool },
  };
}

/** Three quarters of what a type may have. */
export const FULL: string = 'x'.repeat(300_000);

export function fill(cache: Cache<GateTypes>, type: 'gated' | 'fatal'): void {
  expect(cache.type(type).set('old', FULL)).toBe(true);
}

type WaitAsync = (words: Int32Array, index: number, expected: number) => { readonly value: unknown };

/** Not yet in the types. */
async function waitAsync(words: Int32Array, index: number, expected: number): Promise<void> {
  await (Atomics as unknown as { waitAsync: WaitAsync }).waitAsync(words, index, expected).value;
}

export class Gate {
  readonly #words = new Int32Array(new SharedArrayBuffer(8));

  /** For workers that start from now on. */
  constructor() {
    setEnvironmentData('gate', this.#words);
    this.close();
  }

  close(): void {
    Atomics.store(this.#words, CLOSED, 1);
  }

  open(): void {
    Atomics.store(this.#words, CLOSED, 0);
    Atomics.notify(this.#words, CLOSED);
  }

  /** Resolves when so many workers, counted from the beginning, have come to the gate. */
  async arrived(workers = 1): Promise<void> {
    for (;;) {
      const count = Atomics.load(this.#words, ARRIVED);
      if (count >= workers) return;
      await waitAsync(this.#words, ARRIVED, count);
    }
  }
}

/** The workers that this thread starts while it is in use: those of pools, if it is made behind the cache. */
export class StartedWorkers {
  readonly workers: Worker[] = [];
  readonly #note = (worker: Worker): void => {
    this.workers.push(worker);
  };

  constructor() {
    process.on('worker', this.#note);
  }

  /** Those that have not ended. */
  get live(): Worker[] {
    return this.workers.filter(({ threadId }) => threadId >= 0);
  }

  [Symbol.dispose](): void {
    process.off('worker', this.#note);
  }
}
