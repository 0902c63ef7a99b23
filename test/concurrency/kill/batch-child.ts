/** The process of one batch: runs the round that its argument describes, and writes the result to standard output. */
import { Round, type RoundPlan, UNENDING } from './round.js';

try {
  const plan = JSON.parse(process.argv[2] ?? '') as RoundPlan;
  const result = await new Round(plan).run();
  process.stdout.write(JSON.stringify(result));
} catch (error) {
  process.stderr.write(`${(error as Error).stack}\n`);
  // With a thread that can't be ended no process ends in order.
  if ((error as Error).message === UNENDING) process.kill(process.pid, 'SIGKILL');
  process.exitCode = 1;
}
