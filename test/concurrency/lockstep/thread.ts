/** A thread of lockstep runs: waits for a run, does its operations under the hook, notes what they came to. */
import { workerData } from 'node:worker_threads';
import {
  CONTROL,
  CONTROL_BYTES,
  EPILOGUE,
  FAILED_ERROR,
  RECORD_WORDS,
  TEXT,
  type ThreadData,
  UNFINISHED,
} from './control.js';
import { RUNNABLE } from './pairs.js';
import { idOf, type Operation, type Scenario } from './scenario.js';
import { awaitWord, DEATH, GIVEN_UP, Turns } from './turns.js';
import { World } from './world.js';

const data = workerData as ThreadData;
const control = new Int32Array(data.control, 0, TEXT + 1);
const text = new Uint8Array(data.control, TEXT * 4 + 4, CONTROL_BYTES - TEXT * 4 - 4);
const scenario: Scenario = RUNNABLE[data.scenario]!;
const turns = new Turns(control, data.threadId);
const isFirst = data.threadId === 1;
const snapshots = isFirst ? snapshot() : undefined;

/** The prepared arena and clock, copied into the shared ones before each run. */
function snapshot(): { arena: Uint8Array[]; clock: Uint8Array } {
  const world = World.create(scenario, data.threads);
  return {
    arena: world.arena.buffers.map((buffer) => new Uint8Array(buffer).slice()),
    clock: new Uint8Array(world.clock.buffer).slice(),
  };
}

function restore(): void {
  snapshots?.arena.forEach((bytes, i) => {
    new Uint8Array(data.buffers[i]!).set(bytes);
  });
  if (snapshots !== undefined) new Uint8Array(data.clock).set(snapshots.clock);
  Atomics.store(control, CONTROL.ready, 1);
  Atomics.notify(control, CONTROL.ready);
}

function runOnce(): void {
  if (isFirst) restore();
  awaitWord(control, CONTROL.ready, 1);
  const world = World.attach(scenario, data.buffers, data.clock, data.threadId);
  Atomics.add(control, CONTROL.arrived, 1);
  Atomics.notify(control, CONTROL.arrived);
  if (isFirst) startRun();
  turns.await();
  turns.begin();
  try {
    runOperations(world);
  } catch (error) {
    noteEnd(error);
  }
  turns.end();
  turns.leave();
  if (isFirst) epilogue();
}

/** Hands out the first turn once everybody stands at the line. */
function startRun(): void {
  awaitWord(control, CONTROL.arrived, data.threads);
  const start = control[CONTROL.mode] === 0 ? 1 : control[CONTROL.plan + 1]!;
  Atomics.store(control, CONTROL.baton, start);
  Atomics.notify(control, CONTROL.baton);
}

function runOperations(world: World): void {
  scenario.threads[data.threadId - 1]!.forEach((operation, i) => {
    const id = idOf(operation, data.threadId * 1_000 + i);
    const record = open(data.threadId, i, operation, id, world);
    control[record + 6] = operation.kind === 'recover' ? recover(world) : world.perform(operation, id);
    control[record + 5] = control[CONTROL.step]!;
  });
}

/** Waits for the victim's death, turn by turn, declares it and repairs. */
function recover(world: World): number {
  const victim = control[CONTROL.victim]!;
  while (control[CONTROL.isDead] === 0 && (control[CONTROL.live]! & (1 << victim)) !== 0) turns.giveUp();
  if (control[CONTROL.isDead] === 0) return 0;
  return world.store.recovery.recoverOwner(victim - 1, victim) ? 1 : 0;
}

function open(thread: number, index: number, operation: Operation, id: number, world: World): number {
  const record = CONTROL.log + control[CONTROL.logLength]! * RECORD_WORDS;
  control[CONTROL.logLength]! += 1;
  const key = 'key' in operation ? operation.key : -1;
  const step = ++control[CONTROL.step]!;
  control.set([thread, index, key, id, step, 0x7fffffff, UNFINISHED, world.clock.now()], record);
  return record;
}

function noteEnd(error: unknown): void {
  if (error === DEATH) {
    control[CONTROL.isDead] = 1;
    return;
  }
  if (control[CONTROL.failed] === 0) control[CONTROL.failed] = FAILED_ERROR;
  if (error !== GIVEN_UP) say([error instanceof Error ? (error.stack ?? error.message) : String(error)]);
}

function say(sentences: readonly string[]): void {
  const bytes = new TextEncoder().encode(JSON.stringify(sentences));
  text.set(bytes);
  control[TEXT] = bytes.length;
}

/** Looks at the arena at rest: every key once more, then the structure. */
function epilogue(): void {
  turns.await(EPILOGUE);
  if (control[CONTROL.failed] !== 0) return;
  try {
    const world = World.attach(scenario, data.buffers, data.clock, 1);
    const victim = control[CONTROL.victim]!;
    if (control[CONTROL.isDead] !== 0 && world.arena.owners.threadOf(victim - 1) === victim) {
      world.store.recovery.recoverOwner(victim - 1, victim);
    }
    const problems = world.problems();
    for (const key of keysOf(scenario)) look(world, key);
    for (const key of scenario.keptFinally ?? []) if (world.get(key) === 0) problems.push(`key ${key} has left`);
    world.clock.advance(scenario.finallyAdvanceMs ?? 0);
    for (const key of scenario.goneFinally ?? []) {
      if (world.get(key) !== 0) problems.push(`key ${key} outlives its time`);
    }
    say([...problems, ...world.leaks()]);
  } catch (error) {
    noteEnd(error);
  }
}

function look(world: World, key: number): void {
  const record = open(9, key, { kind: 'get', key }, 0, world);
  control[record + 6] = world.get(key);
  control[record + 5] = ++control[CONTROL.step]!;
}

function keysOf({ prepare, threads }: Scenario): Set<number> {
  return new Set([...prepare, ...threads.flat()].flatMap((operation) => ('key' in operation ? [operation.key] : [])));
}

for (let run = 1; ; run++) {
  awaitRun(run);
  runOnce();
  Atomics.add(control, CONTROL.done, 1);
  Atomics.notify(control, CONTROL.done);
}

/** Between two runs the controller may take its time, or end this thread. */
function awaitRun(run: number): void {
  while (Atomics.load(control, CONTROL.run) < run) turns.idle(CONTROL.run, run - 1);
}
