/** What a cache's figures say could be set better. Each is told once it has held for long, and again after it has not. */
import type { Alert, AlertSample } from './alert.js';
import { Window } from './window.js';

const HOUR_MS = 3_600_000;
const TEN_MINUTES_MS = 600_000;
/** A type below this of its maximum share for an hour could give some up. */
export const SHARE_USED_MIN = 0.5;
/** Entries whose TTL runs out have then, on average, not been used for more than this of it. */
export const UNUSED_MAX = 0.5;
/** Expirations in an hour under which that says nothing. */
export const EXPIRATIONS_MIN = 1_000;
/** A class that wastes more than this of a share of the cache above the second. */
export const WASTE_MAX = 0.25;
export const WASTE_CLASS_SHARE = 0.05;

/** True once, when a condition has held for a span; again only after it has not held. */
class Held {
  readonly #spanMs: number;
  #sinceMs: number | undefined;
  #isTold = false;

  constructor(spanMs: number) {
    this.#spanMs = spanMs;
  }

  update(nowMs: number, holds: boolean): boolean {
    if (!holds) {
      this.#sinceMs = undefined;
      this.#isTold = false;
      return false;
    }
    this.#sinceMs ??= nowMs;
    if (this.#isTold || nowMs - this.#sinceMs < this.#spanMs) return false;
    this.#isTold = true;
    return true;
  }
}

/** One state for each name; there are as many as the cache has types or classes. */
class ByName<T> {
  readonly #make: () => T;
  readonly #states = new Map<string | number, T>();

  constructor(make: () => T) {
    this.#make = make;
  }

  of(name: string | number): T {
    const state = this.#states.get(name) ?? this.#make();
    this.#states.set(name, state);
    return state;
  }
}

function percent(share: number): string {
  return `${Math.round(share * 100)} %`;
}

/** A type that stays far below its share for an hour, while entries are evicted. */
export class UnusedShare {
  readonly #held = new ByName(() => new Held(HOUR_MS));
  readonly #evictions = new Window(HOUR_MS, TEN_MINUTES_MS);

  update({ nowMs, types }: AlertSample): Alert[] {
    const evictions = types.reduce((sum, type) => sum + type.evictions, 0);
    this.#evictions.add(nowMs, [evictions]);
    const isWanted = this.#evictions.growth(0) > 0;
    return types
      .filter(({ name, share, maxShare }) => {
        const isUnused = isWanted && maxShare < 1 && share < SHARE_USED_MIN * maxShare;
        return this.#held.of(name).update(nowMs, isUnused);
      })
      .map(({ name, share, maxShare }) => ({
        code: 'share-unused',
        severity: 'info',
        figure: share / maxShare,
        threshold: SHARE_USED_MIN,
        message: `${name} has used less than half of its share for an hour, now ${percent(share / maxShare)} of it, while entries are evicted: its maxShare could be smaller`,
        type: name,
      }));
  }
}

/** A type whose TTL outlives the last use of its entries: a shorter one or an idle time would free memory sooner. */
export class LongTtl {
  readonly #windows = new ByName(() => new Window(HOUR_MS, TEN_MINUTES_MS));
  readonly #held = new ByName(() => new Held(0));

  update({ nowMs, types }: AlertSample): Alert[] {
    return types.flatMap((type) => {
      const window = this.#windows.of(type.name);
      window.add(nowMs, [type.unusedMs, type.expirations]);
      const expirations = window.growth(1);
      const figure = type.ttlMs === 0 ? 0 : Math.min(1, window.growth(0) / expirations / type.ttlMs);
      const isLong = window.isFull && expirations >= EXPIRATIONS_MIN && figure > UNUSED_MAX;
      if (!this.#held.of(type.name).update(nowMs, isLong)) return [];
      const message = `entries of ${type.name} whose TTL ran out in the last hour had not been used for ${percent(figure)} of it: a shorter TTL or an idle time would free memory`;
      const threshold = UNUSED_MAX;
      return [{ code: 'ttl-too-long', severity: 'info', figure, threshold, message, type: type.name }];
    });
  }
}

/** A slab class that holds much of the cache and wastes much of it, for ten minutes. */
export class ClassWaste {
  readonly #held = new ByName(() => new Held(TEN_MINUTES_MS));

  update({ nowMs, classes }: AlertSample): Alert[] {
    return classes
      .filter(({ chunkBytes, share, waste }) =>
        this.#held.of(chunkBytes).update(nowMs, share > WASTE_CLASS_SHARE && waste > WASTE_MAX),
      )
      .map(({ chunkBytes, share, waste }) => ({
        code: 'class-waste',
        severity: 'info',
        figure: waste,
        threshold: WASTE_MAX,
        message: `chunks of ${chunkBytes} bytes hold ${percent(share)} of the cache and waste ${percent(waste)} of it: other slab sizes would fit better`,
      }));
  }
}
