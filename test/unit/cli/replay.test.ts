/** The commands that replay traces. Those that start threads run the built program. */

import { execFile } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { gzipSync } from 'node:zlib';
import { afterAll, describe, expect, it } from 'vitest';
import { loadNumberedTrace } from '../../../src/cli/numbered-trace.js';
import { ENGINE_POLICIES } from '../../../src/policies/engine-policies.js';
import { Random } from '../../support/random.js';

const PROGRAM = resolve('dist/src/cli/main.js');
const folder = mkdtempSync(join(tmpdir(), 'velocache-replay-'));
afterAll(() => rmSync(folder, { recursive: true }));

function fileOf(name: string, content: string | Buffer): string {
  const file = join(folder, name);
  writeFileSync(file, content);
  return file;
}

interface Run {
  readonly status: number;
  readonly stdout: string;
  readonly stderr: string;
}

function velocache(...args: string[]): Promise<Run> {
  return new Promise((done) => {
    execFile(process.execPath, [PROGRAM, ...args], (error, stdout, stderr) => {
      done({ status: typeof error?.code === 'number' ? error.code : 0, stdout, stderr });
    });
  });
}

function jsonLines({ stdout }: Run): Record<string, unknown>[] {
  return stdout
    .trimEnd()
    .split('\n')
    .map((line) => JSON.parse(line));
}

// The keys are asked for as 1 2 3 1 4 2 1: LRU of three hits 1 and, at the end, 1 again.
const SMALL = ['1', '2', '3', '1', '4', '2', '1'];
const plain = fileOf('small.csv', SMALL.map((key) => `,${key},${Number(key) * 10},,get\n`).join(''));
const unsized = fileOf('unsized.csv.gz', gzipSync(SMALL.map((key) => `,${key},,,\n`).join('')));

describe('loadNumberedTrace', () => {
  it('numbers keys in order, and keeps the largest size of each', async () => {
    const file = fileOf('sizes.csv', ',b,5,,get\n,a,,,get\n,b,7,,set\n,b,2,,get\n');
    const { requests, keys, sizes } = await loadNumberedTrace(file);
    expect([...requests]).toEqual([0, 1, 0, 0]);
    expect(keys).toEqual(['b', 'a']);
    expect([...sizes]).toEqual([7, 0]);
  });

  it('reads more requests than one block holds', async () => {
    const many = Array.from({ length: 150_000 }, (_, at) => `,k${at % 777},,,get`);
    const { requests, keys } = await loadNumberedTrace(fileOf('many.csv', many.join('\n')));
    expect(keys).toHaveLength(777);
    expect(requests).toHaveLength(many.length);
    expect(requests.every((id, at) => id === at % 777)).toBe(true);
  });
});

