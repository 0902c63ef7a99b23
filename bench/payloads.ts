/** Values of the dashboard's types: recorded ones from a folder of JSON lines, or else those that the demo makes. */
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { gunzipSync } from 'node:zlib';
import { ValuePool } from '../src/cli/payloads.js';

/** Files of each type, and the type's share of a cache's space; what isn't of any other type counts as `stats`. */
const TYPES = {
  session: { files: ['sessions'], share: 0.15 },
  route: { files: ['bike_routes'], share: 0.4 },
  weather: { files: ['weather'], share: 0.1 },
  stats: { files: ['stats_timeseries'], share: 0.1 },
  llm: { files: ['llm_openai_responses', 'llm_other_responses'], share: 0.25 },
} as const;
export type PayloadType = keyof typeof TYPES;

const SEED = 1;

export interface Payloads {
  readonly type: PayloadType;
  readonly share: number;
  /** Every second value, and the others: what is learned from these is measured on those. */
  readonly values: readonly unknown[];
  readonly others: readonly unknown[];
  /** Bytes of `values` as JSON text. */
  readonly jsonBytes: number;
}

/** From `folder`, or the demo's values if that isn't there. */
export function loadPayloads(folder: string): Payloads[] {
  const isRecorded = existsSync(folder);
  return (Object.keys(TYPES) as PayloadType[]).map((type) => {
    const { files, share } = TYPES[type];
    const all = isRecorded ? files.flatMap((file) => lines(join(folder, `${file}.jsonl.gz`))) : generated(type);
    const values = all.filter((_, i) => i % 2 === 1);
    const others = all.filter((_, i) => i % 2 === 0);
    const jsonBytes = values.reduce((sum: number, value) => sum + Buffer.byteLength(JSON.stringify(value)), 0);
    return { type, share, values, others, jsonBytes };
  });
}

function generated(type: PayloadType): unknown[] {
  return [...new ValuePool(type, SEED).bodies];
}

function lines(file: string): unknown[] {
  const text = gunzipSync(readFileSync(file)).toString();
  return text.split('\n').flatMap((line) => (line === '' ? [] : [JSON.parse(line) as unknown]));
}
