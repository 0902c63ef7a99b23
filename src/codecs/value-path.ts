import { types } from 'node:util';

/** How one value is reached from another: a property's name, or a position in an array, a Map or a Set. */
export type Label = string | number;

const IDENTIFIER = /^[A-Za-z_$][\w$]*$/;

/** `label` as code that reads it from `parent`. A Map counts its keys and values in turn: key, value, key, … */
export function renderLabel(parent: unknown, label: Label): string {
  if (typeof label === 'string') return IDENTIFIER.test(label) ? `.${label}` : `[${JSON.stringify(label)}]`;
  if (types.isMap(parent)) return label % 2 === 0 ? `.keys()[${label / 2}]` : `.values()[${(label - 1) / 2}]`;
  return types.isSet(parent) ? `.values()[${label}]` : `[${label}]`;
}

/** What a message calls `value`: `a function`, `a symbol`, `a Promise`. */
export function describe(value: unknown): string {
  if (typeof value !== 'object' || value === null) return `a ${typeof value}`;
  const name = Object.prototype.toString.call(value).slice('[object '.length, -1);
  return /^[AEIO]/.test(name) ? `an ${name}` : `a ${name}`;
}

/** The end of a refusal's message. */
export function refusal(codec: string, what: string, path: string): string {
  return `codec "${codec}" cannot store ${what} at ${path === '' ? 'the top level' : path}`;
}

/** The same for anything, undefined and null by their names. */
export function whatIs(value: unknown): string {
  return value === undefined || value === null ? String(value) : describe(value);
}
