import { types } from 'node:util';
import { describe, type Label, renderLabel } from './value-path.js';

/** A value that structured clone refuses. */
interface Unclonable {
  readonly what: string;
  readonly path: string;
}

interface Place {
  readonly value: unknown;
  readonly path: string;
}

/** Kinds by `Object.prototype.toString` that structured clone refuses although they are objects. */
const REFUSED = new Set([
  'Promise',
  'WeakMap',
  'WeakSet',
  'WeakRef',
  'Generator',
  'SharedArrayBuffer',
  'FinalizationRegistry',
]);

/** The first part of `value` that structured clone refuses; called only after it refused, to say what and where. */
export function locateUnclonable(value: unknown): Unclonable | undefined {
  const seen = new Set<unknown>();
  const pending: Place[] = [{ value, path: '' }];
  for (let place = pending.pop(); place !== undefined; place = pending.pop()) {
    if (seen.has(place.value)) continue;
    seen.add(place.value);
    if (isRefused(place.value)) return { what: describe(place.value), path: place.path };
    if (typeof place.value === 'object' && place.value !== null) pending.push(...partsOf(place.value, place.path));
  }
  return undefined;
}

function isRefused(value: unknown): boolean {
  if (typeof value === 'function' || typeof value === 'symbol') return true;
  return REFUSED.has(Object.prototype.toString.call(value).slice('[object '.length, -1));
}

/** In reverse, because the places are taken from the end. */
function partsOf(parent: object, path: string): Place[] {
  return labelledParts(parent)
    .map(([label, value]) => ({ value, path: path + renderLabel(parent, label) }))
    .reverse();
}

function labelledParts(parent: object): [Label, unknown][] {
  if (ArrayBuffer.isView(parent)) return [];
  if (types.isMap(parent)) return [...parent].flat(1).map((part, i) => [i, part]);
  if (types.isSet(parent)) return [...parent].map((part, i) => [i, part]);
  const label = Array.isArray(parent) ? Number : String;
  const keys = types.isNativeError(parent) ? ['cause'] : Object.keys(parent);
  return keys.map((key) => [label(key), (parent as Record<string, unknown>)[key]]);
}
