/** One asynchronous operation on its way to a worker and back: where it is, and how its caller gets it out of there. */
import { store } from '#atomics';
import type { ExchangeBuffer } from './exchange.js';

export class Errand {
  /** Rejects with the signal's reason when it comes; never settles otherwise. */
  readonly aborted: Promise<never>;
  /** Whether it has been called off, and should not be sent any more. */
  isCalledOff = false;
  readonly #signal: AbortSignal | undefined;
  #buffer: ExchangeBuffer | undefined;
  #rejectAborted: (reason: unknown) => void = () => {};
  #onCallOff: (() => void) | undefined;
  readonly #onAbort = (): void => {
    this.#rejectAborted(this.#signal?.reason);
    this.callOff();
  };

  constructor(signal: AbortSignal | undefined) {
    this.#signal = signal;
    this.aborted = new Promise((_, reject) => {
      this.#rejectAborted = reject;
    });
    // Nobody may be waiting for it any more.
    this.aborted.catch(() => {});
    signal?.addEventListener('abort', this.#onAbort, { once: true });
  }

  /** It goes out with this buffer, whose recall reaches it from now on. */
  embark(buffer: ExchangeBuffer): void {
    this.#buffer = buffer;
  }

  /** What is to happen if it is called off where it waits. */
  set onCallOff(action: (() => void) | undefined) {
    this.#onCallOff = action;
  }

  /** Whoever waits for room gives up; a worker that has not yet stored anything for it will not. */
  callOff(): void {
    this.isCalledOff = true;
    if (this.#buffer !== undefined) store(this.#buffer.recall, 0, 1);
    this.#onCallOff?.();
  }

  /** It has come back: its buffer is no longer its own. */
  end(): void {
    this.#buffer = undefined;
    this.#onCallOff = undefined;
    this.#signal?.removeEventListener('abort', this.#onAbort);
  }
}
