import { execFile } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { expect, it } from 'vitest';
import type { Report } from './report.js';

const { KILL_SEED } = process.env;
const RUN = fileURLToPath(new URL('../../../dist/test/concurrency/kill/run.js', import.meta.url));
const SEED = Number(KILL_SEED ?? Math.floor(Math.random() * 2 ** 31));

/** A process of its own: whatever a death does to it, it can't take the test along. */
function run(...args: string[]): Promise<Report> {
  return new Promise((resolve, reject) => {
    const command = ['--no-addons', RUN, '--json', '--seed', `${SEED}`, ...args];
    execFile(process.execPath, command, { maxBuffer: 2 ** 24 }, (error, stdout, stderr) => {
      const line = stdout.trimEnd().split('\n').at(-1) ?? '';
      if (line.startsWith('{')) resolve(JSON.parse(line) as Report);
      else reject(new Error(`no report: ${error?.message}\n${stderr.slice(-2_000)}`));
    });
  });
}

/** What must hold whatever happened; the rest of a report is figures. */
function faultsOf({ hangs, wrongValues, bytesLost, errors, crashes, findings }: Report): object {
  return { hangs, wrongValues, bytesLost, errors, crashes, findings };
}

const NONE = { hangs: 0, wrongValues: 0, bytesLost: 0, errors: 0, crashes: 0, findings: [] };

it(`threads die in all ways, no more of them than cores (KILL_SEED=${SEED})`, { timeout: 300_000 }, async () => {
  const report = await run('--kills', '80', '--heap-kills', '0', '--threads', '2');
  expect(faultsOf(report)).toEqual(NONE);
  expect(report.kills).toBeGreaterThanOrEqual(80);
});

it(`threads die in all ways, oversubscribed (KILL_SEED=${SEED})`, { timeout: 300_000 }, async () => {
  const report = await run('--kills', '120', '--heap-kills', '0', '--oversubscribed');
  expect(faultsOf(report)).toEqual(NONE);
  expect(report.kills).toBeGreaterThanOrEqual(120);
});

it(`heaps run out (KILL_SEED=${SEED})`, { timeout: 300_000 }, async () => {
  const report = await run('--kills', '5', '--heap-kills', '5', '--threads', '3');
  expect(faultsOf(report)).toEqual(NONE);
  // Where V8 ends the process, or doesn't end the worker, that is counted apart.
  expect(report.kills + report.heapAborts + report.notEnded).toBeGreaterThanOrEqual(5);
});
