import { deepStrictEqual } from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import type { FormCodec } from '../../../src/codecs/codec.js';
import { ValueError } from '../../../src/errors.js';
import { FIDELITY, type Outcome, type Row, renderFidelity } from './fidelity-table.js';
import { CODEC_NAMES, codecNamed, roundTrip } from './support.js';

function assertOutcome(codec: FormCodec, row: Row, outcome: Outcome): void {
  if (outcome === 'throws') {
    for (const refused of [row.value()].flat()) expect(() => codec.encode(refused)).toThrow(ValueError);
    return;
  }
  // Its shapes are new at first.
  for (let i = 0; i < 3; i++) roundTrip(codec, row.value());
  const copy = roundTrip(codec, row.value());
  if (outcome === 'kept') assertSame(copy, row.value());
  else assertSame(copy, outcome.as());
  if (row.check !== undefined && (outcome === 'kept' || codec.name !== 'json')) expect(row.check(copy)).toBe(true);
}

/** Deep, with prototypes and −0. Of errors it compares what is not tied to where they were made. */
function assertSame(copy: unknown, expected: unknown): void {
  if (expected instanceof Date && Number.isNaN(expected.getTime())) {
    expect(copy instanceof Date && Number.isNaN(copy.getTime())).toBe(true);
    return;
  }
  if (expected instanceof Error) expect(Object.getPrototypeOf(copy)).toBe(Object.getPrototypeOf(expected));
  const [innerCopy, inner] = descend(copy, expected);
  deepStrictEqual(innerCopy, inner);
}

/** Compares nested values level by level while each has just one: deepStrictEqual recurses, for which the stack may be short. */
function descend(copy: unknown, expected: unknown): [unknown, unknown] {
  let [a, b] = [copy, expected];
  for (let level = 0; level < 2_000 && isNest(b); level++) {
    expect(Object.getPrototypeOf(a)).toBe(Object.getPrototypeOf(b));
    const keys = Object.keys(b);
    expect(Object.keys(a as object)).toEqual(keys);
    [a, b] = [(a as Record<string, unknown>)[keys[0]!], b[keys[0]!]];
  }
  return [a, b];
}

function isNest(value: unknown): value is Record<string, unknown> {
  if (typeof value !== 'object' || value === null) return false;
  const isPlain = Array.isArray(value) ? value.length === 1 : Object.getPrototypeOf(value) === Object.prototype;
  return isPlain && Reflect.ownKeys(value).length === (Array.isArray(value) ? 2 : 1) && Object.keys(value).length === 1;
}

for (const name of [...CODEC_NAMES, 'json'] as const) {
  describe(`${name} keeps what its column says`, () => {
    const column = name === 'cbor' || name === 'shapes' ? 'msgpack' : name;
    for (const row of FIDELITY) test(row.kind, () => assertOutcome(codecNamed(name), row, row[column]));
  });
}

test('docs/codecs.md shows the table that is tested', () => {
  const page = readFileSync(new URL('../../../docs/codecs.md', import.meta.url), 'utf8');
  expect(page).toContain(renderFidelity());
});
