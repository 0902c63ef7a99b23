/** Pressure as it stands in the arena's header: written by the warden, read by all. */
import { load, store as storeWord } from '#atomics';
import { type Arena, HEADER, SHARE_UNIT } from '../../native-free/index.js';
import { GLOBAL_COUNTER, type RejectReason } from '../engine/causes.js';
import type { SharedStore } from '../engine/store.js';
import { PRESSURE_SOURCES, type PressureSource, type PressureState } from '../policies/pressure.js';
import { IMPORTANCES, type Importance, LEVELS, type Level } from '../policies/type-rules.js';

/** What is done about pressure now. */
export interface PressureActions {
  /** Share of the pages that is to be kept free; it is approached by at most 5 % in 100 ms. */
  readonly headroom: number;
  /** What the TTLs of standard and optional types are multiplied by when they are set: 1, 0.5 or 0.25. */
  readonly ttlFactor: number;
  /** Importances whose sets are refused. */
  readonly refused: readonly Importance[];
}

export interface PressureStats {
  readonly level: Level;
  /** The highest of `bySource`, from 0 to 1. */
  readonly used: number;
  readonly source: PressureSource;
  /** Sources that are off are absent. */
  readonly bySource: Readonly<Partial<Record<PressureSource, number>>>;
  readonly actions: PressureActions;
  /** Share of the pages that is kept free by now. */
  readonly headroom: number;
  /** How often what was done since the cache's beginning. */
  readonly counts: {
    readonly levelChanges: number;
    /** Bytes of pages that were emptied ahead of need. */
    readonly bytesTrimmed: number;
    /** Sets whose TTL was shortened, and sets that were refused. */
    readonly ttlsShortened: number;
    readonly rejects: number;
    readonly alerts: number;
  };
}

export function actionsOf(headroom: number, ttlShift: number, leastImportance: number): PressureActions {
  return { headroom, ttlFactor: 1 / 2 ** ttlShift, refused: IMPORTANCES.slice(0, leastImportance) };
}

/** Publishes what holds now; words that haven't changed are not written. */
export function publishPressure(arena: Arena, state: PressureState, readings: readonly (number | undefined)[]): void {
  const { meta } = arena;
  const put = (word: number, value: number): void => {
    if (meta[word] !== value) storeWord(meta, word, value);
  };
  put(HEADER.level, state.level);
  put(HEADER.pressureStep, state.step);
  put(HEADER.ttlShift, state.ttlShift);
  put(HEADER.leastImportance, state.leastImportance);
  put(HEADER.headroomTarget, Math.round(state.target * SHARE_UNIT));
  put(HEADER.headroom, Math.round(state.headroom * SHARE_UNIT));
  put(HEADER.used, Math.round(state.used * SHARE_UNIT));
  put(HEADER.usedSource, state.source);
  readings.forEach((share, i) => {
    put(HEADER.usedBySource + i, share === undefined ? 0 : Math.round(share * SHARE_UNIT) + 1);
  });
}

export function readPressure(
  store: SharedStore,
  rejectsByReason: Readonly<Record<RejectReason, number>>,
): PressureStats {
  const { meta } = store.context;
  const shares = PRESSURE_SOURCES.map(
    (name, i) => [name, (load(meta, HEADER.usedBySource + i) - 1) / SHARE_UNIT] as const,
  );
  const counts = store.context.counters.sums();
  const { types, countersPerType } = store.context.layout.config;
  const count = (name: keyof typeof GLOBAL_COUNTER): number => counts[types * countersPerType + GLOBAL_COUNTER[name]]!;
  return {
    level: LEVELS[load(meta, HEADER.level)]!,
    used: load(meta, HEADER.used) / SHARE_UNIT,
    source: PRESSURE_SOURCES[load(meta, HEADER.usedSource)]!,
    bySource: Object.fromEntries(shares.filter(([, share]) => share >= 0)),
    actions: actionsOf(
      load(meta, HEADER.headroomTarget) / SHARE_UNIT,
      load(meta, HEADER.ttlShift),
      load(meta, HEADER.leastImportance),
    ),
    headroom: load(meta, HEADER.headroom) / SHARE_UNIT,
    counts: {
      levelChanges: count('levelChanges'),
      bytesTrimmed: count('bytesTrimmed'),
      ttlsShortened: count('ttlsShortened'),
      rejects: rejectsByReason.pressure,
      alerts: count('alerts'),
    },
  };
}
