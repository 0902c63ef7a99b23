/**
 * Freezes decoded values for near caches, so that a mutation throws instead of spreading to later readers, and estimates
 * what they take on the heap.
 */

/** Bytes of V8's objects on a 64-bit machine without compressed pointers. */
const WORD_BYTES = 8;
const OBJECT_BYTES = 3 * WORD_BYTES;
/** The object and its elements' header. */
const ARRAY_BYTES = 6 * WORD_BYTES;
const STRING_BYTES = 2 * WORD_BYTES;
/** A number that is no small integer, beside the word that refers to it. */
const DOUBLE_BYTES = 2 * WORD_BYTES;

/** How strange the objects are that a codec makes: its own plain ones, or whatever a user's code makes. */
export type Makers = 'plain' | 'any';

/**
 * Freezes all plain objects and arrays in `value`, and returns the bytes of heap that it takes, as far as can be told. NaN if it
 * holds anything that a freeze does not make immutable: a Map, a Date, a view, an object of a class, an accessor. Takes no
 * recursion, so any depth will do.
 */
export function deepFreeze(value: unknown, makers: Makers): number {
  const open: object[] = [];
  const seen = makers === 'any' ? new Set<object>() : undefined;
  let bytes = note(value, open);
  for (let next = open.pop(); next !== undefined; next = open.pop()) {
    // A codec of ours makes each object anew: what is frozen was met before, by another way or in a cycle.
    if (seen === undefined ? Object.isFrozen(next) : seen.has(next)) continue;
    seen?.add(next);
    bytes += seen === undefined ? freezePlain(next, open) : freezeAny(next, open);
  }
  return bytes;
}

/** Bytes of a value beside its parts; what has parts is noted as open. */
function note(value: unknown, open: object[]): number {
  switch (typeof value) {
    case 'object':
      if (value !== null) open.push(value);
      return WORD_BYTES;
    case 'string':
      return WORD_BYTES + STRING_BYTES + value.length;
    case 'number':
      return Number.isSafeInteger(value) && value >>> 0 === value ? WORD_BYTES : WORD_BYTES + DOUBLE_BYTES;
    default:
      return WORD_BYTES;
  }
}

function isPlain(object: object): boolean {
  const prototype = Object.getPrototypeOf(object);
  return prototype === Object.prototype || prototype === null;
}

function freezePlain(object: object, open: object[]): number {
  if (Array.isArray(object)) {
    Object.freeze(object);
    let bytes = ARRAY_BYTES;
    for (let i = 0; i < object.length; i++) bytes += note(object[i], open);
    return bytes;
  }
  if (!isPlain(object)) return Number.NaN;
  Object.freeze(object);
  let bytes = OBJECT_BYTES;
  for (const name of Object.keys(object)) bytes += note((object as Record<string, unknown>)[name], open);
  return bytes;
}

/** The same where arrays may be sparse and have properties, and properties may be hidden, or accessors. */
function freezeAny(object: object, open: object[]): number {
  if (!Array.isArray(object) && !isPlain(object)) return Number.NaN;
  Object.freeze(object);
  let bytes = ARRAY_BYTES;
  for (const name of Reflect.ownKeys(object)) {
    const property = Reflect.getOwnPropertyDescriptor(object, name)!;
    bytes += 'value' in property ? note(property.value, open) : Number.NaN;
  }
  return bytes;
}
