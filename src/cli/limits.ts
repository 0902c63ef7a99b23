/** What the demo's cache judges by, and what was seen of it: shares, quotas, pressure and alerts. */
import {
  type Alert,
  type AttachFunctions,
  type Cache,
  type CompressOptions,
  type PressureEvent,
  type VeloTypes,
  veloTypes,
} from '../index.js';
import { reduceStats, reduceWeather } from './reducers.js';
import { allRiders, tierOf } from './riders.js';
import type { DemoType, DemoTypes } from './values.js';

type DemoTypeOptions = VeloTypes<DemoTypes['weather'], DemoTypes['stats']>;

/**
 * The preset, but that small values are stored without dictionaries: these take ten times as long to store, and a cache that is
 * to show its limits must be full within seconds.
 */
export const DEMO_TYPE_OPTIONS: DemoTypeOptions = withoutDictionaries(veloTypes({ reduceWeather, reduceStats }));

function withoutDictionaries(types: DemoTypeOptions): DemoTypeOptions {
  const { session, route, weather, stats, llm, misc } = types;
  const without = <O extends { readonly compress?: CompressOptions }>(options: O): O => ({
    ...options,
    compress: { ...options.compress, dictionary: false },
  });
  return {
    session: without(session),
    route: without(route),
    weather: without(weather),
    stats: without(stats),
    llm: without(llm),
    misc,
  };
}

/** What each thread that attaches gives again. */
export const DEMO_FUNCTIONS: AttachFunctions<DemoTypes> = {
  users: { tierOf },
  types: { weather: { reduce: reduceWeather }, stats: { reduce: reduceStats } },
};

/** Users and events that a report shows. */
const SHOWN_MAX = 5;
const EVENTS_MAX = 100;

interface UserReport {
  readonly user: string;
  readonly tier: string;
  readonly entries: number;
  readonly bytes: number;
  readonly limit: number;
}

export interface LimitsReport {
  /** Passings of thresholds of pressure, and alerts, in their order; the first hundred of each. */
  readonly levels: readonly PressureEvent[];
  readonly alerts: readonly Alert[];
  /** Parts of the capacity that each type may have, and has to itself. */
  readonly shares: Readonly<Record<string, { maxShare: number; reserve: number; overflow: string }>>;
  /** Those with the most bytes. */
  readonly heaviestUsers: readonly UserReport[];
}

/** Listens to a cache from its beginning on. */
export class LimitsWatch {
  readonly #cache: Cache<DemoTypes>;
  readonly #levels: PressureEvent[] = [];
  readonly #alerts: Alert[] = [];

  constructor(cache: Cache<DemoTypes>) {
    this.#cache = cache;
    cache.on('pressure', (event) => {
      if (this.#levels.length < EVENTS_MAX) this.#levels.push(event);
    });
    cache.on('alert', (alert) => {
      if (this.#alerts.length < EVENTS_MAX) this.#alerts.push(alert);
    });
  }

  report(): LimitsReport {
    const users = allRiders().flatMap((user) => {
      const usage = this.#cache.usage(user);
      return usage === undefined ? [] : [{ user, ...usage }];
    });
    users.sort((a, b) => b.bytes - a.bytes);
    return {
      levels: this.#levels,
      alerts: this.#alerts,
      shares: Object.fromEntries(Object.entries(DEMO_TYPE_OPTIONS).map(([type, options]) => [type, shareOf(options)])),
      heaviestUsers: users.slice(0, SHOWN_MAX),
    };
  }
}

function shareOf({ maxShare = 1, reserve = 0, overflow = 'lru' }: (typeof DEMO_TYPE_OPTIONS)[DemoType]) {
  return { maxShare, reserve, overflow };
}
