import { existsSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { gzipSync } from 'node:zlib';
import { afterAll, describe, expect, it } from 'vitest';
import { CliError } from '../../../src/cli/errors.js';
import { parseTraceLine, readTrace, type TraceRequest } from '../../../src/cli/trace.js';

const folder = mkdtempSync(join(tmpdir(), 'velocache-trace-'));
afterAll(() => rmSync(folder, { recursive: true }));

function fileOf(name: string, content: string | Uint8Array): string {
  const file = join(folder, name);
  writeFileSync(file, content);
  return file;
}

async function readAll(file: string): Promise<TraceRequest[]> {
  const requests: TraceRequest[] = [];
  for await (const block of readTrace(file)) requests.push(...block);
  return requests;
}

async function complaintOf(file: string): Promise<CliError> {
  const error = await readAll(file).catch((thrown: unknown) => thrown);
  if (error instanceof CliError) return error;
  throw new Error(`expected a CliError, got ${String(error)}`);
}

describe('parseTraceLine', () => {
  it('reads every field', () => {
    expect(parseTraceLine('12.5,route:5,310,86400,set', 't:1')).toEqual({
      timeMs: 12_500,
      key: 'route:5',
      sizeBytes: 310,
      ttlMs: 86_400_000,
      op: 'set',
    });
  });

  it.each(['get', 'set', 'add', 'delete'] as const)('reads op %s', (op) => {
    expect(parseTraceLine(`1,k,2,3,${op}`, 't:1').op).toBe(op);
  });

  it('takes empty fields as unknown, and an empty op as get', () => {
    const nothing = { timeMs: undefined, key: 'k', sizeBytes: undefined, ttlMs: undefined, op: 'get' };
    expect(parseTraceLine(',k,,,get', 't:1')).toEqual(nothing);
    expect(parseTraceLine(',k,,,', 't:1')).toEqual(nothing);
  });

  it('takes a size of 0 and a time of 0 as known', () => {
    expect(parseTraceLine('0,k,0,,get', 't:1')).toMatchObject({ timeMs: 0, sizeBytes: 0 });
  });

  it.each([
    ['1,k,abc,,get', 'size_bytes "abc" is not a whole number'],
    ['1,k,1.5,,get', 'size_bytes "1.5" is not a whole number'],
    ['1,k,-1,,get', 'size_bytes "-1" is not a whole number'],
    ['1,k,2147483648,,get', 'size_bytes "2147483648" is above 2147483647'],
    ['x,k,1,,get', 'time_s "x" is not a number'],
    ['-1,k,1,,get', 'time_s "-1" is not a number'],
    ['1,k,1,soon,get', 'ttl_s "soon" is not a number'],
    ['1,k,1,0,get', 'ttl_s "0" is not above 0'],
    ['1,k,1,21427201,get', 'ttl_s "21427201" is above 21427200'],
    ['1,,1,,get', 'key is empty'],
    ['1,k,1,,GET', 'op "GET" is not get, set, add or delete'],
    ['1,k,1,get', 'expected 5 fields (time_s,key,size_bytes,ttl_s,op), found 4'],
    ['1,k,1,,get,', 'expected 5 fields (time_s,key,size_bytes,ttl_s,op), found 6'],
    ['', 'expected 5 fields (time_s,key,size_bytes,ttl_s,op), found 1'],
  ])('refuses %j', (line, complaint) => {
    expect(() => parseTraceLine(line, 'trace.csv:17')).toThrow(new CliError(`trace.csv:17: ${complaint}`));
  });

  it('measures keys in bytes, not in characters', () => {
    expect(parseTraceLine(`,${'k'.repeat(65_535)},,,get`, 't:1').key).toHaveLength(65_535);
    expect(() => parseTraceLine(`,${'é'.repeat(40_000)},,,get`, 't:1')).toThrow('key is longer than 65535 bytes');
  });

  it('keeps a complaint about a long field short', () => {
    const complaint = (): unknown => parseTraceLine(`,k,${'x'.repeat(10_000)},,get`, 't:1');
    expect(complaint).toThrow(/^t:1: size_bytes "x{40}…" is not a whole number$/);
  });
});

describe('readTrace', () => {
  const lines = ['0,a,10,60,get', '1,b,,,set', ',c,5,,delete'];
  const keys = ['a', 'b', 'c'];

  it.each([
    ['plain', lines.join('\n')],
    ['with a final line end', `${lines.join('\n')}\n`],
    ['CRLF', `${lines.join('\r\n')}\r\n`],
    ['CRLF without a final line end', lines.join('\r\n')],
    ['gzip', gzipSync(`${lines.join('\n')}\n`)],
    ['gzip of CRLF', gzipSync(lines.join('\r\n'))],
    ['gzip of two members', Buffer.concat([gzipSync(`${lines[0]}\n${lines[1]}\n`), gzipSync(`${lines[2]}\n`)])],
  ])('reads %s', async (name, content) => {
    const requests = await readAll(fileOf(name, content));
    expect(requests.map(({ key }) => key)).toEqual(keys);
    expect(requests.map(({ op }) => op)).toEqual(['get', 'set', 'delete']);
  });

  it('reads an empty file as no requests', async () => {
    expect(await readAll(fileOf('empty', ''))).toEqual([]);
  });

  it('joins lines and characters that blocks cut apart', async () => {
    const many = Array.from({ length: 30_000 }, (_, i) => `${i},clé-${i},${i},,get`);
    const plain = await readAll(fileOf('long', many.join('\n')));
    expect(plain).toHaveLength(many.length);
    expect(plain.every(({ key, sizeBytes }, i) => key === `clé-${i}` && sizeBytes === i)).toBe(true);
    expect(await readAll(fileOf('long.gz', gzipSync(many.join('\n'))))).toEqual(plain);
  });

  it('numbers lines through all blocks', async () => {
    const many = Array.from({ length: 30_000 }, (_, i) => `${i},key-${i},${i === 29_000 ? 'abc' : i},,get`);
    const file = fileOf('late', many.join('\n'));
    const complaint = await complaintOf(file);
    expect(complaint.message).toBe(`${file}:29001: size_bytes "abc" is not a whole number`);
    expect(complaint.exitCode).toBe(2);
  });

  it('refuses a file that is missing, broken gzip, or no text of lines', async () => {
    const missing = join(folder, 'missing');
    expect((await complaintOf(missing)).message).toContain(`cannot read ${missing}: ENOENT`);
    const whole = gzipSync(`${lines.join('\n')}\n`.repeat(1_000));
    const cut = fileOf('cut.gz', whole.subarray(0, whole.length - 10));
    expect((await complaintOf(cut)).message).toBe(`cannot read ${cut}: unexpected end of file`);
    expect((await complaintOf(fileOf('one-line', 'x'.repeat(1_000_000)))).message).toContain('is it a trace?');
  });

  it('reads a recorded trace whole', async (context) => {
    const traces = resolve(process.cwd(), '../shared/traces');
    const file = join(traces, 'synth-twitter-cluster24.csv.gz');
    if (!existsSync(file)) return context.skip(`${file} is missing: this test reads it`);
    const requests = await readAll(file);
    expect(requests).toHaveLength(400_000);
    expect(requests.every(({ timeMs, ttlMs }) => timeMs !== undefined && ttlMs !== undefined)).toBe(true);
  });
});
