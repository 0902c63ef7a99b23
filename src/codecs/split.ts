/** What of a value becomes a part of its own, and whether the parts can be told apart. */
import { types } from 'node:util';
import { assign } from './msgpack-inflate.js';
import { isPlainLeaf } from './msgpack-tree.js';

/** A heavy property takes a part of its own from about so many packed bytes on: below, decoding costs less than deferring. */
const HEAVY_BYTES_MIN = 512;
/** What a number, and the head of an array or object, count for. */
const TOKEN_BYTES = 4;
/** Values of more objects than this are stored whole; it ends those whose getters make new ones without end. */
const OBJECTS_MAX = 2 ** 20;

/** The value of a heavy property. */
interface Heavy {
  /** Its place in the type's `lazy`. */
  readonly slot: number;
  readonly value: unknown;
}

export interface Split {
  /** The value with null in place of the heavy properties, keys in order. */
  readonly light: object;
  /** At least one, slots rising. */
  readonly heavy: readonly Heavy[];
}

type Properties = Record<string, unknown>;

/** The parts of a plain object that has a heavy property among `names`; else undefined. Getters are read, once. */
export function split(value: unknown, names: readonly string[]): Split | undefined {
  if (!isPlainObject(value) || !names.some((name) => isEnumerable(value, name))) return undefined;
  const light: Properties = {};
  for (const key of Object.keys(value)) assign(light, key, (value as Properties)[key]);
  const heavy = names.flatMap((name, slot): Heavy[] => {
    const property = Object.hasOwn(light, name) ? light[name] : undefined;
    return remains(property, HEAVY_BYTES_MIN) < 0 && !hasToJson(property) ? [{ slot, value: property }] : [];
  });
  for (const { slot } of heavy) assign(light, names[slot]!, null);
  return heavy.length === 0 ? undefined : { light, heavy };
}

function isEnumerable(value: object, name: string): boolean {
  return Object.prototype.propertyIsEnumerable.call(value, name);
}

function isPlainObject(value: unknown): value is object {
  if (typeof value !== 'object' || value === null || hasToJson(value)) return false;
  const prototype: unknown = Object.getPrototypeOf(value);
  return prototype === Object.prototype || prototype === null;
}

/** Objects that name their own stand-in are told their key, which a part of its own has lost. */
function hasToJson(value: unknown): boolean {
  return typeof value === 'object' && value !== null && typeof (value as { toJSON?: unknown }).toJSON === 'function';
}

/** What remains of some bytes behind those of a value, roughly; looks no further once that is below 0. */
function remains(value: unknown, bytes: number): number {
  if (typeof value === 'string') return bytes - value.length;
  if (typeof value !== 'object' || value === null) return bytes - TOKEN_BYTES;
  if (ArrayBuffer.isView(value) || types.isArrayBuffer(value)) return bytes - value.byteLength;
  let left = bytes - TOKEN_BYTES;
  for (const part of partsOf(value)) {
    if (left < 0) return left;
    left = remains(part, left);
  }
  return left;
}

function partsOf(value: object): Iterable<unknown> {
  if (Array.isArray(value)) return value;
  if (types.isMap(value)) return Map.prototype.entries.call(value);
  if (types.isSet(value)) return Set.prototype.values.call(value);
  return Object.values(value);
}

/**
 * Whether no object is in two of the parts, nor the value itself in one; false, too, if a part has more than plain data, Map, Set
 * and regular expressions, of which nothing is known then. `keepsNames`: the codec keeps named properties of arrays.
 */
export function areApart(value: object, { light, heavy }: Split, keepsNames: boolean): boolean {
  const walk = new Walk(keepsNames);
  walk.note(value);
  return walk.claim(light) && heavy.every((part) => walk.claim(part.value));
}

class Walk {
  /** The part that each object was met in. */
  readonly #owners = new Map<object, number>();
  readonly #keepsNames: boolean;
  #part = 0;
  readonly #pending: object[] = [];

  constructor(keepsNames: boolean) {
    this.#keepsNames = keepsNames;
  }

  /** Takes an object for one of a part that is none of those to be claimed. */
  note(value: object): void {
    this.#owners.set(value, this.#part);
  }

  /** False if the part of `root` has an object that belongs to another, or one of a kind that isn't known. */
  claim(root: unknown): boolean {
    this.#part += 1;
    this.#pending.length = 0;
    if (!this.#meet(root)) return false;
    for (let next = this.#pending.pop(); next !== undefined; next = this.#pending.pop()) {
      if (this.#owners.size > OBJECTS_MAX || !this.#enter(next)) return false;
    }
    return true;
  }

  #meet(value: unknown): boolean {
    if (typeof value !== 'object' || value === null) return typeof value !== 'function' && typeof value !== 'symbol';
    const owner = this.#owners.get(value);
    if (owner !== undefined) return owner === this.#part;
    this.#owners.set(value, this.#part);
    this.#pending.push(value);
    return true;
  }

  #enter(value: object): boolean {
    const prototype: unknown = Object.getPrototypeOf(value);
    if (prototype === Array.prototype) return Array.isArray(value) && this.#array(value);
    if (prototype === Object.prototype || prototype === null)
      return Object.values(value).every((part) => this.#meet(part));
    if (prototype === Map.prototype) return types.isMap(value) && this.#map(value);
    if (prototype === Set.prototype) return types.isSet(value) && [...value].every((part) => this.#meet(part));
    return isPlainLeaf(value, prototype) || (prototype === RegExp.prototype && types.isRegExp(value));
  }

  #array(array: readonly unknown[]): boolean {
    for (let i = 0; i < array.length; i++) {
      const element = array[i];
      // A hole: where there is one, there may be 2³².
      if (element === undefined && !(i in array)) return false;
      if (!this.#meet(element)) return false;
    }
    return !this.#keepsNames || Object.keys(array).length === array.length;
  }

  #map(map: ReadonlyMap<unknown, unknown>): boolean {
    for (const [key, value] of map) if (!this.#meet(key) || !this.#meet(value)) return false;
    return true;
  }
}
