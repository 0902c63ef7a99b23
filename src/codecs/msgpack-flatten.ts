import { types } from 'node:util';
import { ValueError } from '../errors.js';
import { viewOfStandardClass } from './msgpack-extensions.js';
import * as graph from './msgpack-graph.js';
import { isInt64, isPlainLeaf, isWellFormed } from './msgpack-tree.js';
import { describe, type Label, refusal, renderLabel } from './value-path.js';

/** Bounds objects that make up new objects without end as they are read, such as getters that return fresh wrappers. */
const DEPTH_MAX = 65_536;

/** Stands for −0 among the known values: a Map takes −0 and 0 for the same key. */
const MINUS_ZERO: unique symbol = Symbol('-0');

/** Where a value was first met. */
interface Origin {
  readonly parent: number;
  readonly label: Label;
  readonly depth: number;
}

/** The table of `value`; throws `ValueError` that names what cannot be stored and where it is. */
export function flatten(codec: string, value: unknown): unknown[] {
  return new Flattener(codec).flatten(value);
}

/** Holds the state of one value only, because getters and `toJSON` may encode other values meanwhile. */
class Flattener {
  readonly #codec: string;
  readonly #table: unknown[] = [];
  readonly #values: unknown[] = [];
  readonly #origins: Origin[] = [];
  readonly #known = new Map<unknown, number>();
  /** Taken last in, first out, so that endless objects reach the depth bound before they fill the memory. */
  readonly #pending: number[] = [];

  constructor(codec: string) {
    this.#codec = codec;
  }

  flatten(root: unknown): unknown[] {
    this.#add(root, -1, '');
    for (let index = this.#pending.pop(); index !== undefined; index = this.#pending.pop()) {
      this.#table[index] = this.#node(this.#values[index] as object, index);
    }
    return this.#table;
  }

