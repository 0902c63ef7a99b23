/**
 * The graph form: a table of the distinct values of a message, the root first. An entry that is an array is a node,
 * `[kind, …]`, which names its parts by their index in the table; every other entry is a value that plain MessagePack
 * keeps. One table thus holds cycles, shared objects and any depth, and neither side recurses.
 */
export const OBJECT = 1; // key, value, key, value, …
export const ARRAY = 2; // element, element, …
export const SPARSE = 3; // length itself, then position itself, element, …
export const MAP = 4; // key, value, …
export const SET = 5; // member, …
export const REGEXP = 6; // source, flags
export const ERROR = 7; // name of the standard class, then key, value, …
export const NEGATIVE_ZERO = 8; // nothing
export const UTF16 = 9; // the code units as bytes, for strings with lone surrogates
export const BIGINT = 10; // hexadecimal digits, with a sign

/** The standard error classes; any other error is stored as the nearest of them, with its own name. */
export const ERROR_CLASSES: ReadonlyMap<string, ErrorConstructor> = new Map(
  [Error, EvalError, RangeError, ReferenceError, SyntaxError, TypeError, URIError].map((c) => [c.name, c]),
);

/** Properties of errors that are kept although they are not enumerable, and come back so. */
export const ERROR_HIDDEN_KEYS: ReadonlySet<string> = new Set(['name', 'message', 'stack', 'cause', 'errors']);