describe('velocache replay, policies alone', () => {
  it('prints one JSON object per line', async () => {
    const run = await velocache('replay', plain, unsized, '--items', '3', '--policy', 'lru,opt', '--json');
    expect(run).toMatchObject({ status: 0, stderr: '' });
    const common = { items: 3, requests: 7 };
    expect(jsonLines(run)).toEqual([
      { trace: plain, policy: 'lru', ...common, hits: 2, hitRatio: 2 / 7, byteHitRatio: 20 / 140 },
      { trace: plain, policy: 'opt', ...common, hits: 3, hitRatio: 3 / 7, byteHitRatio: 40 / 140 },
      { trace: unsized, policy: 'lru', ...common, hits: 2, hitRatio: 2 / 7, byteHitRatio: null },
      { trace: unsized, policy: 'opt', ...common, hits: 3, hitRatio: 3 / 7, byteHitRatio: null },
    ]);
  });

  it('counts bytes, each key with its largest size', async () => {
    const run = await velocache('replay', plain, '--bytes', '60', '--policy', 'lru', '--json');
    // 4, of 40 bytes, leaves room for 20 more: 3 and 2 go, then 2 displaces 1.
    expect(jsonLines(run)).toEqual([
      { trace: plain, policy: 'lru', bytes: 60, requests: 7, hits: 1, hitRatio: 1 / 7, byteHitRatio: 10 / 140 },
    ]);
  });

  it('prints an aligned table otherwise', async () => {
    const { stdout } = await velocache('replay', plain, '--items', '3', '--policy', 'all');
    const lines = stdout.trimEnd().split('\n');
    expect(lines[0]).toMatch(/^ +trace +policy +items +requests +hits +hit ratio +byte hit ratio$/);
    expect(lines[1]).toMatch(/^ +small\.csv +lru +3 +7 +2 +28\.57 % +14\.29 %$/);
    expect(new Set(lines.map((line) => line.length)).size).toBe(1);
  });

  it('says so where a policy that leaves objects out surpasses the bound of those that store every one', async () => {
    const loop = fileOf('loop.csv', Array.from({ length: 2_000 }, (_, at) => `,k${at % 7},10,,get\n`).join(''));
    const note = 'opt is the bound of policies that store every object: who leaves some out may surpass it';
    const [tiny, other] = await Promise.all(
      [loop, plain].map((file) => velocache('replay', file, '--items', '3', '--policy', 'adaptive,opt')),
    );
    expect(tiny!.stdout).toContain(note);
    expect(other!.stdout).not.toContain(note);
  });

  it('has no ratio where there are no requests', async () => {
    const run = await velocache('replay', fileOf('empty.csv', ''), '--items', '3', '--policy', 'opt,s3-fifo', '--json');
    expect(jsonLines(run).map(({ requests, hitRatio }) => [requests, hitRatio])).toEqual([
      [0, null],
      [0, null],
    ]);
  });
});

describe('velocache replay and tune, refusals', () => {
  const bad = fileOf('bad.csv', ',a,,,get\n,b,x,,get\n');

  it.each([
    [['replay', bad, '--items', '3'], `velocache: ${bad}:2: size_bytes "x" is not a whole number\n`],
    [['replay', bad, '--capacity', '1mb'], `velocache: ${bad}:2: size_bytes "x" is not a whole number\n`],
    [['tune', bad, '--capacity', '1mb'], `velocache: ${bad}:2: size_bytes "x" is not a whole number\n`],
    [['replay', join(folder, 'none'), '--bytes', '3'], /^velocache: cannot read .*none: ENOENT[^\n]*\n$/],
    [['replay', join(folder, 'none'), '--capacity', '1mb'], /^velocache: cannot read .*none: ENOENT[^\n]*\n$/],
    [['replay', '--items', 'x', bad], 'velocache: --items "x" is not a whole number from 1 to 2147483647\n'],
  ])('%j: one line on stderr, status 2', async (args, complaint) => {
    const run = await velocache(...args);
    expect(run).toMatchObject({ status: 2, stdout: '' });
    if (typeof complaint === 'string') expect(run.stderr).toBe(complaint);
    else expect(run.stderr).toMatch(complaint);
  });
});

describe('a trace from a pipe', () => {
  const piped = (...args: string[]): Promise<Run> =>
    new Promise((done) => {
      const command = ['-c', 'cat "$0" | "$@"', plain, process.execPath, PROGRAM, ...args];
      execFile('sh', command, (error, stdout, stderr) => {
        done({ status: typeof error?.code === 'number' ? error.code : 0, stdout, stderr });
      });
    });
  const trace = '/dev/stdin';

  it.each([
    ['policies alone', ['--items', '3', '--policy', 'lru,opt'], 2],
    ['one policy on the engine', ['--capacity', '1mb', '--policy', 'lru'], 1],
  ])('is replayed by %s', async (_, args, rows) => {
    const run = await piped('replay', trace, ...args, '--json');
    expect(run).toMatchObject({ status: 0, stderr: '' });
    expect(jsonLines(run).map(({ requests }) => requests)).toEqual(new Array(rows).fill(SMALL.length));
  });

  it.each([
    ['several policies on the engine', ['replay', trace, '--capacity', '1mb', '--policy', 'lru,sieve', '--json']],
    ['several, one after a file', ['replay', plain, trace, '--capacity', '1mb', '--json']],
    ['tune', ['tune', trace, '--capacity', '1mb']],
  ])('is refused by %s, which would find it empty the second time', async (_, args) => {
    expect(await piped(...args)).toEqual({
      status: 2,
      stdout: '',
      stderr: 'velocache: /dev/stdin is not a regular file, and must be read once for each trial\n',
    });
  });
});