  /** The index of `value`, which is entered into the table if it is new. */
  #add(value: unknown, parent: number, label: Label): number {
    const key = Object.is(value, -0) ? MINUS_ZERO : value;
    const known = this.#known.get(key);
    if (known !== undefined) return known;
    const index = this.#addReplaced(value, parent, label) ?? this.#enter(value, parent, label);
    this.#known.set(key, index);
    return index;
  }

  /** The index of what `toJSON` returns, for values that have it; `toJSON` of the result itself is not called. */
  #addReplaced(value: unknown, parent: number, label: Label): number | undefined {
    if (typeof value !== 'object' || value === null || isBuiltIn(value)) return undefined;
    const { toJSON } = value as { toJSON?: unknown };
    if (typeof toJSON !== 'function') return undefined;
    const replaced: unknown = toJSON.call(value, String(label));
    if (replaced === value) return undefined;
    const known = this.#known.get(Object.is(replaced, -0) ? MINUS_ZERO : replaced);
    if (known !== undefined) return known;
    const index = this.#enter(replaced, parent, label);
    this.#known.set(Object.is(replaced, -0) ? MINUS_ZERO : replaced, index);
    return index;
  }

  #enter(value: unknown, parent: number, label: Label): number {
    const depth = parent < 0 ? 0 : this.#origins[parent]!.depth + 1;
    if (depth > DEPTH_MAX) throw new ValueError(`codec "${this.#codec}" cannot store more than ${DEPTH_MAX} levels`);
    const index = this.#values.push(value) - 1;
    this.#origins.push({ parent, label, depth });
    this.#table.push(this.#leaf(value, index));
    return index;
  }

  /** The entry of a value without parts; objects that have some are queued and stand as null until then. */
  #leaf(value: unknown, index: number): unknown {
    switch (typeof value) {
      case 'function':
      case 'symbol':
        return this.#refuse(index);
      case 'number':
        return Object.is(value, -0) ? [graph.NEGATIVE_ZERO] : value;
      case 'bigint':
        return isInt64(value) ? value : [graph.BIGINT, value.toString(16)];
      case 'string':
        return isWellFormed(value) ? value : [graph.UTF16, Buffer.from(value, 'utf16le')];
      case 'object':
        if (value === null || isPlainLeaf(value, Object.getPrototypeOf(value))) return value;
        this.#pending.push(index);
        return null;
      default:
        return value;
    }
  }

  #node(value: object, index: number): unknown {
    if (Array.isArray(value)) return this.#array(value, index);
    if (types.isMap(value)) return this.#parts(graph.MAP, [...Map.prototype.entries.call(value)].flat(1), index);
    if (types.isSet(value)) return this.#parts(graph.SET, [...Set.prototype.values.call(value)], index);
    if (types.isRegExp(value)) return this.#parts(graph.REGEXP, [value.source, value.flags], index);
    if (types.isNativeError(value)) return this.#error(value, index);
    if (types.isDate(value)) return new Date(value.getTime());
    const view = viewOfStandardClass(value);
    if (view !== undefined) return view;
    if (Object.prototype.toString.call(value) !== '[object Object]') return this.#refuse(index);
    return this.#properties([graph.OBJECT], value, Object.keys(value), index);
  }

  #parts(kind: number, parts: readonly unknown[], index: number): number[] {
    const node = [kind];
    for (let i = 0; i < parts.length; i++) node.push(this.#add(parts[i], index, i));
    return node;
  }

  #array(array: readonly unknown[], index: number): number[] {
    const positions = Object.keys(array).filter(isPosition);
    if (positions.length === array.length) return this.#parts(graph.ARRAY, array, index);
    const node = [graph.SPARSE, array.length];
    for (const position of positions) {
      node.push(Number(position), this.#add(array[Number(position)], index, Number(position)));
    }
    return node;
  }

  #error(error: Error, index: number): number[] {
    const name = standardClassOf(error);
    const keys = [...graph.ERROR_HIDDEN_KEYS].filter((key) => Object.hasOwn(error, key));
    for (const key of Object.keys(error)) if (!graph.ERROR_HIDDEN_KEYS.has(key)) keys.push(key);
    if (error.name !== name && !keys.includes('name')) keys.push('name');
    return this.#properties([graph.ERROR, this.#add(name, index, 'name')], error, keys, index);
  }

  #properties(node: number[], object: object, keys: readonly string[], index: number): number[] {
    const properties = object as Readonly<Record<string, unknown>>;
    for (const key of keys) node.push(this.#add(key, index, key), this.#add(properties[key], index, key));
    return node;
  }

  #refuse(index: number): never {
    throw new ValueError(refusal(this.#codec, describe(this.#values[index]), this.#path(index)));
  }

  #path(index: number): string {
    const steps: string[] = [];
    for (let at = index; at > 0; at = this.#origins[at]!.parent) {
      const { parent, label } = this.#origins[at]!;
      steps.push(renderLabel(this.#values[parent], label));
    }
    return steps.reverse().join('');
  }
}

/** Kinds that have a form of their own, so that their `toJSON` is not asked. */
function isBuiltIn(value: object): boolean {
  return Array.isArray(value) || ArrayBuffer.isView(value) || types.isAnyArrayBuffer(value) || isBuiltInClass(value);
}

function isBuiltInClass(value: object): boolean {
  return (
    types.isMap(value) ||
    types.isSet(value) ||
    types.isDate(value) ||
    types.isRegExp(value) ||
    types.isNativeError(value)
  );
}

function isPosition(key: string): boolean {
  const position = Number(key);
  return Number.isInteger(position) && position >= 0 && position < 2 ** 32 - 1 && String(position) === key;
}

function standardClassOf(error: Error): string {
  let prototype: unknown = Object.getPrototypeOf(error);
  while (prototype !== null && typeof prototype === 'object') {
    for (const [name, errorClass] of graph.ERROR_CLASSES) if (errorClass.prototype === prototype) return name;
    prototype = Object.getPrototypeOf(prototype);
  }
  return 'Error';
}
