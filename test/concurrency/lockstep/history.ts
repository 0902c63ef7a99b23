/**
 * Whether some legal order explains what the operations on a key came to (after Wing and Gong, "Testing and verifying
 * concurrent objects", 1993). Each took effect at one moment between its first and its last step; those that their
 * thread did not live to finish took effect at some moment, or never.
 */
import { UNFINISHED } from './control.js';
import { idOf, type Operation, type Scenario } from './scenario.js';
import { FOREIGN, TORN } from './values.js';

export interface Entry {
  readonly thread: number;
  readonly operation: Operation;
  readonly key: number;
  readonly id: number;
  readonly first: number;
  readonly last: number;
  readonly result: number;
  readonly nowMs: number;
}

/** As the engine's set and delete answer. */
const STORED = 1;
const BUSY = 2;
const LOST = 3;

const ABSENT = 0;
/** Only this thread dies, where one recovers; its flight may be another's from then on. */
const MORTAL = 2;
/** The state of a key is the write that it has, or ABSENT, and the thread whose flight it has, or 0: two bits. */
const HOLDERS = 4;
const NOBODY = 0;
/** A state that the operation can't have led to or been done in. */
const IMPOSSIBLE = -1;

/** One sentence for each outcome that must not be. */
export function judge(scenario: Scenario, recorded: readonly Entry[]): string[] {
  const entries = decided(recorded);
  const keys = new Set(entries.filter(({ key }) => key >= 0).map(({ key }) => key));
  const problems = isStoredAtAll(scenario, entries) ? [] : ['none of the values that had room was stored'];
  problems.push(...sharedNumbers(entries));
  for (const key of keys) {
    const ofKey = entries.filter((entry) => entry.key === key || entry.operation.kind === 'clear');
    for (const { operation, result } of ofKey) {
      const isRead = ['get', 'near', 'read stream', 'read held'].includes(operation.kind);
      if (isRead && result === TORN) problems.push(`a get of key ${key} returned a torn value`);
      if (isRead && result === FOREIGN) problems.push(`a get of key ${key} returned another key’s value`);
    }
    problems.push(...servedLate(scenario, ofKey));
    const initial = initialOf(scenario, key);
    if (!isExplained(ofKey, initial * HOLDERS, scenario)) {
      problems.push(`no order explains key ${key}, at first ${initial}: ${ofKey.map(describe).join('; ')}`);
    }
  }
  return problems;
}

/** Numbers of the log that two appends were given. */
function sharedNumbers(entries: readonly Entry[]): string[] {
  const appends = entries.filter(({ operation, result }) => operation.kind === 'append' && result >= 0);
  const numbers = appends.map(({ result }) => result).filter((number) => number !== UNFINISHED);
  return new Set(numbers).size === numbers.length ? [] : [`two appends were given one number: ${numbers.join(', ')}`];
}

function isStoredAtAll({ someStored }: Scenario, entries: readonly Entry[]): boolean {
  if (someStored === undefined) return true;
  return entries.some(({ operation, key, result }) => {
    return operation.kind === 'set' && someStored.includes(key) && result === STORED;
  });
}

/** What a dead thread left undone is decided by the end of its recovery. */
function decided(entries: readonly Entry[]): Entry[] {
  const recovery = entries.find(({ operation, result }) => operation.kind === 'recover' && result === 1);
  const last = recovery?.last ?? Number.MAX_SAFE_INTEGER;
  return entries.map((entry) => (entry.result === UNFINISHED ? { ...entry, last } : entry));
}

/** The write that the preparation left under the key, or 0. */
export function initialOf({ prepare }: Scenario, key: number): number {
  let id = ABSENT;
  let isShared = false;
  prepare.forEach((operation, i) => {
    if (operation.kind === 'evict payloads' && isShared) id = ABSENT;
    if (!('key' in operation) || operation.key !== key) return;
    isShared = operation.kind === 'set' && operation.value !== undefined;
    if (operation.kind === 'set' || operation.kind === 'stream') id = idOf(operation, i + 1);
    else if (operation.kind === 'delete') id = ABSENT;
  });
  return id;
}

function describe({ thread, operation, id, first, last, result }: Entry): string {
  const until = result === UNFINISHED ? 'death' : last;
  return `thread ${thread} ${operation.kind}${operation.kind === 'set' ? ` ${id}` : ''} at ${first}..${until} = ${result}`;
}

