/** The stress run for minutes: `STRESS_SECONDS`, `STRESS_SEED`. Exit status 1 if it finds anything. */
import { stress } from './stress.js';

const { STRESS_SEED, STRESS_SECONDS } = process.env;
const seed = Number(STRESS_SEED ?? Math.floor(Math.random() * 2 ** 31));
const seconds = Number(STRESS_SECONDS ?? 300);
process.stdout.write(`stress: seed ${seed}, ${seconds} s\n`);
const { problems, ...counts } = await stress(seed, seconds);
for (const problem of problems.slice(0, 20)) process.stdout.write(`${problem}\n`);
process.stdout.write(`${problems.length === 0 ? 'clean' : 'FAILED'}: ${JSON.stringify(counts)}\n`);
process.exitCode = problems.length === 0 ? 0 : 1;
