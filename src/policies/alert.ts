/** What an alert says, and the figures that alerts are made from. */

export const ALERT_CODES = [
  'memory',
  'pressure',
  'miss-ratio',
  'evictions',
  'fragmentation',
  'trend-misses',
  'trend-evictions',
  'trend-requests',
  'share-unused',
  'ttl-too-long',
  'class-waste',
  'decode-failed',
  'reducer-failed',
  'migration-failed',
] as const;
export type AlertCode = (typeof ALERT_CODES)[number];

export type AlertSeverity = 'info' | 'warning' | 'critical';

export interface Alert {
  readonly code: AlertCode;
  readonly severity: AlertSeverity;
  /** What was measured, and the bound that it has crossed. */
  readonly figure: number;
  readonly threshold: number;
  /** One sentence. */
  readonly message: string;
  /** The type that it is about, if it is about one. */
  readonly type?: string;
}

/** A type as the alerts see it; sums grow from the cache's beginning. */
interface UsedType {
  readonly name: string;
  /** Share of the capacity that it holds, and that it may hold. */
  readonly share: number;
  readonly maxShare: number;
  readonly hits: number;
  readonly misses: number;
  readonly evictions: number;
  /** The type's TTL, 0 for none; entries whose TTL ran out; for how long they had not been used then, in all. */
  readonly ttlMs: number;
  readonly expirations: number;
  readonly unusedMs: number;
}

/** A slab class as the alerts see it. */
interface HeldClass {
  readonly chunkBytes: number;
  /** Share of the capacity that its used chunks hold, and of those what nobody asked for. */
  readonly share: number;
  readonly waste: number;
}

/** The figures of one moment. Sums grow from the cache's beginning. */
export interface AlertSample {
  readonly nowMs: number;
  /** The highest share of rss, heap and arena. */
  readonly memory: number;
  /** Position in LEVELS, and the share that it comes from. */
  readonly level: number;
  readonly used: number;
  /** Bytes of the pages of entries by bytes asked for; undefined while there are too few to tell. */
  readonly fragmentation: number | undefined;
  readonly types: readonly UsedType[];
  readonly classes: readonly HeldClass[];
}
