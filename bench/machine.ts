/** Where figures come from: a figure without it says nothing. */
import { execFileSync } from 'node:child_process';
import { cpus, loadavg, totalmem } from 'node:os';

/** Variables that change how fast Node and the C library's allocator are. */
const SETTINGS = ['NODE_OPTIONS', 'GLIBC_TUNABLES'];

export function describeMachine(): string {
  const cores = cpus();
  const memory = Math.round(totalmem() / 2 ** 30);
  const [load] = loadavg();
  const settings = SETTINGS.filter((name) => process.env[name]).map((name) => `${name}=${process.env[name]}`);
  return [
    `machine  ${cores[0]?.model ?? 'unknown'}, ${cores.length} cores, ${memory} GiB, ${process.platform} ${process.arch}`,
    `node     ${process.version}`,
    `date     ${new Date().toISOString().slice(0, 10)}`,
    `commit   ${commit()}`,
    `settings ${settings.join(' ') || 'none'}`,
    `load     ${load?.toFixed(2)} over the last minute, before the run`,
    '',
  ].join('\n');
}

/** The commit of the working directory, with a mark if files differ from it. */
function commit(): string {
  const git = (...args: string[]): string =>
    execFileSync('git', args, { encoding: 'utf8', stdio: ['ignore', 'pipe', 'ignore'] }).trim();
  try {
    return git('rev-parse', '--short', 'HEAD') + (git('status', '--porcelain') === '' ? '' : ' and changes');
  } catch {
    return 'unknown';
  }
}
