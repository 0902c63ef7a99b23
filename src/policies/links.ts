/**
 * Doubly linked lists of numbered objects, each object in one list at most. State: 8 bytes an object. Every list is a
 * ring through a node of its own, after the objects' nodes, so that no operation has a special case:
 *
 *     list ⇄ newest ⇄ … ⇄ oldest ⇄ list
 */

/** Stands for no object. */
export const NONE = -1;

export class Links {
  readonly #objects: number;
  readonly #older: Int32Array;
  readonly #newer: Int32Array;

  /** Lists are numbered from 0 to `lists - 1`. */
  constructor(objects: number, lists: number) {
    this.#objects = objects;
    this.#older = Int32Array.from({ length: objects + lists }, (_, node) => node);
    this.#newer = this.#older.slice();
  }

  pushNewest(list: number, id: number): void {
    const head = this.#objects + list;
    const next = this.#older[head]!;
    this.#newer[id] = head;
    this.#older[id] = next;
    this.#newer[next] = id;
    this.#older[head] = id;
  }

  /** The object must be in a list. */
  remove(id: number): void {
    const newer = this.#newer[id]!;
    const older = this.#older[id]!;
    this.#older[newer] = older;
    this.#newer[older] = newer;
  }

  /** `NONE` if the list is empty. */
  oldest(list: number): number {
    return this.#object(this.#newer[this.#objects + list]!);
  }

  /** The next newer object of the same list; `NONE` after the newest. */
  newerThan(id: number): number {
    return this.#object(this.#newer[id]!);
  }

  #object(node: number): number {
    return node < this.#objects ? node : NONE;
  }
}
