/** Operations that a thread has under way at a time, of those that a pool may do: so many, like requests of a server. */
export class Pending {
  readonly #max: number;
  #count = 0;
  #error: unknown;
  #wake: () => void = () => undefined;

  constructor(max: number) {
    this.#max = max;
  }

  get isFull(): boolean {
    return this.#count >= this.#max;
  }

  add(operation: Promise<unknown>): void {
    this.#count += 1;
    const end = (): void => {
      this.#count -= 1;
      this.#wake();
    };
    operation.then(end, (error: unknown) => {
      this.#error ??= error;
      end();
    });
  }

  /** Resolves when there is room for another; rejects if one has failed. */
  room(): Promise<void> {
    return this.#until(() => !this.isFull);
  }

  /** Resolves when none is under way; rejects if one has failed. */
  none(): Promise<void> {
    return this.#until(() => this.#count === 0);
  }

  async #until(isSo: () => boolean): Promise<void> {
    while (!isSo())
      await new Promise<void>((wake) => {
        this.#wake = wake;
      });
    if (this.#error !== undefined) throw this.#error;
  }
}
