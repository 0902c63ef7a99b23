import type { Choice, Chooser } from './adaptive.js';
import type { Compressor } from './compressor.js';

const HIGH = 2;

/** The compressor that the options name. A level that they name holds whatever the pressure. */
export class FixedChooser implements Chooser {
  readonly #usual: Choice;
  readonly #hard: Choice;
  readonly #hardest: Choice;

  /** `level`: that of the options. `usual`: where they have none. */
  constructor(compressor: Compressor, level: number | undefined, usual: number = compressor.levels.usual) {
    const { hard } = compressor.levels;
    const at = (chosen: number): Choice => ({ compressor, level: chosen, isHard: chosen >= hard });
    this.#usual = at(level ?? usual);
    this.#hard = at(level ?? hard);
    this.#hardest = at(Math.max(level ?? hard, hard));
  }

  choose(_: Uint8Array, pressure: number): Choice {
    return pressure >= HIGH ? this.#hard : this.#usual;
  }

  hardest(): Choice {
    return this.#hardest;
  }
}
