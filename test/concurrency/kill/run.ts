/** The kill run: `npm run test:kills -- --kills 10000`. Exit status 1 on any hang, wrong value or lost byte. */
import { cpus } from 'node:os';
import { deriveSeed } from '../../../src/cli/random.js';
import { runHeapKills } from './heap-batch.js';
import { type Phase, parseOptions, phasesOf, type RunOptions, USAGE } from './options.js';
import { countersOf, countWays, isClean, type PhaseReport, type Report, stallsOf, textOf } from './report.js';
import { Round, type RoundResult } from './round.js';

/** Kills on one cache, before its accounts are checked and the next is made. */
const ROUND_KILLS = 250;

async function runPhase(phase: Phase, kills: number, options: RunOptions): Promise<[PhaseReport, RoundResult[]]> {
  const start = performance.now();
  const rounds: RoundResult[] = [];
  let done = 0;
  while (done < kills && rounds.every(({ findingCount }) => findingCount === 0)) {
    const seed = deriveSeed(options.seed, `${phase.name} ${rounds.length}`);
    const { victims, survivors } = phase;
    const budget = Math.min(ROUND_KILLS, kills - done);
    const round = await new Round({ seed, kills: budget, victims, survivors, heapOnly: options.isHeapChild }).run();
    rounds.push(round);
    done += round.kills.length;
    progress(options, `${phase.name}: ${done} of ${kills} kills`);
  }
  const seconds = Math.round((performance.now() - start) / 100) / 10;
  const figures = {
    kills: done,
    rounds: rounds.length,
    seconds,
    counters: countersOf(rounds),
    stalls: stallsOf(rounds),
  };
  return [{ phase: phase.name, victims: phase.victims, survivors: phase.survivors, ...figures }, rounds];
}

function progress(options: RunOptions, text: string): void {
  if (!options.json && process.stderr.isTTY) process.stderr.write(`\r${text}   `);
}

async function run(options: RunOptions): Promise<Report> {
  const phases = phasesOf(options);
  const results: [PhaseReport, RoundResult[]][] = [];
  const heapKills = options.isHeapChild ? 0 : options.heapKills;
  const each = Math.ceil((options.kills - heapKills) / phases.length);
  for (const phase of phases) results.push(await runPhase(phase, each, options));
  const heap = await runHeapKills(heapKills, deriveSeed(options.seed, 'heap'));
  const rounds = results.flatMap(([, some]) => some);
  const findings = [...rounds.flatMap((round) => round.findings), ...heap.findings];
  const sum = (kind: string) => findings.filter((finding) => finding.startsWith(kind)).length;
  const killsByWay = countWays(rounds);
  if (heap.kills > 0) killsByWay['heap exhausted'] = heap.kills;
  return {
    node: process.version,
    cores: cpus().length,
    seed: options.seed,
    kills: Object.values(killsByWay).reduce((total, count) => total + count, 0),
    killsByWay,
    heapAborts: heap.aborts,
    notEnded: heap.notEnded + rounds.reduce((total, { notEnded }) => total + notEnded, 0),
    hangs: sum('hang'),
    wrongValues: sum('wrong value'),
    bytesLost: rounds.reduce((total, { bytesLost }) => total + bytesLost, 0) + (sum('bytes lost') > 0 ? 1 : 0),
    errors: sum('error'),
    phases: results.map(([phase]) => phase),
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
