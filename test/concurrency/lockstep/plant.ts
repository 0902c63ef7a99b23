/** Bugs put into a copy of the built package, for tests of the tests. */
import { cpSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { BUILT } from './harness.js';

export interface Plant {
  readonly name: string;
  /** File of the built package, and the text in it that is replaced; it must occur just once. */
  readonly file: string;
  readonly from: string;
  readonly to: string;
}

const PARTS = ['native-free', 'src', 'test/concurrency/lockstep', 'test/support'];

/** Calls `look` with the root of a copy that has the bug; the copy is gone afterwards. */
export async function withPlant<T>({ file, from, to }: Plant, look: (root: string) => Promise<T>): Promise<T> {
  const folder = mkdtempSync(join(tmpdir(), 'velocache-plant-'));
  try {
    for (const part of PARTS) cpSync(join(BUILT, part), join(folder, 'dist', part), { recursive: true });
    // It says where `#atomics` is.
    cpSync(join(BUILT, '../package.json'), join(folder, 'package.json'));
    const path = join(folder, 'dist', file);
    const parts = readFileSync(path, 'utf8').split(from);
    if (parts.length !== 2) throw new Error(`${file} has ${parts.length - 1} times: ${from}`);
    writeFileSync(path, parts.join(to));
    return await look(`${join(folder, 'dist')}/`);
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}
