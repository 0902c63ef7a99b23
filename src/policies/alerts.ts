/**
 * Alerts: one for each crossing of a threshold. Pure: samples go in, alerts come out.
 *
 * A figure above its threshold raises an alert; it may raise the next one once it has stayed at RESOLVED of the
 * threshold or less for HOLD_MS, the hold of the levels of pressure: a heap's collections are a saw-tooth larger than
 * any margin. Rates are taken over the last minute of the cache's clock.
 */
import type { Alert, AlertCode, AlertSample } from './alert.js';
import { Calm } from './calm.js';
import { ClassWaste, LongTtl, UnusedShare } from './opportunities.js';
import { STEP_THRESHOLDS } from './pressure.js';
import { Trend } from './trend.js';
import { LEVELS } from './type-rules.js';
import { Window } from './window.js';

export const RESOLVED = 0.9;
const MINUTE_MS = 60_000;
const STEP_MS = 1_000;
/** Requests in the last minute under which a miss ratio says nothing. */
export const REQUESTS_MIN = 1_000;

/** A figure with a threshold for a warning and one for a critical alert. */
export class Threshold {
  readonly #code: AlertCode;
  readonly #bounds: readonly [warning: number, critical: number];
  readonly #say: (figure: number, threshold: number) => string;
  /** 0 resolved, 1 warning, 2 critical. */
  #raised: number;
  readonly #calm = new Calm();

  constructor(
    code: AlertCode,
    bounds: readonly [warning: number, critical: number],
    say: (figure: number, threshold: number) => string,
    raised = 0,
  ) {
    this.#raised = raised;
    this.#code = code;
    this.#bounds = bounds;
    this.#say = say;
  }

  get raised(): number {
    return this.#raised;
  }

  /**
   * An alert if the figure has crossed a threshold upwards; undefined figures change nothing. `isWhole`: the figure
   * is of a whole span; one of a part may raise an alert and resolves none. From critical one threshold is resolved
   * after the other.
   */
  update(nowMs: number, figure: number | undefined, isWhole = true): Alert | undefined {
    if (figure === undefined) return undefined;
    const reached = this.#bounds.filter((bound) => figure > bound).length;
    if (reached <= this.#raised) {
      const isLow = isWhole && this.#raised > 0 && figure <= this.#bounds[this.#raised - 1]! * RESOLVED;
      if (this.#calm.lasts(nowMs, isLow)) this.#raised -= 1;
      return undefined;
    }
    this.#raised = reached;
    this.#calm.lasts(nowMs, false);
    const threshold = this.#bounds[reached - 1]!;
    const severity = reached === 2 ? 'critical' : 'warning';
    return { code: this.#code, severity, figure, threshold, message: this.#say(figure, threshold) };
  }
}

function percent(share: number): string {
  return `${Math.round(share * 1_000) / 10} %`;
}

const CRITICAL_LEVEL = LEVELS.indexOf('critical');

/** The figures with fixed thresholds, in the order in which `raised` packs them, two bits each. */
const THRESHOLDS = [
  {
    code: 'memory',
    bounds: [0.7, 0.85],
    say: (figure: number, bound: number) => `memory is ${percent(figure)} used, over ${percent(bound)}`,
  },
  {
    code: 'miss-ratio',
    bounds: [0.15, 0.3],
    say: (figure: number, bound: number) =>
      `${percent(figure)} of the last minute's reads missed, over ${percent(bound)}`,
  },
  {
    code: 'evictions',
    bounds: [50, 200],
    say: (figure: number, bound: number) =>
      `${Math.round(figure)} entries were evicted in the last minute, over ${bound}`,
  },
  {
    code: 'fragmentation',
    bounds: [1.5, 2],
    say: (figure: number, bound: number) =>
      `entries take ${figure.toFixed(2)} times the memory that they ask for, over ${bound}`,
  },
] as const;
const CRITICAL_BIT = 1 << (THRESHOLDS.length * 2);

/** All alerts of a cache. */
export class AlertWatch {
  readonly #thresholds: readonly Threshold[];
  readonly #minute = new Window(MINUTE_MS, STEP_MS);
  readonly #trends = [
    new Trend('trend-misses', { sum: 'misses', of: 'requests', both: false, floor: 0.05 }),
    new Trend('trend-evictions', { sum: 'evictions', of: 'time', both: false, floor: 50 }),
    new Trend('trend-requests', { sum: 'requests', of: 'time', both: true, floor: 1_000 }),
  ];
  readonly #opportunities = [new UnusedShare(), new LongTtl(), new ClassWaste()];
  #isCritical: boolean;

  /** `raised`: what a predecessor has told and is not resolved; the hold of what was about to be begins anew. */
  constructor(raised = 0) {
    this.#thresholds = THRESHOLDS.map(
      ({ code, bounds, say }, i) => new Threshold(code, bounds, say, Math.min(2, (raised >>> (i * 2)) & 3)),
    );
    this.#isCritical = (raised & CRITICAL_BIT) !== 0;
  }

  /** What a successor must know to tell nothing twice: two bits a threshold, and whether pressure is critical. */
  get raised(): number {
    const bits = this.#thresholds.reduce((sum, threshold, i) => sum | (threshold.raised << (i * 2)), 0);
    return bits | (this.#isCritical ? CRITICAL_BIT : 0);
  }

  /** The alerts that a sample raises. To be called about once a second. */
  update(sample: AlertSample): Alert[] {
    const sums = { requests: 0, misses: 0, evictions: 0 };
    for (const type of sample.types) {
      sums.requests += type.hits + type.misses;
      sums.misses += type.misses;
      sums.evictions += type.evictions;
    }
    this.#minute.add(sample.nowMs, [sums.requests, sums.misses, sums.evictions]);
    const requests = this.#minute.growth(0);
    const isTelling = this.#minute.isFull && requests >= REQUESTS_MIN;
    const [memory, misses, evictions, fragmentation] = this.#thresholds;
    const raised = [
      this.#pressure(sample),
      memory!.update(sample.nowMs, sample.memory),
      misses!.update(sample.nowMs, isTelling ? this.#minute.growth(1) / requests : undefined),
      evictions!.update(sample.nowMs, this.#minute.rate(2), this.#minute.isFull),
      fragmentation!.update(sample.nowMs, sample.fragmentation),
      ...this.#trends.map((trend) => trend.update(sample.nowMs, sums)),
      ...this.#opportunities.flatMap((opportunity) => opportunity.update(sample)),
    ];
    return raised.filter((alert) => alert !== undefined);
  }

  #pressure({ level, used }: AlertSample): Alert | undefined {
    const wasCritical = this.#isCritical;
    this.#isCritical = level === CRITICAL_LEVEL;
    if (wasCritical || !this.#isCritical) return undefined;
    const message = `pressure is critical at ${percent(used)} used: sets of less important types are refused`;
    return { code: 'pressure', severity: 'critical', figure: used, threshold: STEP_THRESHOLDS.at(-1)!, message };
  }
}
