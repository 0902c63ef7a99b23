/** Loads in this and other threads that bring what they are told, when they are told. */
import type { Remote } from './remote.js';

/** A loader that counts its calls and waits. */
export class HeldLoader<V> {
  calls = 0;
  readonly signals: AbortSignal[] = [];
  #land: (value: V | undefined) => void = () => {};
  #fail: (error: unknown) => void = () => {};

  readonly load = (_key: string, { signal }: { readonly signal: AbortSignal }): Promise<V | undefined> => {
    this.calls += 1;
    this.signals.push(signal);
    return new Promise((resolve, reject) => {
      this.#land = resolve;
      this.#fail = reject;
    });
  };

  land(value: V | undefined): void {
    this.#land(value);
  }

  fail(error: unknown): void {
    this.#fail(error);
  }
}

/** What a remote's loader does: `isHeld` ones wait for the command `land`. */
export interface Source {
  readonly value?: unknown;
  readonly error?: { readonly message: string; readonly name?: string; readonly code?: string };
  readonly isHeld?: boolean;
}

/** A fetch that has come to its load, or to its wait for another's. */
export interface Begun {
  readonly answer: Promise<unknown>;
}

/** Resolves when the other thread's fetch has begun: a thread takes commands one after the other. */
export async function beginFetch(remote: Remote, key: string, source: Source, options: object = {}): Promise<Begun> {
  const answer = remote.do('fetch', key, source, options);
  // Whoever looks at it later sees its error.
  answer.catch(() => {});
  await remote.call('has', 'another');
  return { answer };
}

/** How many loads the thread has told of. */
export function loadsOf(remote: Remote): number {
  return remote.events.filter(({ type }) => type === 'loading').length;
}
