/**
 * How much a user may have. The share of its tier is moved by its activity, from a half of it to one and a half: for
 * each of the last sixteen quarters of an hour in which the user has stored something, a sixteenth more than a half. A
 * new user counts as active in every other quarter before it came, so it begins with its share.
 *
 *     activity word:  quarter of the last set (16 bits), a bit for each of the last sixteen quarters, the latest lowest
 *
 * Quarters are counted by the shared tick and wrap with it, after 497 days; a user seen across that counts as idle.
 */
import { countBits } from '../../native-free/index.js';
import type { QuotaPolicy } from '../engine/ports.js';

const QUARTER_TICKS = 90_000;
const QUARTERS = 16;
const HISTORY_MASK = 0xffff;
/** Every other quarter, the latest among them. */
const NEW_HISTORY = 0x5555;

export class UserQuotas implements QuotaPolicy {
  active(activity: number, tick: number): number {
    const quarter = quarterOf(tick);
    const history = activity === 0 ? NEW_HISTORY : historyAt(activity, quarter) | 1;
    return (quarter << QUARTERS) | history;
  }

  limit(shareGranules: number, activity: number, tick: number): number {
    const quarters = countBits(historyAt(activity, quarterOf(tick)));
    return Math.floor(shareGranules * (0.5 + quarters / QUARTERS));
  }
}

function quarterOf(tick: number): number {
  return Math.floor((tick >>> 0) / QUARTER_TICKS);
}

/** The history as it stands in a quarter. */
function historyAt(activity: number, quarter: number): number {
  const passed = quarter - (activity >>> QUARTERS);
  return passed < 0 || passed >= QUARTERS ? 0 : ((activity & HISTORY_MASK) << passed) & HISTORY_MASK;
}
