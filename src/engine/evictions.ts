/** The logs of all shards as one: newest first, without a lock. */
import { type EvictionLog, isBefore, type Layout, type LoggedEviction } from '../../native-free/index.js';

/** Up to `last` of the evictions and expirations that `wants` accepts, newest first. */
export function latestEvictions(
  log: EvictionLog,
  layout: Layout,
  last: number,
  wants: (eviction: LoggedEviction) => boolean,
): LoggedEviction[] {
  const logs = Array.from({ length: layout.config.shards }, (_, i) =>
    log.newestFirst(layout.shard(i) + layout.evictionsOffset),
  );
  const heads = logs.map((records) => nextOf(records, wants));
  const found: LoggedEviction[] = [];
  while (found.length < last) {
    const newest = newestOf(heads);
    if (newest < 0) break;
    found.push(heads[newest]!);
    heads[newest] = nextOf(logs[newest]!, wants);
  }
  return found;
}

function nextOf(
  records: Iterator<LoggedEviction, void>,
  wants: (eviction: LoggedEviction) => boolean,
): LoggedEviction | undefined {
  for (let next = records.next(); next.done !== true; next = records.next()) if (wants(next.value)) return next.value;
  return undefined;
}

/** Position of the latest record, -1 if there is none. */
function newestOf(heads: readonly (LoggedEviction | undefined)[]): number {
  let newest = -1;
  for (const [i, head] of heads.entries()) {
    if (head !== undefined && (newest < 0 || isBefore(heads[newest]!.tick, head.tick))) newest = i;
  }
  return newest;
}
