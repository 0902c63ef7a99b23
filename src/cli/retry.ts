/** VELOCACHE_BUSY says that nothing was changed, and to try again: as anyone does who can't do without the outcome. */
import { BusyError } from '../index.js';

/** Each try waits for its lock. */
const TRIES_MAX = 10;

/** The same for an operation that the pool may do. */
export async function retryBusyAsync<R>(operation: () => Promise<R>): Promise<R> {
  for (let tries = 1; ; tries++) {
    try {
      return await operation();
    } catch (error) {
      if (!(error instanceof BusyError) || tries === TRIES_MAX) throw error;
    }
  }
}

export function retryBusy<R>(operation: () => R): R {
  for (let tries = 1; ; tries++) {
    try {
      return operation();
    } catch (error) {
      if (!(error instanceof BusyError) || tries === TRIES_MAX) throw error;
    }
  }
}
