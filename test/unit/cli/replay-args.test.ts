import { describe, expect, it } from 'vitest';
import { parseCommandLine } from '../../../src/cli/args.js';
import { CliError } from '../../../src/cli/errors.js';
import type { ReplayOptions } from '../../../src/cli/replay-args.js';
import type { TuneOptions } from '../../../src/cli/tune-args.js';

function replay(...args: string[]): ReplayOptions {
  const commandLine = parseCommandLine(['replay', ...args]);
  if (commandLine.command !== 'replay') throw new Error('expected a replay');
  return commandLine.options;
}

function tune(...args: string[]): TuneOptions {
  const commandLine = parseCommandLine(['tune', ...args]);
  if (commandLine.command !== 'tune') throw new Error('expected tune');
  return commandLine.options;
}

describe('velocache replay', () => {
  it('replays every policy alone, with the bound, unless told otherwise', () => {
    expect(replay('a.csv', 'b.csv', '--items', '100')).toEqual({
      files: ['a.csv', 'b.csv'],
      target: {
        kind: 'items',
        size: 100,
        policies: expect.arrayContaining(['lru', 'sieve', 's3-fifo', 'w-tinylfu', 'opt']),
      },
      favour: 'objects',
      json: false,
    });
  });

  it('reads every flag', () => {
    expect(replay('a', '--bytes', '1.5kb', '--policy', 'sieve,opt,sieve', '--favour', 'bytes', '--json')).toEqual({
      files: ['a'],
      target: { kind: 'bytes', size: 1_536, policies: ['sieve', 'opt'] },
      favour: 'bytes',
      json: true,
    });
    expect(replay('a', '--capacity', '8mb', '--threads', '3', '--policy', 'lru').target).toEqual({
      kind: 'capacity',
      size: 8 * 2 ** 20,
      policies: ['lru'],
      threads: 3,
    });
  });

  it.each([
    [['--items', '5'], 'no trace given; see velocache replay --help'],
    [['a'], 'give one of --items, --bytes and --capacity'],
    [['a', '--items', '5', '--bytes', '5'], 'give one of --items, --bytes and --capacity'],
    [['a', '--items', '0'], '--items "0" is not a whole number from 1 to 2147483647'],
    [['a', '--bytes', '5MB'], '--bytes "5MB" is not a size such as 64mb or 1gb'],
    [['a', '--bytes', '0'], '--bytes "0" is not from 1 to 16gb'],
    [['a', '--capacity', '512kb'], '--capacity "512kb" is not from 1mb to 16gb'],
    [['a', '--items', '5', '--threads', '2'], '--threads goes with --capacity'],
    [['a', '--capacity', '8mb', '--threads', '65'], '--threads "65" is not a whole number from 1 to 64'],
    [['a', '--items', '5', '--favour', 'both'], '--favour "both" is not objects or bytes'],
    [['a', '--items', '5', '--policy', ''], /^--policy "" is none of lru, .*, opt, all$/],
    [['a', '--items', '5', '--policy', 'lru,lirs'], /^--policy "lirs" is none of lru, .*, opt, all$/],
    [
      ['a', '--capacity', '8mb', '--policy', 'opt'],
      /^--policy "opt" can only be replayed alone: the engine has adaptive, lru/,
    ],
    [['a', '--item', '5'], "Unknown option '--item'; see velocache replay --help"],
    [['a', '--items'], "Option '--items <value>' argument missing; see velocache replay --help"],
  ])('refuses %j in one line, with status 2', (args, complaint) => {
    expect(() => replay(...args)).toThrow(complaint);
    expect(() => replay(...args)).toThrow(CliError);
    expect(() => replay(...args)).toThrow(expect.objectContaining({ exitCode: 2 }));
  });
});

describe('velocache tune', () => {
  it('reads its flags', () => {
    expect(tune('a', '--capacity', '64mb')).toEqual({
      file: 'a',
      capacityBytes: 64 * 2 ** 20,
      favour: 'objects',
      json: false,
    });
    expect(tune('--capacity', '1mb', '--favour', 'bytes', '--json', 'a').favour).toBe('bytes');
  });

  it.each([
    [['--capacity', '8mb'], 'no trace given; see velocache tune --help'],
    [['a', 'b', '--capacity', '8mb'], 'unexpected argument "b": tune takes one trace'],
    [['a'], 'tune needs --capacity SIZE'],
    [['a', '--capacity', '17gb'], '--capacity "17gb" is not from 1mb to 16gb'],
  ])('refuses %j', (args, complaint) => {
    expect(() => tune(...args)).toThrow(new CliError(complaint));
  });
});

it.each(['replay', 'tune'])('%s has a help of its own', (command) => {
  const commandLine = parseCommandLine([command, '--help']);
  expect(commandLine.command === 'help' && commandLine.text).toMatch(new RegExp(`^Usage: velocache ${command} `));
});
