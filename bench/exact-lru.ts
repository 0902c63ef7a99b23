/** Least recently used first, exactly: a doubly linked list over numbered keys. */
export class ExactLru {
  readonly #capacity: number;
  readonly #newer: Int32Array;
  readonly #older: Int32Array;
  readonly #present: Uint8Array;
  #newest = -1;
  #oldest = -1;
  #count = 0;

  constructor(capacity: number, keys: number) {
    this.#capacity = capacity;
    this.#newer = new Int32Array(keys);
    this.#older = new Int32Array(keys);
    this.#present = new Uint8Array(keys);
  }

  /** True for a hit; a miss inserts. */
  access(key: number): boolean {
    const isHit = this.#present[key] === 1;
    if (isHit) {
      if (key === this.#newest) return true;
      this.#unlink(key);
    } else if (this.#count === this.#capacity) {
      this.#present[this.#oldest] = 0;
      this.#unlink(this.#oldest);
    } else {
      this.#count++;
    }
    this.#present[key] = 1;
    this.#push(key);
    return isHit;
  }

  #push(key: number): void {
    this.#older[key] = this.#newest;
    this.#newer[key] = -1;
    if (this.#newest >= 0) this.#newer[this.#newest] = key;
    else this.#oldest = key;
    this.#newest = key;
  }

  #unlink(key: number): void {
    const newer = this.#newer[key]!;
    const older = this.#older[key]!;
    if (newer >= 0) this.#older[newer] = older;
    else this.#newest = older;
    if (older >= 0) this.#newer[older] = newer;
    else this.#oldest = newer;
  }
}
