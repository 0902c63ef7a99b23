/** The log of evictions as users see it. */
import { type LoggedEviction, TICK_MS } from '../../native-free/index.js';
import { LOGGED_CAUSES, REMOVAL_CAUSES, type RemovalCause } from '../engine/causes.js';
import { OptionError, TypeNameError } from '../errors.js';
import { checkNames } from './checks.js';

export interface EvictionQuery {
  /** At most so many: a whole number from 1. Default: 100. */
  readonly last?: number;
  /** Only of this type. */
  readonly type?: string;
  /** Only for this cause. */
  readonly cause?: RemovalCause;
}

export interface EvictionRecord {
  /** When, in ms since the creation of the cache, by its clock; `stats().uptimeMs` is now. In steps of 10 ms. */
  readonly atMs: number;
  readonly type: string;
  /** The key, or whole characters of its first 44 bytes. */
  readonly key: string;
  /** Bytes of the whole key. */
  readonly keyBytes: number;
  readonly cause: RemovalCause;
  /** Bytes of the key and the value. */
  readonly bytes: number;
  /** Time since the entry was last stored or read, in ms; without an idle time, to some 1/32 of a turnover. */
  readonly ageMs: number;
}

const LAST_DEFAULT = 100;

/** Throws for a query that can't be answered. `types` are the names of all types. */
export function resolveQuery(
  query: EvictionQuery,
  types: readonly string[],
): { last: number; wants: (eviction: LoggedEviction) => boolean } {
  checkNames('query', query, ['last', 'type', 'cause']);
  const { last = LAST_DEFAULT, type, cause } = query;
  if (!Number.isSafeInteger(last) || last < 1) throw new OptionError('last', last, 'must be a whole number from 1');
  if (type !== undefined && !types.includes(type)) throw new TypeNameError(type, types);
  if (cause !== undefined && !LOGGED_CAUSES.includes(cause)) {
    throw new OptionError('cause', cause, `must be one of ${LOGGED_CAUSES.join(', ')}`);
  }
  const typeId = type === undefined ? undefined : types.indexOf(type);
  const causeId = cause === undefined ? undefined : REMOVAL_CAUSES.indexOf(cause);
  const wants = (eviction: LoggedEviction): boolean =>
    (typeId === undefined || eviction.type === typeId) && (causeId === undefined || eviction.cause === causeId);
  return { last, wants };
}

/** `createdTick` is that of the creation. */
export function describeEviction(
  eviction: LoggedEviction,
  types: readonly string[],
  createdTick: number,
): EvictionRecord {
  return {
    atMs: ((eviction.tick - createdTick) >>> 0) * TICK_MS,
    type: types[eviction.type] ?? 'default',
    key: wholeCharacters(eviction.key),
    keyBytes: eviction.keyBytes,
    cause: REMOVAL_CAUSES[eviction.cause]!,
    bytes: eviction.bytes,
    ageMs: eviction.ageTicks * TICK_MS,
  };
}

/** Without a character at the end that the log has cut. */
function wholeCharacters(bytes: Uint8Array): string {
  return new TextDecoder('utf-8', { ignoreBOM: true }).decode(bytes, { stream: true });
}
