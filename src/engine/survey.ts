/**
 * The figures that judging the cache needs, gathered in bounded steps, so that no step holds up its thread: it sums
 * what statistics.ts sums, a part at a time. A pass gives figures that were true at some moment of it.
 */
import { PAGE, REMOVAL_WORDS, SHARD, TYPE_WORDS } from '../../native-free/index.js';
import { REMOVAL_CAUSES, TYPE_COUNTER } from './causes.js';
import type { Context } from './context.js';
import { PAGE_FREE, PAGE_INDEX, PAGE_ITEMS, type PagePool, pageClass, pageKind } from './page-pool.js';

/** Summing one counter over all stripes costs as much as looking at so many cells. */
const COUNTER_CELLS = 128;
/** Counters summed for a type: hits, misses, and the causes. */
const COUNTERS = 2;

interface TypeSurvey {
  entries: number;
  bytes: number;
  hits: number;
  misses: number;
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
  readonly #pages: PagePool;
  #done: Surveyed | undefined;
  #current: Surveyed;
  /** Where the pass stands: types, then shards, then pages. */
  #type = 0;
  #shard = 0;
  #page = 0;

  constructor(context: Context, pages: PagePool) {
    this.#context = context;
    this.#pages = pages;
    this.#current = this.#blank();
  }

  /** The figures of the last whole pass; undefined before the first. */
  get figures(): Surveyed | undefined {
    return this.#done;
  }

  /** Looks at about `cells` words, from where the last step ended. True if that has finished a pass. */
  step(cells: number): boolean {
    const { types, shards } = this.#context.layout.config;
    const { pages } = this.#context.layout;
    let left = cells;
    for (; this.#type < types && left > 0; this.#type++) left -= this.#surveyCounters(this.#type);
    for (; this.#type === types && this.#shard < shards && left > 0; this.#shard++)
      left -= this.#surveyShard(this.#shard);
    for (; this.#shard === shards && this.#page < pages && left > 0; this.#page++) left -= this.#surveyPage(this.#page);
    if (this.#page < pages) return false;
    this.#done = this.#current;
    this.#current = this.#blank();
    this.#type = 0;
    this.#shard = 0;
    this.#page = 0;
    return true;
  }

  #blank(): Surveyed {
    const { types } = this.#context.layout.config;
    return {
      pagesFree: 0,
      pagesIndex: 0,
      types: Array.from({ length: types }, () => ({
        entries: 0,
        bytes: 0,
        hits: 0,
        misses: 0,
        removals: new Float64Array(REMOVAL_CAUSES.length),
      })),
      classes: this.#context.classes.bytes.map(() => ({ pages: 0, chunksUsed: 0, bytesRequested: 0 })),
    };
  }

  #surveyCounters(type: number): number {
    const { counters, layout } = this.#context;
    const first = type * layout.config.countersPerType;
    const survey = this.#current.types[type]!;
    survey.hits = counters.sum(first + TYPE_COUNTER.hits);
    survey.misses = counters.sum(first + TYPE_COUNTER.misses);
    return COUNTERS * COUNTER_CELLS;
  }

  #surveyShard(number: number): number {
    const { layout, meta } = this.#context;
    const shard = layout.shard(number);
    const { types, classes } = this.#current;
    for (let type = 0; type < types.length; type++) {
      const at = shard + layout.typesOffset + type * TYPE_WORDS;
      types[type]!.entries += meta[at]!;
      types[type]!.bytes += meta[at + 1]! * 8;
      this.#surveyRemovals(shard, type, types[type]!.removals);
    }
    for (let id = 0; id < classes.length; id++)
      classes[id]!.bytesRequested += meta[shard + SHARD.requested + id]! >>> 0;
    return types.length * (1 + REMOVAL_CAUSES.length) + classes.length;
  }

  #surveyRemovals(shard: number, type: number, removals: Float64Array): void {
    const { layout, meta } = this.#context;
    const first = shard + layout.removalsOffset + type * removals.length * REMOVAL_WORDS;
    for (let cause = 0; cause < removals.length; cause++) {
      const word = first + cause * REMOVAL_WORDS;
      removals[cause] = removals[cause]! + meta[word + 1]! * 2 ** 32 + (meta[word]! >>> 0);
    }
  }

  #surveyPage(page: number): number {
    const { layout, meta, classes } = this.#context;
    const state = this.#pages.state(page);
    const kind = pageKind(state);
    if (kind === PAGE_FREE) this.#current.pagesFree += 1;
    if (kind === PAGE_INDEX) this.#current.pagesIndex += 1;
    if (kind !== PAGE_ITEMS) return 1;
    const id = pageClass(state);
    const survey = this.#current.classes[id];
    // Looked at under no lock: a page that is just being given away may show any class.
    if (survey === undefined) return 1;
    survey.pages += 1;
    survey.chunksUsed += classes.chunksPerPage[id]! - meta[layout.descriptor(page) + PAGE.freeChunks]!;
    return 1;
  }
}
