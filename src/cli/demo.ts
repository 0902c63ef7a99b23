import type { DemoOptions } from './args.js';
import { EXIT_VIOLATION } from './errors.js';
import { runLoad } from './load-run.js';
import type { ProgressOutput } from './progress.js';
import { runReplay } from './replay-run.js';
import { createReport, type Report } from './report.js';
import { formatReport } from './report-text.js';
import type { RunStop } from './run.js';

/** Status of a program ended by a second Ctrl-C, as shells give it. */
const EXIT_INTERRUPTED = 130;

interface DemoIo {
  readonly stdout: { write(text: string): unknown };
  readonly stderr: ProgressOutput;
  readonly now: () => number;
}

/** Runs the demo to its end and reports; the result is the exit status. */
export async function runDemo(options: DemoOptions, io: DemoIo): Promise<number> {
  const stop: RunStop = new AbortController();
  const interrupt = (): void => {
    // Someone who asks twice doesn't want to wait for the report.
    if (stop.signal.aborted) process.exit(EXIT_INTERRUPTED);
    stop.abort('interrupted');
  };
  process.on('SIGINT', interrupt);
  try {
    const findings = await (options.trace === undefined ? runLoad : runReplay)({ options, io, stop });
    return present(createReport(findings), options, io);
  } finally {
    process.off('SIGINT', interrupt);
  }
}

function present(report: Report, { json }: DemoOptions, { stdout, stderr }: DemoIo): number {
  stdout.write(json ? `${JSON.stringify(report)}\n` : formatReport(report));
  for (const violation of report.violations) stderr.write(`velocache: violation: ${violation}\n`);
  return report.violationCount === 0 ? 0 : EXIT_VIOLATION;
}
