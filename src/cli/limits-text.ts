import { formatBytes, formatCount, formatShare, formatTable, shareOf } from './format.js';
import type { LimitsReport } from './limits.js';
import type { Report } from './report.js';

/** Alerts shown in full; the report as JSON has them all. */
const ALERTS_SHOWN = 8;

/** Sections about shares, quotas, refusals, pressure and alerts. */
export function limitsSections(report: Report): string[][] {
  const { limits } = report;
  if (limits === undefined) return [['Pressure', ...pressureTable(report)]];
  return [
    ['Shares', ...shareTable(report, limits)],
    ['Rejects', ...rejectTable(report)],
    ['Heaviest users', ...userTable(limits)],
    ['Pressure', ...pressureTable(report)],
    ['Alerts', ...alertLines(limits)],
  ];
}

function shareTable({ types, capacity }: Report, { shares }: LimitsReport): string[] {
  const rows = Object.entries(shares).map(([type, { maxShare, reserve, overflow }]) => {
    const use = types[type];
    return [
      type,
      formatShare(shareOf(use?.bytesUsed ?? 0, capacity.capacityBytes)),
      formatShare(maxShare),
      formatShare(reserve),
      overflow,
      formatCount(use?.reductions ?? 0),
      formatCount(use?.reducerFailures ?? 0),
      formatCount(use?.removals.share ?? 0),
    ];
  });
  const head = ['type', 'held', 'maxShare', 'reserve', 'overflow', 'reduced', 'reducer failures', 'evicted for it'];
  return formatTable([head, ...rows]);
}

function rejectTable({ types, total }: Report): string[] {
  const reasons = Object.keys(total.rejectsByReason) as (keyof typeof total.rejectsByReason)[];
  const rows = [...Object.entries(types), ['total', total] as const].map(([name, { rejectsByReason }]) => [
    name,
    ...reasons.map((reason) => formatCount(rejectsByReason[reason])),
  ]);
  return formatTable([['type', ...reasons], ...rows]);
}

function userTable({ heaviestUsers }: LimitsReport): string[] {
  const rows = heaviestUsers.map(({ user, tier, entries, bytes, limit }) => [
    user,
    tier,
    formatCount(entries),
    formatBytes(bytes),
    formatBytes(limit),
    formatShare(shareOf(bytes, limit)),
  ]);
  return formatTable([['user', 'tier', 'entries', 'bytes', 'may have', 'used'], ...rows]);
}

function pressureTable({ pressure, limits }: Report): string[] {
  const passed = limits?.levels.map(({ previous, level }) => `${previous} to ${level}`) ?? [];
  return formatTable([
    ['level', pressure.level],
    ['used', `${formatShare(pressure.used)} (${pressure.source})`],
    ['thresholds passed', passed.length === 0 ? 'none' : passed.join(', ')],
    ['level changes', formatCount(pressure.counts.levelChanges)],
    ['freed ahead of need', formatBytes(pressure.counts.bytesTrimmed)],
    ['shortened TTLs', formatCount(pressure.counts.ttlsShortened)],
  ]);
}

function alertLines({ alerts }: LimitsReport): string[] {
  if (alerts.length === 0) return ['  none'];
  const lines = alerts.slice(0, ALERTS_SHOWN).map(({ severity, code, message }) => `  ${severity} ${code}: ${message}`);
  return alerts.length <= ALERTS_SHOWN ? lines : [...lines, `  and ${alerts.length - ALERTS_SHOWN} more`];
}
