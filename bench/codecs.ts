/**
 * Formats and compressors on values of each type: bytes against JSON text, as packed and as the chunks that a 256 MB cache takes for them; time
 * of packing and unpacking against JSON.stringify and JSON.parse, each round of one beside a round of the other. Values are
 * compressed as a type's are: above 10 KB by default, and only where that saves chunks.
 */
import { resolveOptions } from '../src/cache/options.js';
import type { FormCodec } from '../src/codecs/codec.js';
import { createCodecs } from '../src/codecs/codecs.js';
import { Compression } from '../src/codecs/compression.js';
import { createCompressors } from '../src/codecs/compressors.js';
import { Packer } from '../src/codecs/packer.js';
import { besideBytes, itemChunkBytes } from '../src/engine/rounding.js';
import { SizeClasses } from '../src/engine/size-classes.js';
import { type Summary, summarize, table } from './figures.js';
import type { BenchOptions } from './options.js';
import { loadPayloads, type Payloads } from './payloads.js';

const CAPACITY = '256mb';
const KEY_BYTES = 20;
const WARM_UPS = 2;
const HEAD = ['', 'packed', 'in chunks', 'write', 'p25-p75', 'read', 'p25-p75', 'read p50', 'p99 ms'];

interface Way {
  readonly name: string;
  readonly packer: Packer;
}

interface Result {
  /** Bytes of JSON text over bytes of packed values, and over those of their chunks. */
  readonly packed: number;
  readonly inChunks: number;
  /** Times JSON's own. */
  readonly write: Summary;
  readonly read: Summary;
  /** Milliseconds to unpack one value. */
  readonly readMs: readonly number[];
}

export async function runCodecs({ payloads: folder, above, only, rounds }: BenchOptions): Promise<void> {
  const { arena, growthFactor, itemBytesMax } = resolveOptions({ capacity: CAPACITY });
  const classes = new SizeClasses(arena.pageBytes, arena.chunkBytesMin, growthFactor);
  const beside = besideBytes(KEY_BYTES, false, false);
  const chunkBytesOf = (itemBytes: number): number => itemChunkBytes(classes, itemBytes);
  const weighted = new Map<string, { packed: number; inChunks: number }>();
  const source = folder === '' ? "the demo's" : 'recorded';
  process.stdout.write(
    `  ${source} values, compressed above ${above} bytes; ratios to JSON: bytes of JSON text / bytes, time / time of JSON\n`,
  );
  for (const payloads of loadPayloads(folder)) {
    const rows = [[`${payloads.type}, ${payloads.values.length} values`, ...HEAD.slice(1)]];
    for (const { name, packer } of waysOf(itemBytesMax, chunkBytesOf, above)) {
      if (!name.includes(only)) continue;
      const result = measure(packer, payloads, rounds, beside, chunkBytesOf);
      rows.push([name, ...cellsOf(result)]);
      const sums = weighted.get(name) ?? { packed: 0, inChunks: 0 };
      sums.packed += result.packed * payloads.share;
      sums.inChunks += result.inChunks * payloads.share;
      weighted.set(name, sums);
    }
    process.stdout.write(`\n${table(rows)}`);
  }
  const means = [...weighted].map(([name, { packed, inChunks }]) => [name, packed.toFixed(2), inChunks.toFixed(2)]);
  process.stdout.write(`\n${table([['weighted by share of space', 'packed', 'in chunks'], ...means])}`);
}

/** Every format with every compressor. */
function waysOf(itemBytesMax: number, chunkBytesOf: (itemBytes: number) => number, above: number): Way[] {
  // The values are objects, which `raw` doesn't take.
  const codecs = [...createCodecs().values()].filter(({ name }) => name !== 'raw');
  const codecsById: (FormCodec | undefined)[] = [];
  for (const codec of codecs) codecsById[codec.id] = codec;
  const compressors = createCompressors();
  const tally = { compressed: () => {}, unpaid: () => {}, decompressed: () => {} };
  const setup = { compressors, itemBytesMax, chunkBytesOf, pressure: () => 0, tally, now: () => performance.now() };
  return codecs.flatMap((codec) => {
    const plain = { name: codec.name, packer: new Packer({ codec, codecsById, hasCrc: false }) };
    const compressed = ([...compressors.keys(), 'auto'] as const).map((name) => {
      const compression = new Compression({ ...setup, plan: { with: name, above, atSet: true } });
      return { name: `${codec.name} ${name}`, packer: new Packer({ codec, codecsById, hasCrc: false, compression }) };
    });
    return [plain, ...compressed];
  });
}

function measure(
  packer: Packer,
  { values, jsonBytes }: Payloads,
  rounds: number,
  beside: number,
  chunkBytesOf: (itemBytes: number) => number,
): Result {
  const write: number[] = [];
  const read: number[] = [];
  const readMs: number[] = [];
  let bytes = 0;
  let chunks = 0;
  for (let round = -WARM_UPS; round < rounds; round++) {
    const texts = timed(() => values.map((value) => JSON.stringify(value)));
    const packed = timed(() =>
      values.map((value) => ({ bytes: copied(packer.pack(value, beside)), form: packer.form })),
    );
    const parsed = timed(() => {
      for (const text of texts.result) JSON.parse(text);
    });
    const unpackMs = packed.result.map(({ bytes: each, form }) => {
      return timed(() => packer.unpack(form, each, 0, each.length)).ms;
    });
    if (round < 0) continue;
    bytes = packed.result.reduce((sum, each) => sum + each.bytes.length, 0);
    chunks = packed.result.reduce((sum, each) => sum + chunkBytesOf(beside + each.bytes.length), 0);
    write.push(packed.ms / texts.ms);
    read.push(unpackMs.reduce((sum, ms) => sum + ms, 0) / parsed.ms);
    readMs.push(...unpackMs);
  }
  return {
    packed: jsonBytes / bytes,
    inChunks: jsonBytes / chunks,
    write: summarize(write),
    read: summarize(read),
    readMs: readMs.sort((a, b) => a - b),
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
  const spread = ({ p25, p75 }: Summary): string => `${p25.toFixed(2)}-${p75.toFixed(2)}`;
  const quantile = (share: number): string => readMs[Math.floor((readMs.length - 1) * share)]!.toFixed(3);
  const times = [write, read].flatMap((summary) => [summary.median.toFixed(2), spread(summary)]);
  return [packed.toFixed(2), inChunks.toFixed(2), ...times, quantile(0.5), quantile(0.99)];
}
