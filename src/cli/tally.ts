/** What one thread has done and found. Plain data: threads send it to each other. */
export interface Tally {
  gets: number;
  sets: number;
  deletes: number;
  /** Sets that found no room, or were overtaken by another change of the key before they were done. */
  rejected: number;
  /** Bytes of the values that gets of a trace asked for, and of those that they found. */
  bytesRequested: number;
  bytesHit: number;
  /** Values compared in full with what their key must hold. */
  checked: number;
  violationCount: number;
  /** The first few violations, one sentence each. */
  violations: string[];
}

/** Violations kept with their words; a broken cache would otherwise bury its report. */
const VIOLATIONS_KEPT = 10;

export function createTally(): Tally {
  return {
    gets: 0,
    sets: 0,
    deletes: 0,
    rejected: 0,
    bytesRequested: 0,
    bytesHit: 0,
    checked: 0,
    violationCount: 0,
    violations: [],
  };
}

export function noteViolation(tally: Tally, sentence: string): void {
  tally.violationCount++;
  if (tally.violations.length < VIOLATIONS_KEPT) tally.violations.push(sentence);
}

export function operationsOf(tally: Tally): number {
  return tally.gets + tally.sets + tally.deletes;
}
