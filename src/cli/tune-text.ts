import { basename } from 'node:path';
import { formatBytes, formatCount, formatTable } from './format.js';
import type { Slab } from './tune-slab.js';
import type { Measured, Trial, Tuning, TypeTuning } from './tuning.js';

/** A tuning for reading: what was tried, what is proposed, and what each part gains. */
export function formatTuning(tuning: Tuning): string {
  const { trace, capacity, requests, trials, types } = tuning;
  const title = `velocache tune: ${basename(trace)} on ${formatBytes(capacity)}, ${formatCount(requests)} reads`;
  const head = ['slab classes', 'policy', 'hit ratio', 'byte hit ratio', 'lost to rounding'];
  const tried = formatTable([head, ...trials.map(formatTrial)]);
  const apart = types === null ? [] : ['', ...formatTypes(types)];
  return `${[title, '', ...tried, ...apart, '', 'Proposed', ...formatProposal(tuning)].join('\n')}\n`;
}

function formatTrial({ slab, policy, hitRatio, byteHitRatio, wasteShare }: Trial): string[] {
  return [formatSlab(slab), policy, percent(hitRatio), percent(byteHitRatio), percent(wasteShare)];
}

function formatSlab(slab: Slab | undefined): string {
  return slab === undefined ? 'default' : `minChunk ${slab.minChunk}, growthFactor ${slab.growthFactor}`;
}

function formatTypes({ policy, together, apart }: TypeTuning): string[] {
  return formatTable([
    [`types, by ${policy} alone`, 'hit ratio', 'byte hit ratio'],
    ['together', percent(together.hitRatio), percent(together.byteHitRatio)],
    ['apart, in their best shares', percent(apart.hitRatio), percent(apart.byteHitRatio)],
  ]);
}

function formatProposal({ trials, best, types }: Tuning): string[] {
  const first = trials[0]!;
  return [
    slabProposal(first, best),
    best.policy === first.policy ? `  policy: the default, ${best.policy}` : `  policy: '${best.policy}'`,
    typesProposal(types),
  ];
}

function slabProposal(first: Trial, { slab, ...best }: Trial): string {
  if (slab === undefined) return '  slab: the default; no other classes gain anything';
  const rounding = `lost to rounding ${percent(best.wasteShare)} instead of ${percent(first.wasteShare)}`;
  return `  slab: { minChunk: ${slab.minChunk}, growthFactor: ${slab.growthFactor} }: ${gain(first, best)}, ${rounding}`;
}

function typesProposal(types: TypeTuning | null): string {
  if (types === null) return '  types: none; the keys name no types';
  const { maxShare, together, apart } = types;
  if (maxShare === null) return `  types: no shares; apart they come to ${gain(together, apart)}`;
  const shares = Object.entries(maxShare).map(([type, share]) => `${propertyName(type)}: { maxShare: ${share} }`);
  return `  types: { ${shares.join(', ')} }: ${gain(together, apart)}, without TTLs`;
}

/** As it stands in an object literal. */
function propertyName(name: string): string {
  return /^[a-zA-Z_$][\w$]*$/.test(name) ? name : JSON.stringify(name);
}

function gain(before: Measured, after: Measured): string {
  return `${points(after.hitRatio - before.hitRatio)} of hit ratio, ${points(after.byteHitRatio - before.byteHitRatio)} of bytes`;
}

function points(difference: number): string {
  return `${difference < 0 ? '' : '+'}${(difference * 100).toFixed(2)} points`;
}

function percent(share: number): string {
  return `${(share * 100).toFixed(2)} %`;
}
