/**
 * What a cache must offer to be measured. The main thread prepares the part that all threads share; each thread, a
 * lane, opens its own end of it. Each lane is a thread of its own with one contender, so that no contender's compiled
 * code or garbage meets another's.
 */

export type Kind = 'bytes' | 'objects';

export interface Setup {
  readonly kind: Kind;
  readonly items: number;
}

/** Something done to the item with a number. Returns what it read of the value, negative for a miss. */
export type One = (item: number) => number;
/** Something done to many items at once, ended when the promise is. Returns how many of them missed. */
export type Many = (items: readonly number[]) => Promise<number>;

type Operation = { readonly one: One } | { readonly many: Many; readonly batch: number };

export interface Lane {
  readonly get: Operation;
  readonly set: Operation;
}

/** The shared part: what the lanes need to open their ends, to be sent to them. */
export interface Prepared {
  readonly share: unknown;
  close(): Promise<void>;
}

export interface Contender {
  readonly name: string;
  /** Every lane has a cache of its own and fills it; otherwise only the first lane does. */
  readonly isPerThread?: boolean;
  prepare(setup: Setup): Promise<Prepared>;
  /** In a lane's thread. `keys` are those of all items. */
  open(setup: Setup, keys: readonly string[], share: unknown): Promise<Lane>;
}
