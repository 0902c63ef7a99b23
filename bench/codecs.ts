/**
 * Formats and compressors on values of each type: bytes of JSON text over bytes stored, as packed and as the chunks that a 256 MB cache
 * takes for them; time against JSON.stringify and JSON.parse, each round of one beside a round of the other; and what a read
 * takes beyond that of plain bytes. Dictionaries and shapes are learned from other values than those measured.
 */
import { existsSync } from 'node:fs';
import { type Summary, summarize, verdict } from './figures.js';
import type { BenchOptions } from './options.js';
import { loadPayloads, type Payloads, type PayloadType } from './payloads.js';
import { BESIDE_BYTES, chunkBytesOf, type Way, waysOf } from './ways.js';

const WARM_UPS = 2;
/** Larger values are left out of the latencies. */
const LATENCY_BYTES_MAX = 180 * 1_024;
const HEAD = ['format', 'compressor', 'ratio', 'in chunks', 'write × JSON', 'read × JSON', 'p50 ms', 'p99 ms'];

/** Ratios to reach by what `veloTypes` does, and with them the mean weighted by the types' share of space. */
const RATIOS: Readonly<Record<PayloadType, number>> = { session: 3, route: 6, weather: 4, stats: 1, llm: 2 };
const RATIO_MEAN = 4.5;
const LATENCY_MS = 3.5;
const PRESET = 'msgpack as veloTypes';

interface Result {
  /** Bytes of JSON text over bytes of packed values, and over those of their chunks. */
  readonly packed: number;
  readonly inChunks: number;
  /** JSON's time over that of this way: above 1 is quicker. */
  readonly write: Summary;
  readonly read: Summary;
  /** Milliseconds to unpack a value, the median of the rounds for each; sorted. */
  readonly readMs: readonly number[];
}

/** By type, then by format and compressor. */
type Results = Map<PayloadType, Map<string, Result>>;

export async function runCodecs({ payloads: folder, above, only, rounds }: BenchOptions): Promise<void> {
  const source = existsSync(folder) ? 'recorded values' : `the demo's values, since there is no folder ${folder}`;
  print(
    `${source}; without a dictionary compressed above ${above} bytes. Ratios: bytes of JSON text / bytes. Times: of`,
  );
  print(
    'JSON / of this, medians with the middle half; ms: what a get takes beyond that of bytes, values up to 180 KB, each at its median.',
  );
  const all = loadPayloads(folder);
  const results: Results = new Map();
  for (const payloads of all) {
    const ofType = new Map<string, Result>();
    results.set(payloads.type, ofType);
    const rows: string[][] = [];
    for (const way of waysOf(payloads, above)) {
      const name = nameOf(way);
      if (!name.includes(only)) continue;
      const result = measure(way, payloads, rounds);
      ofType.set(name, result);
      rows.push([way.format, way.compressor, ...cellsOf(result)]);
    }
    const { values, jsonBytes } = payloads;
    print(
      `\n**${payloads.type}**, ${values.length} values of ${Math.round(jsonBytes / values.length)} bytes of JSON\n`,
    );
    print(markdown([HEAD, ...rows]));
  }
  printMeans(all, results);
  printGoals(all, results);
}

function print(text: string): void {
  process.stdout.write(`${text}\n`);
}

function nameOf({ format, compressor }: Way): string {
  return compressor === 'none' ? format : `${format} ${compressor}`;
}

function measure({ packer, values: given }: Way, { values, jsonBytes }: Payloads, rounds: number): Result {
  const write: number[] = [];
  const read: number[] = [];
  const unpackMs: number[][] = values.map(() => []);
  let bytes = 0;
  let chunks = 0;
  for (let round = -WARM_UPS; round < rounds; round++) {
    const texts = timed(() => values.map((value) => JSON.stringify(value)));
    const packed = timed(() =>
      given.map((value) => ({ bytes: copied(packer.pack(value, BESIDE_BYTES)), form: packer.form })),
    );
    const parsed = timed(() => {
      for (const text of texts.result) JSON.parse(text);
    });
    const unpacked = packed.result.map(({ bytes: each, form }) => {
      return timed(() => packer.unpack(form, each, 0, each.length)).ms;
    });
    if (round < 0) continue;
    bytes = packed.result.reduce((sum, each) => sum + each.bytes.length, 0);
    chunks = packed.result.reduce((sum, each) => sum + chunkBytesOf(BESIDE_BYTES + each.bytes.length), 0);
    write.push(texts.ms / packed.ms);
    read.push(parsed.ms / unpacked.reduce((sum, ms) => sum + ms, 0));
    unpacked.forEach((ms, i) => {
      unpackMs[i]!.push(ms);
    });
  }
  return {
    packed: jsonBytes / bytes,
    inChunks: jsonBytes / chunks,
    write: summarize(write),
    read: summarize(read),
    readMs: unpackMs
      .filter((_, i) => JSON.stringify(values[i]).length <= LATENCY_BYTES_MAX)
      .map((ms) => summarize(ms).median)
      .sort((a, b) => a - b),
  };
}

