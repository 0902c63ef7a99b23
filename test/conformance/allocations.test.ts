/** What operations allocate on the heap, in a process of its own where nothing is collected meanwhile. */
import { execFile } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { expect, it } from 'vitest';

const CHILD = fileURLToPath(new URL('../support/fixtures/allocations.mjs', import.meta.url));
const FLAGS = ['--expose-gc', '--max-semi-space-size=128', '--min-semi-space-size=128'];
/**
 * No object is so small. Below that are readings of the machine's clock, one in 64 operations, the blocks that small results share, and
 * what the compiler leaves.
 */
const NO_OBJECT_BYTES = 4;

it('a miss and a hit of the near cache allocate nothing, getBytes its result alone', async () => {
  const { stdout } = await promisify(execFile)(process.execPath, [...FLAGS, CHILD]);
  const { bytes, hits, length } = JSON.parse(stdout) as { bytes: Record<string, number>; hits: number; length: number };
  expect([hits > 1_000_000, length, bytes['view']! > 50]).toEqual([true, 100, true]);
  for (const name of ['miss', 'has', 'nearHit', 'nearIdleHit'])
    expect([name, bytes[name]! < NO_OBJECT_BYTES], `${name}: ${bytes[name]} bytes`).toEqual([name, true]);
  expect(bytes['getBytes']! - bytes['view']!).toBeLessThan(NO_OBJECT_BYTES);
});
