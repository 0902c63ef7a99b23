import { formatBytes, formatCount, formatShare, formatTable, shareOf } from './format.js';
import { limitsSections } from './limits-text.js';
import type { ClassReport, Report, ThreadReport, UseReport } from './report.js';

/** The report as a person reads it. */
export function formatReport(report: Report): string {
  const sections = [
    [headline(report)],
    ['Operations', ...threadTable(report)],
    ['Types', ...typeTable(report)],
    ['Removals', ...removalTable(report)],
    ...compressionSections(report),
    ...poolSections(report),
    ...limitsSections(report),
    ['Slab classes', ...classTable(report)],
    ['Memory', ...memoryTable(report)],
    ['Health', ...healthTable(report)],
  ];
  return `${sections.map((lines) => lines.join('\n')).join('\n\n')}\n`;
}

function headline({ mode, seconds, seed, interrupted, trace, capacity }: Report): string {
  const length = `${seconds.toFixed(1)} s${interrupted ? ' (interrupted)' : ''}`;
  const size = formatBytes(capacity.capacityBytes);
  if (mode === 'load' || trace === undefined) return `velocache demo: ${length} of load on ${size}, seed ${seed}`;
  const end = trace.complete ? 'to its end' : 'not to its end';
  const passed = `${formatCount(trace.requests)} requests, ${formatCount(trace.traceSeconds)} s of its own time`;
  return `velocache demo: ${trace.file} on ${size}, ${end}: ${passed}, in ${length}`;
}

function threadTable({ threads, operations, operationsPerSecond }: Report): string[] {
  const row = ({ name, operationsPerSecond: rate, gets, sets, deletes, checked }: ThreadReport): string[] => [
    name,
    ...[rate, gets, sets, deletes, checked].map(formatCount),
  ];
  const total = ['total', formatCount(operationsPerSecond), `${formatCount(operations)} operations`];
  return formatTable([['thread', 'per second', 'gets', 'sets', 'deletes', 'checked'], ...threads.map(row), total]);
}

function typeTable({ types, total }: Report): string[] {
  const row = ([name, use]: readonly [string, UseReport]): string[] => [
    name,
    formatShare(use.hitRatio),
    formatShare(shareOf(use.nearHits, use.hits)),
    formatShare(shareOf(use.hits + use.misses, total.hits + total.misses)),
    formatCount(use.entries),
    formatBytes(use.bytesUsed),
    formatShare(shareOf(use.bytesUsed, total.bytesUsed)),
    formatBytes(use.bytesPayload),
  ];
  const head = ['type', 'hit ratio', 'near', 'of gets', 'entries', 'bytes held', 'of bytes', 'keys and values'];
  return formatTable([head, ...Object.entries(types).map(row), row(['total', total])]);
}

function removalTable({ types, total }: Report): string[] {
  const causes = Object.keys(total.removals) as (keyof UseReport['removals'])[];
  const row = ([name, { removals, rejects }]: readonly [string, UseReport]): string[] => [
    name,
    ...causes.map((cause) => formatCount(removals[cause])),
    formatCount(rejects),
  ];
  return formatTable([['type', ...causes, '(rejected)'], ...Object.entries(types).map(row), row(['total', total])]);
}

/** Nothing where no value was compressed. */
function compressionSections({ types, total }: Report): string[][] {
  if (total.compression.values + total.compression.unpaid === 0) return [];
  const each = (ms: number, count: number): string => `${shareOf(ms, count).toFixed(2)} ms`;
  const row = ([name, { compression }]: readonly [string, UseReport]): string[] => [
    name,
    formatCount(compression.values),
    compression.ratio.toFixed(2),
    formatCount(compression.unpaid),
    each(compression.compressMs, compression.values + compression.unpaid),
    formatCount(compression.decompressions),
    each(compression.decompressMs, compression.decompressions),
  ];
  const head = ['type', 'compressed', 'ratio', "didn't pay", 'each', 'decompressed', 'each'];
  return [['Compression', ...formatTable([head, ...Object.entries(types).map(row), row(['total', total])])]];
}

/** Nothing where nothing was left to a pool. */
function poolSections({ pool }: Report): string[][] {
  if (pool.tasks + pool.inPlace + pool.loads === 0) return [];
  const table = formatTable([
    ['done by workers, loads among it', formatCount(pool.tasks)],
    ['loads of what was missing', formatCount(pool.loads)],
    ['calls that waited for the load of another', formatCount(pool.loadWaits)],
    ['loads overtaken by a change', formatCount(pool.loadsLost)],
    ['loads that failed', formatCount(pool.loadFailures)],
    ['reads and sets in place, not worth the trip', formatCount(pool.inPlace)],
    ['workers that died over one', formatCount(pool.failures)],
  ]);
  return [['Pool', ...table]];
}

function classTable({ classes, bytesWasted }: Report): string[] {
  const row = ({ chunkBytes, pages, chunksUsed, useShare, bytesWasted: waste, wasteShare }: ClassReport): string[] => [
    formatCount(chunkBytes),
    formatCount(pages),
    formatCount(chunksUsed),
    formatShare(useShare),
    formatBytes(waste),
    formatShare(wasteShare),
  ];
  const held = classes.reduce((total, { chunksUsed, chunkBytes }) => total + chunksUsed * chunkBytes, 0);
  const total = ['total', '', '', '', formatBytes(bytesWasted), formatShare(shareOf(bytesWasted, held))];
  return formatTable([
    ['chunk bytes', 'pages', 'chunks used', 'in use', 'wasted', 'of bytes'],
    ...classes.map(row),
    total,
  ]);
}

function memoryTable({ capacity, memory, gc }: Report): string[] {
  return formatTable([
    ['cache: metadata', formatBytes(capacity.bytesMetadata)],
    ['cache: index', formatBytes(capacity.bytesIndex)],
    ['cache: free', formatBytes(capacity.bytesFree)],
    ['heap of the main thread', formatBytes(memory.heapUsedBytes)],
    ['RSS of the process', formatBytes(memory.rssBytes)],
    ['RSS, highest', formatBytes(memory.rssPeakBytes)],
    ['GC runs, main thread', formatCount(gc.count)],
    ['GC, longest pause', `${gc.longestPauseMs.toFixed(1)} ms`],
  ]);
}

function healthTable(report: Report): string[] {
  return formatTable([
    ['attached threads', formatCount(report.threadsAttached)],
    ['deaths', formatCount(report.deaths)],
    ['recoveries', formatCount(report.recoveries)],
    ['verify()', report.verifyClean ? 'clean' : 'NOT CLEAN'],
    ['violations', formatCount(report.violationCount)],
  ]);
}
