/** What the processes and threads of the scenario tell each other. Plain data. */

import type { DemoTypes } from '../../src/cli/values.js';
import type { CacheHandle } from '../../src/index.js';
import type { BodiesPlan } from './bodies.js';
import type { Held } from './history.js';

export const SIDES = ['before', 'after'] as const;
export type Side = (typeof SIDES)[number];

/** The first argument of a server's process, as JSON. */
export interface ServerPlan {
  readonly side: Side;
  readonly threads: number;
  readonly capacityBytes: number;
  readonly bodies: BodiesPlan;
}

/** In `held` is what each thread is to begin with. */
export type ServerCommand =
  | { readonly kind: 'warm-up' }
  | { readonly kind: 'fill'; readonly held: readonly (readonly Held[])[] }
  | WindowCommand;

/** Between the two figures are gathered. */
interface WindowCommand {
  readonly kind: 'begin' | 'end';
}

export type ServerNews =
  | { readonly kind: 'listening'; readonly ports: readonly number[] }
  | { readonly kind: 'warm' }
  | { readonly kind: 'filled' }
  | { readonly kind: 'rss'; readonly bytes: number }
  | { readonly kind: 'died'; readonly why: string }
  | { readonly kind: 'report'; readonly report: ServerReport };

export interface ThreadData {
  readonly bodies: BodiesPlan;
  /** Without one the thread has a map of its own. */
  readonly handle: CacheHandle<DemoTypes> | undefined;
}

export type ThreadCommand =
  | { readonly kind: 'warm-up' }
  | { readonly kind: 'fill'; readonly held: readonly Held[] }
  | WindowCommand;

export type ThreadNews =
  | { readonly kind: 'listening'; readonly port: number }
  | { readonly kind: 'warm' }
  | { readonly kind: 'filled' }
  | { readonly kind: 'report'; readonly report: ThreadReport };

/** A number of things and what they took together. */
export interface Sum {
  readonly count: number;
  readonly ms: number;
}

export interface ThreadReport {
  readonly reads: Sum;
  readonly hits: Sum;
  /** Collections of all kinds, and those of the whole heap. */
  readonly collections: Sum;
  readonly fullCollections: Sum;
  readonly longestPauseMs: number;
  readonly loopP99Ms: number;
  readonly loopMaxMs: number;
}

export interface ServerReport {
  readonly threads: readonly ThreadReport[];
  readonly cpuMs: number;
  /** Of velocache alone. */
  readonly cache: CacheReport | undefined;
}

export interface CacheReport {
  /** Entries that left to make room, by cause, and those whose time was over. */
  readonly evictions: Readonly<Record<string, number>>;
  readonly expirations: number;
  readonly bytesInUse: number;
  readonly entries: number;
  readonly tasks: number;
}

/** The first argument of the users' process, as JSON. */
export interface UsersPlan {
  readonly users: number;
  readonly seed: number;
  readonly ports: readonly number[];
  readonly windowMs: number;
  /** Of each type, the number of the next new thing. */
  readonly next: readonly number[];
}

export type UsersCommand = { readonly kind: 'begin' | 'end' | 'rush' };

export interface UsersReport {
  readonly answers: number;
  readonly failures: number;
  readonly elapsedMs: number;
  readonly meanMs: number;
  readonly p99Ms: number;
  readonly cpuMs: number;
}
