/** Whether the figures of a quiet cache add up. */
import type { CacheStats, TypeStats } from '../../src/index.js';

type Totals = Omit<CacheStats, 'types' | 'eventsDropped' | 'log' | 'pressure' | 'pool' | 'near'>;

const SUMMED = [
  'entries',
  'bytesUsed',
  'bytesPayload',
  'hits',
  'misses',
  'bytesHit',
  'sets',
  'inserts',
  'bytesInserted',
  'deletes',
  'rejects',
  'evictions',
  'evictionsPerMinute',
  'expirations',
] as const satisfies readonly (keyof TypeStats)[];

/** One sentence for each sum that doesn't balance. */
export function imbalances(total: Totals, types: readonly TypeStats[]): string[] {
  const sentences = [total, ...types].flatMap((stats, i) => ofOne(stats, i === 0 ? 'total' : `type ${i - 1}`));
  for (const field of SUMMED) {
    const sum = types.reduce((all, stats) => all + stats[field], 0);
    if (sum !== total[field]) sentences.push(`${field}: ${total[field]} in total, ${sum} by type`);
  }
  const { bytesUsed, bytesFree, bytesIndex, bytesMetadata, capacityBytes } = total;
  const bytes = bytesUsed + bytesFree + bytesIndex + bytesMetadata;
  if (bytes !== capacityBytes) {
    const parts = `${bytesUsed} used, ${bytesFree} free, ${bytesIndex} of the index, ${bytesMetadata} of tables`;
    sentences.push(`${parts}: ${bytes} of a capacity of ${capacityBytes}`);
  }
  return sentences;
}

function ofOne(stats: TypeStats, where: string): string[] {
  const removed = Object.values(stats.removals).reduce((sum, count) => sum + count, 0);
  const sentences: string[] = [];
  if (stats.sets - removed !== stats.entries) {
    sentences.push(`${where}: ${stats.sets} sets less ${removed} removals are not ${stats.entries} entries`);
  }
  for (const [name, value] of Object.entries(stats)) {
    if (typeof value === 'number' && !(Number.isFinite(value) && value >= 0)) {
      sentences.push(`${where}: ${name} is ${value}`);
    }
  }
  return sentences;
}
