/** Ratios of two builds, round by round, and what can be said of them. */
import { type Summary, summarize } from '../figures.js';
import type { MicroReport } from './micro-child.js';

export interface Round {
  readonly base: MicroReport;
  readonly own: MicroReport;
}

export interface Ratio {
  readonly name: string;
  readonly baseNs: number;
  readonly ownNs: number;
  /** How many times as long as the base this build takes: below 1 it is faster. */
  readonly ratio: Summary;
}

export function ratiosOf(rounds: readonly Round[]): Ratio[] {
  const names = rounds[0]?.base.map(({ name }) => name) ?? [];
  return names.map((name, i) => {
    const base = rounds.map((round) => round.base[i]!.ns);
    const own = rounds.map((round) => round.own[i]!.ns);
    const ratio = summarize(own.map((ns, round) => ns / base[round]!));
    return { name, baseNs: summarize(base).median, ownNs: summarize(own).median, ratio };
  });
}

/** With fewer, a middle half is too easily on one side. */
const ROUNDS_MIN = 6;

/** Nothing is said where the middle half of the rounds has 1 in it. */
export function wordFor({ p25, p75 }: Summary, rounds: number): string {
  if (rounds < ROUNDS_MIN) return 'too few rounds';
  if (p25 <= 1 && 1 <= p75) return '1.00 is within';
  return p75 < 1 ? 'faster' : 'SLOWER';
}
