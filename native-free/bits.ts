/** Integer helpers. `power` means a power of two. */

export function alignUp(value: number, step: number): number {
  return Math.ceil(value / step) * step;
}

/** The least power of two that is at least `value` (1 for anything up to 1). */
export function ceilPower(value: number): number {
  let power = 1;
  while (power < value) power *= 2;
  return power;
}

export function isPower(value: number): boolean {
  return value >= 1 && Number.isInteger(Math.log2(value));
}

/** Index of the lowest set bit; 32 for zero. */
export function lowestBit(word: number): number {
  return word === 0 ? 32 : 31 - Math.clz32(word & -word);
}

export function countBits(word: number): number {
  let v = word - ((word >>> 1) & 0x55555555);
  v = (v & 0x33333333) + ((v >>> 2) & 0x33333333);
  return Math.imul((v + (v >>> 4)) & 0x0f0f0f0f, 0x01010101) >>> 24;
}
