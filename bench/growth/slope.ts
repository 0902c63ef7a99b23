/** How a figure follows a factor, over all of its points. */
import { fitLine } from '../figures.js';

export interface Slope {
  /** Of the power law that lies nearest: 0 if the figure doesn't depend on the factor, 1 if it is in proportion to it. */
  readonly exponent: number;
  /** What is added for each tenfold of the factor. */
  readonly perDecade: number;
}

/** All values are above 0. */
export function slopeOf(points: readonly (readonly [x: number, y: number])[]): Slope {
  return {
    exponent: fitLine(points.map(([x, y]) => [Math.log10(x), Math.log10(y)])).slope,
    perDecade: fitLine(points.map(([x, y]) => [Math.log10(x), y])).slope,
  };
}
