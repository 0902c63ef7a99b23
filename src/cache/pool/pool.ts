/**
 * The pool of one thread for one cache. So many errands at a time are let in, each with an exchange buffer; those beyond
 * wait outside, in their order, and take no shared memory yet. While anything is under way the process stays alive; when
 * nothing has been for a while, the workers end.
 */
import { ClosedError } from '../../errors.js';
import type { CacheHandle } from '../handle.js';
import { Crew, type Parts, type Tasks } from './crew.js';
import type { Errand } from './errand.js';
import { ExchangeBuffers } from './exchange.js';
import type { PoolPlan } from './pool-options.js';

/** Bytes of free exchange buffers that a pool keeps. */
const KEPT_BYTES_MAX = 2 ** 23;
/** The longest time that a timer can be set to. */
const TIMER_MS_MAX = 2 ** 31 - 1;
/** How long `close` waits for what is under way, before it ends the workers. */
const CLOSE_MS = 5_000;

interface Waiter {
  readonly letIn: (isIn: boolean) => void;
  readonly refuse: (error: unknown) => void;
}

export class Pool {
  readonly buffers: ExchangeBuffers = new ExchangeBuffers(KEPT_BYTES_MAX);
  readonly #handle: CacheHandle<unknown>;
  readonly #plan: PoolPlan;
  readonly #waiting = new Map<Errand, Waiter>();
  #running = 0;
  #crew: Crew | undefined;
  #isClosed = false;
  #alive: NodeJS.Timeout | undefined;
  #idle: NodeJS.Timeout | undefined;
  #onEmpty: () => void = () => {};

  constructor(handle: CacheHandle<unknown>, plan: PoolPlan) {
    this.#handle = handle;
    this.#plan = plan;
  }

  /** Errands inside, and those that wait to be let in. */
  get running(): number {
    return this.#running;
  }

  get waiting(): number {
    return this.#waiting.size;
  }

  /** Whether an errand that is let in now finds a worker of its own. */
  get isQuiet(): boolean {
    return this.#running <= this.#plan.threads;
  }

  /**
   * Lets an errand in: undefined if at once; else true when its turn has come, false if it has been called off. Each that
   * is let in is to `leave`. Rejects with VELOCACHE_CLOSED.
   */
  enter(errand: Errand): Promise<boolean> | undefined {
    if (this.#isClosed) return Promise.reject(new ClosedError());
    this.#stayAlive();
    if (this.#running < this.#plan.threads + this.#plan.queue) {
      this.#running += 1;
      return undefined;
    }
    return new Promise((letIn, refuse) => {
      this.#waiting.set(errand, { letIn, refuse });
      errand.onCallOff = () => this.#giveUp(errand);
    });
  }

  #giveUp(errand: Errand): void {
    const waiter = this.#waiting.get(errand);
    this.#waiting.delete(errand);
    waiter?.letIn(false);
    this.#rest();
  }

  /** An errand is over; the one that has waited longest comes in. */
  leave(): void {
    this.#running -= 1;
    const [first] = this.#waiting;
    if (first !== undefined) {
      const [errand, { letIn }] = first;
      this.#waiting.delete(errand);
      errand.onCallOff = undefined;
      this.#running += 1;
      letIn(true);
    }
    this.#rest();
  }

  /** Has a worker do a task; rejects if the worker dies over it. */
  run<N extends keyof Tasks>(name: N, task: Tasks[N]['task'], parts: Parts = []): Promise<Tasks[N]['answer']> {
    this.#crew ??= new Crew(this.#handle, this.#plan);
    return this.#crew.run(name, task, parts);
  }

  #stayAlive(): void {
    clearTimeout(this.#idle);
    this.#alive ??= setInterval(() => {}, TIMER_MS_MAX);
  }

  /** If nothing is under way: holds the process no more, and the workers not much longer. */
  #rest(): void {
    if (this.#running > 0 || this.#waiting.size > 0) return;
    clearInterval(this.#alive);
    this.#alive = undefined;
    this.#onEmpty();
    const { idleMs } = this.#plan;
    if (idleMs === 0 || this.#isClosed) return;
    this.#idle = setTimeout(() => void this.#retire(), Math.min(idleMs, TIMER_MS_MAX));
    this.#idle.unref();
  }

  async #retire(): Promise<void> {
    const crew = this.#crew;
    this.#crew = undefined;
    this.buffers.clear();
    await crew?.retire();
  }

  /** Refuses what waits, lets what is inside come to its end, and ends the workers. */
  async close(): Promise<void> {
    this.#isClosed = true;
    for (const [errand, { refuse }] of this.#waiting) {
      errand.onCallOff = undefined;
      refuse(new ClosedError());
    }
    this.#waiting.clear();
    this.#stayAlive();
    if (this.#running > 0) await this.#empty();
    await this.#retire();
    clearInterval(this.#alive);
  }

  #empty(): Promise<void> {
    return new Promise((resolve) => {
      const bound = setTimeout(resolve, CLOSE_MS);
      this.#onEmpty = () => {
        clearTimeout(bound);
        this.#stayAlive();
        resolve();
      };
    });
  }
}
