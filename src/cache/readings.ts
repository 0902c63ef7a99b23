/** The shares that pressure is judged by: of the machine's memory, of the threads' heaps, of the arena, of time. */
import { totalmem } from 'node:os';
import { OWNER_SLOTS } from '../../native-free/index.js';
import type { Surveyed } from '../engine/survey.js';
import { delayShare, type HeldType, protectedShare } from '../policies/pressure.js';
import { Gauge } from './gauge.js';
import type { CacheHandle } from './handle.js';
import type { Member } from './member.js';
import type { PressurePlan } from './plan.js';
import { saidNow, VITALS_MS } from './vitals.js';

/** A loop silent for longer is more likely parked by its owner, as idle pool threads are, than blocked. */
const PARKED_MS = 10_000;

export class Readings {
  readonly #member: Member;
  readonly #plan: PressurePlan;
  readonly #gauges: CacheHandle<unknown>['gauges'];
  readonly #epochMs: number;
  readonly #limits: readonly { readonly importance: number; readonly reserveBytes: number }[];
  /** Bytes that the process may use: of its cgroup, or of the machine. */
  readonly #memoryBytes: number;

  constructor(member: Member, handle: CacheHandle<unknown>, plan: PressurePlan) {
    const { capacityBytes } = handle.plan.arena;
    this.#member = member;
    this.#plan = plan;
    this.#gauges = handle.gauges;
    this.#epochMs = handle.epochMs;
    this.#limits = handle.plan.types.map(({ importance, reserve }) => ({
      importance,
      reserveBytes: reserve * capacityBytes,
    }));
    this.#memoryBytes = Math.min(totalmem(), process.constrainedMemory() || Number.POSITIVE_INFINITY);
  }

  /** In the order of PRESSURE_SOURCES; undefined for a source that is off. */
  take(figures: Surveyed): (number | undefined)[] {
    return [
      this.#source('rss', () => residentBytes() / this.#memoryBytes),
      this.#source('heap', () => this.#heap()),
      this.#arena(figures),
      this.#source('eventLoop', () => this.#eventLoop()),
    ];
  }

  #source(name: 'rss' | 'heap' | 'eventLoop', measure: () => number): number | undefined {
    const buffer = this.#gauges[name];
    if (buffer !== undefined) return Gauge.from(buffer).get();
    return this.#plan[name] === true ? measure() : undefined;
  }

  /** The fullest heap of the threads that tell. */
  #heap(): number {
    const { owners } = this.#member.arena;
    let share = 0;
    for (let slot = 0; slot < OWNER_SLOTS; slot++) {
      if (owners.isLive(slot) && owners.saidMs(slot) !== 0) share = Math.max(share, owners.heapShare(slot));
    }
    return share;
  }

  /** The latest event loop of the threads that tell: of a blocked one, at least for how long it has been so. */
  #eventLoop(): number {
    const { owners } = this.#member.arena;
    const now = saidNow(this.#epochMs);
    let delayMs = 0;
    for (let slot = 0; slot < OWNER_SLOTS; slot++) {
      const saidMs = owners.saidMs(slot);
      if (!owners.isLive(slot) || saidMs === 0) continue;
      const silentMs = ((now - saidMs) | 0) - VITALS_MS;
      if (silentMs < PARKED_MS) delayMs = Math.max(delayMs, owners.delayMs(slot), silentMs);
    }
    return delayShare(delayMs);
  }

  #arena(figures: Surveyed): number | undefined {
    const { layout } = this.#member.arena;
    if (this.#plan.arena === false) return undefined;
    if (this.#plan.arena === 'occupancy') return 1 - figures.pagesFree / layout.pages;
    const { pageBytes } = layout.config;
    const types: HeldType[] = figures.types.map(({ bytes }, i) => ({ bytes, ...this.#limits[i]! }));
    const inFlight = Math.max(0, this.#chunkBytes(figures) - types.reduce((sum, { bytes }) => sum + bytes, 0));
    return protectedShare(types, inFlight + figures.pagesIndex * pageBytes, layout.pages * pageBytes);
  }

  #chunkBytes({ classes }: Surveyed): number {
    const { bytes } = this.#member.store.context.classes;
    return classes.reduce((sum, { chunksUsed }, id) => sum + chunksUsed * bytes[id]!, 0);
  }
}

/** 0 where the system doesn't say. */
function residentBytes(): number {
  try {
    return process.memoryUsage.rss();
  } catch {
    return 0;
  }
}
