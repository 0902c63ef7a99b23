import { readTrace } from './trace.js';

/** A trace in numbers: 4 bytes a request, whatever its length. */
export interface NumberedTrace {
  /** The key of every request, as a number from 0 to keys.length - 1. */
  readonly requests: Int32Array;
  readonly keys: readonly string[];
  /** By key: the largest size in bytes that was seen; 0 where the trace says none. */
  readonly sizes: Int32Array;
}

const LENGTH_MIN = 2 ** 16;

/** Reads a trace whole, plain or gzip. Throws a CliError of one line for what can't be read. */
export async function loadNumberedTrace(file: string): Promise<NumberedTrace> {
  const numbers = new Map<string, number>();
  let requests = new Int32Array(LENGTH_MIN);
  let count = 0;
  const sizes: number[] = [];
  for await (const block of readTrace(file)) {
    if (count + block.length > requests.length) requests = lengthened(requests, count + block.length);
    for (const { key, sizeBytes = 0 } of block) {
      let number = numbers.get(key);
      if (number === undefined) {
        number = numbers.size;
        numbers.set(key, number);
        sizes.push(sizeBytes);
      } else if (sizeBytes > sizes[number]!) sizes[number] = sizeBytes;
      requests[count++] = number;
    }
  }
  return { requests: requests.slice(0, count), keys: [...numbers.keys()], sizes: Int32Array.from(sizes) };
}

function lengthened(requests: Int32Array, least: number): Int32Array<ArrayBuffer> {
  const longer = new Int32Array(Math.max(least, requests.length * 2));
  longer.set(requests);
  return longer;
}
