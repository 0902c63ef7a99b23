/** What the demo leaves to the pools of its threads: packing, compressing and loading the values that can be large. */
import type { CacheOptions } from '../index.js';
import { DEMO_TYPE_OPTIONS } from './limits.js';
import type { DemoType, DemoTypes } from './values.js';

/**
 * The types whose values are stored and read by the pool where that is worth the trip: some of those that can be large. A
 * promise for each access of all of them would be most of the load.
 */
export const POOLED_TYPES: readonly DemoType[] = ['route', 'llm'];

/** Of those, the ones that workers load, too, whatever their size: most of what is large. */
export const LOADED_TYPES: readonly DemoType[] = ['route'];

/** Threads that may have a pool of one worker each: with the warden they are the 128 that a cache can have. */
const PARTICIPANTS_MAX = 63;

// Compiled, the package keeps its folders.
const SOURCE_URL = new URL('../../workers/demo-source.js', import.meta.url);
const FUNCTIONS_URL = new URL('../../workers/demo-functions.js', import.meta.url);

/** `size`: values of each type to choose from. */
export function pooledOptions(
  seed: number,
  size: number,
  participants: number,
): Pick<CacheOptions<DemoTypes>, 'types' | 'pool'> {
  const loader = new URL(SOURCE_URL);
  loader.search = new URLSearchParams({ seed: `${seed}`, size: `${size}` }).toString();
  return {
    types: { ...DEMO_TYPE_OPTIONS, route: { ...DEMO_TYPE_OPTIONS.route, loader } },
    pool: participants <= PARTICIPANTS_MAX && { threads: 1, module: FUNCTIONS_URL },
  };
}
