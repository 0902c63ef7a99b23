/**
 * Where the loads in flight of a shard lie: a table of flights, and behind it how the last of them ended. The fields
 * are those of native-free/README.md, section 16. A flight lies in one of FLIGHT_WAYS places that its hash chooses.
 */

/** Words before the table: the number of the last flight, and the position of the next outcome. */
export const FLIGHTS = { last: 0, nextOutcome: 1 } as const;
const FLIGHTS_HEADER = 16;

/** Words of a flight. Its waiters are a bit for each owner slot. */
export const FLIGHT = { owner: 0, hash: 1, check: 2, number: 3, deadline: 4, type: 5, waiters: 6 } as const;
export const FLIGHT_WAITER_WORDS = 4;
const FLIGHT_WORDS = 10;
export const FLIGHT_WAYS = 8;

/** Words of an outcome: the flight's number, kind (8 bits) with the bytes of a text above, the text. */
export const OUTCOME = { number: 0, kind: 1, text: 2 } as const;
const OUTCOME_WORDS = 64;
export const OUTCOME_COUNT = 16;
export const OUTCOME_TEXT_MAX: number = (OUTCOME_WORDS - OUTCOME.text) * 4;

export class FlightsRegion {
  /** Words in all; 0 without flights. */
  readonly words: number;
  readonly flights: number;
  readonly #offset: number;
  readonly #outcomes: number;

  /** Room for `flights`, 0 or a power of two from FLIGHT_WAYS on, at word `offset` of a shard's record. */
  constructor(offset: number, flights: number) {
    this.#offset = offset;
    this.flights = flights;
    this.#outcomes = FLIGHTS_HEADER + flights * FLIGHT_WORDS;
    this.words = flights === 0 ? 0 : this.#outcomes + OUTCOME_COUNT * OUTCOME_WORDS;
  }

  header(shard: number): number {
    return shard + this.#offset;
  }

  flight(shard: number, index: number): number {
    return shard + this.#offset + FLIGHTS_HEADER + index * FLIGHT_WORDS;
  }

  /** Index of the first of the places for a hash, whose low bits chose the shard. */
  first(hash: number): number {
    return (((hash >>> 16) * FLIGHT_WAYS) & (this.flights - 1)) >>> 0;
  }

  outcome(shard: number, position: number): number {
    return shard + this.#offset + this.#outcomes + position * OUTCOME_WORDS;
  }
}
