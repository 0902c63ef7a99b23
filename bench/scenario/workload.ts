/**
 * What users ask for: the load of the mission. Types come by their shares of the accesses. Of each type a request asks
 * for something new as often as the mission's caches missed, and else for what was asked for before, within its TTL, by
 * Zipf's law. So the mission's hit ratios are those of one cache that keeps everything for its
 * TTL, and a cache in each thread has less.
 */
import type { Random } from '../../src/cli/random.js';
import type { DemoType } from '../../src/cli/values.js';
import { ZipfSampler } from '../../src/cli/zipf.js';
import { TIME_SCALE } from './mission.js';

export interface TypeLoad {
  /** Share of the accesses. */
  readonly accesses: number;
  /** Share of the space that the mission names; of stats and misc together. */
  readonly space: number;
  /** Requests for what was asked for before, of all of the type. */
  readonly again: number;
  /** Of the JSON text, chosen so that what lives takes the share of space. */
  readonly meanBytes: number;
  /** How long its back end takes. */
  readonly backEndMs: number;
  /** Hours. */
  readonly ttl: number;
}

export const LOADS: { readonly [K in DemoType]: TypeLoad } = {
  session: { accesses: 0.35, space: 0.15, again: 0.98, meanBytes: 13_000, backEndMs: 20, ttl: 24 },
  route: { accesses: 0.25, space: 0.4, again: 0.94, meanBytes: 11_000, backEndMs: 300, ttl: 7 * 24 },
  weather: { accesses: 0.15, space: 0.1, again: 0.9, meanBytes: 30_000, backEndMs: 250, ttl: 1 },
  llm: { accesses: 0.1, space: 0.25, again: 0.85, meanBytes: 24_000, backEndMs: 1_500, ttl: 30 * 24 },
  stats: { accesses: 0.1, space: 0.07, again: 0.75, meanBytes: 4_500, backEndMs: 200, ttl: 3 * 24 },
  misc: { accesses: 0.05, space: 0.03, again: 0.75, meanBytes: 7_000, backEndMs: 50, ttl: 2 },
};

export const TYPES: readonly DemoType[] = Object.keys(LOADS) as DemoType[];

/** Mean pause of a user between an answer and its next request. */
export const THINK_MS = 1_000;
/** What an answer is taken to need, where the pace of the load has to be known ahead. */
const ANSWER_MS = 200;
/** Of Zipf's law. */
const EXPONENT = 0.9;

const HOUR_MS = 3_600_000 / TIME_SCALE;

export function ttlMsOf(type: DemoType): number {
  return LOADS[type].ttl * HOUR_MS;
}

/** Requests of so many users together. */
export function requestsPerMs(users: number): number {
  return users / (THINK_MS + ANSWER_MS);
}

/** The best hit ratio that this load allows. */
export function hitRatioMax(): number {
  return TYPES.reduce((sum, type) => sum + LOADS[type].accesses * LOADS[type].again, 0);
}

/** A thing is named by its type and number; numbers are given in the order in which things are first asked for. */
export interface Request {
  readonly type: DemoType;
  readonly thing: number;
}

interface Stream {
  readonly type: DemoType;
  readonly accessLimit: number;
  readonly again: number;
  readonly ranks: ZipfSampler;
  readonly stride: number;
  next: number;
}

/**
 * Of the latest `size` numbers below `next` the one with a rank of popularity. When a popular thing is too old, a new
 * one takes its rank; ranks are spread, so that popular things don't come and go together.
 */
export function thingOfRank(rank: number, next: number, size: number, stride: number): number {
  const first = next - size;
  const place = (rank * stride) % size;
  return first + ((((place - first) % size) + size) % size);
}

/** Coprime to `size`, and near the golden section of it, which spreads best. */
export function strideFor(size: number): number {
  const isCommon = (a: number, b: number): boolean => (b === 0 ? a > 1 : isCommon(b, a % b));
  let stride = Math.max(1, Math.round(size * 0.618));
  while (isCommon(size, stride)) stride--;
  return stride;
}

/** The requests of all users. Its state is the next number of each type, so that it can be taken up elsewhere. */
export class Requests {
  readonly #streams: readonly Stream[];

  /** `windowMs`: how far back requests reach, unless the TTL is shorter. */
  constructor(users: number, windowMs: number, next?: readonly number[]) {
    let accessLimit = 0;
    this.#streams = TYPES.map((type, i) => {
      const { accesses, again } = LOADS[type];
      accessLimit += accesses;
      const news = requestsPerMs(users) * accesses * (1 - again) * Math.min(windowMs, ttlMsOf(type));
      const ranks = new ZipfSampler(Math.max(1, Math.round(news)), EXPONENT);
      return { type, accessLimit, again, ranks, stride: strideFor(ranks.size), next: next?.[i] ?? ranks.size };
    });
  }

  draw(random: Random): Request {
    const choice = random.next();
    const stream = this.#streams.find(({ accessLimit }) => choice < accessLimit) ?? this.#streams.at(-1)!;
    const { type, again, ranks, stride, next } = stream;
    if (random.next() >= again) return { type, thing: stream.next++ };
    return { type, thing: thingOfRank(ranks.draw(random), next, ranks.size, stride) };
  }

  get next(): number[] {
    return this.#streams.map(({ next }) => next);
  }
}
