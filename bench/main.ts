/** Runs the benches that are named, one after the other. Nothing here fails for being slow: figures are printed. */

import { runCodecs } from './codecs.js';
import { runCompare } from './compare/compare.js';
import { runExact } from './exact.js';
import { runExpiry } from './expiry.js';
import { runGc } from './gc.js';
import { runGrowth } from './growth/growth.js';
import { runHitRatio } from './hit-ratio.js';
import { runLazy } from './lazy.js';
import { runLoop } from './loop.js';
import { describeMachine } from './machine.js';
import { runMemory } from './memory.js';
import { type BenchOptions, HELP, parseOptions } from './options.js';
import { runPeers } from './peers/peers.js';
import { runScenario } from './scenario/scenario.js';
import { runShift } from './shift.js';
import { runStats } from './stats.js';
import { runThreads } from './threads.js';

const BENCHES: Readonly<Record<string, (options: BenchOptions) => Promise<void>>> = {
  peers: runPeers,
  memory: runMemory,
  exact: runExact,
  threads: runThreads,
  shift: runShift,
  gc: runGc,
  hitratio: runHitRatio,
  stats: runStats,
  expiry: runExpiry,
  codecs: runCodecs,
  lazy: runLazy,
  loop: runLoop,
  scenario: runScenario,
  growth: runGrowth,
  compare: runCompare,
};

async function main(): Promise<void> {
  const options = parseOptions(process.argv.slice(2), Object.keys(BENCHES));
  if (options === undefined) {
    process.stdout.write(HELP);
    return;
  }
  process.stdout.write(describeMachine());
  for (const name of options.names) {
    process.stdout.write(`\n${name}\n`);
    await BENCHES[name]!(options);
  }
}

try {
  await main();
} catch (error) {
  process.stderr.write(`bench: ${error instanceof Error ? error.message : error}\n`);
  process.exitCode = 2;
}
