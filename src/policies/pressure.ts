/**
 * Levels of pressure and what is done at each. Pure: readings and time go in, orders come out.
 *
 * `used`, the highest of the readings, passes five thresholds: the three levels begin at 70, 80 and 90 %, and the
 * actions at 75 and 85 % lie between them. Upwards a threshold counts at once. Downwards one threshold is left at a
 * time, once `used` has stayed MARGIN below it for HOLD_MS. So a load that swings by less than the margin, or faster
 * than the hold, whatever its size, changes the level once; any load changes it downwards at most once in HOLD_MS.
 *
 * What the cache may fill is bounded by the head-room: the share of its pages that is kept free. It follows its target
 * in steps, one a tick, fast when it grows and slowly when the room is given back.
 */
import { Calm } from './calm.js';
import { LEVELS, type Level } from './type-rules.js';

/** Where readings come from; the position is the number in shared memory. */
export const PRESSURE_SOURCES = ['rss', 'heap', 'arena', 'eventLoop'] as const;
export type PressureSource = (typeof PRESSURE_SOURCES)[number];

/** Shares at which the steps begin, from step 1; and the level of each step, from step 0. */
export const STEP_THRESHOLDS = [0.7, 0.75, 0.8, 0.85, 0.9] as const;
const STEP_LEVELS = [0, 1, 1, 2, 2, 3] as const;
/** How far below a threshold `used` must be, for HOLD_MS, before its step ends. */
export const MARGIN = 0.03;

/** Time between two moves of the head-room, in the cache's clock, and how far each may go, in shares of the pages. */
export const TICK_MS = 100;
export const SHRINK_MAX = 0.05;
export const REGROW_MAX = 0.01;

/** Share of the pages that each step wants free: evict early from 75 %, more at each level. */
const HEADROOM = [0, 0, 0.05, 0.1, 0.1, 0.2] as const;
/** TTLs of standard and optional types are divided by 2 to this power: halved from 85 %, quartered at critical. */
const TTL_SHIFT = [0, 0, 0, 0, 1, 2] as const;

/** Importance, as the plan of a type has it: a position in IMPORTANCES. */
const STANDARD = 1;
const IMPORTANT = 2;
const CRITICAL = 3;

/** Whether pressure shortens the TTLs of a type. */
export function isShortened(importance: number): boolean {
  return importance <= STANDARD;
}

/** Which level a step belongs to. */
export function levelOf(step: number): Level {
  return LEVELS[STEP_LEVELS[step]!]!;
}

export interface PressureInput {
  /** The cache's clock. */
  readonly nowMs: number;
  /** Shares from 0 to 1 by source, in the order of PRESSURE_SOURCES; undefined for a source that is off. */
  readonly readings: readonly (number | undefined)[];
  /** Share of the pages that is free. */
  readonly free: number;
}

/** What holds now. */
export interface PressureState {
  /** How many thresholds are passed, 0 to 5. */
  readonly step: number;
  /** Position in LEVELS. */
  readonly level: number;
  readonly used: number;
  /** Position of the highest reading in PRESSURE_SOURCES. */
  readonly source: number;
  /** Share of the pages that is to be kept free, and how far towards it the cache has been moved. */
  readonly target: number;
  readonly headroom: number;
  /** Share of the pages to be freed before the next tick; not above SHRINK_MAX. */
  readonly trim: number;
  readonly ttlShift: number;
  /** Sets of types below this importance are refused. */
  readonly leastImportance: number;
}

/** What a successor goes on from. */
export interface PressureStart {
  readonly step: number;
  readonly headroom: number;
}

export class PressureController {
  readonly #keepsOccupancy: boolean;
  #step: number;
  #headroom: number;
  readonly #calm = new Calm();
  #tickMs = Number.NEGATIVE_INFINITY;

  /** `keepsOccupancy`: the arena's reading is its plain occupancy, and is kept at the first threshold. */
  constructor(keepsOccupancy: boolean, start: PressureStart = { step: 0, headroom: 0 }) {
    this.#keepsOccupancy = keepsOccupancy;
    this.#step = start.step;
    this.#headroom = start.headroom;
  }

  update({ nowMs, readings, free }: PressureInput): PressureState {
    let source = 0;
    for (let i = 1; i < readings.length; i++) if ((readings[i] ?? -1) > (readings[source] ?? -1)) source = i;
    const used = readings[source] ?? 0;
    this.#climb(used, nowMs);
    const step = this.#step;
    const trim = this.#tick(nowMs, free);
    return {
      step,
      level: STEP_LEVELS[step]!,
      used,
      source,
      target: this.#target(),
      headroom: this.#headroom,
      trim,
      ttlShift: TTL_SHIFT[step]!,
      leastImportance: step === STEP_THRESHOLDS.length ? IMPORTANT : 0,
    };
  }

  #climb(used: number, nowMs: number): void {
    const reached = STEP_THRESHOLDS.filter((threshold) => used >= threshold).length;
    const isCalm = this.#step > 0 && used < STEP_THRESHOLDS[this.#step - 1]! - MARGIN;
    if (reached > this.#step) this.#step = reached;
    if (this.#calm.lasts(nowMs, isCalm)) this.#step -= 1;
  }

  #target(): number {
    const kept = this.#keepsOccupancy ? 1 - STEP_THRESHOLDS[0] : 0;
    return Math.max(HEADROOM[this.#step]!, kept);
  }

  /** One bounded move of the head-room if a tick has passed, however late it is. Returns what is to be freed for it. */
  #tick(nowMs: number, free: number): number {
    if (nowMs - this.#tickMs < TICK_MS) return 0;
    this.#tickMs = nowMs;
    const move = Math.max(-REGROW_MAX, Math.min(SHRINK_MAX, this.#target() - this.#headroom));
    // Rounded, so that steps there and back end where they began.
    this.#headroom = Math.round((this.#headroom + move) * 1e4) / 1e4;
    return Math.min(SHRINK_MAX, Math.max(0, this.#headroom - free));
  }
}

/** What of a type counts for the arena's reading. */
export interface HeldType {
  readonly bytes: number;
  readonly importance: number;
  /** Bytes that the type is guaranteed. */
  readonly reserveBytes: number;
}

/** Important data may be evicted at high, so it lifts the reading to just below critical at most. */
const IMPORTANT_MAX = 0.8999;

/**
 * The share of the pages' bytes that may not be evicted now: entries of critical types, the others' within their
 * reserves, and `fixedBytes` (in flight, or of the index). Important types count with all their bytes, up to high.
 */
export function protectedShare(types: readonly HeldType[], fixedBytes: number, totalBytes: number): number {
  let held = fixedBytes;
  let important = 0;
  for (const { bytes, importance, reserveBytes } of types) {
    const guarded = importance >= CRITICAL ? bytes : Math.min(bytes, reserveBytes);
    held += guarded;
    if (importance === IMPORTANT) important += bytes - guarded;
  }
  const share = held / totalBytes;
  return Math.min(1, Math.max(share, Math.min(IMPORTANT_MAX, share + important / totalBytes)));
}

/** Delay of an event loop at which the first threshold is reached. */
const DELAY_MS = 200;
/** A busy loop is told, but no data leaves for it: that would make no loop faster. Below the first action's 75 %. */
const DELAY_SHARE_MAX = 0.74;

/** The share that an event loop's delay stands for: 0.7 at 200 ms, in proportion, up to 0.74. */
export function delayShare(delayMs: number): number {
  return Math.min(DELAY_SHARE_MAX, (delayMs / DELAY_MS) * STEP_THRESHOLDS[0]);
}
