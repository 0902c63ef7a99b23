/** VELOCACHE_BUSY says that nothing was changed, and to try again: as anyone does who can't do without the outcome. */
import { BusyError } from '../index.js';

/** Each try waits for its lock. */
const TRIES_MAX = 10;

export function retryBusy<R>(operation: () => R): R {
  for (let tries = 1; ; tries++) {
    try {
      return operation();
    } catch (error) {
      if (!(error instanceof BusyError) || tries === TRIES_MAX) throw error;
    }
  }
}
