/**
 * Makes a property of `owner`, which has it, one whose value `read` gives when it is first asked for: an accessor until then, a
 * plain data property from then on. Once it is written to, nothing is read. What `read` throws, the access throws, and the next one reads
 * again.
 */
export function defer(owner: object, name: string, read: () => unknown): void {
  let pending: (() => unknown) | undefined = read;
  // Asked for again only where the accessor has to stay: its owner was frozen before, or the accessor was copied elsewhere.
  let value: unknown;
  const settle = (settled: unknown): void => {
    value = settled;
    pending = undefined;
    if (Object.getOwnPropertyDescriptor(owner, name)?.get === get) Reflect.defineProperty(owner, name, plain(value));
  };
  function get(): unknown {
    if (pending !== undefined) settle(pending());
    return value;
  }
  function set(this: object, given: unknown): void {
    // An object that inherits from the owner gets a property of its own, as it would from a data property.
    if (this !== owner) Object.defineProperty(this, name, plain(given));
    else if (Object.isFrozen(owner)) throw new TypeError(`Cannot assign to read only property '${name}' of an object`);
    else settle(given);
  }
  Object.defineProperty(owner, name, { get, set, enumerable: true, configurable: true });
}

function plain(value: unknown): PropertyDescriptor {
  return { value, writable: true, enumerable: true, configurable: true };
}
