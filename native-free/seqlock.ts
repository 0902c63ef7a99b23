/**
 * The reader's side of the sequences that the journal opens and closes (journal.ts is the writer's side). A reader
 * notes an even sequence, reads what it guards into private memory, and asks whether the sequence still stands.
 *
 * The second look is an acquiring load, which keeps later loads behind it but lets earlier plain loads sink below it
 * on arm64. A releasing store to a word of the reader's own before it holds them up. x64 needs none.
 */
import { load, store, type Words } from '#atomics';

/** No even sequence was seen within the bound. No sequence at rest is odd. */
export const SEQUENCE_BUSY = 1;

const READ_SPINS = 64;

export class SeqlockReader {
  readonly #fence: Words;
  readonly #fenceIndex: number;
  readonly #weak: boolean;

  /** `weak`: the machine may reorder loads (anything but x64). The fence word belongs to this thread alone. */
  constructor(fence: Words, fenceIndex: number, weak: boolean) {
    this.#fence = fence;
    this.#fenceIndex = fenceIndex;
    this.#weak = weak;
  }

  begin(words: Words, index: number): number {
    for (let spin = 0; spin < READ_SPINS; spin++) {
      const sequence = load(words, index);
      if ((sequence & 1) === 0) return sequence;
    }
    return SEQUENCE_BUSY;
  }

  isValid(words: Words, index: number, sequence: number): boolean {
    if (this.#weak) store(this.#fence, this.#fenceIndex, 0);
    return load(words, index) === sequence;
  }
}
