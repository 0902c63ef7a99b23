/** How long a figure must be low before what it has raised is let down by one step: a level of pressure, an alert. */
export const HOLD_MS = 5_000;

/** For how long there has been calm. */
export class Calm {
  #sinceMs: number | undefined;

  /** Whether it has lasted for HOLD_MS, which then begins anew. */
  lasts(nowMs: number, isCalm: boolean): boolean {
    if (!isCalm) {
      this.#sinceMs = undefined;
      return false;
    }
    this.#sinceMs ??= nowMs;
    if (nowMs - this.#sinceMs < HOLD_MS) return false;
    this.#sinceMs = nowMs;
    return true;
  }
}
