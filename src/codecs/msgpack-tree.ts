import { types } from 'node:util';
import { BINARY_PROTOTYPES } from './msgpack-extensions.js';

/** Deeper values take the graph form, whose writer and reader do not recurse. Below the reader's own bound. */
export const TREE_DEPTH_MAX = 256;

/** Up to this many objects a scan of an array is cheaper than a Set. */
const SEEN_LIST_MAX = 16;

const INT64_MIN = -(2n ** 63n);
const UINT64_MAX = 2n ** 64n - 1n;

/** A string method of ES2024 that every supported Node has. */
interface WellFormedText {
  isWellFormed(): boolean;
}

/** The objects met so far in one value, whether its strings are looked at, and the binary kinds that it may have. */
interface Seen {
  list: object[];
  set: Set<object> | undefined;
  readonly checkText: boolean;
  readonly binary: ReadonlySet<unknown>;
}

/**
 * True if plain MessagePack gives `value` back unchanged: a tree of null, undefined, booleans, numbers, strings, 64-bit
 * integers, plain objects, dense arrays, dates and binary data, in which no object appears twice. With `checkText`,
 * its strings must be well-formed too; that costs as much as all the rest, so the caller asks only when in doubt.
 * `binary` are the prototypes of binary data, for a format that keeps fewer kinds of it.
 */
export function isPlainTree(
  value: unknown,
  checkText: boolean,
  binary: ReadonlySet<unknown> = BINARY_PROTOTYPES,
): boolean {
  return isPlain(value, { list: [], set: undefined, checkText, binary }, 0);
}

function isPlain(value: unknown, seen: Seen, depth: number): boolean {
  switch (typeof value) {
    case 'string':
      return !seen.checkText || isWellFormed(value);
    case 'number':
      return value !== 0 || 1 / value > 0;
    case 'boolean':
    case 'undefined':
      return true;
    case 'object':
      return value === null || isPlainObject(value, seen, depth);
    case 'bigint':
      return isInt64(value);
    default:
      return false;
  }
}

function isPlainObject(value: object, seen: Seen, depth: number): boolean {
  if (depth > TREE_DEPTH_MAX || !isFirstSight(value, seen)) return false;
  const prototype: unknown = Object.getPrototypeOf(value);
  if (prototype === Object.prototype || prototype === null) return arePropertiesPlain(value, seen, depth + 1);
  if (prototype === Array.prototype) return Array.isArray(value) && areElementsPlain(value, seen, depth + 1);
  return isPlainLeaf(value, prototype, seen.binary);
}

/** Dates and binary data; objects that only borrow such a prototype are not taken for them. */
export function isPlainLeaf(
  value: object,
  prototype: unknown,
  binary: ReadonlySet<unknown> = BINARY_PROTOTYPES,
): boolean {
  if (prototype === Date.prototype) return types.isDate(value);
  return binary.has(prototype) && (ArrayBuffer.isView(value) || types.isArrayBuffer(value));
}

function arePropertiesPlain(object: object, seen: Seen, depth: number): boolean {
  const properties = object as Readonly<Record<string, unknown>>;
  for (const key of Object.keys(object)) {
    if (!isPlain(key, seen, depth) || !isPlain(properties[key], seen, depth)) return false;
  }
  return true;
}

function areElementsPlain(array: readonly unknown[], seen: Seen, depth: number): boolean {
  for (let i = 0; i < array.length; i++) {
    const element = array[i];
    if (element === undefined ? !(i in array) : !isPlain(element, seen, depth)) return false;
  }
  return true;
}

function isFirstSight(value: object, seen: Seen): boolean {
  if (seen.set !== undefined) {
    if (seen.set.has(value)) return false;
    seen.set.add(value);
    return true;
  }
  if (seen.list.includes(value)) return false;
  seen.list.push(value);
  if (seen.list.length > SEEN_LIST_MAX) seen.set = new Set(seen.list);
  return true;
}

/** True without lone surrogates, which UTF-8 cannot hold. */
export function isWellFormed(text: string): boolean {
  return (text as string & WellFormedText).isWellFormed();
}

/** True if one of MessagePack's two 64-bit integers holds it. */
export function isInt64(value: bigint): boolean {
  return value >= INT64_MIN && value <= UINT64_MAX;
}
