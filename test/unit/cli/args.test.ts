import { describe, expect, it } from 'vitest';
import { type DemoOptions, parseCommandLine } from '../../../src/cli/args.js';
import { CliError } from '../../../src/cli/errors.js';

const MB = 1_024 ** 2;

function demo(...args: string[]): DemoOptions {
  const commandLine = parseCommandLine(['demo', ...args]);
  if (commandLine.command !== 'demo') throw new Error('expected the demo');
  return commandLine.options;
}

describe('parseCommandLine', () => {
  it('has defaults for everything', () => {
    const { threads, ...options } = demo();
    expect(options).toEqual({ capacityBytes: 256 * MB, seconds: 10, seed: 1, json: false, trace: undefined });
    expect(threads).toBeGreaterThanOrEqual(2);
  });

  it('reads every flag', () => {
    const args = ['--threads', '3', '--capacity', '64mb', '--seconds', '2.5', '--seed=7', '--json', '--trace', 'a.csv'];
    const options = { threads: 3, capacityBytes: 64 * MB, seconds: 2.5, seed: 7, json: true, trace: 'a.csv' };
    expect(demo(...args)).toEqual(options);
  });

  it.each([
    ['8388608', 8 * MB],
    ['8192kb', 8 * MB],
    ['1.5gb', 1_536 * MB],
    ['16gb', 16_384 * MB],
  ])('reads the size %s', (text, bytes) => {
    expect(demo('--capacity', text).capacityBytes).toBe(bytes);
  });

  it.each([[['--help']], [['-h']], [['demo', '--help']], [['demo', '--json', '-h']]])('shows help for %j', (args) => {
    const commandLine = parseCommandLine(args);
    expect(commandLine.command === 'help' && commandLine.text).toMatch(/^Usage: velocache /);
  });

  it.each([
    [[], 'no command given; see velocache --help'],
    [['dmeo'], 'unknown command or option "dmeo"; see velocache --help'],
    [['demo', '--thread', '2'], "Unknown option '--thread'; see velocache demo --help"],
    [['demo', 'extra'], "Unexpected argument 'extra'; see velocache demo --help"],
    [['demo', '--seed'], "Option '--seed <value>' argument missing; see velocache demo --help"],
    [['demo', '--json=yes'], "Option '--json' does not take an argument; see velocache demo --help"],
    [['demo', '--threads', '0'], '--threads "0" is not a whole number from 1 to 64'],
    [['demo', '--threads', '65'], '--threads "65" is not a whole number from 1 to 64'],
    [['demo', '--threads', '1.5'], '--threads "1.5" is not a whole number from 1 to 64'],
    [['demo', '--threads', ''], '--threads "" is not a whole number from 1 to 64'],
    [['demo', '--seconds', '0'], '--seconds "0" is not a number above 0 and at most 3600'],
    [['demo', '--seconds=-5'], '--seconds "-5" is not a number above 0 and at most 3600'],
    [['demo', '--seconds', '3601'], '--seconds "3601" is not a number above 0 and at most 3600'],
    [['demo', '--seed', '4294967296'], '--seed "4294967296" is not a whole number from 0 to 4294967295'],
    [['demo', '--capacity', '64MB'], '--capacity "64MB" is not a size such as 64mb or 1gb'],
    [['demo', '--capacity', '7mb'], '--capacity "7mb" is not from 8mb to 16gb'],
    [['demo', '--capacity', '17gb'], '--capacity "17gb" is not from 8mb to 16gb'],
    [['demo', '--trace', ''], '--trace needs the name of a file'],
  ])('refuses %j', (args, complaint) => {
    expect(() => parseCommandLine(args)).toThrow(new CliError(complaint));
  });

  it('complains in one line, with status 2', () => {
    for (const args of [
      ['demo', '--seed', '--json'],
      ['demo', '--x'],
      ['demo', '--seconds', '-5'],
    ]) {
      const complaint = (): unknown => parseCommandLine(args);
      expect(complaint).toThrow(CliError);
      expect(complaint).toThrow(/^[^\n]+; see velocache demo --help$/);
      expect(complaint).toThrow(expect.objectContaining({ exitCode: 2 }));
    }
  });
});
