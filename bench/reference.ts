/** Hit ratios of other policies on the same traces, if the folder of traces has them in a `reference.tsv`. */
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';

export type Mode = 'count' | 'bytes';

/** Both in percent. */
export interface Ratios {
  readonly hitPercent: number;
  /** NaN if the bytes weren't counted. */
  readonly bytesHitPercent: number;
}

export class Reference {
  readonly #cells: ReadonlyMap<string, Ratios>;
  readonly #policies: ReadonlySet<string>;

  /** Lines after the head: trace, mode, percent of the keys or bytes, size, policy, hit %, byte hit %. */
  constructor(lines: readonly string[]) {
    const cells = new Map<string, Ratios>();
    const policies = new Set<string>();
    for (const line of lines) {
      const [trace, mode, percent, , policy, hit, byteHit] = line.split('\t');
      if (hit === undefined) continue;
      cells.set([mode, trace, percent, policy].join(), {
        hitPercent: Number(hit),
        bytesHitPercent: Number(byteHit || NaN),
      });
      policies.add(`${mode},${policy}`);
    }
    this.#cells = cells;
    this.#policies = policies;
  }

  /** Empty if there is none. */
  static from(folder: string): Reference {
    const file = join(folder, 'reference.tsv');
    return new Reference(existsSync(file) ? readFileSync(file, 'utf8').split('\n').slice(1) : []);
  }

  has(mode: Mode, policy: string): boolean {
    return this.#policies.has(`${mode},${policy}`);
  }

  find(mode: Mode, trace: string, percent: number, policy: string): Ratios | undefined {
    return this.#cells.get([mode, trace, percent, policy].join());
  }
}
