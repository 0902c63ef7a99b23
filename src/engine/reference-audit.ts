/**
 * Counts the references to payloads, for `verify`: the count of each payload must be that of the pointers, the lists and the
 * threads that name it. That is exact when nobody writes; the sums of a shard's pointers are so under its lock.
 */
import { OWNER_OWED, OWNER_SLOTS, OWNER_TAKEN, POINTERS } from '../../native-free/index.js';
import { GLOBAL_COUNTER } from './causes.js';
import type { Context } from './context.js';
import { flagsOf, headerBytes, typeOf, valueWord } from './item.js';
import { PAYLOAD, type PayloadName, POINTER, type References } from './references.js';

interface Sums {
  entries: number;
  bytes: number;
}

export class ReferenceAudit {
  readonly #context: Context;
  readonly #references: References;
  readonly #counts = new Map<string, number>();
  readonly #named = new Map<string, number>();
  /** Of the shard that is walked, by type. */
  readonly #sums = new Map<number, Sums>();

  constructor(context: Context, references: References) {
    this.#context = context;
    this.#references = references;
  }

  begin(): void {
    this.#counts.clear();
    this.#named.clear();
    this.#sums.clear();
  }

  /** Notes an entry of the shard that is walked. */
  noteLocked(ref: number, sizes: number): void {
    const { arena, layout } = this.#context;
    const type = typeOf(sizes);
    const words = arena.wordsOf(ref);
    const at = arena.wordIndex(ref);
    const value = at + valueWord(sizes);
    if (type >= layout.typesDeclared) {
      const key = at + (headerBytes(flagsOf(sizes)) >>> 2);
      const name = { type, hash: words[key]!, check: words[key + 1]!, serial: words[value + PAYLOAD.serial]! };
      this.#counts.set(idOf(name), words[value + PAYLOAD.count]!);
      return;
    }
    if (!this.#references.isPointer(sizes)) return;
    const sums = this.#sums.get(type) ?? { entries: 0, bytes: 0 };
    sums.entries += 1;
    sums.bytes += words[value + POINTER.length]!;
    this.#sums.set(type, sums);
    this.#name({
      type: layout.payloadTypeOf(type),
      hash: words[value + POINTER.hash]!,
      check: words[value + POINTER.check]!,
      serial: words[value + POINTER.serial]!,
    });
  }

  #name(name: PayloadName): void {
    const id = idOf(name);
    this.#named.set(id, (this.#named.get(id) ?? 0) + 1);
  }

  /** What is wrong with a shard's own figures, behind the walk through its entries. */
  problemsLocked(shard: number): string[] {
    const { layout, meta } = this.#context;
    const problems: string[] = [];
    if (layout.references.words === 0) return problems;
    const releases = this.#references.countOf(shard);
    if (releases < 0 || releases > layout.references.capacity)
      return [`${releases} references on the list of releases`];
    for (let i = 0; i < releases; i++) this.#name(this.#references.nameAt(layout.references.record(shard, i)));
    for (const type of layout.config.dedupes ?? []) {
      const at = layout.references.sums(shard, layout.payloadTypeOf(type) - layout.typesDeclared);
      const { entries, bytes } = this.#sums.get(type) ?? { entries: 0, bytes: 0 };
      const counted = meta[at + POINTERS.bytesHigh]! * 2 ** 32 + (meta[at + POINTERS.bytesLow]! >>> 0);
      if (meta[at + POINTERS.entries] !== entries)
        problems.push(`pointers of type ${type}: ${meta[at + POINTERS.entries]} instead of ${entries}`);
      if (counted !== bytes) problems.push(`bytes that pointers of type ${type} name: ${counted} instead of ${bytes}`);
    }
    this.#sums.clear();
    return problems;
  }

  /** Payloads with another count than references, behind all shards. */
  miscounts(): string[] {
    const { arena, layout } = this.#context;
    if (layout.references.words === 0) return [];
    for (let slot = 0; slot < OWNER_SLOTS; slot++) {
      for (const part of [OWNER_TAKEN, OWNER_OWED]) {
        const name = this.#references.nameAt(arena.owners.record(slot) + part);
        if (name.type >= 0) this.#name(name);
      }
    }
    // A shard that was emptied took pointers with it that gave nothing back.
    const isExact = this.#context.sumGlobal(GLOBAL_COUNTER.shardsEmptied) === 0;
    const problems: string[] = [];
    for (const [id, count] of this.#counts) {
      const named = this.#named.get(id) ?? 0;
      if (count < named || (isExact && count !== named))
        problems.push(`payload ${id}: ${count} references instead of ${named}`);
    }
    return problems;
  }
}

function idOf({ type, hash, check, serial }: PayloadName): string {
  return `${type}:${hash}:${check}:${serial}`;
}
