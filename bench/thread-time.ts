/** The time that this thread was on a core, where the system tells: what else runs on the machine doesn't count. */
import { readFileSync } from 'node:fs';

const SCHEDSTAT = '/proc/thread-self/schedstat';

/** Milliseconds on a core on Linux, to some ms; the time of day elsewhere. */
export function threadMs(): number {
  try {
    return Number(readFileSync(SCHEDSTAT, 'utf8').split(' ')[0]) / 1e6;
  } catch {
    return performance.now();
  }
}
