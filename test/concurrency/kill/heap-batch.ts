/**
 * Kills by exhaustion of a victim's heap. On some versions of Node that takes the process with it, or the worker lives
 * on: so each batch runs in a child process, and such ends are counted apart.
 */
import { spawn } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import type { Report } from './report.js';

export interface HeapResult {
  readonly kills: number;
  readonly aborts: number;
  readonly notEnded: number;
  readonly findings: readonly string[];
}

const BATCH_KILLS = 25;
const CHILD_MS_MAX = 180_000;
/** Batches that V8 may abort before the rest is given up: their number says enough. */
const ABORTS_MAX = 8;

export async function runHeapKills(kills: number, seed: number): Promise<HeapResult> {
  const findings: string[] = [];
  let [done, aborts, notEnded] = [0, 0, 0];
  for (let batch = 0; done < kills && aborts < ABORTS_MAX && notEnded < ABORTS_MAX; batch++) {
    const { report, ending } = await runChild(Math.min(BATCH_KILLS, kills - done), seed + batch);
    if (report === undefined) {
      if (!/SIG(ABRT|TRAP|ILL|SEGV)/.test(ending))
        findings.push(`error: heap batch of seed ${seed + batch}: ${ending}`);
      aborts += 1;
      continue;
    }
    done += report.kills - report.notEnded;
    notEnded += report.notEnded;
    findings.push(...report.findings);
  }
  return { kills: done, aborts, notEnded, findings };
}

/** No report: the process ended before it could say anything. */
async function runChild(kills: number, seed: number): Promise<{ report: Report | undefined; ending: string }> {
  const script = fileURLToPath(new URL('./run.js', import.meta.url));
  const args = [script, '--heap-child', '--json', '--threads', '3', '--kills', `${kills}`, '--seed', `${seed}`];
  const child = spawn(process.execPath, [...process.execArgv, ...args], { stdio: ['ignore', 'pipe', 'ignore'] });
  let output = '';
  child.stdout.on('data', (chunk: Buffer) => {
    output += chunk;
  });
  const timer = setTimeout(() => child.kill('SIGKILL'), CHILD_MS_MAX);
  const ending = await new Promise<string>((resolve) => {
    child.once('close', (code, signal) => resolve(signal ?? `exit status ${code}`));
  });
  clearTimeout(timer);
  const line = output.trimEnd().split('\n').at(-1) ?? '';
  return { report: line.startsWith('{') ? (JSON.parse(line) as Report) : undefined, ending };
}
