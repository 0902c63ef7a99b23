/** Modules that load the missing values of a type: the option `loader`. They are imported where they run, when they first do. */
import { OWN_CODEC } from '../codecs/own-codec.js';
import { OptionError } from '../errors.js';
import type { Loader } from './fetcher.js';
import type { TypePlan } from './options.js';
import type { PoolPlan } from './pool/pool-options.js';

/**
 * Throws for a type whose values no worker could pack and store, since nothing gives it the functions that this takes. In
 * place everything is at hand.
 */
export function checkLoaders(types: readonly TypePlan[], pool: PoolPlan | false): void {
  if (pool === false || pool.module !== undefined) return;
  for (const { name, loader, codec, overflow } of types) {
    const needs = codec === OWN_CODEC ? 'codec' : overflow === 'reduce' ? 'reduce' : undefined;
    if (loader === undefined || needs === undefined) continue;
    const bound = `needs pool.module, which gives types.${name}.${needs} to the workers that run it`;
    throw new OptionError(`types.${name}.loader`, loader, bound);
  }
}

/** The function that a module exports. Throws VELOCACHE_OPTION, with the reason, if there is none to be had. */
export async function importLoader<V>(type: string, url: string): Promise<Loader<V>> {
  const where = `types.${type}.loader`;
  let found: { readonly default?: unknown };
  try {
    found = (await import(url)) as typeof found;
  } catch (error) {
    throw new OptionError(where, url, `can not be imported: ${error instanceof Error ? error.message : error}`);
  }
  if (typeof found.default === 'function') return found.default as Loader<V>;
  throw new OptionError(where, url, 'must have a function as its default export');
}
