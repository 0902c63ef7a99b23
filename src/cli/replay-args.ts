/** The command line of `velocache replay`. */

import { ENGINE_POLICIES, type EnginePolicy } from '../policies/engine-policies.js';
import { BOUND_NAME, POLICY_NAMES, type PolicyName } from '../policies/replay/policies.js';
import type { Favour } from '../policies/replay/policy.js';
import { CliError } from './errors.js';
import { parseFavour, parseSizeFlag, parseWhole, readFlags, textOf } from './flags.js';
import { isEnginePolicy } from './replay-cache.js';

const ITEMS_MAX = 2 ** 31 - 1;
const THREADS_MAX = 64;

export type LonePolicy = PolicyName | typeof BOUND_NAME;

export const LONE_POLICIES: readonly LonePolicy[] = [...POLICY_NAMES, BOUND_NAME];

export const REPLAY_HELP: string = `Usage: velocache replay TRACE... (--items N | --bytes SIZE | --capacity SIZE) [options]

Replays recorded requests and tells the hit ratio of each policy. A TRACE has time_s,key,size_bytes,ttl_s,op per line,
plain or gzip; what is unknown stays empty. It may come from a pipe, such as /dev/stdin, but not with --capacity and
several policies, each of which reads it.

On one of these:
  --items N         a policy alone that holds N objects: every line is one access, whatever its op, and a miss inserts;
                    TTLs don't count
  --bytes SIZE      the same with SIZE bytes, such as 512kb or 64mb; each key has the largest size that the trace says
  --capacity SIZE   the engine itself, 1mb to 16gb, with the trace's sizes (1 KB where it says none), TTLs and ops;
                    hits and requests are those of its gets; what takes over an eighth of it isn't stored

Options:
  --policy LIST     of ${LONE_POLICIES.join(', ')}, with commas between, or all (default: all).
                    opt is Belady's bound of policies that store every object: adaptive, which may not, can surpass it in
                    tiny caches; with --bytes it is a rule of thumb that others may surpass;
                    with --capacity there is ${ENGINE_POLICIES.join(', ')}
  --favour WHAT     objects or bytes: which hit ratio a policy that can serve either goes for (default: objects)
  --threads N       with --capacity: worker threads that share the trace, 1 to ${THREADS_MAX} (default: 1)
  --json            print one JSON object per line:
                    { trace, policy, items|bytes|capacity, requests, hits, hitRatio, byteHitRatio };
                    byteHitRatio is null if the trace has no sizes
  --help            show this help

Exit status: 0, 1 if the cache was found wrong or a thread died, 2 if an option or a trace can't be used.
`;

export type ReplayTarget =
  | { readonly kind: 'items' | 'bytes'; readonly size: number; readonly policies: readonly LonePolicy[] }
  | {
      readonly kind: 'capacity';
      readonly size: number;
      readonly policies: readonly EnginePolicy[];
      readonly threads: number;
    };

export interface ReplayOptions {
  readonly files: readonly string[];
  readonly target: ReplayTarget;
  readonly favour: Favour;
  readonly json: boolean;
}

/** Undefined if help was asked for. */
export function parseReplay(args: readonly string[]): ReplayOptions | undefined {
  const flags = readFlags('replay', args, {
    text: ['items', 'bytes', 'capacity', 'policy', 'favour', 'threads'],
    bare: ['json'],
    files: true,
  });
  if (flags.values['help'] === true) return undefined;
  if (flags.files.length === 0) throw new CliError('no trace given; see velocache replay --help');
  return {
    files: flags.files,
    target: parseTarget((name) => textOf(flags, name)),
    favour: parseFavour(textOf(flags, 'favour')),
    json: flags.values['json'] === true,
  };
}

function parseTarget(text: (name: string) => string | undefined): ReplayTarget {
  const kinds = (['items', 'bytes', 'capacity'] as const).filter((name) => text(name) !== undefined);
  const [kind] = kinds;
  if (kind === undefined || kinds.length > 1) throw new CliError('give one of --items, --bytes and --capacity');
  const names = text('policy')?.split(',') ?? ['all'];
  if (kind === 'capacity') {
    return {
      kind,
      size: parseSizeFlag('--capacity', text('capacity')!, ['1mb', '16gb']),
      policies: enginePolicies(names),
      threads: parseWhole('--threads', text('threads'), 1, 1, THREADS_MAX),
    };
  }
  if (text('threads') !== undefined) throw new CliError('--threads goes with --capacity');
  const size =
    kind === 'items'
      ? parseWhole('--items', text('items'), 0, 1, ITEMS_MAX)
      : parseSizeFlag('--bytes', text('bytes')!, ['1', '16gb']);
  return { kind, size, policies: lonePolicies(names) };
}

function lonePolicies(names: readonly string[]): readonly LonePolicy[] {
  const chosen = names.flatMap((name) => (name === 'all' ? LONE_POLICIES : [lonePolicy(name)]));
  return [...new Set(chosen)];
}

function lonePolicy(name: string): LonePolicy {
  const policy = LONE_POLICIES.find((candidate) => candidate === name);
  if (policy === undefined) throw new CliError(`--policy "${name}" is none of ${LONE_POLICIES.join(', ')}, all`);
  return policy;
}

function enginePolicies(names: readonly string[]): readonly EnginePolicy[] {
  const chosen = names.flatMap((name) => {
    if (name === 'all') return ENGINE_POLICIES;
    const policy = lonePolicy(name);
    if (!isEnginePolicy(policy)) {
      throw new CliError(`--policy "${name}" can only be replayed alone: the engine has ${ENGINE_POLICIES.join(', ')}`);
    }
    return [policy];
  });
  return [...new Set(chosen)];
}
