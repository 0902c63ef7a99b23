/** A series of batches with the same numbers of threads, until enough kills are counted. */
import { deriveSeed } from '../../../src/cli/random.js';
import { isLoss, type Loss, runBatch } from './batch.js';
import type { RoundResult } from './round.js';

export interface SeriesPlan {
  readonly name: string;
  readonly victims: number;
  readonly survivors: number;
  /** Only exhaustion of the heap. */
  readonly heapOnly: boolean;
  /** Kills on one cache, before its accounts are checked and the next is made. */
  readonly batchKills: number;
}

export interface SeriesResult {
  readonly plan: SeriesPlan;
  readonly rounds: readonly RoundResult[];
  readonly losses: readonly Loss[];
  /** Kills that were counted: those of batches that came to their end, without victims that lived on. */
  readonly kills: number;
  readonly seconds: number;
}

/** Batches that may be lost, or have victims that live on, before the rest is given up: their number says enough. */
const LOSSES_MAX = 8;

/** Ends early at a finding. Says on standard error how far it is. */
export async function runSeries(plan: SeriesPlan, kills: number, runSeed: number): Promise<SeriesResult> {
  const start = performance.now();
  const seconds = (): number => Math.round((performance.now() - start) / 100) / 10;
  const rounds: RoundResult[] = [];
  const losses: Loss[] = [];
  let [done, livedOn] = [0, 0];
  for (let batch = 0; done < kills && losses.length < LOSSES_MAX && livedOn < LOSSES_MAX; batch++) {
    const seed = deriveSeed(runSeed, `${plan.name} ${batch}`);
    const { victims, survivors, heapOnly } = plan;
    const budget = Math.min(plan.batchKills, kills - done);
    const outcome = await runBatch(plan.name, { seed, kills: budget, victims, survivors, heapOnly });
    if (isLoss(outcome)) losses.push(outcome);
    else {
      rounds.push(outcome);
      done += outcome.kills.length - outcome.notEnded;
      livedOn += outcome.notEnded;
    }
    const how = isLoss(outcome)
      ? `lost by ${outcome.ending} (${outcome.kind})`
      : `done, ${outcome.findingCount} findings, ${outcome.busy} busy`;
    process.stderr.write(
      `${plan.name}: batch ${batch} of seed ${seed} ${how}, ${done} of ${kills} kills, ${seconds()} s\n`,
    );
    if (isLoss(outcome) || outcome.findingCount === 0) continue;
    process.stderr.write(`${outcome.findings.join('\n')}\n`);
    break;
  }
  return { plan, rounds, losses, kills: done, seconds: seconds() };
}
