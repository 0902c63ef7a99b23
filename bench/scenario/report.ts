/** What the scenario came to, beside the figures of the mission, as tables for the documents. */
import { availableParallelism } from 'node:os';
import { percent } from '../figures.js';
import { markdown } from '../markdown.js';
import { type Figures, figuresOf, gcShare, rushCores } from './figures-of.js';
import { SIDES } from './messages.js';
import { DATA_SCALE, GB, GOALS, type Goal, goalAt, MISSION_AFTER, MISSION_BEFORE } from './mission.js';
import type { Outcome } from './trial.js';
import { hitRatioMax } from './workload.js';

/** Both servers under one load. */
export interface Pair {
  readonly users: number;
  readonly before: Outcome;
  readonly after: Outcome;
}

/** One measure beside the mission's. */
interface Row {
  readonly name: string;
  readonly goal: Goal;
  readonly before: number;
  readonly after: number;
  readonly isMoreBetter?: boolean;
  /** The mission gives only the change. */
  readonly isRelative?: boolean;
  readonly format: (value: number) => string;
  /** What keeps the figure from its goal, as far as it was measured. */
  readonly why: string;
}

const gigabytes = (bytes: number): string => `${(bytes / GB).toFixed(2)} GB`;
const megabytes = (bytes: number): string => `${(bytes / 1e6).toFixed(0)} MB`;
const ms = (value: number): string => `${value.toFixed(value < 10 ? 2 : 0)} ms`;
const whole = (value: number): string => value.toFixed(0);
const ratio = (value: number): string => percent(value, 1);

export type Verdict = 'reached' | 'reached as a ratio' | 'missed' | 'not measured' | '–';

/** A goal is reached by the figure itself, or else by the change from before to after. */
export function judge(goal: Goal, before: number, after: number, isMoreBetter = false, isRelative = false): Verdict {
  if (Number.isNaN(goal.after)) return '–';
  if (Number.isNaN(after)) return 'not measured';
  const sign = isMoreBetter ? -1 : 1;
  if (!isRelative && sign * after <= sign * goal.after) return 'reached';
  if (sign * (after / before) <= sign * (goal.after / goal.before))
    return isRelative ? 'reached' : 'reached as a ratio';
  return isRelative && Number.isNaN(after / before) ? 'not measured' : 'missed';
}

export function reportOf(pairs: readonly Pair[]): string {
  const rows = [...pairs.map(memoryRow), ...measureRows(pairs)];
  const head = ['', 'mission, before', 'here, before', 'mission, after', 'here, after', 'mission', 'here', ''];
  const verdicts = rows.map((row) => judge(row.goal, row.before, row.after, row.isMoreBetter, row.isRelative));
  const table = markdown([head, ...rows.map((row, i) => cells(row, verdicts[i]!))]);
  const whys = rows.flatMap((row, i) =>
    verdicts[i] === 'reached' || verdicts[i] === '–' ? [] : [`- ${row.name}: ${verdicts[i]}. ${row.why}\n`],
  );
  return `${table}\n${whys.join('')}\n${markdown(allFigures(pairs))}\n${crashes(pairs)}`;
}

function cells(row: Row, verdict: Verdict): string[] {
  const { goal, before, after, format } = row;
  const show = (value: number): string => (Number.isNaN(value) ? '–' : format(value));
  const goals = row.isRelative ? ['–', '–'] : [show(goal.before), show(goal.after)];
  const changes = [change(goal.before, goal.after), change(before, after)];
  return [row.name, goals[0]!, show(before), goals[1]!, show(after), ...changes, verdict];
}

function change(before: number, after: number): string {
  const share = after / before - 1;
  return Number.isFinite(share) ? `${share < 0 ? '−' : '+'}${percent(Math.abs(share), 0)}` : '–';
}

function memoryRow({ users, before, after }: Pair): Row {
  const meanOf = (outcome: Outcome): number =>
    outcome.crash === undefined ? figuresOf(outcome).meanBytes : Number.NaN;
  return {
    name: `memory at ${users} users`,
    goal: { before: goalAt(MISSION_BEFORE, users), after: goalAt(MISSION_AFTER, users) },
    before: meanOf(before),
    after: meanOf(after),
    format: gigabytes,
    why: whyMemory(after),
  };
}

function whyMemory({ memory, bytesIdle, measured }: Outcome): string {
  const inUse = measured?.server.cache?.bytesInUse;
  if (inUse === undefined) return '';
  const rest = Math.max(0, memory.mean - bytesIdle - inUse);
  return (
    `Of ${megabytes(memory.mean)} resident, ${megabytes(bytesIdle)} is the server without data, and ` +
    `${megabytes(inUse)} the cache in use with its tables; the other ${megabytes(rest)} (heaps, connections, workers, compressors) don't ` +
    `shrink with the data, and are counted ${DATA_SCALE}-fold as it is.`
  );
}

