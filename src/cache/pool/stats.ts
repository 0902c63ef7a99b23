/** What `stats().pool` says. */
import { GLOBAL_COUNTER } from '../../engine/causes.js';
import type { Context } from '../../engine/context.js';
import type { Pool } from './pool.js';

export interface PoolStats {
  /** Asynchronous operations of all threads: those that workers did, and those done in place. */
  readonly tasks: number;
  readonly inPlace: number;
  /** Those that ended with VELOCACHE_WORKER. */
  readonly failures: number;
  /** Of this thread: operations in its pool, and those that wait to be let in. */
  readonly running: number;
  readonly waiting: number;
}

export function readPool(context: Context, pool: Pool | undefined): PoolStats {
  return {
    tasks: context.sumGlobal(GLOBAL_COUNTER.poolTasks),
    inPlace: context.sumGlobal(GLOBAL_COUNTER.poolInPlace),
    failures: context.sumGlobal(GLOBAL_COUNTER.poolFailures),
    running: pool?.running ?? 0,
    waiting: pool?.waiting ?? 0,
  };
}
