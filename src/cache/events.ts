/** What listeners are told. */
import type { RingRecord } from '../../native-free/index.js';
import { REJECT_REASONS, REMOVAL_CAUSES, type RejectReason, type RemovalCause } from '../engine/causes.js';
import { EVENT } from '../engine/items.js';
import type { Alert } from '../policies/alert.js';
import type { PressureSource } from '../policies/pressure.js';
import type { Level } from '../policies/type-rules.js';
import type { CachePlan } from './plan.js';
import type { PressureActions } from './pressure-words.js';

export interface CacheEvent {
  readonly type: string;
  /** Undefined for a recovery, which concerns no key. */
  readonly key: string | undefined;
  /** Why: of a 'reject' the reason, else the cause of the removal. */
  readonly cause: RemovalCause | RejectReason;
  /** Bytes of the key and the value. */
  readonly bytes: number;
  /** The thread in which it happened. */
  readonly threadId: number;
}

/** Pressure has passed a threshold, up or down: the level has changed, or what is done at it. */
export interface PressureEvent {
  readonly level: Level;
  readonly previous: Level;
  /** The highest share, and where it comes from. */
  readonly used: number;
  readonly source: PressureSource;
  readonly actions: PressureActions;
}

/**
 * evict: an entry was evicted, or removed because its time was over. reject: a set was refused. recover: what a
 * thread that died or abandoned an operation had left in a shard was brought to rest. pressure: it rose or fell.
 * alert: a figure crossed a threshold.
 */
export interface CacheEvents {
  evict: CacheEvent;
  reject: CacheEvent;
  recover: CacheEvent;
  pressure: PressureEvent;
  alert: Alert;
}

export type CacheEventName = keyof CacheEvents;

export const EVENT_NAMES: readonly CacheEventName[] = Object.keys(EVENT) as CacheEventName[];
const decoder = new TextDecoder('utf-8', { ignoreBOM: true });

/** Which event a record of the ring holds. */
export function nameOf(record: RingRecord): CacheEventName | undefined {
  return EVENT_NAMES.find((name) => EVENT[name] === record.kind);
}

export function decodeEvent(name: CacheEventName, record: RingRecord, plan: CachePlan): CacheEvents[CacheEventName] {
  const text = decoder.decode(record.key);
  if (name === 'pressure' || name === 'alert') return JSON.parse(text) as PressureEvent | Alert;
  return {
    type: plan.types[record.type]?.name ?? 'default',
    key: text === '' ? undefined : text,
    cause: name === 'reject' ? REJECT_REASONS[record.cause]! : REMOVAL_CAUSES[record.cause]!,
    bytes: record.bytes,
    threadId: record.threadId,
  };
}
