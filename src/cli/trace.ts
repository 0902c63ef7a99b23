import { constants, createReadStream } from 'node:fs';
import { access, stat } from 'node:fs/promises';
import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { createGunzip } from 'node:zlib';
import { CliError, messageOf } from './errors.js';

type TraceOp = 'get' | 'set' | 'add' | 'delete';

/** One recorded request. What the trace doesn't say is undefined. */
export interface TraceRequest {
  readonly timeMs: number | undefined;
  readonly key: string;
  readonly sizeBytes: number | undefined;
  readonly ttlMs: number | undefined;
  readonly op: TraceOp;
}

const FIELDS = ['time_s', 'key', 'size_bytes', 'ttl_s', 'op'] as const;
const KEY_BYTES_MAX = 65_535;
const SIZE_BYTES_MAX = 2 ** 31 - 1;
const TTL_S_MAX = 248 * 86_400;
const TIME_S_MAX = 1e12;
/** Longer than any valid line: a file without line ends must not be read into memory whole. */
const LINE_CHARS_MAX = 4 * KEY_BYTES_MAX;
/** A few thousand lines. */
const BLOCK_BYTES = 128 * 1_024;
const GZIP_MAGIC = [0x1f, 0x8b] as const;

/** Reads one line without its line end. `where` is the file and line number that a complaint starts with. */
export function parseTraceLine(line: string, where: string): TraceRequest {
  const fields = line.split(',');
  const [time, key, size, ttl, op] = fields;
  if (
    time === undefined ||
    key === undefined ||
    size === undefined ||
    ttl === undefined ||
    op === undefined ||
    fields.length > FIELDS.length
  ) {
    throw new CliError(`${where}: expected 5 fields (${FIELDS.join(',')}), found ${fields.length}`);
  }
  const timeS = parseDecimal(time, 'time_s', TIME_S_MAX, where);
  const ttlS = parseDecimal(ttl, 'ttl_s', TTL_S_MAX, where);
  if (ttlS === 0) throw new CliError(`${where}: ttl_s "${ttl}" is not above 0`);
  return {
    timeMs: timeS === undefined ? undefined : Math.round(timeS * 1_000),
    key: parseKey(key, where),
    sizeBytes: parseSize(size, where),
    ttlMs: ttlS === undefined ? undefined : Math.max(1, Math.round(ttlS * 1_000)),
    op: parseOp(op, where),
  };
}

function parseDecimal(text: string, field: string, max: number, where: string): number | undefined {
  if (text === '') return undefined;
  if (!/^\d+(\.\d+)?$/.test(text)) throw new CliError(`${where}: ${field} ${quote(text)} is not a number`);
  const value = Number(text);
  if (value > max) throw new CliError(`${where}: ${field} ${quote(text)} is above ${max}`);
  return value;
}

function parseSize(text: string, where: string): number | undefined {
  if (text === '') return undefined;
  if (!/^\d+$/.test(text)) throw new CliError(`${where}: size_bytes ${quote(text)} is not a whole number`);
  const value = Number(text);
  if (value > SIZE_BYTES_MAX) throw new CliError(`${where}: size_bytes ${quote(text)} is above ${SIZE_BYTES_MAX}`);
  return value;
}

function parseKey(text: string, where: string): string {
  if (text === '') throw new CliError(`${where}: key is empty`);
  // Few keys are anywhere near the limit, so only those that could reach it are measured.
  if (text.length * 3 > KEY_BYTES_MAX && Buffer.byteLength(text) > KEY_BYTES_MAX) {
    throw new CliError(`${where}: key is longer than ${KEY_BYTES_MAX} bytes`);
  }
  return text;
}

function parseOp(text: string, where: string): TraceOp {
  switch (text) {
    case 'get':
    case 'set':
    case 'add':
    case 'delete':
      return text;
    // A trace that only says "accessed" means reads.
    case '':
      return 'get';
    default:
      throw new CliError(`${where}: op ${quote(text)} is not get, set, add or delete`);
  }
}

/** A field as it stands in a message: printable, and never longer than a line of it should be. */
function quote(text: string): string {
  return JSON.stringify(text.length > 40 ? `${text.slice(0, 40)}…` : text);
}

/** Throws for a file that can't be read, before anything is started for it. Opens nothing: a pipe can be opened once. */
export async function checkReadable(file: string): Promise<void> {
  await access(file, constants.R_OK).catch((error: unknown) => {
    throw new CliError(`cannot read ${file}: ${messageOf(error)}`);
  });
}

/** Throws for a file that can't be read again from its beginning, such as a pipe: the second reading would find nothing. */
export async function checkRereadable(file: string): Promise<void> {
  const found = await stat(file).catch((error: unknown) => {
    throw new CliError(`cannot read ${file}: ${messageOf(error)}`);
  });
  if (!found.isFile()) throw new CliError(`${file} is not a regular file, and must be read once for each trial`);
}

/** Reads a trace, plain or gzip, without holding more of it than a few blocks; yields the requests of a block at a time. */
export async function* readTrace(file: string): AsyncGenerator<TraceRequest[]> {
  let lineNumber = 1;
  for await (const lines of readLines(file)) {
    const firstLine = lineNumber;
    yield lines.map((line, i) => parseTraceLine(line, `${file}:${firstLine + i}`));
    lineNumber += lines.length;
  }
}

/** The lines of a file without their line ends, LF or CRLF. What follows the last line end is a line if not empty. */
async function* readLines(file: string): AsyncGenerator<string[]> {
  const decoder = new TextDecoder();
  let rest = '';
  for await (const block of readBlocks(file)) {
    const lines = (rest + decoder.decode(block, { stream: true })).split('\n');
    rest = lines.pop() ?? '';
    if (rest.length > LINE_CHARS_MAX) {
      throw new CliError(`${file}: a line is longer than ${LINE_CHARS_MAX} characters; is it a trace?`);
    }
    if (lines.length > 0) yield lines.map(withoutReturn);
  }
  rest += decoder.decode();
  if (rest !== '') yield [withoutReturn(rest)];
}

function withoutReturn(line: string): string {
  return line.endsWith('\r') ? line.slice(0, -1) : line;
}

/** The bytes of a file, unpacked if they start as gzip does. Works on pipes too: it never seeks. */
async function* readBlocks(file: string): AsyncGenerator<Uint8Array> {
  const source: AsyncIterator<Buffer> = createReadStream(file, { highWaterMark: BLOCK_BYTES })[Symbol.asyncIterator]();
  try {
    const first = await source.next();
    if (first.done) return;
    const blocks = resume(first.value, source);
    if (GZIP_MAGIC.every((byte, i) => first.value[i] === byte)) yield* gunzip(blocks);
    else yield* blocks;
  } catch (error) {
    throw error instanceof CliError ? error : new CliError(`cannot read ${file}: ${messageOf(error)}`);
  } finally {
    await source.return?.();
  }
}

async function* resume(first: Buffer, source: AsyncIterator<Buffer>): AsyncGenerator<Buffer> {
  yield first;
  for (let next = await source.next(); !next.done; next = await source.next()) yield next.value;
}

async function* gunzip(blocks: AsyncIterable<Buffer>): AsyncGenerator<Buffer> {
  const unpacked = createGunzip({ chunkSize: BLOCK_BYTES });
  // The loop below meets the same failure, on the stream itself.
  const fed = pipeline(Readable.from(blocks), unpacked).catch(() => undefined);
  for await (const block of unpacked) yield block as Buffer;
  await fed;
}
