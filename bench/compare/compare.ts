/** This checkout against another one: both builds' micro benches in turn, a process each, as A B B A. */
import { fork } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';
import { table } from '../figures.js';
import type { BenchOptions } from '../options.js';
import { describe, HERE, openCheckout } from './checkout.js';
import type { MicroJob, MicroReport } from './micro-child.js';
import { type Ratio, type Round, ratiosOf, wordFor } from './ratios.js';

export async function runCompare({ base, items, rounds, sliceMs }: BenchOptions): Promise<void> {
  // What is left in order by handlers at the exit would be left behind by a signal.
  const interrupt = (): never => process.exit(130);
  process.once('SIGINT', interrupt).once('SIGTERM', interrupt);
  const checkout = openCheckout(base);
  try {
    process.stdout.write(`  base ${checkout.commit} against ${describe(HERE)}, ${even(rounds)} rounds\n`);
    const job = { items: items[0]!, sliceMs };
    const results: Round[] = [];
    for (let round = 0; round < even(rounds); round++) results.push(await runRound(round, checkout.folder, job));
    report(ratiosOf(results), results.length);
  } finally {
    checkout.remove();
    process.off('SIGINT', interrupt).off('SIGTERM', interrupt);
  }
}

/** Each of the two must come first as often as the other. */
function even(rounds: number): number {
  return rounds + (rounds % 2);
}

async function runRound(round: number, folder: string, job: Omit<MicroJob, 'checkout'>): Promise<Round> {
  const runBase = (): Promise<MicroReport> => runChild({ ...job, checkout: folder });
  const runOwn = (): Promise<MicroReport> => runChild({ ...job, checkout: HERE });
  if (round % 2 === 0) {
    const base = await runBase();
    return { base, own: await runOwn() };
  }
  const own = await runOwn();
  return { base: await runBase(), own };
}

async function runChild(job: MicroJob): Promise<MicroReport> {
  const child = fork(fileURLToPath(new URL('./micro-child.js', import.meta.url)), [JSON.stringify(job)]);
  let report: MicroReport | undefined;
  child.on('message', (message) => {
    report = message as MicroReport;
  });
  const [code, signal] = (await once(child, 'exit')) as [number | null, string | null];
  if (report === undefined) throw new Error(`the build of ${job.checkout} ended by ${signal ?? `exit status ${code}`}`);
  return report;
}

function report(ratios: readonly Ratio[], rounds: number): void {
  const rows = [['', 'base, ns', 'this, ns', 'this / base', 'p25-p75', '']];
  for (const { name, baseNs, ownNs, ratio } of ratios) {
    const spread = `${ratio.p25.toFixed(2)}-${ratio.p75.toFixed(2)}`;
    rows.push([name, baseNs.toFixed(0), ownNs.toFixed(0), ratio.median.toFixed(2), spread, wordFor(ratio, rounds)]);
  }
  process.stdout.write(table(rows));
  process.stdout.write(
    '  Medians of the rounds, and the middle half of their ratios. Of so many rows some lie outside by chance:\n' +
      '  compare with . shows how many; what a second run repeats is real.\n',
  );
}
