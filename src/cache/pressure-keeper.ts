/**
 * The warden's part in pressure and alerts: ten times a second it takes the readings, lets the controller decide,
 * publishes what holds, and tells listeners; in between it surveys the arena and frees pages, a bounded slice a round.
 * A successor goes on from what was published.
 */
import { load, store as storeWord } from '#atomics';
import { TICK_MS as CLOCK_TICK_MS, HEADER, SHARE_UNIT } from '../../native-free/index.js';
import { CAUSE, EVICTION_CAUSES, GLOBAL_COUNTER, REMOVAL_CAUSES } from '../engine/causes.js';
import { EVENT } from '../engine/items.js';
import type { Surveyed } from '../engine/survey.js';
import type { AlertSample } from '../policies/alert.js';
import { AlertWatch } from '../policies/alerts.js';
import { levelOf, PRESSURE_SOURCES, PressureController, type PressureState, TICK_MS } from '../policies/pressure.js';
import { LEVELS } from '../policies/type-rules.js';
import type { PressureEvent } from './events.js';
import type { CacheHandle } from './handle.js';
import type { Member } from './member.js';
import type { PressurePlan, TypePlan } from './plan.js';
import { actionsOf, publishPressure } from './pressure-words.js';
import { Readings } from './readings.js';

/** Cells of the survey in a round: some 0.1 ms. */
const SURVEY_CELLS = 4_096;
/** How long a round may free pages. */
const TRIM_MS_MAX = 0.5;
/** Between two looks of the alerts. */
const ALERT_MS = 1_000;
/** Item pages, as a share of all, from which fragmentation says something. */
const FRAGMENTATION_PAGES_MIN = 0.1;

const EVICTIONS = EVICTION_CAUSES.map((cause) => REMOVAL_CAUSES.indexOf(cause));
const EVENT_LOOP = PRESSURE_SOURCES.indexOf('eventLoop');

const encoder = new TextEncoder();

export class PressureKeeper {
  readonly #member: Member;
  readonly #types: readonly TypePlan[];
  readonly #readings: Readings;
  readonly #controller: PressureController;
  readonly #alerts: AlertWatch;
  #step: number;
  #tickedMs = Number.NEGATIVE_INFINITY;
  #watchedMs = Number.NEGATIVE_INFINITY;
  #watchedClockMs = Number.NEGATIVE_INFINITY;
  /** A pass of the survey has ended since the last tick. */
  #isSurveyed = false;
  /** Bytes still to be freed before the next tick. */
  #trimBytes = 0;

  constructor(member: Member, handle: CacheHandle<unknown>, plan: PressurePlan) {
    const { meta } = member.arena;
    this.#member = member;
    this.#types = handle.plan.types;
    this.#readings = new Readings(member, handle, plan);
    this.#step = load(meta, HEADER.pressureStep);
    const headroom = load(meta, HEADER.headroom) / SHARE_UNIT;
    this.#controller = new PressureController(plan.arena === 'occupancy', { step: this.#step, headroom });
    this.#alerts = new AlertWatch(load(meta, HEADER.alertsRaised));
  }

