/** `velocache doctor`: what the machine and this way of starting Node hold back, as far as a cache cares, and how to change it. */
import { readFileSync } from 'node:fs';
import { availableParallelism, totalmem } from 'node:os';
import { formatBytes, formatShare, formatTable } from './format.js';

/** Memory that is touched to see what pages it gets. */
const PROBE_BYTES = 2 ** 26;
const SMALL_PAGE_BYTES = 4_096;
/** The first minor version that has it, by major version; all later ones have it. */
const ZSTD_MINOR: ReadonlyMap<number, number> = new Map([
  [22, 15],
  [23, 8],
]);

/** What is known of the machine and the process; undefined where it can't be told. */
export interface Vitals {
  readonly platform: string;
  readonly node: string;
  readonly cores: number;
  readonly memoryBytes: number;
  /** The kernel's rule for huge pages: always, madvise or never. */
  readonly hugePages: string | undefined;
  /** Of memory that was just touched, the share that has huge pages. */
  readonly hugeShare: number | undefined;
  /** Empty for a C library that is not glibc, whose allocator takes no advice. */
  readonly glibc: string;
}

/** Something looked at, and what can be done about it; without advice all is well. */
interface Finding {
  readonly what: string;
  readonly is: string;
  readonly advice?: string;
}

const TUNABLE = 'GLIBC_TUNABLES=glibc.malloc.hugetlb=1 node …';
const RULE_FILE = '/sys/kernel/mm/transparent_hugepage/enabled';

export function runDoctor(json: boolean, { stdout }: { readonly stdout: NodeJS.WritableStream }): void {
  const vitals = takeVitals();
  const findings = diagnose(vitals);
  stdout.write(json ? `${JSON.stringify({ ...vitals, findings })}\n` : textOf(findings));
}

function takeVitals(): Vitals {
  const { header } = process.report.getReport() as { header: { glibcVersionRuntime?: string } };
  return {
    platform: process.platform,
    node: process.versions.node,
    cores: availableParallelism(),
    memoryBytes: Math.min(totalmem(), process.constrainedMemory() || Number.POSITIVE_INFINITY),
    hugePages: /\[(\w+)\]/.exec(contentOf(RULE_FILE) ?? '')?.[1],
    hugeShare: probeHugePages(),
    glibc: header.glibcVersionRuntime ?? '',
  };
}

export function diagnose(vitals: Vitals): Finding[] {
  const { cores, memoryBytes } = vitals;
  const oneCore = 'threads take turns here: one that holds a lock may be off its core for long';
  return [
    { what: 'cores', is: String(cores), ...(cores < 2 && { advice: oneCore }) },
    { what: 'memory', is: formatBytes(memoryBytes) },
    zstd(vitals),
    hugePages(vitals),
  ];
}

function zstd({ node }: Vitals): Finding {
  const [major = 0, minor = 0] = node.split('.').map(Number);
  const least = ZSTD_MINOR.get(major) ?? (major > 23 ? 0 : Number.POSITIVE_INFINITY);
  if (minor >= least) return { what: 'Node', is: node };
  return { what: 'Node', is: node, advice: "the compressor 'zstd' needs Node 22.15, 23.8 or later" };
}

function hugePages({ platform, hugePages: rule, hugeShare, glibc }: Vitals): Finding {
  const what = 'huge pages';
  if (platform !== 'linux' || rule === undefined || hugeShare === undefined) return { what, is: 'not known here' };
  const is = `${hugeShare >= 1 / 2 ? 'on' : 'off'} (kernel: ${rule}; ${formatShare(hugeShare)} of new memory has them)`;
  if (hugeShare >= 1 / 2) return { what, is };
  if (rule === 'never') return { what, is, advice: `as root: echo madvise > ${RULE_FILE}; then start with ${TUNABLE}` };
  if (glibc === '') return { what, is, advice: `as root: echo always > ${RULE_FILE}; this C library asks for none` };
  return { what, is, advice: `start with ${TUNABLE}` };
}

/** A buffer of the kind that a cache lies in, touched page by page. */
function probeHugePages(): number | undefined {
  const before = hugeBytes();
  const bytes = new Uint8Array(new SharedArrayBuffer(PROBE_BYTES));
  for (let at = 0; at < bytes.length; at += SMALL_PAGE_BYTES) bytes[at] = 1;
  const after = hugeBytes();
  return before === undefined || after === undefined ? undefined : Math.min(1, (after - before) / bytes.length);
}

function hugeBytes(): number | undefined {
  const kilobytes = /AnonHugePages:\s+(\d+) kB/.exec(contentOf('/proc/self/smaps_rollup') ?? '')?.[1];
  return kilobytes === undefined ? undefined : Number(kilobytes) * 1_024;
}

function contentOf(path: string): string | undefined {
  try {
    return readFileSync(path, 'utf8');
  } catch {
    return undefined;
  }
}

function textOf(findings: readonly Finding[]): string {
  const table = formatTable(findings.map(({ what, is }) => [what, is]));
  const advice = findings.flatMap(({ what, advice: text }) => (text === undefined ? [] : [`${what}: ${text}`]));
  return `${[...table, '', ...(advice.length > 0 ? advice : ['nothing to change'])].join('\n')}\n`;
}
