/** Modules that load the missing values of a type: the option `loader`. Each is imported where it runs, when it first does. */
import { OptionError } from '../errors.js';
import type { Loader } from './fetcher.js';

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
