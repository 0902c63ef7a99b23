/** Properties of values by name: those that a type calls heavy, and those that `getFields` is asked for. */
import { assign } from '../codecs/msgpack-inflate.js';
import { OWN_CODEC } from '../codecs/own-codec.js';
import { HEAVY_MAX } from '../codecs/parts.js';
import { OptionError } from '../errors.js';

/** Names that `getFields` takes. */
const FIELDS_MAX = 256;

/** Throws for names that can't be lazy; undefined for none. */
export function resolveLazy(where: string, names: unknown, codec: string): readonly string[] | undefined {
  if (names === undefined) return undefined;
  const lazy = namesIn(where, names, 1, HEAVY_MAX);
  if (new Set(lazy).size < lazy.length) throw new OptionError(where, lazy, 'must name each property once');
  if (codec === 'raw' || codec === OWN_CODEC)
    throw new OptionError(
      where,
      'given',
      `needs codec 'msgpack', 'json', 'cbor' or 'structured', which can pack a property alone`,
    );
  return lazy;
}

/** Throws for what are no names of properties. */
export function checkedNames(names: unknown): ReadonlySet<string> {
  return new Set(namesIn('names', names, 0, FIELDS_MAX));
}

function namesIn(where: string, names: unknown, least: number, most: number): readonly string[] {
  const isList = Array.isArray(names) && names.length >= least && names.length <= most;
  if (isList && names.every((name) => typeof name === 'string')) return [...names];
  throw new OptionError(
    where,
    Array.isArray(names) ? `${names.length} names` : names,
    `must be an array of ${least} to ${most} strings`,
  );
}

/** An object with those of the named properties that a value has, enumerable ones of its own. */
export function pick(value: unknown, names: ReadonlySet<string>): object {
  const picked = {};
  if (typeof value !== 'object' || value === null) return picked;
  for (const name of names) {
    if (Object.prototype.propertyIsEnumerable.call(value, name))
      assign(picked, name, (value as Record<string, unknown>)[name]);
  }
  return picked;
}
