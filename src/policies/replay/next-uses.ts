/** When nothing asks for an object again. */
export const NEVER: number = 2 ** 31 - 1;

/** By request: the number of the next request for the same object, or `NEVER`. */
export function nextUses(requests: Int32Array, keys: number): Int32Array {
  const next = new Int32Array(requests.length);
  const seen = new Int32Array(keys).fill(NEVER);
  for (let at = requests.length - 1; at >= 0; at--) {
    const id = requests[at]!;
    next[at] = seen[id]!;
    seen[id] = at;
  }
  return next;
}
