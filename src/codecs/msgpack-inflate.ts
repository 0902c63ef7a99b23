import { CodecError } from '../errors.js';
import * as graph from './msgpack-graph.js';
import { defineOwn } from './msgpack-reader.js';

/** Longer sparse arrays are given a table of elements from the start: V8 would reserve room for their whole length. */
const RESERVED_LENGTH_MAX = 4096;
const ARRAY_LENGTH_MAX = 2 ** 32 - 1;

type Node = readonly unknown[];

/** The value that `flatten` made `table` from; throws `CodecError` on a table that is none. */
export function inflate(table: unknown): unknown {
  if (!Array.isArray(table) || table.length === 0) throw new CodecError('graph without a table');
  return new Inflater(table).inflate();
}

/**
 * Works in three passes: values without parts, then empty containers, then their contents. By the time a container is
 * filled everything it can refer to exists, whatever the order of the table.
 */
class Inflater {
  readonly #table: readonly unknown[];
  readonly #values: unknown[];

  constructor(table: readonly unknown[]) {
    this.#table = table;
    this.#values = table.map((entry) => (Array.isArray(entry) ? leaf(entry) : entry));
  }

  inflate(): unknown {
    const table = this.#table;
    for (let i = 0; i < table.length; i++)
      if (Array.isArray(table[i])) this.#values[i] ??= this.#container(table[i] as Node);
    for (let i = 0; i < table.length; i++) if (Array.isArray(table[i])) this.#fill(this.#values[i], table[i] as Node);
    return this.#values[0];
  }

  #container(node: Node): object {
    switch (node[0]) {
      case graph.OBJECT:
        return {};
      case graph.ARRAY:
        return [];
      case graph.SPARSE:
        return sparse(node[1]);
      case graph.MAP:
        return new Map();
      case graph.SET:
        return new Set();
      case graph.REGEXP:
        return this.#regExp(node);
      case graph.ERROR:
        return this.#error(node);
      default:
        throw new CodecError(`unknown kind of node ${String(node[0])}`);
    }
  }

  #fill(value: unknown, node: Node): void {
    switch (node[0]) {
      case graph.OBJECT:
        for (let i = 1; i < node.length; i += 2) assign(value as object, this.#text(node[i]), this.#part(node[i + 1]));
        break;
      case graph.ARRAY:
        for (let i = 1; i < node.length; i++) (value as unknown[]).push(this.#part(node[i]));
        break;
      case graph.SPARSE:
        this.#fillSparse(value as unknown[], node);
        break;
      case graph.MAP:
        for (let i = 1; i < node.length; i += 2)
          (value as Map<unknown, unknown>).set(this.#part(node[i]), this.#part(node[i + 1]));
        break;
      case graph.SET:
        for (let i = 1; i < node.length; i++) (value as Set<unknown>).add(this.#part(node[i]));
        break;
      case graph.ERROR:
        this.#fillError(value as Error, node);
        break;
    }
  }

  #fillSparse(array: unknown[], node: Node): void {
    for (let i = 2; i < node.length; i += 2) {
      const position = integer(node[i], array.length - 1);
      array[position] = this.#part(node[i + 1]);
    }
  }

  #regExp(node: Node): RegExp {
    try {
      return new RegExp(this.#text(node[1]), this.#text(node[2]));
    } catch (cause) {
      throw new CodecError('not a regular expression', { cause });
    }
  }

  #error(node: Node): Error {
    const errorClass = graph.ERROR_CLASSES.get(this.#text(node[1]));
    if (errorClass === undefined) throw new CodecError('unknown class of error');
    const error = new errorClass();
    // The stack of this call is not the stored error's.
    error.stack = '';
    return error;
  }

  #fillError(error: Error, node: Node): void {
    for (let i = 2; i < node.length; i += 2) {
      const key = this.#text(node[i]);
      const enumerable = !graph.ERROR_HIDDEN_KEYS.has(key);
      const value = this.#part(node[i + 1]);
      Object.defineProperty(error, key, { value, writable: true, enumerable, configurable: true });
    }
  }

  #part(index: unknown): unknown {
    return this.#values[integer(index, this.#values.length - 1)];
  }

  #text(index: unknown): string {
    const text = this.#part(index);
    if (typeof text !== 'string') throw new CodecError('a key is not a string');
    return text;
  }
}

/** The value of a node without parts, undefined for the others. */
function leaf(node: Node): unknown {
  switch (node[0]) {
    case graph.NEGATIVE_ZERO:
      return -0;
    case graph.UTF16:
      if (!Buffer.isBuffer(node[1])) throw new CodecError('text without code units');
      return node[1].toString('utf16le');
    case graph.BIGINT:
      return bigInt(node[1]);
    default:
      return undefined;
  }
}

function bigInt(digits: unknown): bigint {
  if (typeof digits !== 'string' || !/^-?[0-9a-f]+$/.test(digits)) throw new CodecError('not a large integer');
  return digits.startsWith('-') ? -BigInt(`0x${digits.slice(1)}`) : BigInt(`0x${digits}`);
}

function sparse(length: unknown): unknown[] {
  const array: unknown[] = [];
  const checked = integer(length, ARRAY_LENGTH_MAX);
  if (checked > RESERVED_LENGTH_MAX) array.length = ARRAY_LENGTH_MAX;
  array.length = checked;
  return array;
}

/** Sets an own property, whatever its name. */
export function assign(object: object, key: string, value: unknown): void {
  if (key === '__proto__') defineOwn(object, key, value);
  else (object as Record<string, unknown>)[key] = value;
}

function integer(value: unknown, max: number): number {
  if (typeof value !== 'number' || !Number.isInteger(value) || value < 0 || value > max) {
    throw new CodecError(`${String(value)} is not an index within 0..${max}`);
  }
  return value;
}
