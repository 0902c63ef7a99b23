import { basename } from 'node:path';
import { BOUND_NAME } from '../policies/replay/policies.js';
import { formatCount, formatTable } from './format.js';
import { loadNumberedTrace } from './numbered-trace.js';
import { type Outcome, replayAlone } from './replay-alone.js';
import type { ReplayOptions, ReplayTarget } from './replay-args.js';
import { replayOnEngine } from './replay-engine.js';
import { checkRereadable } from './trace.js';

interface Output {
  write(text: string): unknown;
}

interface Row extends Outcome {
  readonly trace: string;
  readonly policy: string;
}

/** Replays every trace with every policy, and reports each as soon as it is done, or all in a table. */
export async function runReplayCommand(options: ReplayOptions, { stdout }: { stdout: Output }): Promise<void> {
  const { target } = options;
  if (target.kind === 'capacity' && target.policies.length > 1)
    for (const trace of options.files) await checkRereadable(trace);
  const rows: Row[] = [];
  for (const trace of options.files) {
    for await (const { policy, outcome } of outcomes(trace, options)) {
      const row = { ...outcome, trace, policy };
      if (options.json) stdout.write(`${JSON.stringify(toJson(row, target))}\n`);
      else rows.push(row);
    }
  }
  if (!options.json) stdout.write(formatRows(rows, target));
}

async function* outcomes(
  file: string,
  { target, favour }: ReplayOptions,
): AsyncGenerator<{ policy: string; outcome: Outcome }> {
  if (target.kind === 'capacity') {
    for (const policy of target.policies) {
      const setup = { capacityBytes: target.size, policy, favour };
      yield { policy, outcome: await replayOnEngine(file, setup, target.threads) };
    }
    return;
  }
  const trace = await loadNumberedTrace(file);
  const unit = target.kind === 'items' ? 'objects' : 'bytes';
  for (const policy of target.policies) {
    yield { policy, outcome: replayAlone(trace, { policy, unit, size: target.size, favour }) };
  }
}

function toJson({ trace, policy, requests, hits, ...row }: Row, { kind, size }: ReplayTarget): object {
  return { trace, policy, [kind]: size, requests, hits, hitRatio: ratio(hits, requests), byteHitRatio: byteRatio(row) };
}

function formatRows(rows: readonly Row[], { kind, size }: ReplayTarget): string {
  const head = ['trace', 'policy', kind, 'requests', 'hits', 'hit ratio', 'byte hit ratio'];
  const cells = rows.map((row) => [
    basename(row.trace),
    row.policy,
    formatCount(size),
    formatCount(row.requests),
    formatCount(row.hits),
    formatRatio(ratio(row.hits, row.requests)),
    formatRatio(byteRatio(row)),
  ]);
  const lines = formatTable([head, ...cells]);
  if (kind === 'bytes' && rows.some(({ policy }) => policy === BOUND_NAME)) {
    lines.push("  opt is here Belady's rule by size and distance: a mark that others may surpass, not a bound");
  }
  if (kind === 'items' && rows.some((row) => surpassesBound(row, rows))) {
    lines.push('  opt is the bound of policies that store every object: who leaves some out may surpass it');
  }
  return `${lines.join('\n')}\n`;
}

function surpassesBound({ trace, hits }: Row, rows: readonly Row[]): boolean {
  return rows.some((bound) => bound.policy === BOUND_NAME && bound.trace === trace && bound.hits < hits);
}

function byteRatio({ bytesHit, bytesRequested }: Pick<Outcome, 'bytesHit' | 'bytesRequested'>): number | null {
  return bytesRequested === 0 ? null : bytesHit / bytesRequested;
}

function ratio(hits: number, requests: number): number | null {
  return requests === 0 ? null : hits / requests;
}

function formatRatio(share: number | null): string {
  return share === null ? '-' : `${(share * 100).toFixed(2)} %`;
}