/** Values whose deadline had come when the get that returned them began. */
function servedLate({ prepare }: Scenario, entries: readonly Entry[]): string[] {
  const deadlines = new Map<number, number>();
  prepare.forEach((operation, i) => {
    if (operation.kind === 'set' && operation.ttlMs !== undefined) deadlines.set(i + 1, 1_000 + operation.ttlMs);
  });
  for (const { operation, id, nowMs } of entries) {
    // The clock may have moved on within the set: the least deadline is not known then, so allow for the most.
    if (operation.kind === 'set' && operation.ttlMs !== undefined) deadlines.set(id, nowMs + operation.ttlMs + 100);
  }
  return entries
    .filter(({ operation: { kind } }) => kind === 'get' || kind === 'near')
    .filter(({ result, nowMs }) => (deadlines.get(result) ?? Infinity) <= nowMs)
    .map(({ key, result, nowMs }) => `a get of key ${key} at ${nowMs} returned ${result} after its deadline`);
}

function isExplained(entries: readonly Entry[], initial: number, scenario: Scenario): boolean {
  const evicts = scenario.evicts === true;
  const isDeadly = scenario.threads.flat().some(({ kind }) => kind === 'recover');
  const seen = new Set<string>();
  const search = (left: number, state: number): boolean => {
    if (left === 0) return true;
    const mark = `${left}:${state}`;
    if (seen.has(mark)) return false;
    seen.add(mark);
    const mustEnd = earliestEnd(entries, left);
    return entries.some((entry, i) => {
      if ((left & (1 << i)) === 0 || entry.first > mustEnd) return false;
      const rest = left & ~(1 << i);
      if (entry.result === UNFINISHED && search(rest, state)) return true;
      return statesAfter(entry, state, evicts, isDeadly).some((next) => search(rest, next));
    });
  };
  if (entries.length > 30) throw new RangeError('too many operations on one key');
  return search(2 ** entries.length - 1, initial);
}

/** No operation that begins behind this step can be next: some other ended before it. */
function earliestEnd(entries: readonly Entry[], left: number): number {
  return entries.reduce((least, { last }, i) => ((left & (1 << i)) === 0 ? least : Math.min(least, last)), Infinity);
}

/** States that the operation may have left, had it been done in `state`; an entry may leave by itself if it `evicts`. */
function statesAfter(entry: Entry, state: number, evicts: boolean, isDeadly: boolean): number[] {
  const held = Math.floor(state / HOLDERS);
  const holder = state % HOLDERS;
  const values = evicts && held !== ABSENT ? [held, ABSENT] : [held];
  return values.flatMap((value) => {
    const nextValue = valueAfter(entry, value, holder);
    const nextHolder = holderAfter(entry, holder, isDeadly);
    return nextValue === IMPOSSIBLE || nextHolder === IMPOSSIBLE ? [] : [nextValue * HOLDERS + nextHolder];
  });
}

/** Whose flight the key has behind the operation. What changes the key ends the flight. */
function holderAfter({ operation, thread, result }: Entry, holder: number, isDeadly: boolean): number {
  const isOwn = holder === thread;
  switch (operation.kind) {
    case 'set':
    case 'stream':
    case 'end stream':
    case 'delete':
      return result === BUSY ? holder : NOBODY;
    case 'clear':
      return NOBODY;
    case 'claim':
      if (result !== 1 && result !== UNFINISHED) return holder;
      return holder === NOBODY || (isDeadly && holder === MORTAL) ? thread : IMPOSSIBLE;
    case 'publish':
      if (result === LOST) return isOwn ? IMPOSSIBLE : holder;
      if (result === BUSY || result === ABSENT) return holder;
      return isOwn ? NOBODY : IMPOSSIBLE;
    case 'fail':
      if (result === 0) return isOwn ? IMPOSSIBLE : holder;
      return isOwn ? NOBODY : IMPOSSIBLE;
    case 'abandon':
      return isOwn && result !== 0 ? NOBODY : holder;
    default:
      return holder;
  }
}

function valueAfter({ operation, thread, id, result }: Entry, state: number, holder: number): number {
  switch (operation.kind) {
    case 'publish':
      if (result === LOST || result === BUSY) return state;
      if (holder !== thread) return IMPOSSIBLE;
      return result === ABSENT ? ABSENT : id;
    case 'set':
    case 'stream':
    case 'end stream':
      if (result === UNFINISHED || result === STORED) return id;
      return result === BUSY ? state : ABSENT;
    case 'delete':
      if (result === UNFINISHED) return ABSENT;
      if (result === BUSY) return state;
      return (result === STORED) === (state !== ABSENT) ? ABSENT : IMPOSSIBLE;
    case 'clear':
      return ABSENT;
    case 'has':
      return result === UNFINISHED || (result !== 0) === (state !== ABSENT) ? state : IMPOSSIBLE;
    case 'get':
    case 'near':
    case 'read stream':
      return result === UNFINISHED || result === state ? state : IMPOSSIBLE;
    default:
      return state;
  }
}