/** Requests of which half go to a tenth of the keys; about 4 MB of values of two types, with TTLs, sets and deletes. */
function engineTrace(): string {
  const random = new Random(1);
  const lines = Array.from({ length: 20_000 }, (_, at) => {
    const key = random.below(random.below(2) === 0 ? 300 : 3_000);
    const op = at % 50 === 0 ? 'delete' : at % 10 === 0 ? 'set' : 'get';
    return `${at / 10},${key % 3 === 0 ? 'route' : 'session'}:${key},${500 + (key % 1_500)},${key % 7 === 0 ? 60 : ''},${op}`;
  });
  return `${lines.join('\n')}\n`;
}

describe('velocache replay, the engine', () => {
  const file = fileOf('engine.csv.gz', gzipSync(engineTrace()));

  it('counts gets, and hits alike with one thread and with three', async () => {
    const [one, three] = await Promise.all(
      ['1', '3'].map((threads) =>
        velocache('replay', file, '--policy', 'lru', '--capacity', '2mb', '--threads', threads, '--json'),
      ),
    );
    const [alone] = jsonLines(one!);
    const [shared] = jsonLines(three!);
    expect(alone).toMatchObject({ trace: file, policy: 'lru', capacity: 2 * 2 ** 20, requests: 18_000 });
    expect(alone!['hitRatio']).toBe((alone!['hits'] as number) / 18_000);
    expect(alone!['hitRatio']).toBeGreaterThan(0.3);
    expect(alone!['byteHitRatio']).toBeGreaterThan(0.3);
    expect(shared!['requests']).toBe(18_000);
    expect(Math.abs((shared!['hitRatio'] as number) - (alone!['hitRatio'] as number))).toBeLessThan(0.01);
  });

  it('keeps the order of a trace without times, within a few requests, in eight threads', async () => {
    // Every key comes again after 1,500 others, of which fewer fit: who ran ahead with some of the keys would find them.
    const again = 1_500;
    const lines = Array.from({ length: 8 * again }, (_, i) => [
      `,k${i},1000,,get\n`,
      i < again ? '' : `,k${i - again},1000,,get\n`,
    ]);
    const file = fileOf('untimed.csv', lines.flat().join(''));
    const run = await velocache('replay', file, '--policy', 'lru', '--capacity', '2mb', '--threads', '8', '--json');
    expect(jsonLines(run)[0]!['hitRatio']).toBeLessThan(0.04);
  });

  const DAY_S = 86_400;
  it.each([
    ['in one gap of 400 days', [], 400],
    ['in 30 steps of 10 days', Array.from({ length: 29 }, (_, i) => (i + 1) * 10), 300],
  ])('what is over stays so, and the rest is kept: %s', async (_, days, last) => {
    // Nothing asks for these keys in between, and no warden looks round in the time that a replay of so few lines takes.
    const lines = [
      ...['0,over,10,3600,get', '0,long,10,21427200,get', '0,kept,10,,get'],
      ...days.map((day) => `${day * DAY_S},step,10,,get`),
      ...['over,10,3600', 'long,10,21427200', 'kept,10,'].map((key) => `${last * DAY_S},${key},get`),
    ];
    const file = fileOf(`leaps-${last}.csv`, `${lines.join('\n')}\n`);
    const run = await velocache('replay', file, '--policy', 'lru', '--capacity', '4mb', '--threads', '2', '--json');
    expect(run).toMatchObject({ status: 0, stderr: '' });
    expect(jsonLines(run)[0]).toMatchObject({ requests: lines.length, hits: Math.max(0, days.length - 1) + 1 });
  });

  it('goes on where times lie back, at the latest that there was', async () => {
    // More in one moment than a step holds; a value set before it lasts for a second from then on.
    const now = Array.from({ length: 600 }, (_, i) => `10,k${i},100,,get`);
    const lines = [
      '10,short,100,1,set',
      ...now,
      ...now.map((line) => line.replace('10', '3')),
      '10.5,short,100,,get',
      '11.5,short,100,,get',
    ];
    const file = fileOf('back.csv', `${lines.join('\n')}\n`);
    const run = await velocache('replay', file, '--policy', 'lru', '--capacity', '4mb', '--threads', '2', '--json');
    expect(run).toMatchObject({ status: 0, stderr: '' });
    expect(jsonLines(run)[0]).toMatchObject({ requests: 1_202, hits: 601 });
  });

  it('stores nothing that is too large for the capacity, and goes on', async () => {
    const lines = [',big,3000000,,get', ',small,100,,get', ',small,100,,get', ',big,3000000,,get'];
    const run = await velocache('replay', fileOf('large.csv', lines.join('\n')), '--capacity', '4mb', '--json');
    const outcomes = jsonLines(run);
    expect(outcomes.map(({ policy }) => policy)).toEqual([...ENGINE_POLICIES]);
    for (const line of outcomes) expect(line).toMatchObject({ requests: 4, hits: 1 });
  });
});

