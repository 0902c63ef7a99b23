/**
 * Kills one operation at each of its steps, each time on a fresh copy of the prepared arena, and looks at what the
 * survivors make of it. A death is an exception that nothing in the engine catches; the store it went through is never
 * used again, which for the shared memory is what `terminate` is, only thousands of times as fast.
 */
import { parentPort, workerData } from 'node:worker_threads';
import { lockToken, SHARD, STRIPE } from '../../../native-free/index.js';
import { DEATHS, type DeathCase, type DeathMode, type DeathsData, type DeathsReport } from './death-cases.js';
import { initialOf } from './history.js';
import { del, idOf, set } from './scenario.js';
import { World } from './world.js';

const DEATH = Symbol('death');
const HOOK = Symbol.for('velocache.checkpoint');
/** The operation's own write. */
const NEW_ID = 5_000;
/** More steps than any operation has: a survivor that takes them hangs. */
const STEPS_MAX = 200_000;
const VICTIM = 2;
const SECOND = 3;
/** Keys of no case, and the size of what is stored under them: the first takes all pages that are free. */
const FILLERS = [40, 41, 42, 43, 44, 45, 46, 47, 48];
const FILLER_BYTES = 3_000;
const OTHER = 49;

const { deathCase, modes, every, stride } = workerData as DeathsData;
const scenario: DeathCase = DEATHS[deathCase]!;
const hooks = globalThis as unknown as Record<symbol, ((operation: string) => void) | undefined>;
const problems: string[] = [];
let mode: DeathMode = 'recovery';
let nowMs = 0;
let deaths = 0;

globalThis.performance.now = () => nowMs;
Object.assign(Atomics, { wait: () => 'timed-out' });

/** Never dies, so one store of it does for all runs. */
const template = World.create(scenario, SECOND);
const pristine = template.arena.buffers.map((buffer) => new Uint8Array(buffer).slice());
const pristineClock = new Uint8Array(template.clock.buffer).slice();

function restore(): void {
  pristine.forEach((bytes, i) => {
    new Uint8Array(template.arena.buffers[i]!).set(bytes);
  });
  new Uint8Array(template.clock.buffer).set(pristineClock);
}

function enter(threadId: number): World {
  return World.attach(scenario, template.arena.buffers, template.clock.buffer, threadId);
}

/** Runs `work` and lets it die at step `at`; false if it came to its end before. */
function dies(at: number, work: () => void, beside: () => void = () => {}): boolean {
  let step = 0;
  const hook = (operation: string): void => {
    if (operation === 'wait') nowMs += 2;
    step += 1;
    if (step === at) throw DEATH;
    if (step > STEPS_MAX) throw new Error(`hangs: still at ${operation} after ${STEPS_MAX} steps`);
    hooks[HOOK] = undefined;
    beside();
    hooks[HOOK] = hook;
  };
  hooks[HOOK] = hook;
  try {
    work();
    return false;
  } catch (error) {
    if (error !== DEATH) throw error;
    return true;
  } finally {
    hooks[HOOK] = undefined;
  }
}

/** Work of a survivor: it may take no more steps than STEPS_MAX. */
function survives(work: () => void): void {
  dies(-1, work);
}

function operate(world: World): void {
  world.perform(scenario.operation, NEW_ID);
}

/** What a neighbour does, if the case has one, at each step at which the shard's lock is free. */
function neighbourOf(world: World): () => void {
  const { neighbour } = scenario;
  if (neighbour === undefined) return () => {};
  const lock = world.arena.layout.shard(0) + SHARD.lock;
  return () => {
    if (world.arena.meta[lock] === 0) world.perform(neighbour, NEW_ID + 1);
  };
}

/** False once the operation has no step `at`. */
function killOnce(at: number): boolean {
  restore();
  const survivor = template;
  const victim = enter(VICTIM);
  if (!dies(at, () => operate(victim), neighbourOf(survivor))) return false;
  deaths += 1;
  if (mode === 'twice') return killRecoveries(at);
  if (mode === 'abandoned') survives(() => goOn(victim, at));
  else survives(() => carryOn(survivor, at));
  check(mode === 'abandoned' ? victim : survivor, `step ${at}`);
  return true;
}

