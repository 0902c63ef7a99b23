/** A built checkout to compare with: a folder that is there, or a ref of git that is checked out, built, and removed in the end. */
import { execFileSync } from 'node:child_process';
import { existsSync, mkdtempSync, readFileSync, rmSync, statSync, symlinkSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';

const ENTRY = 'dist/src/index.js';
const LOCK = 'package-lock.json';

/** The checkout that this file was built from. */
export const HERE: string = resolve(import.meta.dirname, '../../..');

export interface Checkout {
  readonly folder: string;
  readonly commit: string;
  remove(): void;
}

export function openCheckout(base: string): Checkout {
  if (!existsSync(base) || !statSync(base).isDirectory()) return builtFrom(commitOf(base));
  const folder = resolve(base);
  if (!existsSync(join(folder, ENTRY))) throw new Error(`${folder} is not built: there is no ${ENTRY}`);
  return { folder, commit: describe(folder), remove: () => {} };
}

function git(folder: string, ...args: string[]): string {
  return execFileSync('git', args, { cwd: folder, encoding: 'utf8', stdio: ['ignore', 'pipe', 'ignore'] }).trim();
}

export function describe(folder: string): string {
  try {
    return (
      git(folder, 'rev-parse', '--short', 'HEAD') + (git(folder, 'status', '--porcelain') === '' ? '' : ' and changes')
    );
  } catch {
    return 'unknown';
  }
}

function commitOf(ref: string): string {
  try {
    return git(HERE, 'rev-parse', '--verify', '--short', `${ref}^{commit}`);
  } catch {
    throw new Error(`"${ref}" is neither a folder nor a commit that git knows`);
  }
}

function builtFrom(commit: string): Checkout {
  const parent = mkdtempSync(join(tmpdir(), 'velocache-base-'));
  const folder = join(parent, commit);
  const remove = (): void => {
    process.off('exit', remove);
    rmSync(parent, { recursive: true, force: true });
    git(HERE, 'worktree', 'prune');
  };
  // Also when it fails or is interrupted: git would go on naming a worktree that nobody wants.
  process.on('exit', remove);
  git(HERE, 'worktree', 'add', '--detach', folder, commit);
  addDependencies(folder);
  execFileSync('npm', ['run', '--silent', 'build'], { cwd: folder, stdio: 'inherit' });
  return { folder, commit, remove };
}

/** Ours, if they are the same. A link to a folder doesn't change what lies in it, and removing it neither. */
function addDependencies(folder: string): void {
  const lock = (root: string): string => readFileSync(join(root, LOCK), 'utf8');
  if (lock(folder) === lock(HERE)) symlinkSync(join(HERE, 'node_modules'), join(folder, 'node_modules'), 'dir');
  else execFileSync('npm', ['ci', '--ignore-scripts'], { cwd: folder, stdio: ['ignore', 'ignore', 'inherit'] });
}