/** The packer's buffer is good until its next call; so the copy is part of what JSON's text is compared with. */
function copied(bytes: Uint8Array): Uint8Array {
  return Buffer.from(bytes);
}

function timed<T>(action: () => T): { readonly ms: number; readonly result: T } {
  const startMs = performance.now();
  const result = action();
  return { ms: performance.now() - startMs, result };
}

function cellsOf({ packed, inChunks, write, read, readMs }: Result): string[] {
  const times = [write, read].map(({ median, p25, p75 }) => {
    return `${median.toFixed(2)} (${p25.toFixed(2)}–${p75.toFixed(2)})`;
  });
  return [packed.toFixed(2), inChunks.toFixed(2), ...times, msAt(readMs, 0.5), msAt(readMs, 0.99)];
}

function msAt(sorted: readonly number[], share: number): string {
  return sorted[Math.floor((sorted.length - 1) * share)]!.toFixed(3);
}

/** Of each way: ratios weighted by share of space, times as geometric means over the types, and the worst type. */
function printMeans(all: readonly Payloads[], results: Results): void {
  const names = [...results.values().next().value!.keys()];
  const rows = names.map((name) => {
    const ofTypes = all.map(({ type, share }) => ({ type, share, result: results.get(type)!.get(name)! }));
    const weighted = (ratio: (result: Result) => number): string =>
      ofTypes.reduce((sum, { share, result }) => sum + share * ratio(result), 0).toFixed(2);
    const geometric = (time: (result: Result) => Summary): string => {
      const logs = ofTypes.reduce((sum, { result }) => sum + Math.log(time(result).median), 0);
      const worst = ofTypes.toSorted((a, b) => time(a.result).median - time(b.result).median)[0]!;
      return `${Math.exp(logs / ofTypes.length).toFixed(2)} (${worst.type} ${time(worst.result).median.toFixed(2)})`;
    };
    return [
      name,
      weighted(({ packed }) => packed),
      weighted(({ inChunks }) => inChunks),
      geometric(({ write }) => write),
      geometric(({ read }) => read),
    ];
  });
  print('\n**All types**: ratios weighted by share of space; times as geometric means, and the worst type\n');
  print(markdown([['', 'ratio', 'in chunks', 'write × JSON', 'read × JSON'], ...rows]));
}

function printGoals(all: readonly Payloads[], results: Results): void {
  const preset = all.flatMap(({ type, share }) => {
    const result = results.get(type)!.get(PRESET);
    return result === undefined ? [] : [{ type, share, result }];
  });
  if (preset.length === 0) return;
  const rows = preset.map(({ type, result: { packed, readMs } }) => goal(type, packed, RATIOS[type], readMs));
  const mean = preset.reduce((sum, { share, result }) => sum + share * result.packed, 0);
  const readMs = preset.flatMap((each) => each.result.readMs).sort((a, b) => a - b);
  print('\n**What `veloTypes` comes to**\n');
  print(
    markdown([
      ['', 'ratio', 'to reach', '', 'get, p99 ms', 'to reach', ''],
      ...rows,
      goal('weighted', mean, RATIO_MEAN, readMs),
    ]),
  );
}

function goal(name: string, ratio: number, toReach: number, readMs: readonly number[]): string[] {
  const p99 = msAt(readMs, 0.99);
  const reached = [toReach.toFixed(1), verdict(ratio >= toReach)];
  return [name, ratio.toFixed(2), ...reached, p99, LATENCY_MS.toFixed(1), verdict(Number(p99) <= LATENCY_MS)];
}

/** A table as Markdown has it: the first column to the left, the others to the right. */
function markdown(rows: readonly (readonly string[])[]): string {
  const line = (cells: readonly string[]): string => `| ${cells.join(' | ')} |`;
  const [head, ...body] = rows as [readonly string[], ...(readonly string[])[]];
  return [line(head), `|${head.map((_, i) => (i === 0 ? '---' : '---:')).join('|')}|`, ...body.map(line)].join('\n');
}