/**
 * From step `at` on another holds the stripes of users that are free then, so that the operation ends in the middle of a
 * section if it needs one. Others repair what it left and take the pages that became free, before its thread goes on.
 * False once the operation has no step `at`.
 */
function refuseOnce(at: number): boolean {
  restore();
  const survivor = template;
  const victim = enter(VICTIM);
  let step = 0;
  const hold = (): void => {
    step += 1;
    if (step === at) swapStripes(0, lockToken(SECOND - 1, SECOND));
  };
  dies(-1, () => operate(victim), hold);
  if (step < at) return false;
  deaths += 1;
  swapStripes(lockToken(SECOND - 1, SECOND), 0);
  survives(() => {
    note(at, stateOf(survivor));
    for (const key of FILLERS) survivor.perform(set(key, FILLER_BYTES), NEW_ID + 2);
    for (const operation of [set(OTHER), set(OTHER, 300), del(OTHER)]) victim.perform(operation, NEW_ID + 3);
  });
  for (const key of FILLERS) if (![0, NEW_ID + 2].includes(victim.get(key))) note(at, [`key ${key} has another value`]);
  check(survivor, `refused from step ${at} on`, false);
  return true;
}

/** Has each stripe whose lock is held by one have it held by another. */
function swapStripes(from: number, to: number): void {
  const { layout, meta } = template.arena;
  const locks = Array.from({ length: layout.users.stripes }, (_, i) => layout.users.stripe(i) + STRIPE.lock);
  for (const lock of locks) if ((meta[lock]! & ~1) === from) meta[lock] = to;
}

/** The thread lives on: its next operation on the same store repairs first. */
function goOn(victim: World, at: number): void {
  note(at, [...stateOf(victim)]);
  victim.perform({ kind: 'set', key: 60, bytes: 40 }, NEW_ID + 2);
  if (victim.get(60) !== NEW_ID + 2 && scenario.evicts !== true) note(at, ['a set after the abandoned one is lost']);
  victim.perform({ kind: 'delete', key: 60 }, 0);
}

function carryOn(survivor: World, at: number): void {
  const { owners } = survivor.arena;
  if (mode === 'takeover') {
    owners.markDead(VICTIM - 1, VICTIM);
    note(at, [...stateOf(survivor)]);
    if (survivor.perform({ kind: 'set', key: 60, bytes: 40 }, NEW_ID + 2) === 2)
      note(at, ['a set was refused the lock']);
    survivor.perform({ kind: 'delete', key: 60 }, 0);
  }
  recover(survivor, VICTIM, at);
}

function recover(survivor: World, threadId: number, at: number): void {
  if (!survivor.store.recovery.recoverOwner(threadId - 1, threadId)) note(at, ['the recovery was refused a lock']);
  if (survivor.arena.owners.threadOf(threadId - 1) !== -1) note(at, ['the slot of the dead is not free']);
}

/** The recovery is killed too, step by step, and both are recovered by a third. */
function killRecoveries(at: number): boolean {
  for (let second = 1 + (at % stride); ; second += stride) {
    restore();
    const survivor = template;
    const victim = enter(VICTIM);
    const helper = enter(SECOND);
    dies(at, () => operate(victim), neighbourOf(survivor));
    if (!dies(second, () => helper.store.recovery.recoverOwner(VICTIM - 1, VICTIM))) return true;
    deaths += 1;
    survives(() => {
      // Either may be found first.
      const [first, then] = second % 2 === 0 ? [VICTIM, SECOND] : [SECOND, VICTIM];
      survivor.arena.owners.markDead(SECOND - 1, SECOND);
      // While the other's death is not known, a recovery may be refused a lock: it is begun again then.
      const { recovery } = survivor.store;
      const isDone = recovery.recoverOwner(first - 1, first);
      recover(survivor, then, at);
      if (!isDone) recover(survivor, first, at);
    });
    check(survivor, `step ${at}, recovery killed at its step ${second}`);
  }
}

