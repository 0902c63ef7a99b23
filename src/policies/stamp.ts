/** Stamps of virtual time in the marks of queues: fewer bits than the clock has, so they wrap. */

/** A stamp may be this much ahead of the time seen here: another thread read the clock later. */
const AHEAD_MAX = 64;

/**
 * How old a stamp is, in units of virtual time. `mask`: all ones, as many as the stamp has bits; what is older than that
 * looks new again.
 */
export function ageOf(now: number, stamp: number, mask: number): number {
  const age = (now - stamp) & mask;
  return age > mask - AHEAD_MAX ? 0 : age;
}
