/**
 * What a cache must offer to be measured. The main thread prepares the part that all threads share; each thread, a
 * lane, opens its own end of it. Each lane is a thread of its own with one contender, so that no contender's compiled
 * code or garbage meets another's.
 */

export type Kind = 'bytes' | 'objects';

export interface Setup {
  readonly kind: Kind;
  readonly items: number;
  /** Bytes of a value, or about as many as JSON text. */
  readonly valueBytes: number;
  readonly keys: 'uniform' | 'zipf';
  /** Values that sets store: the same ones over and over, or made anew, as memory and collections ask for. */
  readonly values: 'pooled' | 'fresh';
  /** What all lanes together may hold. Without it there is room for every item. */
  readonly bound?: Bound;
}

export interface Bound {
  readonly bytes: number;
  /** For a contender that counts entries: as many a lane as its share of the bytes holds. */
  readonly entriesPerLane: number;
}

/** Something done to the item with a number. Returns what it read of the value, negative for a miss or refusal. */
export type One = (item: number) => number;
/** The same for what answers later, awaited one by one. */
type Each = (item: number) => Promise<number>;
/** Something done to many items at once, ended when the promise is. Returns those that missed or were refused. */
export type Many = (items: readonly number[]) => Promise<readonly number[]>;

export type Operation =
  | { readonly one: One }
  | { readonly each: Each }
  | { readonly many: Many; readonly batch: number };

export interface Lane {
  readonly get: Operation;
  readonly set: Operation;
  /** How items are stored at first, if not by `set`. */
  readonly fill?: Operation;
  /** Makes values for as many sets as a stride may have. Called while no clock runs. */
  refill?(): void;
}

/** The shared part: what the lanes need to open their ends, to be sent to them. */
export interface Prepared {
  readonly share: unknown;
  /** Of a server, whose memory counts as well. */
  readonly serverPid?: number;
  close(): Promise<void>;
}

export interface Contender {
  readonly name: string;
  /** Every lane has a cache of its own and fills it; otherwise only the first lane does. */
  readonly isPerThread?: boolean;
  /** What its bound counts, if it evicts to stay within one; a name for its policy. */
  readonly bounded?: { readonly by: 'bytes' | 'entries'; readonly policy: string };
  /** A program that must be on the PATH. */
  readonly program?: string;
  prepare(setup: Setup): Promise<Prepared>;
  /** In a lane's thread. `keys` are those of all items. */
  open(setup: Setup, keys: readonly string[], share: unknown): Promise<Lane>;
}
