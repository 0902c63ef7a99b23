/** Versions of the values of a type, and the functions that bring older ones up to date, a version at a time. */
import { OptionError, ValueError } from '../errors.js';
import { VERSION_MAX } from './frame.js';

/**
 * Makes a value of the next version of one that was stored. Under no lock; it may be given the same entry again. What it
 * changes in the value it gets changes nothing else. What it throws, and undefined, makes the read a miss.
 */
// biome-ignore lint/suspicious/noExplicitAny: the code of today has no type for what older code stored.
export type Migration = (value: any) => unknown;

/** Migrations by the version that they migrate from; those from the lowest given on must all be there. */
export interface Migrations {
  readonly [from: number]: Migration;
}

export class MigrationChain {
  /** The version that the last migration leads to. */
  readonly version: number;
  /** By the version that they migrate from. */
  readonly #steps: ReadonlyMap<number, Migration>;

  /** `steps` are those of `resolveMigrations`. */
  constructor(version: number, steps: ReadonlyMap<number, Migration>) {
    this.version = version;
    this.#steps = steps;
  }

  /** The value of the chain's version for one of version `from`. Throws what a migration does, and for what there is none. */
  apply(value: unknown, from: number): unknown {
    let current = value;
    for (let version = from; version < this.version; version++) {
      const step = this.#steps.get(version);
      if (step === undefined) throw new ValueError(`there is no migration from version ${version}`);
      current = step(current);
      if (current === undefined) throw new ValueError(`the migration from version ${version} returned undefined`);
    }
    return current;
  }
}

export function checkVersion(option: string, version: unknown): asserts version is number {
  if (Number.isInteger(version) && (version as number) >= 1 && (version as number) <= VERSION_MAX) return;
  throw new OptionError(option, version, `must be an integer from 1 to ${VERSION_MAX}`);
}

/** The migrations to a version. Throws for what is no function, leads to no version, or leaves one out. */
export function resolveMigrations(option: string, version: number, migrate: unknown): ReadonlyMap<number, Migration> {
  const steps = new Map<number, Migration>();
  if (migrate === undefined) return steps;
  if (typeof migrate !== 'object' || migrate === null) throw new OptionError(option, migrate, 'must be an object');
  for (const [name, step] of Object.entries(migrate)) {
    const from = Number(name);
    if (!(Number.isInteger(from) && from >= 1 && from < version && String(from) === name))
      throw new OptionError(
        `${option}.${name}`,
        'given',
        `migrates from a version from 1 to below the type's, ${version}`,
      );
    if (typeof step !== 'function') throw new OptionError(`${option}.${name}`, step, 'must be a function');
    steps.set(from, step as Migration);
  }
  if (steps.size > 0) checkGaps(option, version, steps);
  return steps;
}

function checkGaps(option: string, version: number, steps: ReadonlyMap<number, Migration>): void {
  const oldest = Math.min(...steps.keys());
  for (let from = oldest; from < version; from++) {
    if (steps.has(from)) continue;
    throw new OptionError(
      `${option}.${from}`,
      undefined,
      `must be a function, as from ${oldest} to ${version - 1} all`,
    );
  }
}
