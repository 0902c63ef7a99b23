import { OptionError } from '../errors.js';

/** The URL of a module that an option names, as text. */
export function resolveModuleUrl(where: string, module: URL | string): string {
  const url = URL.canParse(String(module)) ? new URL(module).href : undefined;
  if (url !== undefined) return url;
  throw new OptionError(where, module, 'must be a URL: new URL("./module.js", import.meta.url)');
}