describe('velocache tune', () => {
  const file = fileOf('tune.csv', engineTrace());

  it('says what was tried on the engine, and proposes the best', async () => {
    const run = await velocache('tune', file, '--capacity', '2mb', '--json');
    expect(run).toMatchObject({ status: 0, stderr: '' });
    const [tuning] = jsonLines(run) as [Record<string, never>];
    expect(tuning).toMatchObject({ trace: file, capacity: 2 * 2 ** 20, favour: 'objects', requests: 18_000 });
    const { trials, best, margin, types } = tuning as unknown as {
      trials: { hitRatio: number }[];
      best: { policy: string; hitRatio: number };
      margin: number;
      types: object;
    };
    expect(trials.length).toBeGreaterThanOrEqual(3);
    expect(trials).toContainEqual(best);
    expect(margin).toBeGreaterThanOrEqual(0.001);
    expect(margin).toBeLessThan(0.05);
    expect(Math.max(...trials.map(({ hitRatio }) => hitRatio))).toBeLessThanOrEqual(best.hitRatio + margin);
    expect(types).toMatchObject({ policy: best.policy, together: { hitRatio: expect.any(Number) } });
  });

  it('prints it for reading, and proposes what no other policy comes near to', async () => {
    // A loop over more than fits: LRU and SIEVE find nothing, and the others lie ten points and more behind the default.
    const rounds = 10;
    const keys = 1_800;
    const lines = Array.from({ length: rounds * keys }, (_, at) => {
      const key = at % keys;
      return `,${key % 3 === 0 ? 'route' : 'session'}:${key},${500 + ((key * 7) % 1_500)},,get`;
    });
    const loop = fileOf('loop.csv', `${lines.join('\n')}\n`);
    const { stdout } = await velocache('tune', loop, '--capacity', '2mb');
    expect(stdout).toMatch(/^velocache tune: loop\.csv on 2\.0 MB, 18,000 reads\n/);
    expect(stdout).toMatch(/\nProposed\n {2}slab: .*\n {2}policy: the default, adaptive\n {2}types: .*\n$/);
  });
});
