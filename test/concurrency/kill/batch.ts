/**
 * Batches: a run is cut into rounds, and each round runs in a child process. A death that takes the process with it then
 * costs one batch, whose kills count for nothing, and the run goes on and says so.
 */
import { spawn } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { type RoundPlan, type RoundResult, UNENDING } from './round.js';

/**
 * How a batch ended that gave no result. `out of memory`: V8 gave the process up because a heap was full, as it may do
 * where a worker's was. `not ended`: nothing ended a worker whose heap was full, not even `terminate`. `crash`: any other
 * signal or abort. `overdue`: it was still running after `BATCH_MS_MAX`. `failed`: it ended by an exit status.
 */
export type LossKind = 'out of memory' | 'not ended' | 'crash' | 'overdue' | 'failed';

export interface Loss {
  readonly kind: LossKind;
  /** The name of the signal, or the exit status. */
  readonly ending: string;
  readonly series: string;
  readonly seed: number;
  /** What the process wrote on standard error: what V8 said before it aborted, or else the end, in one line. */
  readonly lastWords: string;
}

const BATCH_MS_MAX = 900_000;
const LAST_WORDS_MAX = 400;
const ERROR_BYTES_MAX = 1 << 16;
/** What V8 says before it ends a process, and what of it tells that a heap was full; all of it ends by a signal. */
const ABORTED = /^(FATAL ERROR|# Fatal)/m;
const OUT_OF_MEMORY = /FATAL ERROR: .*(heap out of memory|Reached heap limit)/;
/** In Node 26 a check of V8's own fails where a thread that compiles asks for a collection of a heap that is about to end. */
const LATE_COLLECTION = /# Check failed: GetTimerForCollectionRequest\(kind\)\.IsStarted\(\)/;

export async function runBatch(series: string, plan: RoundPlan): Promise<RoundResult | Loss> {
  const script = fileURLToPath(new URL('./batch-child.js', import.meta.url));
  const args = [...process.execArgv, script, JSON.stringify(plan)];
  const child = spawn(process.execPath, args, { stdio: ['ignore', 'pipe', 'pipe'] });
  let [output, errors, isOverdue] = ['', '', false];
  child.stdout.on('data', (chunk: Buffer) => {
    output += chunk;
  });
  child.stderr.on('data', (chunk: Buffer) => {
    errors = (errors + chunk).slice(-ERROR_BYTES_MAX);
  });
  const timer = setTimeout(() => {
    isOverdue = true;
    child.kill('SIGKILL');
  }, BATCH_MS_MAX);
  const ending = await new Promise<string>((resolve) => {
    child.once('close', (code, signal) => resolve(signal ?? `exit status ${code}`));
  });
  clearTimeout(timer);
  // A process that crashed behind its result has crashed.
  if (ending === 'exit status 0') return JSON.parse(output) as RoundResult;
  return {
    kind: isOverdue ? 'overdue' : kindOf(ending, errors),
    ending,
    series,
    seed: plan.seed,
    lastWords: lastWordsOf(errors),
  };
}

/** A stack of native frames, which may be long, stands behind the reason. */
function lastWordsOf(errors: string): string {
  const reason = errors.search(ABORTED);
  const words = (reason < 0 ? errors : errors.slice(reason)).trim().replaceAll(/\s+/g, ' ');
  return reason < 0 ? words.slice(-LAST_WORDS_MAX) : words.slice(0, LAST_WORDS_MAX);
}

export function isLoss(outcome: RoundResult | Loss): outcome is Loss {
  return 'ending' in outcome;
}

function kindOf(ending: string, errors: string): LossKind {
  if (!ending.startsWith('SIG')) return 'failed';
  if (ending === 'SIGKILL' && errors.includes(UNENDING)) return 'not ended';
  const isForWantOfMemory = OUT_OF_MEMORY.test(errors) || LATE_COLLECTION.test(errors);
  return /SIG(ABRT|TRAP|ILL)/.test(ending) && isForWantOfMemory ? 'out of memory' : 'crash';
}
