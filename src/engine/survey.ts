/**
 * The figures that judging the cache needs, gathered in bounded steps, so that no step holds up its thread: it sums
 * what statistics.ts sums, a part at a time. A pass gives figures that were true at some moment of it.
 */
import { OWNER_SLOTS, PAGE, REMOVAL_WORDS, SHARD, TYPE_WORDS } from '../../native-free/index.js';
import { TYPE_COUNTER } from './causes.js';
import type { Context } from './context.js';
import { PAGE_FREE, PAGE_INDEX, PAGE_ITEMS, pageClass, pageKind } from './page-pool.js';

interface TypeSurvey {
  entries: number;
  bytes: number;
  hits: number;
  misses: number;
  /** Ticks between last use and the end of the TTL, summed over the entries that it ended. */
  expiryTicks: number;
  /** Entries that left, by the position of the cause. */
  readonly removals: Float64Array;
}

interface ClassSurvey {
  pages: number;
  chunksUsed: number;
  bytesRequested: number;
}

export interface Surveyed {
  pagesFree: number;
  pagesIndex: number;
  readonly types: readonly TypeSurvey[];
  readonly classes: readonly ClassSurvey[];
}

export class Survey {
  readonly #context: Context;
  #done: Surveyed | undefined;
  #current: Surveyed;
  #counts: Float64Array;
  /** Where the pass stands: stripes of counters, then shards, then pages. */
  #stripe = 0;
  #shard = 0;
  #page = 0;

  constructor(context: Context) {
    this.#context = context;
    this.#current = this.#blank();
    this.#counts = new Float64Array(context.layout.countersPerStripe);
  }

  /** The figures of the last whole pass; undefined before the first. */
  get figures(): Surveyed | undefined {
    return this.#done;
  }

  /** Looks at about `cells` words, from where the last step ended. True if that has finished a pass. */
  step(cells: number): boolean {
    const { shards } = this.#context.layout.config;
    const { pages } = this.#context.layout;
    let left = cells;
    for (; this.#stripe < OWNER_SLOTS && left > 0; this.#stripe++) left -= this.#surveyStripe(this.#stripe);
    if (this.#stripe < OWNER_SLOTS) return false;
    for (; this.#shard < shards && left > 0; this.#shard++) left -= this.#surveyShard(this.#shard);
    if (this.#shard < shards) return false;
    for (; this.#page < pages && left > 0; this.#page++) left -= this.#surveyPage(this.#page);
    if (this.#page < pages) return false;
    this.#finish();
    return true;
  }

  #finish(): void {
    const { countersPerType } = this.#context.layout.config;
    this.#current.types.forEach((survey, type) => {
      const first = type * countersPerType;
      survey.hits = this.#counts[first + TYPE_COUNTER.hits]!;
      survey.misses = this.#counts[first + TYPE_COUNTER.misses]!;
      survey.expiryTicks = this.#counts[first + TYPE_COUNTER.expiryTicks]!;
    });
    this.#done = this.#current;
    this.#current = this.#blank();
    this.#counts.fill(0);
    this.#stripe = 0;
    this.#shard = 0;
    this.#page = 0;
  }

  #blank(): Surveyed {
    const { removalCauses } = this.#context.layout.config;
    const types = this.#context.layout.typesDeclared;
    return {
      pagesFree: 0,
      pagesIndex: 0,
      types: Array.from({ length: types }, () => ({
        entries: 0,
        bytes: 0,
        hits: 0,
        misses: 0,
        expiryTicks: 0,
        removals: new Float64Array(removalCauses),
      })),
      classes: this.#context.classes.bytes.map(() => ({ pages: 0, chunksUsed: 0, bytesRequested: 0 })),
    };
  }

  #surveyStripe(stripe: number): number {
    this.#context.counters.addStripe(stripe, this.#counts);
    return this.#counts.length;
  }

  #surveyShard(number: number): number {
    const { layout, meta } = this.#context;
    const { removalCauses } = layout.config;
    const shard = layout.shard(number);
    const { types, classes } = this.#current;
    for (let type = 0; type < types.length; type++) {
      const survey = types[type]!;
      const at = shard + layout.typesOffset + type * TYPE_WORDS;
      survey.entries += meta[at]!;
      survey.bytes += (meta[at + 1]! + this.#payloadGranules(shard, type)) * 8;
      const counted = shard + layout.removalsOffset + type * removalCauses * REMOVAL_WORDS;
      for (let cause = 0; cause < removalCauses; cause++) {
        const word = counted + cause * REMOVAL_WORDS;
        survey.removals[cause] = survey.removals[cause]! + meta[word + 1]! * 2 ** 32 + (meta[word]! >>> 0);
      }
    }
    for (let id = 0; id < classes.length; id++)
      classes[id]!.bytesRequested += meta[shard + SHARD.requested + id]! >>> 0;
    return types.length * removalCauses + classes.length;
  }

  #payloadGranules(shard: number, type: number): number {
    const { layout, meta } = this.#context;
    const payloads = layout.payloadTypeOf(type);
    return payloads < 0 ? 0 : meta[shard + layout.typesOffset + payloads * TYPE_WORDS + 1]!;
  }

  #surveyPage(page: number): number {
    const { layout, meta, classes } = this.#context;
    const descriptor = layout.descriptor(page);
    const state = meta[descriptor + PAGE.state]!;
    const kind = pageKind(state);
    if (kind === PAGE_FREE) this.#current.pagesFree += 1;
    if (kind === PAGE_INDEX) this.#current.pagesIndex += 1;
    if (kind !== PAGE_ITEMS) return 1;
    const id = pageClass(state);
    const survey = this.#current.classes[id]!;
    survey.pages += 1;
    survey.chunksUsed += classes.chunksPerPage[id]! - meta[descriptor + PAGE.freeChunks]!;
    return 1;
  }
}
