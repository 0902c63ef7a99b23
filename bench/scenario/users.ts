/**
 * The process of the users: each asks for one thing, takes the whole answer, thinks, and asks again, over a connection
 * of its own. They are spread evenly over the server's ports.
 */
import { Agent, get } from 'node:http';
import { setTimeout as pause } from 'node:timers/promises';
import { deriveSeed, Random } from '../../src/cli/random.js';
import { Histogram } from '../histogram.js';
import type { UsersCommand, UsersPlan, UsersReport } from './messages.js';
import { Requests, THINK_MS } from './workload.js';

const plan = JSON.parse(process.argv[2]!) as UsersPlan;
const requests = new Requests(plan.users, plan.windowMs, plan.next);

/** Since figures began to be gathered. */
let tally = { answers: new Histogram(), failures: 0, startMs: performance.now(), cpu: process.cpuUsage() };
let isRush = false;

function ask(agent: Agent, port: number, path: string): Promise<void> {
  return new Promise((resolve, reject) => {
    const request = get({ host: '127.0.0.1', port, path, agent }, (response) => {
      response.resume();
      response.on('error', reject);
      response.on('end', () => {
        if (response.statusCode === 200) resolve();
        else reject(new Error(`status ${response.statusCode}`));
      });
    });
    request.on('error', reject);
  });
}

async function use(user: number): Promise<void> {
  const random = new Random(deriveSeed(plan.seed, `user ${user}`));
  const agent = new Agent({ keepAlive: true, maxSockets: 1 });
  const port = plan.ports[user % plan.ports.length]!;
  // So that they don't all begin at once.
  let thinkMs = random.next() * THINK_MS;
  for (;;) {
    if (!isRush) await pause(thinkMs);
    const { type, thing } = requests.draw(random);
    const startMs = performance.now();
    try {
      await ask(agent, port, `/${type}/${thing}`);
      tally.answers.add(performance.now() - startMs);
    } catch {
      tally.failures++;
      // A server that is gone is not asked in a loop.
      await pause(THINK_MS);
    }
    thinkMs = -Math.log(1 - random.next()) * THINK_MS;
  }
}

function report(): UsersReport {
  const { answers, failures, startMs, cpu } = tally;
  const { user, system } = process.cpuUsage(cpu);
  return {
    answers: answers.count,
    failures,
    elapsedMs: performance.now() - startMs,
    meanMs: answers.sumMs / answers.count,
    p99Ms: answers.quantile(0.99),
    cpuMs: (user + system) / 1e3,
  };
}

process.on('disconnect', () => process.exit());
process.on('message', ({ kind }: UsersCommand) => {
  if (kind === 'end') process.send!(report());
  else tally = { answers: new Histogram(), failures: 0, startMs: performance.now(), cpu: process.cpuUsage() };
  isRush = kind === 'rush' || (isRush && kind !== 'begin');
});
for (let user = 0; user < plan.users; user++) void use(user);
