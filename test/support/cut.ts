/**
 * Cuts an operation short before its n-th atomic operation, by an error that comes out of `Atomics`: what a time-out
 * of `vm` or an overflow of the stack does to a thread that lives on.
 */
const NAMES = ['load', 'store', 'add', 'exchange', 'compareExchange'] as const;

class Cut extends Error {}

/** Runs `action` up to its atomic operation number `step`, from 0. False if it came to its end before that. */
export function cutAt(step: number, action: () => void): boolean {
  let left = step;
  try {
    beforeEachAtomic(() => {
      if (left-- === 0) throw new Cut();
    }, action);
    return false;
  } catch (error) {
    if (!(error instanceof Cut)) throw error;
    return true;
  }
}

/** Runs `action`, and `look` before each of its atomic operations. Returns how many there were. */
export function watchAtomics(look: () => void, action: () => void): number {
  let seen = 0;
  beforeEachAtomic(() => {
    seen += 1;
    look();
  }, action);
  return seen;
}

function beforeEachAtomic(stop: () => void, action: () => void): void {
  const atomics = Atomics as unknown as Record<string, (...args: unknown[]) => unknown>;
  const originals = NAMES.map((name) => [name, atomics[name]!] as const);
  for (const [name, original] of originals) {
    atomics[name] = (...args) => {
      stop();
      return original(...args);
    };
  }
  try {
    action();
  } finally {
    for (const [name, original] of originals) atomics[name] = original;
  }
}
