import { readdirSync, readFileSync } from 'node:fs';
import { dirname, join, posix, relative } from 'node:path';
import { describe, expect, it } from 'vitest';

const ROOT = join(import.meta.dirname, '../../..');

/** What a floor may import besides itself, by the beginning of the path. */
const FLOORS: Readonly<Record<string, readonly string[]>> = {
  'native-free/': ['#atomics'],
  'src/engine/': ['#atomics', 'node:worker_threads', 'native-free/'],
  'src/policies/': ['#atomics', 'native-free/', 'src/engine/ports.ts'],
  'src/codecs/': ['node:', 'msgpackr/', 'cbor-x/', 'native-free/', 'src/errors.ts'],
  'src/cache/': [
    '#atomics',
    'node:',
    'piscina',
    'native-free/',
    'src/engine/',
    'src/policies/',
    'src/codecs/',
    'src/errors.ts',
  ],
  'src/cli/': [
    '#atomics',
    'node:',
    'src/index.ts',
    'src/policies/engine-policies.ts',
    'src/policies/replay/',
    'src/engine/size-classes.ts',
    'src/engine/rounding.ts',
  ],
  'workers/': ['node:', 'src/'],
};

const SOURCES = ['native-free', 'src', 'workers'].flatMap((folder) =>
  readdirSync(join(ROOT, folder), { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile() && entry.name.endsWith('.ts'))
    .map((entry) => relative(ROOT, join(entry.parentPath, entry.name)).split('\\').join('/')),
);

function importsOf(file: string): string[] {
  const text = readFileSync(join(ROOT, file), 'utf8');
  const specifiers = [...text.matchAll(/^(?:import|export)[^'";]*?from '([^']+)';|^import '([^']+)';/gm)];
  return specifiers.map((match) => {
    const specifier = match[1] ?? match[2] ?? '';
    if (!specifier.startsWith('.')) return specifier;
    return posix.normalize(posix.join(dirname(file), specifier)).replace(/\.js$/, '.ts');
  });
}

describe('floors', () => {
  it('knows every source file', () => {
    expect(SOURCES.length).toBeGreaterThan(60);
    const strays = SOURCES.filter((file) => !Object.keys(FLOORS).some((floor) => file.startsWith(floor)));
    expect(strays).toEqual(['src/errors.ts', 'src/index.ts']);
  });

  it.each(Object.entries(FLOORS))('%s imports only what lies below it', (floor, allowed) => {
    const wrong: string[] = [];
    for (const file of SOURCES.filter((source) => source.startsWith(floor))) {
      for (const imported of importsOf(file)) {
        if (![floor, ...allowed].some((prefix) => imported.startsWith(prefix))) wrong.push(`${file} -> ${imported}`);
      }
    }
    expect(wrong).toEqual([]);
  });

  it('has no circle between files', () => {
    const graph = new Map(
      SOURCES.map((file) => [file, importsOf(file).filter((imported) => SOURCES.includes(imported))]),
    );
    const done = new Set<string>();
    const circles: string[] = [];
    const visit = (file: string, path: readonly string[]): void => {
      if (path.includes(file)) circles.push([...path.slice(path.indexOf(file)), file].join(' -> '));
      if (done.has(file) || path.includes(file)) return;
      for (const next of graph.get(file) ?? []) visit(next, [...path, file]);
      done.add(file);
    };
    for (const file of SOURCES) visit(file, []);
    expect(circles).toEqual([]);
  });

  it('names Atomics in the shim and its twin only', () => {
    const users = SOURCES.filter((file) => /\bAtomics\.\w/.test(readFileSync(join(ROOT, file), 'utf8')));
    expect(users).toEqual(['native-free/atomics-checkpoints.ts', 'native-free/atomics.ts']);
  });

  it('gives both shims the same functions', () => {
    const functionsOf = (file: string) =>
      [...readFileSync(join(ROOT, file), 'utf8').matchAll(/^export function (\w+\([^)]*\))/gm)].map(
        (match) => match[1],
      );
    expect(functionsOf('native-free/atomics-checkpoints.ts')).toEqual(functionsOf('native-free/atomics.ts'));
  });
});

describe('errors', () => {
  it('have unique codes that README lists, all of them', () => {
    const source =
      readFileSync(join(ROOT, 'src/errors.ts'), 'utf8') + readFileSync(join(ROOT, 'native-free/assert.ts'), 'utf8');
    const codes = [...source.matchAll(/'(VELOCACHE_\w+)'/g)].map((match) => match[1]!);
    const listed = [...readFileSync(join(ROOT, 'README.md'), 'utf8').matchAll(/`(VELOCACHE_\w+)`/g)].map(
      (match) => match[1]!,
    );
    expect(new Set(codes).size).toBe(codes.length);
    expect([...new Set(listed)].sort()).toEqual([...codes].sort());
  });
});
