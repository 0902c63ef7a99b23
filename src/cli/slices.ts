import { setImmediate as nextTurn } from 'node:timers/promises';

/** Long enough to spend little on switching, short enough for timers and messages to be served in time. */
const SLICE_MS = 10;

/**
 * Repeats a small step until it says that it has finished (false) or the signal is given. The event loop gets a turn
 * after every slice, because messages and Ctrl-C arrive there.
 */
export async function runInSlices(
  step: () => boolean | Promise<boolean>,
  signal: AbortSignal,
  now: () => number,
): Promise<void> {
  while (!signal.aborted) {
    const sliceEndMs = now() + SLICE_MS;
    do {
      const goesOn = step();
      // A promise that need not be waited for costs less.
      if (!(typeof goesOn === 'boolean' ? goesOn : await goesOn)) return;
    } while (now() < sliceEndMs);
    await nextTurn();
  }
}
