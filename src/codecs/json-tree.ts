/** Which values JSON keeps, and the refusal of those that JSON.stringify would drop or change in silence. */
import { types } from 'node:util';
import { ValueError } from '../errors.js';
import { describe, type Label, refusal, renderLabel } from './value-path.js';

/** Deeper values are looked at by JSON.stringify itself as it goes, which also notices cycles. */
const TREE_DEPTH_MAX = 256;

/** Longer arrays have holes, and JSON.stringify would give up on them before it comes to one. */
const DENSE_LENGTH_MAX = 2 ** 27;

/**
 * True if JSON.stringify alone writes all of `value`: a tree of null, booleans, finite numbers, strings, plain objects,
 * whose undefined properties are left out, dense arrays and valid dates, without any `toJSON` of the user's.
 */
export function isJsonTree(value: unknown): boolean {
  return value !== undefined && isPlain(value, 0);
}

function isPlain(value: unknown, depth: number): boolean {
  switch (typeof value) {
    case 'string':
    case 'boolean':
      return true;
    case 'number':
      return Number.isFinite(value);
    case 'object':
      return value === null || isPlainObject(value, depth);
    default:
      return false;
  }
}

function isPlainObject(value: object, depth: number): boolean {
  if (depth > TREE_DEPTH_MAX) return false;
  const prototype: unknown = Object.getPrototypeOf(value);
  if (prototype === Array.prototype) return Array.isArray(value) && areElementsPlain(value, depth + 1);
  if (prototype === Date.prototype) return isValidDate(value) && !Object.hasOwn(value, 'toJSON');
  return (prototype === Object.prototype || prototype === null) && arePropertiesPlain(value, depth + 1);
}

function arePropertiesPlain(object: object, depth: number): boolean {
  const properties = object as Readonly<Record<string, unknown>>;
  if (typeof properties['toJSON'] === 'function') return false;
  for (const key of Object.keys(object)) {
    const value = properties[key];
    if (value !== undefined && !isPlain(value, depth)) return false;
  }
  return true;
}

function areElementsPlain(array: readonly unknown[], depth: number): boolean {
  if (Object.hasOwn(array, 'toJSON')) return false;
  for (let i = 0; i < array.length; i++) if (!isPlain(array[i], depth)) return false;
  return true;
}

function isValidDate(value: object): boolean {
  return types.isDate(value) && !Number.isNaN(Date.prototype.getTime.call(value));
}

/** Where an object stands in another. */
interface Place {
  readonly parent: object;
  readonly label: Label;
}

/** The JSON of `value`; throws `ValueError` that names what cannot be stored and where it is. */
export function stringifyStrictly(codec: string, value: unknown): string {
  return new Stringifier(codec).stringify(value);
}

/** Holds the state of one value only, because getters and `toJSON` may encode other values meanwhile. */
class Stringifier {
  readonly #codec: string;
  /** Where each object was met last: on the way to the one at hand, that is where it is. */
  readonly #places = new Map<object, Place>();
  #isRoot = true;

  constructor(codec: string) {
    this.#codec = codec;
  }

  stringify(value: unknown): string {
    const stringifier = this;
    return JSON.stringify(value, function (this: object, key: string, part: unknown) {
      return stringifier.#checked(this, key, part);
    });
  }

  /** What JSON.stringify is about to write for a property of `parent`, after any `toJSON`. */
  #checked(parent: object, key: string, part: unknown): unknown {
    const isRoot = this.#isRoot;
    this.#isRoot = false;
    const label = Array.isArray(parent) ? Number(key) : key;
    const what = this.#whatIsLost(parent, key, part, isRoot);
    if (what !== undefined) throw this.#refusal(what, parent, label, isRoot);
    if (typeof part !== 'object' || part === null) return part;
    if (!isRoot && this.#isWithin(part, parent)) throw this.#refusal('a cycle', parent, label, isRoot);
    if (!isRoot) this.#places.set(part, { parent, label });
    return part;
  }

  /** What JSON would not write, or write as something else. */
  #whatIsLost(parent: object, key: string, part: unknown, isRoot: boolean): string | undefined {
    switch (typeof part) {
      case 'undefined':
        return isRoot || Array.isArray(parent) ? 'undefined' : undefined;
      case 'number':
        return Number.isFinite(part) ? undefined : String(part);
      case 'object':
        if (part !== null) return isWritten(part) ? undefined : nameOf(part);
        return types.isDate((parent as Record<string, unknown>)[key]) ? 'an invalid Date' : undefined;
      case 'string':
      case 'boolean':
        return undefined;
      default:
        return describe(part);
    }
  }

  #isWithin(part: object, parent: object): boolean {
    for (let at: object | undefined = parent; at !== undefined; at = this.#places.get(at)?.parent) {
      if (at === part) return true;
    }
    return false;
  }

  #refusal(what: string, parent: object, label: Label, isRoot: boolean): ValueError {
    const steps = isRoot ? [] : [renderLabel(parent, label)];
    for (let at = this.#places.get(parent); at !== undefined; at = this.#places.get(at.parent)) {
      steps.push(renderLabel(at.parent, at.label));
    }
    return new ValueError(refusal(this.#codec, what, steps.reverse().join('')));
  }
}

function nameOf(value: object): string {
  return Array.isArray(value) ? 'a sparse array' : describe(value);
}

/** Arrays, objects that are no more than their properties, and boxed primitives, which JSON unboxes. */
function isWritten(value: object): boolean {
  if (Array.isArray(value)) return value.length <= DENSE_LENGTH_MAX;
  if (types.isBoxedPrimitive(value)) return isWrittenBox(value);
  return Object.prototype.toString.call(value) === '[object Object]';
}

function isWrittenBox(value: object): boolean {
  if (types.isNumberObject(value)) return Number.isFinite(Number(value));
  return types.isStringObject(value) || types.isBooleanObject(value);
}
