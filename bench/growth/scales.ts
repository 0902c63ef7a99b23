/** Logarithmic axes of plots: where a value lies, and at which values there is a mark. */

export interface Scale {
  /** Where a value lies, from 0 to 1. */
  readonly place: (value: number) => number;
  readonly ticks: readonly number[];
}

const STEPS = [1, 2, 5];
/** With more decades only their beginnings have marks. */
const DECADES_WITH_STEPS = 2;

/** From the mark below the least to the mark above the greatest. Values are above 0. */
export function logScale(values: readonly number[]): Scale {
  const [least, greatest] = [Math.min(...values), Math.max(...values)];
  const isWide = Math.log10(greatest / least) > DECADES_WITH_STEPS;
  const marks = marksAround(least, greatest, isWide ? [1] : STEPS);
  const low = marks.findLast((mark) => mark <= least * (1 + Number.EPSILON))!;
  const high = marks.find((mark) => mark >= greatest * (1 - Number.EPSILON) && mark > low)!;
  const span = Math.log(high / low);
  return {
    place: (value) => Math.log(value / low) / span,
    ticks: marks.filter((mark) => mark >= low && mark <= high),
  };
}

function marksAround(least: number, greatest: number, steps: readonly number[]): number[] {
  const first = Math.floor(Math.log10(least)) - 1;
  const last = Math.ceil(Math.log10(greatest)) + 1;
  const decades = Array.from({ length: last - first + 1 }, (_, i) => first + i);
  return decades.flatMap((decade) => steps.map((step) => Number(`${step}e${decade}`)));
}

/** A mark for every value, for few of them, at logarithmic distances. */
export function stepScale(values: readonly number[]): Scale {
  const ticks = [...new Set(values)].sort((a, b) => a - b);
  const span = Math.log(ticks.at(-1)! / ticks[0]!) || 1;
  return { place: (value) => Math.log(value / ticks[0]!) / span, ticks };
}
