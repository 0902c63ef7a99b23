import { defineConfig } from 'vitest/config';

/** Where a machine-readable report goes as well; for CI, which adds up several runs. */
const report = process.env['VITEST_REPORT'];

export default defineConfig({
  test: {
    dir: 'test',
    include: ['**/*.test.ts'],
    // Forks, so that a crash of the process is one file's; no addons, so that what is tested is what users get.
    pool: 'forks',
    execArgv: ['--no-addons', '--expose-gc'],
    // Files that start threads would measure each other.
    fileParallelism: false,
    testTimeout: 60_000,
    hookTimeout: 60_000,
    // What other threads bring about may wait for a core.
    expect: { poll: { timeout: 20_000 } },
    reporters: report === undefined ? ['default'] : ['default', 'json'],
    ...(report === undefined ? {} : { outputFile: { json: report } }),
  },
});