function check(world: World, where: string, isKept = true): void {
  const found: string[] = [];
  survives(() => {
    found.push(...(isKept ? [...stateOf(world), ...wasted(world)] : []), ...world.problems());
    found.push(...world.leaks());
  });
  problems.push(...found.map((sentence) => `${scenario.name}, ${mode}, ${where}: ${sentence}`));
}

function note(at: number, sentences: readonly string[]): void {
  problems.push(...sentences.map((sentence) => `${scenario.name}, ${mode}, step ${at}: ${sentence}`));
}

/** Every key has a value that it may have. */
function stateOf(world: World): string[] {
  const keys = new Set([...scenario.prepare, scenario.operation].flatMap((o) => ('key' in o ? [o.key] : [])));
  world.store.begin();
  return [
    ...keepsFlight(world),
    ...[...keys].flatMap((key) => {
      const found = world.get(key);
      const allowed = allowedOf(key);
      return allowed.includes(found) ? [] : [`key ${key} has ${found}, may have ${allowed.join(' or ')}`];
    }),
  ];
}

/** A change of a key that has been done has ended the flight that the preparation began for it. */
function keepsFlight(world: World): string[] {
  const { operation, prepare } = scenario;
  const claimed = prepare.find(({ kind }) => kind === 'claim');
  if (claimed === undefined || !('key' in claimed) || !template.hasFlight) return [];
  const isChanged = operation.kind !== 'load' && world.get(claimed.key) !== initialOf(scenario, claimed.key);
  return isChanged ? [`key ${claimed.key} has changed, and its flight stands`] : [];
}

/** A flight that a value was to be stored for has ended only if that is there. Not before the repair, which may undo both. */
function wasted(world: World): string[] {
  const { operation } = scenario;
  if (operation.kind !== 'deliver' || template.hasFlight || world.get(operation.key) === NEW_ID) return [];
  return [`the flight of key ${operation.key} has ended, and its value is not there`];
}

function allowedOf(key: number): number[] {
  const { operation, neighbour, evicts } = scenario;
  const allowed = [hasExpired(key) ? 0 : initialOf(scenario, key)];
  const { kind } = operation;
  const isWrite = kind === 'set' || kind === 'stream' || kind === 'load' || kind === 'deliver' || kind === 'migrate';
  if (isWrite && operation.key === key) allowed.push(idOf(operation, NEW_ID));
  // Which of the entries it is, the case can't say.
  if (operation.kind === 'rewrite') allowed.push(NEW_ID);
  if (operation.kind === 'delete' && operation.key === key) allowed.push(0);
  if (neighbour !== undefined && 'key' in neighbour && neighbour.key === key)
    allowed.push(neighbour.kind === 'delete' ? 0 : idOf(neighbour, NEW_ID + 1));
  if (operation.kind === 'clear' || evicts === true) allowed.push(0);
  return allowed;
}

function hasExpired(key: number): boolean {
  return scenario.prepare.some((o) => o.kind === 'set' && o.key === key && o.ttlMs !== undefined);
}

/** A few sentences are enough to know where to look. */
const PROBLEMS_MAX = 20;

/** Returns how many steps the operation has. */
function killEach(): number {
  // Where only some steps are gone through, they are others for each mode.
  let at = 1 + (modes.indexOf(mode) % every);
  try {
    const once = mode === 'refused' ? refuseOnce : killOnce;
    while (problems.length < PROBLEMS_MAX && once(at)) at += every;
  } catch (error) {
    note(at, [error instanceof Error ? (error.stack ?? error.message) : String(error)]);
  }
  return at - 1;
}

function killAll(): DeathsReport {
  let steps = 0;
  for (mode of modes) if (mode !== 'refused' || scenario.userBytes !== undefined) steps = killEach();
  return { steps, deaths, problems };
}

parentPort?.postMessage(killAll());
