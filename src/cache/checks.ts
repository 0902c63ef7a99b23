/** Checks that options of several kinds share. */
import { OptionError } from '../errors.js';

export function checkObject(where: string, options: unknown): asserts options is object {
  if (typeof options === 'object' && options !== null && !Array.isArray(options)) return;
  throw new OptionError(where, options, 'must be an object');
}

export function checkNames(where: string, options: unknown, names: readonly string[]): void {
  checkObject(where, options);
  for (const name of Object.keys(options)) {
    if (!names.includes(name))
      throw new OptionError(`${where}.${name}`, 'given', `the options are ${names.join(', ')}`);
  }
}

/** A share that is smaller than the smallest chunk would hold nothing. */
export function checkHolds(where: string, share: number, capacityBytes: number, chunkBytesMin: number): void {
  if (share * capacityBytes >= chunkBytesMin) return;
  throw new OptionError(where, share, `must come to ${chunkBytesMin} bytes at least, the smallest chunk`);
}
