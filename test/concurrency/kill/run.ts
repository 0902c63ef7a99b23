/**
 * The kill run: `npm run test:kills -- --kills 10000`. Exit status 1 on any hang, wrong value, lost byte, error or crash
 * of a process; deaths that V8 turned into the end of a process, or did not carry out, are counted apart.
 */
import { cpus } from 'node:os';
import type { Loss, LossKind } from './batch.js';
import type { FindingKind } from './board.js';
import { HEAP_SERIES, parseOptions, type RunOptions, seriesOf, USAGE } from './options.js';
import { countWays, isClean, phaseOf, type Report, textOf } from './report.js';
import { runSeries, type SeriesResult } from './series.js';

/** Of the operations that were refused a lock, so many are described. */
const BUSY_TEXTS_MAX = 40;

/** What a batch that gave no result says about the cache; nothing where V8 is known to fail. */
const FINDING_OF: Readonly<Record<LossKind, FindingKind | undefined>> = {
  'out of memory': undefined,
  'not ended': undefined,
  crash: 'crash',
  overdue: 'hang',
  failed: 'error',
};

function findingsOf({ rounds, losses }: SeriesResult): string[] {
  const found = rounds.flatMap((round) => round.findings);
  const lost = losses.flatMap((loss) => (isKnown(loss) ? [] : [sentenceOf(loss)]));
  return [...found, ...lost];
}

/** V8 fails to end a worker whose heap is full, or ends the process: only where a heap was to run full. */
function isKnown(loss: Loss): boolean {
  return loss.series === HEAP_SERIES.name && FINDING_OF[loss.kind] === undefined;
}

function sentenceOf({ kind, ending, series, seed, lastWords }: Loss): string {
  return `${FINDING_OF[kind] ?? 'crash'}: a batch of "${series}", seed ${seed}, ended by ${ending}: ${lastWords}`;
}

async function run(options: RunOptions): Promise<Report> {
  const phases: SeriesResult[] = [];
  const plans = seriesOf(options);
  const each = Math.ceil((options.kills - options.heapKills) / plans.length);
  if (each > 0) for (const plan of plans) phases.push(await runSeries(plan, each, options.seed));
  const heap = await runSeries(HEAP_SERIES, options.heapKills, options.seed);
  const all = [...phases, heap];
  const rounds = all.flatMap((series) => series.rounds);
  const losses = all.flatMap((series) => series.losses);
  const findings = all.flatMap(findingsOf);
  const sum = (kind: FindingKind) => findings.filter((finding) => finding.startsWith(kind)).length;
  const killsByWay = countWays(phases.flatMap((series) => series.rounds));
  if (heap.kills > 0) killsByWay['heap exhausted'] = heap.kills;
  return {
    node: process.version,
    cores: cpus().length,
    seed: options.seed,
    kills: Object.values(killsByWay).reduce((total, count) => total + count, 0),
    killsByWay,
    heapAborts: losses.filter((loss) => isKnown(loss) && loss.kind === 'out of memory').length,
    notEnded:
      losses.filter((loss) => isKnown(loss) && loss.kind === 'not ended').length +
      rounds.reduce((total, { notEnded }) => total + notEnded, 0),
    losses,
    hangs: sum('hang'),
    wrongValues: sum('wrong value'),
    bytesLost: rounds.reduce((total, { bytesLost }) => total + bytesLost, 0) + (sum('bytes lost') > 0 ? 1 : 0),
    errors: sum('error'),
    crashes: sum('crash'),
    phases: phases.map(phaseOf),
    busy: rounds.flatMap(({ busyTexts }) => busyTexts).slice(0, BUSY_TEXTS_MAX),
    findings,
  };
}

async function main(): Promise<number> {
  let options: RunOptions | undefined;
  try {
    options = parseOptions(process.argv.slice(2));
  } catch (error) {
    process.stderr.write(`${(error as Error).message}\n`);
    return 2;
  }
  if (options === undefined) {
    process.stdout.write(`${USAGE}\n`);
    return 0;
  }
  if (!options.json) process.stdout.write(`seed ${options.seed}\n`);
  const report = await run(options);
  process.stdout.write(options.json ? `${JSON.stringify(report)}\n` : `${textOf(report)}\n`);
  return isClean(report) ? 0 : 1;
}

process.exitCode = await main();
