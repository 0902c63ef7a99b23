/**
 * The hit ratio of every policy alone on every recorded trace: counting objects, at 1, 3, 10 and 30 % of the unique keys,
 * and counting bytes, at those shares of the unique bytes, each key with its largest size. Every line is one access; a
 * miss inserts; the cache starts empty. Where the folder has a `reference.tsv`, other policies' figures stand beside ours.
 *
 * The stress run is one trace on which LRU is the best there is, then five times a loop on which it gets nothing, then
 * the first again.
 */
import type { NumberedTrace } from '../src/cli/numbered-trace.js';
import { replayAlone } from '../src/cli/replay-alone.js';
import { LONE_POLICIES, type LonePolicy } from '../src/cli/replay-args.js';
import { DEFAULT_POLICY, POLICY_NAMES } from '../src/policies/replay/policies.js';
import { summarize, table } from './figures.js';
import type { BenchOptions } from './options.js';
import { type Mode, type Ratios, Reference } from './reference.js';
import { loadTrace, traceNames } from './traces.js';

const SHARES_PERCENT = [1, 3, 10, 30];
/** Cells of fewer objects are too noisy to hold a policy to its word there. */
const ENTRIES_MIN = 100;
/** Points that the default may be below LRU. */
const BELOW_LRU_MAX = 1;
const STRESS_OBJECTS = 512;
const STRESS_TRACES = ['corda-vaultservice', ...new Array<string>(5).fill('lirs-loop'), 'corda-vaultservice'];
/** Columns of the reference, by mode, as far as it has them. */
const REFERENCE_POLICIES: Readonly<Record<Mode, readonly string[]>> = {
  count: ['LRU', 'W-TinyLFU-adaptive', 'OPT'],
  bytes: ['LRU', 'W-TinyLFU-climber', 'GDSF'],
};
const NAMES_IN_REFERENCE: Readonly<Record<string, string>> = { lru: 'LRU', sieve: 'SIEVE', 's3-fifo': 'S3-FIFO' };
const LABEL_WIDTH = 36;

interface Contender {
  readonly label: string;
  readonly policy: LonePolicy;
  readonly favour: 'objects' | 'bytes';
}

interface Cell {
  readonly trace: string;
  readonly percent: number;
  readonly size: number;
  readonly ours: readonly Ratios[];
  readonly theirs: readonly (Ratios | undefined)[];
}

export async function runHitRatio(options: BenchOptions): Promise<void> {
  const isMode = options.only === 'count' || options.only === 'bytes';
  const names = traceNames(options.traces).filter((name) => isMode || name.includes(options.only));
  if (names.length === 0) return;
  const policies = policiesOf(options);
  const reference = Reference.from(options.traces);
  for (const mode of ['count', 'bytes'] as const) {
    if (!isMode || options.only === mode) await runMode(mode, names, policies, options.traces, reference);
  }
  if (options.only !== 'bytes' && STRESS_TRACES.every((name) => names.includes(name)))
    await runStress(policies, options.traces);
}

async function runMode(
  mode: Mode,
  names: readonly string[],
  policies: readonly LonePolicy[],
  folder: string,
  reference: Reference,
): Promise<void> {
  const contenders = contendersOf(mode, policies);
  const known = REFERENCE_POLICIES[mode].filter((policy) => reference.has(mode, policy));
  const heads = [...contenders.map(({ label }) => label), ...known.map((policy) => `(${policy})`)];
  print(`\n  ${mode}: hit ratio in %${mode === 'bytes' ? ', of requests / of bytes' : ''}; ( ) as in reference.tsv\n`);
  const widths = heads.map((head) => Math.max(head.length, mode === 'bytes' ? 11 : 5));
  printRow('trace, % of it', heads, widths);
  const cells: Cell[] = [];
  for (const name of names) {
    const trace = await loadTrace(folder, name);
    const total = mode === 'count' ? trace.keys.length : trace.sizes.reduce((sum, size) => sum + size, 0);
    if (mode === 'bytes' && new Set(trace.sizes).size < 2) continue;
    for (const percent of SHARES_PERCENT) {
      const size = Math.floor((total * percent) / 100);
      const ours = contenders.map((contender) => measure(trace, mode, size, contender));
      const theirs = known.map((policy) => reference.find(mode, name, percent, policy));
      cells.push({ trace: name, percent, size, ours, theirs });
      printRow(
        `${name} ${percent}`,
        [...ours, ...theirs].map((ratios) => show(mode, ratios)),
        widths,
      );
    }
  }
  if (cells.length === 0) {
    print('  left out: no trace has sizes that differ\n');
    return;
  }
  const means = heads.map((_, column) => mean(cells.map(({ ours, theirs }) => [...ours, ...theirs][column])));
  printRow(
    `mean of ${cells.length}`,
    means.map((ratios) => show(mode, ratios)),
    widths,
  );
  compareWithLru(mode, contenders, cells);
  compareWithReference(mode, contenders, cells, reference);
}

/** All but the bound, unless some are named. */
function policiesOf({ policies }: BenchOptions): LonePolicy[] {
  const unknown = policies.find((name) => !LONE_POLICIES.some((known) => known === name));
  if (unknown !== undefined) throw new Error(`unknown policy "${unknown}"; there are ${LONE_POLICIES.join(', ')}`);
  return policies.length === 0 ? [...POLICY_NAMES] : LONE_POLICIES.filter((name) => policies.includes(name));
}

