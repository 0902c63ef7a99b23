/**
 * What a get may return. Every operation is stamped from one shared counter before it begins and behind its end. All
 * values of a key are different, so a value names its set. A get that ran from `begin` to `end` may return the value
 * of a set that had begun before the get ended, unless another change of the key (a set, delete or clear) lies wholly
 * between that set and the get: began behind the set's end, and ended before the get began. A miss is always legal,
 * since entries may be evicted or expire. A set that a get has seen has taken effect by that get's end, whenever it
 * returns itself; so no get may go back behind what an earlier one has seen.
 */
export interface Operation {
  readonly key: number;
  /** The number of the value that was set or read; 0 for a delete, a clear or a miss. */
  readonly value: number;
  readonly isRead: boolean;
  readonly begin: number;
  readonly end: number;
}

export function checkHistory(operations: readonly Operation[]): string[] {
  const byKey = new Map<number, Operation[]>();
  for (const operation of operations) {
    const some = byKey.get(operation.key);
    if (some === undefined) byKey.set(operation.key, [operation]);
    else some.push(operation);
  }
  return [...byKey.values()].flatMap(checkKey);
}

function checkKey(operations: readonly Operation[]): string[] {
  const seenBy = new Map<number, number>();
  for (const { isRead, value, end } of operations) {
    if (isRead && value !== 0) seenBy.set(value, Math.min(end, seenBy.get(value) ?? end));
  }
  const changes = operations
    .filter(({ isRead }) => !isRead)
    .map((change) => ({ ...change, end: Math.min(change.end, seenBy.get(change.value) ?? change.end) }))
    .sort((a, b) => a.end - b.end);
  const sets = new Map(changes.filter(({ value }) => value !== 0).map((change) => [change.value, change]));
  // Of the first n changes by end: the latest begin.
  const latest: number[] = [];
  for (const { begin } of changes) latest.push(Math.max(latest.at(-1) ?? 0, begin));
  return operations
    .filter(({ isRead, value }) => isRead && value !== 0)
    .map((read) => judge(read, sets.get(read.value), latestBefore(changes, latest, read.begin)))
    .filter((sentence) => sentence !== '');
}

/** The latest begin among the changes that ended before `moment`. */
function latestBefore(changes: readonly Operation[], latest: readonly number[], moment: number): number {
  let low = 0;
  let high = changes.length;
  while (low < high) {
    const middle = (low + high) >>> 1;
    if (changes[middle]!.end < moment) low = middle + 1;
    else high = middle;
  }
  return low === 0 ? 0 : latest[low - 1]!;
}

function judge(read: Operation, set: Operation | undefined, superseded: number): string {
  const what = `get of key ${read.key} at ${read.begin}..${read.end} returned value ${read.value}`;
  if (set === undefined) return `${what}, which was never set`;
  if (set.begin > read.end) return `${what}, whose set began at ${set.begin} only`;
  if (set.end < superseded)
    return `${what} of ${set.begin}..${set.end}, over which a change begun at ${superseded} had returned`;
  return '';
}