/** By the largest load that both servers lived through. */
function measureRows(pairs: readonly Pair[]): Row[] {
  const pair = pairs.findLast(({ before, after }) => before.measured !== undefined && after.measured !== undefined);
  if (pair === undefined) return [];
  const [before, after] = [figuresOf(pair.before), figuresOf(pair.after)];
  const at = `at ${pair.users} users`;
  const both = (field: keyof Figures): { before: number; after: number } => ({
    before: before[field],
    after: after[field],
  });
  const measured = pair.after.measured!;
  const hitMs = `a hit takes ${ms(after.hitMs)}, ${ms(before.hitMs)} before`;
  const waits = `${percent(1 - after.hitRatio, 1)} of the reads wait for a back end, ${ms(after.missMs)} each in the mean`;
  const causes = Object.entries(measured.server.cache?.evictions ?? {}).map(([cause, count]) => `${count} by ${cause}`);
  const cores = rushCores(pairs.at(-1)!.after.measured ?? measured);
  return [
    {
      name: `hit ratio ${at}`,
      goal: GOALS.hitRatio,
      ...both('hitRatio'),
      isMoreBetter: true,
      format: ratio,
      why:
        `The load's own hit ratios, those of the mission by type, weigh to ${ratio(hitRatioMax())}: no cache can have more. ` +
        `While it was measured ${measured.server.cache?.expirations} entries expired, evicted were ${causes.join(', ')}.`,
    },
    {
      name: `latency of the cache ${at}, loading included`,
      goal: GOALS.cacheMs,
      ...both('cacheMs'),
      format: ms,
      why: `${waits}; ${hitMs}.`,
    },
    {
      name: `forced evictions an hour ${at}`,
      goal: GOALS.evictionsPerHour,
      ...both('evictionsPerHour'),
      format: whole,
      why: `Evicted while it was measured: ${causes.join(', ')}. The server before has no limits, and evicts nothing.`,
    },
    {
      name: `API response, mean, ${at}`,
      goal: GOALS.responseMs,
      ...both('responseMs'),
      format: ms,
      why: `The cache's part is ${ms(after.cacheMs)}, since ${waits}; ${hitMs}.`,
    },
    {
      name: 'requests per second, most',
      goal: GOALS.requestsPerSecond,
      before: mostOf(pairs.map((one) => figuresOf(one.before).requestsPerSecondMax)),
      after: mostOf(pairs.map((one) => figuresOf(one.after).requestsPerSecondMax)),
      isMoreBetter: true,
      format: whole,
      why:
        `At the largest load the server had ${cores.server.toFixed(1)} cores and the users ${cores.users.toFixed(1)}, ` +
        `of ${availableParallelism()} that they share.`,
    },
    {
      name: `collections a minute ${at}`,
      goal: GOALS.collections,
      ...both('collections'),
      isRelative: true,
      format: whole,
      why: `Full ones: ${whole(before.fullCollections)} before, ${whole(after.fullCollections)} after. Each hit makes its object anew, which is garbage of the young generation.`,
    },
    {
      name: `mean pause ${at}`,
      goal: GOALS.pause,
      ...both('pauseMs'),
      isRelative: true,
      format: ms,
      why: `The longest pause was ${ms(before.longestPauseMs)} before, ${ms(after.longestPauseMs)} after; in all they take ${percent(gcShare(pair.before.measured!.server.threads, pair.before.measured!.users.elapsedMs))} and ${percent(gcShare(measured.server.threads, measured.users.elapsedMs))} of the threads' time.`,
    },
    {
      name: `longest pause ${at}`,
      goal: GOALS.pause,
      ...both('longestPauseMs'),
      isRelative: true,
      format: ms,
      why: 'The longest of one run, which other work on the machine may have lengthened.',
    },
  ];
}

function mostOf(values: readonly number[]): number {
  const known = values.filter((value) => !Number.isNaN(value));
  return known.length === 0 ? Number.NaN : Math.max(...known);
}

const COLUMNS: readonly (readonly [name: string, field: keyof Figures, format: (value: number) => string])[] = [
  ['memory, mean', 'meanBytes', gigabytes],
  ['peak', 'peakBytes', gigabytes],
  ['hits', 'hitRatio', ratio],
  ['cache, mean', 'cacheMs', ms],
  ['of a hit', 'hitMs', ms],
  ['evictions/h', 'evictionsPerHour', whole],
  ['response, mean', 'responseMs', ms],
  ['p99', 'responseP99Ms', ms],
  ['requests/s', 'requestsPerSecond', whole],
  ['most', 'requestsPerSecondMax', whole],
  ['failed', 'failures', whole],
  ['GC/min', 'collections', whole],
  ['full', 'fullCollections', whole],
  ['pause, mean', 'pauseMs', ms],
  ['longest', 'longestPauseMs', ms],
  ['loop p99', 'loopP99Ms', ms],
  ['longest', 'loopMaxMs', ms],
];

function allFigures(pairs: readonly Pair[]): string[][] {
  const rows = pairs.flatMap((pair) =>
    SIDES.map((side) => {
      const figures = figuresOf(pair[side]);
      const values = COLUMNS.map(([, field, format]) => (Number.isNaN(figures[field]) ? '–' : format(figures[field])));
      return [`${pair.users}, ${side}`, ...values];
    }),
  );
  return [['users', ...COLUMNS.map(([name]) => name)], ...rows];
}

function crashes(pairs: readonly Pair[]): string {
  const lines = pairs.flatMap((pair) =>
    SIDES.map((side) => {
      const { crash, memory, bytesMax } = pair[side];
      const how = crash === undefined ? 'lived' : `crashed: ${crash}`;
      return `- ${pair.users} users, ${side}: ${how}; at most ${megabytes(memory.peak)} of ${megabytes(bytesMax)}\n`;
    }),
  );
  return lines.join('');
}
