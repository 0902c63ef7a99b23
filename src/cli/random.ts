const UINT32 = 2 ** 32;

/** Seeded random numbers (mulberry32): 32 bits of state, one multiplication chain a number, the same on every machine. */
export class Random {
  #state: number;

  constructor(seed: number) {
    this.#state = seed >>> 0;
  }

  /** At least 0, below 1. */
  next(): number {
    this.#state = (this.#state + 0x6d2b79f5) >>> 0;
    let bits = this.#state;
    bits = Math.imul(bits ^ (bits >>> 15), bits | 1);
    bits ^= bits + Math.imul(bits ^ (bits >>> 7), bits | 61);
    return ((bits ^ (bits >>> 14)) >>> 0) / UINT32;
  }

  /** A whole number, both bounds included. */
  between(low: number, high: number): number {
    return low + Math.floor(this.next() * (high - low + 1));
  }

  /** A number rounded to `digits` decimals; never -0, which formats do not agree on. */
  decimal(low: number, high: number, digits: number): number {
    const scale = 10 ** digits;
    return Math.round((low + this.next() * (high - low)) * scale) / scale + 0;
  }

  pick<T>(choices: readonly T[]): T {
    const choice = choices[Math.floor(this.next() * choices.length)];
    if (choice === undefined) throw new RangeError('pick needs at least one choice');
    return choice;
  }

  /** `length` characters of an id. */
  token(length: number, alphabet = '0123456789abcdef'): string {
    let text = '';
    while (text.length < length) text += alphabet.charAt(Math.floor(this.next() * alphabet.length));
    return text;
  }
}

/** FNV-1a over UTF-16 code units, with a final mix: the low bits pick a thread, so they must depend on every character. */
export function hashText(text: string): number {
  let hash = 0x811c9dc5;
  for (let i = 0; i < text.length; i++) hash = Math.imul(hash ^ text.charCodeAt(i), 0x01000193);
  hash = Math.imul(hash ^ (hash >>> 16), 0x85ebca6b);
  return (hash ^ (hash >>> 13)) >>> 0;
}

/** Seeds of different purposes must not run in parallel: two neighbouring seeds give unrelated streams. */
export function deriveSeed(seed: number, purpose: string): number {
  return hashText(`${purpose}:${seed}`);
}
