/** Another thread with the cache, told by messages what to do. Threads still alive behind a test are ended. */
import { once } from 'node:events';
import { Worker } from 'node:worker_threads';
import type { CacheEvent, CacheHandle } from 'velocache';
import { afterEach } from 'vitest';

interface Answer {
  readonly id?: number;
  readonly result?: unknown;
  readonly error?: { readonly code: string; readonly message: string; readonly cause?: object };
  readonly event?: CacheEvent;
}

type Loading = 'fetch' | 'land' | 'abort' | 'storm' | 'streams' | 'streaming';
type Method =
  | 'call'
  | 'typed'
  | 'attach'
  | 'attachWith'
  | 'attachRaw'
  | 'churn'
  | 'create'
  | 'listen'
  | 'reduce'
  | 'codec'
  | 'fill'
  | 'store'
  | 'exit'
  | 'throw'
  | 'rest'
  | Loading;

export class Remote {
  readonly worker: Worker;
  readonly events: CacheEvent[] = [];
  readonly exited: Promise<unknown>;
  readonly #waiting = new Map<number, (answer: Answer) => void>();
  #onEvent: () => void = () => {};
  #id = 0;

  constructor(handle?: CacheHandle<never> | CacheHandle<unknown>) {
    this.worker = new Worker(new URL('./fixtures/remote.mjs', import.meta.url), { workerData: { handle } });
    this.exited = once(this.worker, 'exit').catch((error: unknown) => error);
    this.worker.on('message', (answer: Answer) => this.#receive(answer));
    this.worker.on('error', () => {});
  }

  #receive(answer: Answer): void {
    if (answer.event !== undefined) {
      this.events.push(answer.event);
      this.#onEvent();
      return;
    }
    this.#waiting.get(answer.id ?? -1)?.(answer);
  }

  /** The command's result; rejects with the code and message of what it threw. */
  async do(command: Method, ...args: unknown[]): Promise<unknown> {
    this.#id += 1;
    const id = this.#id;
    const answer = new Promise<Answer>((resolve) => this.#waiting.set(id, resolve));
    this.worker.postMessage({ id, command, args });
    const { result, error } = await answer;
    if (error !== undefined) throw Object.assign(new Error(error.message), { code: error.code, cause: error.cause });
    return result;
  }

  /** A method of the thread's cache. */
  call(method: string, ...args: unknown[]): Promise<unknown> {
    return this.do('call', method, ...args);
  }

  /** Resolves when an event that `matches` has come. */
  async event(matches: (event: CacheEvent) => boolean): Promise<CacheEvent> {
    for (;;) {
      const found = this.events.find(matches);
      if (found !== undefined) return found;
      await new Promise<void>((resolve) => {
        this.#onEvent = resolve;
      });
    }
  }
}

/** Call it once in a `describe`, or at the top of a file. */
export function useRemotes(): { start(handle?: CacheHandle<never> | CacheHandle<unknown>): Remote } {
  let remotes: Remote[] = [];
  afterEach(async () => {
    const started = remotes;
    remotes = [];
    await Promise.all(started.map((remote) => remote.worker.terminate()));
  });
  return {
    start(handle) {
      const remote = new Remote(handle);
      remotes.push(remote);
      return remote;
    },
  };
}
