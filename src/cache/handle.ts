/** What a thread needs to attach: plain data, to be passed in workerData, by postMessage or setEnvironmentData. */

import { isClockBuffer, isSharedMemory, LAYOUT_VERSION } from '../../native-free/index.js';
import { HandleError } from '../errors.js';
import { isGaugeBuffer } from './gauge.js';
import { type CachePlan, planHash } from './plan.js';

declare const TYPES: unique symbol;

export interface CacheHandle<T> {
  readonly velocache: 'handle';
  readonly layoutVersion: number;
  readonly configHash: number;
  readonly plan: CachePlan;
  /** The segments of the arena. */
  readonly buffers: readonly SharedArrayBuffer[];
  /** The monotonic time, in ms, that the cache's clock counts from. */
  readonly epochMs: number;
  /** The manual clock's buffer, if the cache has one. */
  readonly clock: SharedArrayBuffer | undefined;
  /** The gauges' buffers, of the sources of pressure that have one. */
  readonly gauges: { readonly [name in 'rss' | 'heap' | 'eventLoop']?: SharedArrayBuffer };
  /** Carries the value types of the cache; there is no such property. */
  readonly [TYPES]?: T;
}

/** Throws VELOCACHE_HANDLE_VERSION for what isn't a handle of this version and its own configuration. */
export function checkHandle(handle: CacheHandle<unknown>): void {
  if (typeof handle !== 'object' || handle === null || handle.velocache !== 'handle') {
    throw new HandleError('handle is not the handle of a cache: pass cache.handle');
  }
  if (handle.layoutVersion !== LAYOUT_VERSION) {
    throw new HandleError(`handle has layout version ${handle.layoutVersion}, this velocache has ${LAYOUT_VERSION}`);
  }
  const isWhole =
    typeof handle.plan === 'object' &&
    handle.configHash === planHash(handle.plan) &&
    hasMemory(handle) &&
    hasGauges(handle);
  if (!isWhole) throw new HandleError('handle has been changed since it was made');
}

function hasGauges({ gauges, plan }: CacheHandle<unknown>): boolean {
  if (typeof gauges !== 'object' || gauges === null) return false;
  const sources = Object.entries(plan.pressure).filter(([, source]) => source === 'gauge');
  return sources.every(([name]) => isGaugeBuffer(gauges[name as keyof typeof gauges]));
}

function hasMemory({ buffers, clock, epochMs }: CacheHandle<unknown>): boolean {
  const isTimed = Number.isFinite(epochMs) && (clock === undefined || isClockBuffer(clock));
  return isTimed && Array.isArray(buffers) && buffers.length > 0 && buffers.every(isSharedMemory);
}