  /** Called in each round of the warden. */
  round(): void {
    const { survey } = this.#member.store;
    this.#trim();
    // Behind the trimming, so that what it frees is seen before more is wanted.
    if (!this.#isSurveyed && this.#trimBytes <= 0) this.#isSurveyed = survey.step(SURVEY_CELLS);
    const now = performance.now();
    if (survey.figures === undefined || now - this.#tickedMs < TICK_MS) return;
    this.#tickedMs = now;
    this.#tick(survey.figures, now);
    this.#isSurveyed = false;
  }

  #tick(figures: Surveyed, now: number): void {
    const { arena, store } = this.#member;
    const { pages, config } = arena.layout;
    const clockMs = store.context.clock.nowMs();
    const readings = this.#readings.take(figures);
    // In a large cache a pass takes several ticks: in between nothing more is wanted.
    const free = this.#isSurveyed ? figures.pagesFree / pages : 1;
    const state = this.#controller.update({ nowMs: clockMs, readings, free });
    // Whole pages, and one at least if so much is wanted: a twentieth of few pages is none.
    const wanted = state.headroom * pages - figures.pagesFree >= 1 ? 1 : 0;
    if (this.#isSurveyed || state.step < this.#step) this.#trimBytes = 0;
    if (state.trim > 0) this.#trimBytes = Math.max(wanted, Math.floor(state.trim * pages)) * config.pageBytes;
    publishPressure(arena, state, readings);
    const hasMoved = state.step !== this.#step;
    if (hasMoved) this.#tellPressure(state);
    const isDue = now - this.#watchedMs >= ALERT_MS || clockMs - this.#watchedClockMs >= ALERT_MS;
    if (!isDue && !hasMoved) return;
    this.#watchedMs = now;
    this.#watchedClockMs = clockMs;
    this.#watch(this.#sample(figures, state, readings, clockMs));
  }

  /** Frees pages for the head-room, no longer than a slice. */
  #trim(): void {
    if (this.#trimBytes <= 0) return;
    const { store, arena } = this.#member;
    const { pageBytes } = arena.layout.config;
    const start = performance.now();
    while (this.#trimBytes > 0 && performance.now() - start < TRIM_MS_MAX) {
      const freed = store.trim(pageBytes);
      store.context.countGlobal(GLOBAL_COUNTER.bytesTrimmed, freed);
      this.#trimBytes = freed === 0 ? 0 : this.#trimBytes - freed;
    }
  }

  #tellPressure(state: PressureState): void {
    const previous = levelOf(this.#step);
    const level = LEVELS[state.level]!;
    this.#step = state.step;
    const { store } = this.#member;
    if (level !== previous) store.context.countGlobal(GLOBAL_COUNTER.levelChanges, 1);
    const event: PressureEvent = {
      level,
      previous,
      used: state.used,
      source: PRESSURE_SOURCES[state.source]!,
      actions: actionsOf(state.target, state.ttlShift, state.leastImportance),
    };
    store.tell(EVENT.pressure, encoder.encode(JSON.stringify(event)));
  }

  #watch(sample: AlertSample): void {
    const { store, arena } = this.#member;
    const alerts = this.#alerts.update(sample);
    // Published first: a successor must not raise again what was told, and may miss what was not.
    if (arena.meta[HEADER.alertsRaised] !== this.#alerts.raised)
      storeWord(arena.meta, HEADER.alertsRaised, this.#alerts.raised);
    for (const alert of alerts) {
      store.context.countGlobal(GLOBAL_COUNTER.alerts, 1);
      store.tell(EVENT.alert, encoder.encode(JSON.stringify(alert)));
    }
  }

  #sample(
    figures: Surveyed,
    state: PressureState,
    readings: readonly (number | undefined)[],
    nowMs: number,
  ): AlertSample {
    const { layout } = this.#member.arena;
    const { capacityBytes, pageBytes } = layout.config;
    const { bytes } = this.#member.store.context.classes;
    const memory = readings.filter((share, source) => share !== undefined && source !== EVENT_LOOP);
    return {
      nowMs,
      memory: Math.max(0, ...(memory as number[])),
      level: state.level,
      used: state.used,
      fragmentation: fragmentationOf(figures, layout.pages, pageBytes),
      types: figures.types.map((type, i) => ({
        name: this.#types[i]!.name,
        share: type.bytes / capacityBytes,
        maxShare: this.#types[i]!.maxShare,
        ttlMs: this.#types[i]!.ttlMs,
        hits: type.hits,
        misses: type.misses,
        evictions: EVICTIONS.reduce((sum, cause) => sum + type.removals[cause]!, 0),
        expirations: type.removals[CAUSE.expired]!,
        unusedMs: type.expiryTicks * CLOCK_TICK_MS,
      })),
      classes: figures.classes.map(({ chunksUsed, bytesRequested }, id) => ({
        chunkBytes: bytes[id]!,
        share: (chunksUsed * bytes[id]!) / capacityBytes,
        waste: chunksUsed === 0 ? 0 : 1 - bytesRequested / (chunksUsed * bytes[id]!),
      })),
    };
  }
}

/** Bytes of the pages that hold entries by the bytes asked for; undefined for a cache with hardly any. */
function fragmentationOf({ classes }: Surveyed, pagesTotal: number, pageBytes: number): number | undefined {
  let pages = 0;
  let requested = 0;
  for (const survey of classes) {
    pages += survey.pages;
    requested += survey.bytesRequested;
  }
  return pages < pagesTotal * FRAGMENTATION_PAGES_MIN ? undefined : (pages * pageBytes) / Math.max(1, requested);
}
