import { defineConfig } from 'vitest/config';

export default defineConfig({
  test: {
    dir: 'test',
    include: ['**/*.test.ts'],
    // Forks, so that a crash of the process is one file's; no addons, so that what is tested is what users get.
    pool: 'forks',
    execArgv: ['--no-addons', '--expose-gc'],
    testTimeout: 60_000,
    hookTimeout: 60_000,
    fileParallelism: false,
  },
});
