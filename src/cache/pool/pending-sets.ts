/**
 * The sets that this thread has given to its pool and that are not done, at most one a key. A later set, delete or clear of
 * the thread calls them off before it enters the key's shard, and the worker looks once more within the section that
 * would change the key (engine/writer.ts): so the later operation has the last word, whoever is quicker.
 */

/** Calls a set off, if it can still be. */
export type CallOff = () => void;

export class PendingSets {
  readonly #byType = new Map<number, Map<string, CallOff>>();

  /** Notes a set; an older one of the key is called off. */
  add(typeId: number, key: string, callOff: CallOff): void {
    this.overtake(typeId, key);
    const keys = this.#byType.get(typeId);
    if (keys === undefined) this.#byType.set(typeId, new Map([[key, callOff]]));
    else keys.set(key, callOff);
  }

  /** Forgets a set that is done. */
  remove(typeId: number, key: string, callOff: CallOff): void {
    const keys = this.#byType.get(typeId);
    if (keys?.get(key) !== callOff) return;
    keys.delete(key);
    if (keys.size === 0) this.#byType.delete(typeId);
  }

  /** A later operation on the key begins. */
  overtake(typeId: number, key: string): void {
    if (this.#byType.size === 0) return;
    const callOff = this.#byType.get(typeId)?.get(key);
    if (callOff === undefined) return;
    this.remove(typeId, key, callOff);
    callOff();
  }

  /** A later operation on all keys of a type begins, or of all types with -1. */
  overtakeAll(typeId: number): void {
    for (const [type, keys] of [...this.#byType]) {
      if (typeId >= 0 && type !== typeId) continue;
      this.#byType.delete(type);
      for (const callOff of keys.values()) callOff();
    }
  }
}
