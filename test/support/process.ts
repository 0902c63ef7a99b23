/** A Node process of its own that runs a piece of code, within a bound of time that only a hang reaches. */
import { execFile } from 'node:child_process';

export interface Outcome {
  readonly status: number | null;
  readonly stdout: string;
  readonly stderr: string;
  /** It had to be killed: it didn't end by itself. */
  readonly hung: boolean;
}

const BOUND_MS = 30_000;

/** Runs `code` as a module, from the root of the package, so that 'velocache' is what users get. */
export function runModule(code: string, flags: readonly string[] = []): Promise<Outcome> {
  const cwd = new URL('../../', import.meta.url);
  const args = [...flags, '--input-type=module', '--eval', code];
  return new Promise((resolve) => {
    const child = execFile(process.execPath, args, { cwd, timeout: BOUND_MS }, (error, stdout, stderr) => {
      resolve({ status: child.exitCode, stdout, stderr, hung: error?.killed === true });
    });
  });
}
