/** Adds rounds up and says it. */
import { cpus } from 'node:os';
import type { Loss } from './batch.js';
import type { RoundResult } from './round.js';
import type { SeriesResult } from './series.js';
import { quantile, type StallSample } from './stalls.js';
import { WAYS } from './ways.js';

export interface StallFigures {
  readonly samples: number;
  readonly p50Ms: number;
  readonly p99Ms: number;
  readonly maxMs: number;
}

export interface PhaseReport {
  readonly phase: string;
  readonly victims: number;
  readonly survivors: number;
  readonly kills: number;
  readonly rounds: number;
  readonly seconds: number;
  readonly counters: Readonly<Record<string, number>>;
  readonly stalls: Readonly<Record<string, StallFigures>>;
}

export interface Report {
  readonly node: string;
  readonly cores: number;
  readonly seed: number;
  readonly kills: number;
  readonly killsByWay: Readonly<Record<string, number>>;
  /** Deaths that V8 turned into the end of the process, and victims that outlived the end of their heap. */
  readonly heapAborts: number;
  readonly notEnded: number;
  /** Batches that gave no result. Their kills are not counted. */
  readonly losses: readonly Loss[];
  readonly hangs: number;
  readonly wrongValues: number;
  readonly bytesLost: number;
  readonly errors: number;
  readonly crashes: number;
  readonly phases: readonly PhaseReport[];
  /** Operations that a lock was refused to, and what held it. */
  readonly busy: readonly string[];
  readonly findings: readonly string[];
}

const SUMMED = [
  'deaths',
  'recoveries',
  'busy',
  'lockTimeouts',
  'readerFallbacks',
  'pagesMoved',
  'itemsMoved',
  'evictions',
  'reductions',
  'survivorOps',
  'checked',
  'hits',
] as const satisfies readonly (keyof RoundResult)[];

export function countWays(rounds: readonly RoundResult[]): Record<string, number> {
  const counts: Record<string, number> = {};
  for (const { kills } of rounds) {
    for (const { way } of kills) {
      const name = WAYS[way]?.name ?? '?';
      counts[name] = (counts[name] ?? 0) + 1;
    }
  }
  return counts;
}

function countersOf(rounds: readonly RoundResult[]): Record<string, number> {
  const sums = Object.fromEntries(SUMMED.map((name) => [name, rounds.reduce((sum, round) => sum + round[name], 0)]));
  const lateMsMax = Math.max(0, ...rounds.map((round) => round.lateMsMax));
  return { ...sums, lateMsMax, refilledMin: Math.min(...rounds.map((round) => round.refilled / round.fresh)) };
}

export function phaseOf({ plan, rounds, kills, seconds }: SeriesResult): PhaseReport {
  const { name, victims, survivors } = plan;
  const figures = { kills, rounds: rounds.length, seconds, counters: countersOf(rounds), stalls: stallsOf(rounds) };
  return { phase: name, victims, survivors, ...figures };
}

/** Stalls of all kills behind which a warden watched, of the rest, and by way. */
function stallsOf(rounds: readonly RoundResult[]): Record<string, StallFigures> {
  const all = rounds.flatMap(({ stalls }) => stalls);
  const kills = all.filter(({ way }) => way !== 'control');
  const watched = kills.filter((sample) => sample.isWatched);
  const groups: Record<string, StallFigures> = {
    'control (no kill)': figures(all.filter(({ way }) => way === 'control')),
    'all, warden on watch': figures(watched),
    'the same, large operations too': figures(watched, 'anyMs'),
    'while the warden is replaced': figures(kills.filter((sample) => !sample.isWatched)),
  };
  for (const { name } of WAYS) {
    const some = watched.filter(({ way }) => way === name);
    if (some.length > 0) groups[name] = figures(some);
  }
  return groups;
}

function figures(samples: readonly StallSample[], of: 'smallMs' | 'anyMs' = 'smallMs'): StallFigures {
  const sorted = samples.map((sample) => sample[of]).sort((a, b) => a - b);
  const round = (ms: number): number => Math.round(ms * 100) / 100;
  return {
    samples: sorted.length,
    p50Ms: round(quantile(sorted, 0.5)),
    p99Ms: round(quantile(sorted, 0.99)),
    maxMs: round(sorted.at(-1) ?? 0),
  };
}

export function isClean(report: Report): boolean {
  const { findings, hangs, wrongValues, bytesLost, errors, crashes } = report;
  return findings.length + hangs + wrongValues + bytesLost + errors + crashes === 0;
}

export function textOf(report: Report): string {
  const lines = [`node ${report.node}, ${report.cores} cores (${cpus()[0]?.model ?? '?'}), seed ${report.seed}`, ''];
  lines.push('kills by way');
  for (const [way, count] of Object.entries(report.killsByWay)) lines.push(`  ${way.padEnd(26)}${count}`);
  lines.push(`  apart: V8 aborted the process ${report.heapAborts}, outlived its heap ${report.notEnded}`);
  lines.push('', ...lossLines(report.losses));
  for (const phase of report.phases) lines.push('', ...phaseLines(phase));
  for (const busy of report.busy) lines.push(`busy: ${busy}`);
  for (const finding of report.findings) lines.push(finding);
  lines.push('', summary(report));
  return lines.join('\n');
}

function lossLines(losses: readonly Loss[]): string[] {
  const counts = new Map<string, number>();
  for (const { ending, kind } of losses) {
    const how = `${ending}, ${kind}`;
    counts.set(how, (counts.get(how) ?? 0) + 1);
  }
  const how = [...counts].map(([name, count]) => `${count} by ${name}`).join('; ');
  const lines = losses.map(({ ending, series, seed }) => `  ${ending} in a batch of "${series}", seed ${seed}`);
  return [`process aborted: ${losses.length}${how === '' ? '' : ` (${how})`}`, ...lines];
}

function phaseLines(phase: PhaseReport): string[] {
  const { victims, survivors, kills, rounds, seconds } = phase;
  const lines = [
    `${phase.phase}: ${victims} victims and ${survivors} survivors at a time, ${kills} kills in ${rounds} rounds, ${seconds} s`,
    `  ${Object.entries(phase.counters)
      .map(([name, value]) => `${name} ${Math.round(value * 1_000) / 1_000}`)
      .join(', ')}`,
    `  ${'stall of the others, ms'.padEnd(34)}     n      p50      p99      max`,
  ];
  for (const [name, { samples, p50Ms, p99Ms, maxMs }] of Object.entries(phase.stalls)) {
    const columns = [p50Ms, p99Ms, maxMs].map((ms) => ms.toFixed(2).padStart(9)).join('');
    lines.push(`  ${name.padEnd(34)}${`${samples}`.padStart(6)}${columns}`);
  }
  return lines;
}

function summary(report: Report): string {
  const { kills, hangs, wrongValues, bytesLost, errors, crashes } = report;
  const verdict = isClean(report) ? 'survived' : 'FAILED';
  const faults = `${hangs} hangs, ${wrongValues} wrong values, ${bytesLost} bytes lost, ${errors} errors, ${crashes} crashes`;
  return `${verdict}: ${kills} kills, ${faults} (node ${report.node}, seed ${report.seed})`;
}
