/** The users of the demo: whose sessions are whose, and who may have how much. */
const RIDERS = 2_000;
/** One rider in so many has paid; the first few run the place. */
const PREMIUM_EVERY = 20;
const ADMINS = 3;

/** Opens sessions without end, and would fill the cache with them. */
export const FLOODER = 'rider-flood';

/** The user of the session with a rank of popularity: each has some that are asked for often, and some that aren't. */
export function riderOf(rank: number): string {
  return `rider-${rank % RIDERS}`;
}

export function tierOf(user: string): string | undefined {
  const number = Number(user.slice('rider-'.length));
  if (Number.isNaN(number)) return undefined;
  if (number < ADMINS) return 'admin';
  return number % PREMIUM_EVERY === 0 ? 'premium' : undefined;
}

export function allRiders(): string[] {
  return [...Array.from({ length: RIDERS }, (_, i) => riderOf(i)), FLOODER];
}
