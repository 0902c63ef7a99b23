/** The loads of a loader module in whatever workers it runs: a test sees them begin, and says what they come to. */
import { BroadcastChannel } from 'node:worker_threads';
import { afterEach, beforeEach } from 'vitest';

/** The option `loader` of a type. */
export const LOADER: URL = new URL('./fixtures/loader.mjs', import.meta.url);

export interface ModuleSource {
  readonly value?: unknown;
  /** The value is a text, so many times. */
  readonly repeat?: number;
  readonly error?: { readonly message: string; readonly name?: string; readonly code?: string };
  /** Ends the worker. */
  readonly exit?: number;
}

interface Note {
  readonly type: 'loading' | 'aborted';
  readonly thread: number;
  readonly key: string;
  readonly reason: string;
}

export class ModuleLoads {
  readonly notes: Note[] = [];
  readonly #channel = new BroadcastChannel('velocache loads');
  #onNote: () => void = () => {};

  constructor() {
    this.#channel.onmessage = (event: unknown) => {
      this.notes.push((event as { data: Note }).data);
      this.#onNote();
    };
  }

  /** How many loads of a key have begun, as far as is known. */
  count(key: string): number {
    return this.#of('loading', key).length;
  }

  #of(type: Note['type'], key: string): Note[] {
    return this.notes.filter((note) => note.type === type && note.key === key);
  }

  async #nth(type: Note['type'], key: string, number: number): Promise<Note> {
    for (;;) {
      const note = this.#of(type, key)[number - 1];
      if (note !== undefined) return note;
      await new Promise<void>((resolve) => {
        this.#onNote = resolve;
      });
    }
  }

  /** Resolves when so many loads of a key have begun: the last of them. */
  begun(key: string, number = 1): Promise<Note> {
    return this.#nth('loading', key, number);
  }

  aborted(key: string): Promise<Note> {
    return this.#nth('aborted', key, 1);
  }

  /** Ends a load that has begun. */
  land({ thread, key }: Note, source: ModuleSource): void {
    this.#channel.postMessage({ thread, key, source });
  }

  close(): void {
    this.#channel.close();
  }
}

/** Call it once in a `describe`, or at the top of a file. */
export function useModuleLoads(): { readonly current: ModuleLoads } {
  const holder = { current: undefined as unknown as ModuleLoads };
  beforeEach(() => {
    holder.current = new ModuleLoads();
  });
  afterEach(() => holder.current.close());
  return holder;
}
