/**
 * The workers of a pool: one Piscina, loaded and started with the first task, and what it leaves to its user. A worker that
 * dies while it starts takes no task with it, but Piscina starts no other by itself; workers detach from the cache before
 * they are ended; and a worker that is started keeps the process alive for as long as somebody waits for it.
 */
import type { Transferable } from 'node:worker_threads';
import type { Piscina } from 'piscina';
import type { CacheHandle } from '../handle.js';
import type { PoolPlan } from './pool-options.js';
import type { LoadAnswer, LoadTask, PoolWorkerData, ReadAnswer, ReadTask, StoreAnswer, StoreTask } from './tasks.js';

/** By the names of the files and functions in workers/. */
export interface Tasks {
  readonly store: { readonly task: StoreTask; readonly answer: StoreAnswer };
  readonly read: { readonly task: ReadTask; readonly answer: ReadAnswer };
  readonly load: { readonly task: LoadTask; readonly answer: LoadAnswer };
  readonly leave: { readonly task: undefined; readonly answer: undefined };
}

/** What a task doesn't share with its thread, but takes along. */
export type Parts = readonly Transferable[];

/** Workers in a row that may die while they start, before the tasks that wait for one are given up. */
const FAILED_STARTS_MAX = 5;
/** How long the end of a crew waits for its workers to detach. */
const LEAVE_MS = 1_000;

export class Crew {
  readonly #started: Promise<Piscina>;
  #failedStarts = 0;
  #isRetired = false;

  constructor(handle: CacheHandle<unknown>, plan: PoolPlan) {
    this.#started = this.#start({ handle, module: plan.module }, plan.threads);
    // Whoever runs a task hears of it.
    this.#started.catch(() => {});
  }

  async #start(workerData: PoolWorkerData, maxThreads: number): Promise<Piscina> {
    const { ArrayTaskQueue, Piscina } = await import('piscina');
    const piscina = new Piscina({
      minThreads: 0,
      maxThreads,
      // The whole crew is ended when it has nothing to do, since Piscina alone would kill workers that are attached.
      idleTimeout: Number.POSITIVE_INFINITY,
      // With 'sync' an idle worker's event loop would stand still, and the warden get no answer from it.
      atomics: 'disabled',
      taskQueue: new ArrayTaskQueue(),
      stricterFIFO: true,
      recordTiming: false,
      execArgv: [],
      workerData,
    });
    // An error outside of tasks: the worker is gone, and the next task starts another.
    piscina.on('error', (error: Error) => process.emitWarning(error, { code: 'VELOCACHE_WORKER' }));
    piscina.on('workerCreate', () => {
      this.#failedStarts = 0;
    });
    // It is told just before the worker is taken off the list.
    piscina.on('workerDestroy', () => queueMicrotask(() => this.#replace(piscina)));
    return piscina;
  }

  /** Has a worker do a task, part of which may go over to it. Rejects only if the worker died, or ended with the crew. */
  async run<N extends keyof Tasks>(name: N, task: Tasks[N]['task'], parts: Parts): Promise<Tasks[N]['answer']> {
    return this.#post(await this.#started, name, task, parts);
  }

  #post<N extends keyof Tasks>(
    piscina: Piscina,
    name: N,
    task: Tasks[N]['task'],
    transferList: Parts = [],
  ): Promise<Tasks[N]['answer']> {
    const filename = new URL(`../../../workers/${name}.js`, import.meta.url).href;
    return piscina.run(task, { filename, name, transferList: [...transferList] });
  }

  /** Behind a worker's death: if none is left and there are tasks, another task makes Piscina start one. */
  #replace(piscina: Piscina): void {
    if (this.#isRetired || piscina.threads.length > 0 || piscina.queueSize === 0) return;
    this.#failedStarts += 1;
    if (this.#failedStarts <= FAILED_STARTS_MAX) this.#post(piscina, 'leave', undefined).catch(() => {});
    else void piscina.destroy();
  }

  /** Ends all workers; what they still do rejects. Those without a task detach first. */
  async retire(): Promise<void> {
    this.#isRetired = true;
    const piscina = await this.#started.catch(() => undefined);
    if (piscina === undefined) return;
    const leaving = piscina.threads.map(() => this.#post(piscina, 'leave', undefined));
    await within(LEAVE_MS, Promise.allSettled(leaving));
    await piscina.destroy();
  }
}

/** Waits for a promise that never rejects, so long at most. */
async function within(ms: number, promise: Promise<unknown>): Promise<void> {
  let timer: NodeJS.Timeout | undefined;
  const bound = new Promise<void>((resolve) => {
    timer = setTimeout(resolve, ms);
    timer.unref();
  });
  await Promise.race([promise, bound]);
  clearTimeout(timer);
}
