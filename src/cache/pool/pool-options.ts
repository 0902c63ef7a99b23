/** The pool as the options describe it. */
import { availableParallelism } from 'node:os';
import { OptionError } from '../../errors.js';
import { resolveModuleUrl } from '../module-url.js';
import { type Duration, parseDuration } from '../units.js';

export interface PoolOptions {
  /** Most workers of one thread's pool, 1 to 64. Default: the cores less one, at least 1, at most 8. */
  readonly threads?: number;
  /** Tasks that wait in the pool, their bytes in shared memory; what is more waits outside. 0 to 65,536. Default: 64. */
  readonly queue?: number;
  /** How long a pool without anything to do keeps its workers. Default: '10s'. */
  readonly idle?: Duration;
  /** 'measured': what is worth the trip is sent, the rest done in place. 'always': everything is sent. Default: 'measured'. */
  readonly send?: 'measured' | 'always';
  /**
   * A module whose default export is what `attachCache` is to be given in a worker: the functions of the cache. Without it
   * sets of types that need one there (`reduce`) are done in place; a type with a `loader` that needs one is refused.
   */
  readonly module?: URL | string;
}

/** Plain data. */
export interface PoolPlan {
  readonly threads: number;
  readonly queue: number;
  readonly idleMs: number;
  readonly isAlways: boolean;
  /** The module's URL. */
  readonly module: string | undefined;
}

const THREADS_MAX = 64;
const THREADS_DEFAULT_MAX = 8;
const QUEUE_MAX = 65_536;
const QUEUE_DEFAULT = 64;
const SENDS: readonly unknown[] = ['measured', 'always'];

export const POOL_OPTIONS: readonly string[] = ['threads', 'queue', 'idle', 'send', 'module'];

/** The names have been checked. */
export function resolvePool(options: PoolOptions): PoolPlan {
  const { send = 'measured', idle = '10s' } = options;
  if (!SENDS.includes(send)) throw new OptionError('pool.send', send, `must be one of ${SENDS.join(', ')}`);
  const threads = Math.min(THREADS_DEFAULT_MAX, Math.max(1, availableParallelism() - 1));
  return {
    threads: resolveCount('pool.threads', options.threads ?? threads, 1, THREADS_MAX),
    queue: resolveCount('pool.queue', options.queue ?? QUEUE_DEFAULT, 0, QUEUE_MAX),
    idleMs: parseDuration('pool.idle', idle),
    isAlways: send === 'always',
    module: options.module === undefined ? undefined : resolveModuleUrl('pool.module', options.module),
  };
}

function resolveCount(where: string, count: number, least: number, most: number): number {
  if (Number.isInteger(count) && count >= least && count <= most) return count;
  throw new OptionError(where, count, `must be a whole number from ${least} to ${most}`);
}
