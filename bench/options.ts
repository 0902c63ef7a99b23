/** The command line of the benches. */
import { parseArgs } from 'node:util';

export interface BenchOptions {
  readonly names: readonly string[];
  /** What `compare` compares with: a ref of git, or the folder of a built checkout. */
  readonly base: string;
  /** Numbers of items for `peers`. */
  readonly items: readonly number[];
  /** All workloads of `peers`, not only a base with one factor varied at a time. */
  readonly isFull: boolean;
  /** Part of a workload's name, or `table` or `hits`; '' for all of `peers`. */
  readonly workload: string;
  readonly rounds: number;
  /** Binaries of Node for `gc`. */
  readonly nodes: readonly string[];
  /** Milliseconds of one measurement in a round. */
  readonly sliceMs: number;
  /** Folder of recorded traces. */
  readonly traces: string;
  /** Folder of recorded values for `codecs` and `lazy`; generated ones if there is none. */
  readonly payloads: string;
  /** Bytes from which on `codecs` compresses. */
  readonly above: number;
  /** Only contenders and traces whose name contains it; for `hitratio` also `count` or `bytes`. */
  readonly only: string;
  /** Seconds of each load of `scenario`, its numbers of users, and its seed. */
  readonly seconds: number;
  readonly users: readonly number[];
  readonly seed: number;
  /** Most entries of `growth`, and the folder of its plots. */
  readonly largest: number;
  readonly plots: string;
  /** Policies for `hitratio`, `exact` and `threads`; none for all. */
  readonly policies: readonly string[];
}

/** A slope needs two points. */
const LARGEST_MIN = 30_000;

export const HELP = `Usage: npm run bench [-- NAME ...] [options]

  peers    gets and sets beside lmdb, sharedmap, lru-cache, node-cache, keyv, cacheable and, if they are on the PATH,
           redis-server and memcached; then workloads, each contender in a process of its own; then hit ratios
           at equal memory: some 12 minutes in all
  memory   overhead an item, and rounding to chunks on the sizes of recorded traces
  exact    hit ratio of every policy of the engine against its exact form with as many entries
  threads  hit ratio of every policy of the engine in one thread and in eight, on recorded traces
  shift    hit ratio after values have grown from 100 bytes to 1 KB
  gc       longest GC pause and heap with a million entries, against lru-cache
  hitratio hit ratio of every policy alone on every recorded trace, some minutes; beside reference.tsv if it is there
  stats    gets while another thread reads the statistics
  expiry   dead bytes and the cost of the sweep, and gets while a million entries expire
  codecs   formats and compressors on values of each type: bytes and time against JSON
  lazy     a small object beside code that makes it by hand; values with heavy properties, which are read or not
  loop     event-loop delay and heap of a thread that stores large texts, by the pool and in place
  scenario the mission's server with a TTL-only cache of objects in each thread and with velocache, under its load:
           10 minutes
  growth   times and memory from 10000 to 10 million entries, 1 to 8 threads and 64 MB to 8 GB, with plots: 6 minutes

  compare BASE  the micro benches of this checkout and of BASE in turn, a ref of git or the folder of a built
           checkout: ratios with their spread, some 2 minutes

Without a name: all of them but compare.

  --items N      items in the caches of peers and compare (default 100000)
                 (its workloads: so many, and in one of them ten times as many)
  --full         peers at 100000 and 1000000 items, and all its workloads, some hours
  --workload TEXT   peers: only workloads with this in their name, as "zipf 95/5 1kb bytes 100000-items 1-thread";
                 or table, near or hits for one of the other parts alone
  --rounds N     rounds that each figure is the median of (default 9; gc: at most 3)
  --nodes LIST   gc: paths of Node binaries with commas between, a row for each (default: the one that runs)
  --slice N      milliseconds of each measurement in a round (default 60)
  --traces DIR   recorded traces (default ../shared/traces)
  --payloads DIR recorded values for codecs and lazy, as JSON lines, gzip (default ../shared/payloads; the demo's own
                 if it is missing)
  --above N      bytes above which codecs compresses (default 10240)
  --only TEXT    only contenders, traces, or formats and compressors with this in their name (velocache runs always);
                 hitratio: count or bytes for one of its tables
  --seconds N    scenario: seconds that each load is measured (default 40)
  --users LIST   scenario: numbers of users with commas between (default 100,500,1000,1500)
  --seed N       scenario: of keys, values and pauses of users (default 1)
  --largest N    growth: most entries in a cache, from 30000 on (default 10000000)
  --plots DIR    growth: where its plots are written (default docs/plots)
  --policies LIST   hitratio, exact, threads: policies with commas between (default: all)
`;

/** Undefined if help was asked for. Throws an Error of one line for what can't be used. */
export function parseOptions(args: readonly string[], known: readonly string[]): BenchOptions | undefined {
  const { values, positionals } = parseArgs({
    args: [...args],
    allowPositionals: true,
    options: {
      items: { type: 'string', default: '100000' },
      full: { type: 'boolean', default: false },
      nodes: { type: 'string', default: '' },
      rounds: { type: 'string', default: '9' },
      slice: { type: 'string', default: '60' },
      traces: { type: 'string', default: '../shared/traces' },
      payloads: { type: 'string', default: '../shared/payloads' },
      above: { type: 'string', default: '10240' },
      workload: { type: 'string', default: '' },
      only: { type: 'string', default: '' },
      policies: { type: 'string', default: '' },
      seconds: { type: 'string', default: '40' },
      users: { type: 'string', default: '100,500,1000,1500' },
      seed: { type: 'string', default: '1' },
      largest: { type: 'string', default: '10000000' },
      plots: { type: 'string', default: 'docs/plots' },
      help: { type: 'boolean', default: false },
    },
  });
  if (values.help) return undefined;
  const { names, base } = named(positionals, known);
  for (const name of names) {
    if (!known.includes(name)) throw new Error(`unknown bench "${name}"; there are ${known.join(', ')}`);
  }
  return {
    names,
    base,
    isFull: values.full,
    workload: values.workload,
    items: values.full ? [100_000, 1_000_000] : [count('items', values.items)],
    nodes: values.nodes === '' ? [process.execPath] : listed(values.nodes),
    rounds: count('rounds', values.rounds),
    sliceMs: count('slice', values.slice),
    traces: values.traces,
    payloads: values.payloads,
    above: count('above', values.above),
    only: values.only,
    seconds: count('seconds', values.seconds),
    users: values.users.split(',').map((text) => count('users', text)),
    seed: count('seed', values.seed),
    largest: Math.max(LARGEST_MIN, count('largest', values.largest)),
    plots: values.plots,
    policies: listed(values.policies),
  };
}

/** `compare` takes the word behind it, and runs only if it is named. */
function named(words: readonly string[], known: readonly string[]): { names: readonly string[]; base: string } {
  const at = words.indexOf('compare');
  if (words.length === 0) return { names: known.filter((name) => name !== 'compare'), base: '' };
  if (at < 0) return { names: words, base: '' };
  const base = words[at + 1];
  if (base === undefined) throw new Error('compare needs a ref of git or the folder of a built checkout behind it');
  return { names: words.filter((_, i) => i !== at + 1), base };
}

function listed(text: string): string[] {
  return text.split(',').filter((name) => name !== '');
}

function count(name: string, text: string): number {
  if (!/^[1-9]\d{0,8}$/.test(text)) throw new Error(`--${name} "${text}" is not a whole number from 1 to 999999999`);
  return Number(text);
}
