/** Failures of the user's functions and of stored bytes, which cost an entry and throw nothing: counted, and told. */
import { compareExchange, load } from '#atomics';
import { TICK_MS } from '../../native-free/index.js';
import { GLOBAL_COUNTER, TYPE_COUNTER } from '../engine/causes.js';
import { EVENT } from '../engine/items.js';
import type { SharedStore } from '../engine/store.js';
import type { Alert, AlertCode } from '../policies/alert.js';

/** Between two alerts of one kind about a type. */
const ALERT_TICKS = 60_000 / TICK_MS;
/** Characters of an error's message that an alert quotes. */
const QUOTE_MAX = 200;

interface Kind {
  readonly code: AlertCode;
  readonly counter: number;
  readonly word: number;
  readonly what: string;
}

/** What can fail: the alert's code, the counter, which word of a type has the tick of the last alert, what it says. */
const KINDS: Readonly<Record<'reduce' | 'decode' | 'migrate', Kind>> = {
  reduce: { code: 'reducer-failed', counter: TYPE_COUNTER.reducerFailures, word: 0, what: 'be made smaller' },
  decode: { code: 'decode-failed', counter: TYPE_COUNTER.decodeFailures, word: 1, what: 'be read' },
  migrate: { code: 'migration-failed', counter: TYPE_COUNTER.migrationFailures, word: 2, what: 'be migrated' },
};

const encoder = new TextEncoder();

/** Counts a failure, and tells of it unless some thread has in this minute. */
export function fail(store: SharedStore, kind: keyof typeof KINDS, typeId: number, type: string, error: unknown): void {
  const { code, counter, word, what } = KINDS[kind];
  const { context } = store;
  context.count(typeId, counter, 1);
  const told = context.layout.typeState(typeId) + word;
  const last = load(context.meta, told);
  const tick = context.clock.precise() || 1;
  // Ticks of two threads may differ by one.
  if (last !== 0 && Math.abs((tick - last) | 0) < ALERT_TICKS) return;
  if (compareExchange(context.meta, told, last, tick) !== last) return;
  context.countGlobal(GLOBAL_COUNTER.alerts, 1);
  const failures = context.sumOf(typeId, counter);
  const alert: Alert = {
    code,
    severity: 'warning',
    figure: failures,
    threshold: 0,
    message: `values of type ${JSON.stringify(type)} could not ${what}, ${failures} so far: ${quote(error)}`,
    type,
  };
  store.tell(EVENT.alert, encoder.encode(JSON.stringify(alert)));
}

/** What was thrown, which may be anything, in a few words. */
function quote(error: unknown): string {
  try {
    return String(error).slice(0, QUOTE_MAX).toWellFormed().replace(/\s+/g, ' ').trim();
  } catch {
    return 'something without words';
  }
}
