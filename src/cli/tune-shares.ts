/**
 * Shares of the capacity by type, where keys begin with a type's name. Every type is replayed by itself at each of twenty
 * shares; the split with the most hits is then found by dynamic programming, and as types apart don't touch each other,
 * its hits are those of the replays.
 */
import type { PolicyName } from '../policies/replay/policies.js';
import type { Favour } from '../policies/replay/policy.js';
import type { NumberedTrace } from './numbered-trace.js';
import { type Outcome, replayAlone } from './replay-alone.js';

/** Shares come in steps of a twentieth. */
const STEPS = 20;
/** Of the keys: so many must begin with a type. */
const TYPED_SHARE_MIN = 0.95;
/** What an engine calls entries of no type. */
const UNTYPED = 'default';
const TYPE = /^([A-Za-z][\w-]*):/;

export interface SharesSetup {
  /** Whose `sizes` are the bytes that each entry takes in the cache. */
  readonly trace: NumberedTrace;
  readonly bytes: number;
  readonly policy: PolicyName;
  readonly favour: Favour;
}

export interface Shares {
  /** By type: from 0.05; they add up to 1. */
  readonly shares: Readonly<Record<string, number>>;
  /** All types in one cache. */
  readonly together: Outcome;
  /** Each type in its share. */
  readonly apart: Outcome;
}

/** Undefined if the keys name no types, or only one, or more than there are steps. */
export function findShares(setup: SharesSetup): Shares | undefined {
  const types = splitByType(setup.trace);
  if (types === undefined) return undefined;
  const curves = [...types.values()].map((trace) =>
    Array.from({ length: STEPS }, (_, step) => replayShare(setup, trace, (step + 1) / STEPS)),
  );
  const steps = bestSplit(curves.map((curve) => curve.map((outcome) => gained(outcome, setup.favour))));
  const names = [...types.keys()];
  return {
    shares: Object.fromEntries(names.map((name, type) => [name, steps[type]! / STEPS])),
    together: replayShare(setup, setup.trace, 1),
    apart: add(curves.map((curve, type) => curve[steps[type]! - 1]!)),
  };
}

function replayShare({ bytes, policy, favour }: SharesSetup, trace: NumberedTrace, share: number): Outcome {
  return replayAlone(trace, { policy, unit: 'bytes', size: Math.max(1, Math.floor(bytes * share)), favour });
}

function gained({ hits, bytesHit }: Outcome, favour: Favour): number {
  return favour === 'bytes' ? bytesHit : hits;
}

function splitByType({ keys, sizes, requests }: NumberedTrace): Map<string, NumberedTrace> | undefined {
  const names = keys.map((key) => TYPE.exec(key)?.[1] ?? UNTYPED);
  const typed = names.filter((name) => name !== UNTYPED).length;
  const types = new Set(names);
  if (typed < TYPED_SHARE_MIN * keys.length || types.size < 2 || types.size > STEPS) return undefined;
  const parts = new Map<string, NumberedTrace>();
  for (const type of types) {
    const own = keys.flatMap((_, id) => (names[id] === type ? [id] : []));
    const numbers = new Int32Array(keys.length).fill(-1);
    for (const [number, id] of own.entries()) numbers[id] = number;
    parts.set(type, {
      keys: own.map((id) => keys[id]!),
      sizes: Int32Array.from(own, (id) => sizes[id]!),
      requests: requests.filter((id) => numbers[id]! >= 0).map((id) => numbers[id]!),
    });
  }
  return parts;
}

/** Steps for each type, one at least, together `STEPS`, that gain most; `gains[type][step - 1]` is what a type gains. */
export function bestSplit(gains: readonly (readonly number[])[]): number[] {
  // best[used]: the most that the types so far gain with so many steps, and how they share them.
  let best: { gain: number; steps: number[] }[] = [{ gain: 0, steps: [] }];
  for (const [type, gain] of gains.entries()) {
    const next: typeof best = [];
    const rest = gains.length - 1 - type;
    for (const [used, so] of best.entries()) {
      if (so === undefined) continue;
      for (let step = 1; used + step + rest <= STEPS; step++) {
        const total = so.gain + gain[step - 1]!;
        if (total > (next[used + step]?.gain ?? -1)) next[used + step] = { gain: total, steps: [...so.steps, step] };
      }
    }
    best = next;
  }
  return best[STEPS]!.steps;
}

function add(outcomes: readonly Outcome[]): Outcome {
  const sum = (pick: (outcome: Outcome) => number): number =>
    outcomes.reduce((total, outcome) => total + pick(outcome), 0);
  return {
    requests: sum(({ requests }) => requests),
    hits: sum(({ hits }) => hits),
    bytesRequested: sum(({ bytesRequested }) => bytesRequested),
    bytesHit: sum(({ bytesHit }) => bytesHit),
  };
}
