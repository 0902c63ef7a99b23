/** Chains of migrations: what is refused when they are given, and what becomes of a value. */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { checkVersion, MigrationChain, resolveMigrations } from '../../../src/codecs/versions.js';
import { OptionError, ValueError } from '../../../src/errors.js';

const same = (value: unknown): unknown => value;

/** Migrations from each version in turn that note where they were. */
function tracing(oldest: number, version: number): Record<number, (value: number[]) => number[]> {
  const count = Math.max(0, version - oldest);
  return Object.fromEntries(Array.from({ length: count }, (_, i) => [oldest + i, (path) => [...path, oldest + i]]));
}

describe('a version', () => {
  it.each([0, -1, 1.5, 65_536, Number.NaN, '2', null])('is not %s', (version) => {
    expect(() => checkVersion('types.a.version', version)).toThrow(OptionError);
    expect(() => checkVersion('types.a.version', version)).toThrow(
      /^types\.a\.version is .*an integer from 1 to 65535/,
    );
  });

  it.each([1, 2, 65_535])('may be %s', (version) => {
    expect(() => checkVersion('types.a.version', version)).not.toThrow();
  });
});

describe('migrations', () => {
  it.each<[string, number, unknown, string]>([
    ['that are no object', 3, same, 'types.a.migrate is'],
    ['that are null', 3, null, 'types.a.migrate is null: must be an object'],
    ['that are no functions', 3, { 2: 'no' }, 'types.a.migrate.2 is "no": must be a function'],
    ['from 0', 3, { 0: same, 1: same, 2: same }, 'types.a.migrate.0 is "given": migrates from'],
    ['from the version itself', 3, { 2: same, 3: same }, 'types.a.migrate.3 is "given": migrates from'],
    [
      'to version 1',
      1,
      { 1: same },
      `types.a.migrate.1 is "given": migrates from a version from 1 to below the type's, 1`,
    ],
    ['from what is no version', 3, { two: same, 2: same }, 'types.a.migrate.two is "given"'],
    ['from what is not written as numbers are', 3, { '02': same, 2: same }, 'types.a.migrate.02 is "given"'],
    ['with a gap', 5, { 1: same, 2: same, 4: same }, 'types.a.migrate.3 is undefined: must be a function'],
    ['that end too early', 4, { 1: same, 2: same }, 'types.a.migrate.3 is undefined: must be a function'],
  ])('%s are refused', (_, version, migrate, message) => {
    expect(() => resolveMigrations('types.a.migrate', version, migrate)).toThrow(OptionError);
    expect(() => resolveMigrations('types.a.migrate', version, migrate)).toThrow(message);
  });

  it('may begin at any version, and be none', () => {
    expect(resolveMigrations('m', 4, { 3: same }).size).toBe(1);
    expect(resolveMigrations('m', 4, {}).size).toBe(0);
    expect(resolveMigrations('m', 4, undefined).size).toBe(0);
  });

  it('run one by one, from the version of the value on', () => {
    const bounds = fc.tuple(fc.integer({ min: 1, max: 40 }), fc.nat(20), fc.nat(20));
    fc.assert(
      fc.property(bounds, ([oldest, more, ahead]) => {
        const version = oldest + more;
        const chain = new MigrationChain(version, resolveMigrations('m', version, tracing(oldest, version)));
        const from = Math.min(version, oldest + ahead);
        const path = Array.from({ length: version - from }, (_, i) => from + i);
        expect(chain.apply([], from)).toEqual(path);
        if (oldest > 1 && more > 0) expect(() => chain.apply([], oldest - 1)).toThrow(ValueError);
      }),
    );
  });

  it('that return undefined fail, those that return null or another falsy value go on', () => {
    const chain = (first: unknown): MigrationChain =>
      new MigrationChain(3, resolveMigrations('m', 3, { 1: () => first, 2: (value: unknown) => [value] }));
    expect(() => chain(undefined).apply({}, 1)).toThrow('the migration from version 1 returned undefined');
    for (const falsy of [null, 0, '', false]) expect(chain(falsy).apply({}, 1)).toEqual([falsy]);
  });
});