/** The default goes for either ratio when it counts bytes; the others can't choose. */
function contendersOf(mode: Mode, policies: readonly LonePolicy[]): Contender[] {
  return policies.flatMap((policy): Contender[] => {
    if (mode === 'count' || policy !== DEFAULT_POLICY) return [{ label: policy, policy, favour: 'objects' }];
    return (['objects', 'bytes'] as const).map((favour) => ({ label: `${policy}:${favour}`, policy, favour }));
  });
}

function measure(trace: NumberedTrace, mode: Mode, size: number, { policy, favour }: Contender): Ratios {
  const unit = mode === 'count' ? 'objects' : 'bytes';
  const { hits, requests, bytesHit, bytesRequested } = replayAlone(trace, { policy, unit, size, favour });
  return { hitPercent: (hits / requests) * 100, bytesHitPercent: (bytesHit / bytesRequested) * 100 };
}

function compareWithLru(mode: Mode, contenders: readonly Contender[], cells: readonly Cell[]): void {
  const lru = contenders.findIndex(({ policy }) => policy === 'lru');
  for (const [column, { policy, favour, label }] of contenders.entries()) {
    if (policy !== DEFAULT_POLICY || lru < 0) continue;
    const ratio = (ratios: Ratios): number => (favour === 'bytes' ? ratios.bytesHitPercent : ratios.hitPercent);
    const below = cells
      .filter(({ size }) => mode === 'bytes' || size >= ENTRIES_MIN)
      .map(({ trace, percent, ours }) => ({
        cell: `${trace} ${percent}`,
        by: ratio(ours[lru]!) - ratio(ours[column]!),
      }))
      .filter(({ by }) => by > BELOW_LRU_MAX);
    const list = below.map(({ cell, by }) => `${cell} (${by.toFixed(2)})`).join(', ');
    print(`  ${label} more than ${BELOW_LRU_MAX} point below lru: ${list || 'nowhere'}\n`);
  }
}

/** Policies that have no choice to make must come out as in the reference. */
function compareWithReference(
  mode: Mode,
  contenders: readonly Contender[],
  cells: readonly Cell[],
  reference: Reference,
): void {
  for (const [column, { policy }] of contenders.entries()) {
    const name = NAMES_IN_REFERENCE[policy];
    if (name === undefined || !reference.has(mode, name)) continue;
    const gaps = cells.flatMap(({ trace, percent, ours }) => {
      const known = reference.find(mode, trace, percent, name);
      return known === undefined ? [] : [Math.abs(ours[column]!.hitPercent - known.hitPercent)];
    });
    if (gaps.length === 0) continue;
    const { median } = summarize(gaps);
    print(
      `  ${policy} from its reference: at most ${Math.max(...gaps).toFixed(3)} points, median ${median.toFixed(4)}\n`,
    );
  }
}

async function runStress(policies: readonly LonePolicy[], folder: string): Promise<void> {
  const parts: NumberedTrace[] = [];
  for (const name of new Set(STRESS_TRACES)) parts.push(await loadTrace(folder, name));
  const [first, loop] = parts as [NumberedTrace, NumberedTrace];
  const looped = loop.requests.map((id) => id + first.keys.length);
  const requests = [first.requests, ...new Array<Int32Array>(5).fill(looped), first.requests].flatMap((part) => [
    ...part,
  ]);
  const keys = [...first.keys, ...loop.keys];
  const stress = { requests: Int32Array.from(requests), keys, sizes: new Int32Array(keys.length) };
  const rows = contendersOf('count', policies).map((contender) => [
    contender.label,
    measure(stress, 'count', STRESS_OBJECTS, contender).hitPercent.toFixed(2),
  ]);
  print(`\n  stress, ${STRESS_OBJECTS} objects: ${STRESS_TRACES[0]}, 5 x ${STRESS_TRACES[1]}, ${STRESS_TRACES[0]}\n`);
  print(table(rows));
}

function mean(all: readonly (Ratios | undefined)[]): Ratios | undefined {
  const known = all.filter((ratios) => ratios !== undefined);
  if (known.length < all.length || known.length === 0) return undefined;
  const of = (pick: (ratios: Ratios) => number): number =>
    known.reduce((sum, ratios) => sum + pick(ratios), 0) / known.length;
  return { hitPercent: of((r) => r.hitPercent), bytesHitPercent: of((r) => r.bytesHitPercent) };
}

function show(mode: Mode, ratios: Ratios | undefined): string {
  if (ratios === undefined) return '-';
  const hits = ratios.hitPercent.toFixed(2);
  return mode === 'count' ? hits : `${hits}/${ratios.bytesHitPercent.toFixed(2)}`;
}

function printRow(label: string, values: readonly string[], widths: readonly number[]): void {
  const cells = values.map((value, column) => value.padStart(widths[column]!));
  print(`  ${label.padEnd(LABEL_WIDTH)}  ${cells.join('  ')}\n`);
}

function print(text: string): void {
  process.stdout.write(text);
}
