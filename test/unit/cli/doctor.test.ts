/** What `velocache doctor` says of machines. */
import { PassThrough } from 'node:stream';
import { describe, expect, it } from 'vitest';
import { parseCommandLine } from '../../../src/cli/args.js';
import { diagnose, runDoctor, type Vitals } from '../../../src/cli/doctor.js';

const WELL: Vitals = {
  platform: 'linux',
  node: '24.1.0',
  cores: 8,
  memoryBytes: 2 ** 33,
  hugePages: 'madvise',
  hugeShare: 0.97,
  glibc: '2.36',
};

function adviceFor(vitals: Partial<Vitals>): (string | undefined)[] {
  return diagnose({ ...WELL, ...vitals }).flatMap(({ advice }) => advice ?? []);
}

describe('the doctor', () => {
  it('has no advice where all is well, or nothing can be told', () => {
    expect(adviceFor({})).toEqual([]);
    expect(adviceFor({ platform: 'darwin', hugePages: undefined, hugeShare: undefined })).toEqual([]);
    expect(adviceFor({ hugeShare: undefined })).toEqual([]);
  });

  it.each([
    ['madvise', '2.36', /^start with GLIBC_TUNABLES/],
    ['always', '2.36', /^start with GLIBC_TUNABLES/],
    ['never', '2.36', /^as root: echo madvise .* then start with GLIBC_TUNABLES/],
    ['madvise', '', /^as root: echo always .* this C library/],
  ])('says how to switch huge pages on: kernel %s, glibc "%s"', (hugePages, glibc, advice) => {
    expect(adviceFor({ hugePages, glibc, hugeShare: 0 })).toEqual([expect.stringMatching(advice)]);
  });

  it.each([
    ['20.20.2', false],
    ['22.14.0', false],
    ['22.15.0', true],
    ['23.7.0', false],
    ['23.8.0', true],
    ['24.0.0', true],
    ['26.1.0', true],
  ])('knows whether Node %s has zstd: %s', (node, hasZstd) => {
    expect(adviceFor({ node })).toHaveLength(hasZstd ? 0 : 1);
  });

  it('says what one core means', () => {
    expect(adviceFor({ cores: 1 })).toEqual([expect.stringMatching(/take turns/)]);
  });

  it('looks at this machine, as text and as JSON', () => {
    const [text, json] = [false, true].map((asJson) => {
      const stdout = new PassThrough();
      runDoctor(asJson, { stdout });
      return String(stdout.read());
    });
    expect(text).toMatch(/huge pages +(on|off|not known)/);
    const found = JSON.parse(json!) as Vitals & { findings: { what: string }[] };
    expect([found.node, found.findings.map(({ what }) => what)]).toEqual([
      process.versions.node,
      ['cores', 'memory', 'Node', 'huge pages'],
    ]);
  });

  it('is a command', () => {
    expect(parseCommandLine(['doctor', '--json'])).toEqual({ command: 'doctor', options: { json: true } });
    expect(parseCommandLine(['doctor', '--help'])).toMatchObject({ command: 'help' });
    expect(() => parseCommandLine(['doctor', '--jsn'])).toThrow(/doctor --help/);
  });
});
