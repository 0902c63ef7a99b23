/** After values that could not be made smaller this many at most are not tried. */
const PAUSE_MAX = 64;

/** Leaves values untried after such as could not be made smaller: one, two, four, up to PAUSE_MAX. */
export class Pause {
  #left = 0;
  #next = 1;

  /** Whether this one is to be left. */
  isOn(): boolean {
    if (this.#left === 0) return false;
    this.#left -= 1;
    return true;
  }

  note(isSmaller: boolean): void {
    this.#next = isSmaller ? 1 : Math.min(PAUSE_MAX, this.#next * 2);
    this.#left = isSmaller ? 0 : this.#next;
  }
}
