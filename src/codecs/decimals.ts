/**
 * Numbers as what they are written as: an integer over a power of ten. Both are exact, and a division is rounded correctly, so that
 * whoever divides gets the very number; and whether he will is known by dividing.
 */

/** Powers of ten, exact in a double. */
export const POWERS_OF_TEN: readonly number[] = Array.from({ length: 16 }, (_, decimals) => 10 ** decimals);

/** The integers are below this: all of them are exact, and so is the division by which one is found out to be right. */
export const INTEGER_END: number = 2 ** 53;

/** Numbers by themselves: more decimals are rare, and looked for in vain they cost. */
const SINGLE_DECIMALS_MAX = 9;
/** A product below this is less than a half off. */
const PRODUCT_MAX = 2 ** 51;
/** A product is off by less than this part of itself. */
const PRODUCT_ERROR = 2 ** -51;

/** The fewest decimals, 0 to 9, with which a number is an integer over a power of ten; −1 if it isn't. Not for −0. */
export function decimalsOf(value: number): number {
  // Most that have more are found out at once.
  if (!isNearInteger(value * POWERS_OF_TEN[SINGLE_DECIMALS_MAX]!)) return -1;
  for (let decimals = 0; decimals <= SINGLE_DECIMALS_MAX; decimals++) {
    const power = POWERS_OF_TEN[decimals]!;
    const product = value * power;
    if (!isNearInteger(product)) continue;
    const integer = Math.round(product);
    if (!(Math.abs(integer) < INTEGER_END)) return -1;
    if (integer / power === value) return decimals;
  }
  return -1;
}

/** Cheaper than a division; true as well for what is too large to tell. */
function isNearInteger(product: number): boolean {
  const size = Math.abs(product);
  return !(size < PRODUCT_MAX) || Math.abs(product - Math.round(product)) < size * PRODUCT_ERROR;
}
