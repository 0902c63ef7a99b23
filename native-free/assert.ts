/** A broken invariant of shared memory or a bug of ours: never the user's mistake, never lack of room. */
export class InvariantError extends Error {
  readonly code = 'VELOCACHE_INTERNAL';
  override readonly name = 'InvariantError';
}

/** Always on. The message is a constant: building one would allocate inside critical sections. */
export function assert(condition: boolean, message: string): asserts condition {
  if (!condition) throw new InvariantError(message);
}
