/** Ends workers, and waits until what that has left is cleared up. */
import { once } from 'node:events';
import type { Worker } from 'node:worker_threads';
import type { Cache } from 'velocache';

/** A turn of the event loop. */
export function turn(): Promise<void> {
  return new Promise((resolve) => setImmediate(resolve));
}

/** Waits until what the dead have left is cleared up, which nothing but the bound of the test ends otherwise. */
export async function settled(cache: Pick<Cache, 'stats'>, threads: number): Promise<void> {
  while (cache.stats().threads > threads) await turn();
}

export async function end(worker: Worker): Promise<void> {
  const exited = once(worker, 'exit');
  await worker.terminate();
  await exited;
}
