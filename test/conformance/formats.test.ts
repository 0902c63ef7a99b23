/** Formats by option, on the built package: what each keeps, codecs of the user's in several threads, no native addon. */
import { execFileSync } from 'node:child_process';
import protobufjs from 'protobufjs';
import {
  type Alert,
  attachCache,
  type Cache,
  type Codec,
  createCache,
  NotBytesError,
  protobuf,
  ValueError,
} from 'velocache';
import { describe, expect, expectTypeOf, it } from 'vitest';
import { errorOf, rejectionOf, useCaches } from '../support/caches.js';
import { useRemotes } from '../support/remote.js';

const RIDE = { name: 'Ada’s ride', km: 12.5, riders: ['ada', 'bo'], stops: [{ at: 1 }, { at: 2 }], note: null };

const RideType = protobufjs
  .parse(`syntax = "proto3";
    message Stop { uint32 at = 1; }
    message Ride { string name = 1; double km = 2; repeated string riders = 3; repeated Stop stops = 4; bytes track = 5;
      map<string, string> tags = 6; }`)
  .root.lookupType('Ride');

interface Ride {
  readonly name: string;
  readonly km?: number;
  readonly riders?: readonly string[];
  readonly stops?: readonly { readonly at: number }[];
  readonly track?: Uint8Array;
  readonly tags?: Readonly<Record<string, string>>;
}

/** Numbers as text, which the thread of ../support/fixtures/remote.mjs writes alike. */
const TEXT_CODEC: Codec<number> = {
  encode: (value) => Buffer.from(`#${value}`),
  decode: (bytes) => Number(Buffer.from(bytes).toString().slice(1)),
};

describe.each([false, true])('formats by option (crc: %s)', (crc) => {
  const caches = useCaches();

  it.each(['json', 'msgpack', 'cbor', 'structured'] as const)('%s keeps plain data, small and large', async (codec) => {
    const cache = await caches.create({ types: { default: { codec, crc } } });
    const large = Array.from({ length: 20_000 }, (_, id) => ({ id, ...RIDE }));
    const polluted = JSON.parse('{"__proto__":{"polluted":true}}') as object;
    expect([cache.set('ride', RIDE), cache.set('large', large.slice(0, 5_000)), cache.set('own', polluted)]).toEqual([
      true,
      true,
      true,
    ]);
    expect(cache.get('ride')).toEqual(RIDE);
    expect(cache.get('large')).toEqual(large.slice(0, 5_000));
    expect(Object.hasOwn(cache.get('own') as object, '__proto__')).toBe(true);
    expect('polluted' in {}).toBe(false);
    expect(() => cache.getBytes('ride')).toThrow(NotBytesError);
    const first = cache.get('ride') as typeof RIDE;
    first.riders.push('changed');
    expect(cache.get('ride')).toEqual(RIDE);
  });

  it('raw keeps bytes, by set and setBytes alike', async () => {
    const cache = await caches.create<{ default: Uint8Array }>({ types: { default: { codec: 'raw', crc } } });
    const given = Uint8Array.of(1, 2, 3);
    expect([cache.set('a', given), cache.setBytes('b', given)]).toEqual([true, true]);
    given.fill(9);
    const kept = Uint8Array.of(1, 2, 3);
    expect([cache.get('a'), cache.getBytes('a'), cache.get('b')]).toEqual([kept, kept, kept]);
    expect(errorOf(() => cache.set('a', 'text' as never)).code).toBe('VELOCACHE_VALUE');
    expect(cache.get('a')).toEqual(kept);
  });

  it('Protocol Buffers keep a message of the type, in memory of its own', async () => {
    const cache = await caches.create<{ ride: Ride }>({ types: { ride: { codec: protobuf(RideType), crc } } });
    const rides = cache.type('ride');
    const tags = JSON.parse('{"__proto__":"own"}') as Record<string, string>;
    const ride = { name: 'Ada', km: 1.5, riders: ['bo'], stops: [{ at: 7 }], track: Uint8Array.of(1, 2), tags };
    expect(rides.set('r', ride)).toBe(true);
    const read = rides.get('r')!;
    rides.get('r');
    expect([read.name, read.km, read.riders, read.stops?.[0]?.at]).toEqual(['Ada', 1.5, ['bo'], 7]);
    expect(Uint8Array.from(read.track!)).toEqual(Uint8Array.of(1, 2));
    expect(Object.getOwnPropertyNames(read.tags)).toEqual(['__proto__']);
    expect(errorOf(() => rides.set('r', { name: 5 } as never))).toMatchObject({
      code: 'VELOCACHE_VALUE',
      message: 'the message type does not have such a value: name: string expected',
    });
    expect(rides.get('r')?.name).toBe('Ada');
  });
});

describe('codecs of the user’s', () => {
  const caches = useCaches();
  const remotes = useRemotes();
  type Types = { default: unknown; n: number };
  const create = (codec: Codec<number>): Promise<Cache<Types>> => caches.create<Types>({ types: { n: { codec } } });

  it('are used in every thread that attaches, each with its own', async () => {
    const cache = await create(TEXT_CODEC);
    const remote = remotes.start();
    await remote.do('codec', cache.handle, 'n');
    cache.type('n').set('here', 1.5);
    expect(await remote.do('typed', 'n', 'get', 'here')).toBe(1.5);
    await remote.do('typed', 'n', 'set', 'there', -2);
    expect(cache.type('n').get('there')).toBe(-2);
    expect(cache.type('n').setBytes('bytes', Uint8Array.of(1))).toBe(true);
    expect(cache.type('n').get('bytes')).toEqual(Uint8Array.of(1));
  });

  it('are named where one is missing', async () => {
    const cache = await create(TEXT_CODEC);
    const remote = remotes.start();
    await expect(remote.do('attach', cache.handle)).rejects.toMatchObject({
      code: 'VELOCACHE_HANDLE_VERSION',
      message: expect.stringContaining('types.n.codec'),
    });
    await remote.do('codec', cache.handle, 'n');
  });

  it('are refused where the cache has none, and where they are none', async () => {
    const plain = await caches.create<Types>({ types: { n: { codec: 'json' } } });
    await expect(remotes.start().do('codec', plain.handle, 'n')).rejects.toMatchObject({
      code: 'VELOCACHE_OPTION',
      message: expect.stringContaining('types.n.codec'),
    });
    for (const codec of ['own', 'xml', null, 5, {}, { encode: () => Buffer.alloc(1) }]) {
      const error = await rejectionOf(createCache({ capacity: '8mb', types: { n: { codec: codec as never } } }));
      expect(error).toMatchObject({ code: 'VELOCACHE_OPTION', message: expect.stringContaining('types.n.codec') });
    }
  });

  it('may throw: set throws on and changes nothing, get is a counted miss that is told', async () => {
    let isBroken = false;
    const check = (): void => {
      if (isBroken) throw new RangeError('of the user');
    };
    const cache = await create({
      encode: (value) => {
        check();
        return TEXT_CODEC.encode(value);
      },
      decode: (bytes) => {
        check();
        return TEXT_CODEC.decode(bytes);
      },
    });
    const alert = new Promise<Alert>((resolve) => cache.once('alert', resolve));
    const numbers = cache.type('n');
    numbers.set('key', 1);
    isBroken = true;
    expect(() => numbers.set('key', 2)).toThrow(new RangeError('of the user'));
    expect([numbers.get('key'), [...numbers.entries()]]).toEqual([undefined, []]);
    expect(cache.stats()).toMatchObject({ misses: 1, decodeFailures: 2 });
    expect(await alert).toMatchObject({ code: 'decode-failed', message: expect.stringContaining('of the user') });
    isBroken = false;
    expect(numbers.get('key')).toBe(1);
  });

  it.each([undefined, null, 'text', [1], new ArrayBuffer(2), Promise.resolve(Buffer.alloc(1))])(
    'that encode to %s have set throw, and change nothing',
    async (rubbish) => {
      let result: unknown = Buffer.from('#1');
      const cache = await create({ ...TEXT_CODEC, encode: () => result as Uint8Array });
      cache.type('n').set('key', 1);
      result = rubbish;
      expect(() => cache.type('n').set('key', 2)).toThrow(ValueError);
      expect(cache.type('n').get('key')).toBe(1);
    },
  );

  it('that decode undefined miss', async () => {
    const cache = await create({ ...TEXT_CODEC, decode: () => undefined as never });
    cache.type('n').set('key', 1);
    expect(cache.type('n').get('key')).toBeUndefined();
    expect(cache.stats()).toMatchObject({ hits: 0, misses: 1, decodeFailures: 1 });
  });

  it('may call the cache within, and return the same memory each time', async () => {
    const memory = Buffer.alloc(64);
    let cache: Cache<Types> | undefined;
    let depth = 0;
    const within = (action: () => void): void => {
      depth += 1;
      if (depth < 3) action();
      depth -= 1;
    };
    const codec: Codec<number> = {
      encode: (value) => {
        within(() => cache!.type('n').set(`inner ${depth}`, value + 100));
        return memory.subarray(0, memory.write(`#${value}`));
      },
      decode: (bytes) => {
        within(() => cache!.type('n').getMany(['inner 1', 'inner 2', 'bytes']));
        return TEXT_CODEC.decode(bytes);
      },
    };
    cache = await create(codec);
    const numbers = cache.type('n');
    numbers.setBytes('bytes', new Uint8Array(5_000).fill(1));
    expect(numbers.set('key', 7)).toBe(true);
    expect(numbers.setMany([['other', 8]])).toEqual([true]);
    expect(numbers.getMany(['key', 'other'])).toEqual([7, 8]);
    expect(cache.stats().decodeFailures).toBe(0);
    expect(Object.fromEntries(numbers.entries())).toMatchObject({ key: 7, other: 8, 'inner 1': 108, 'inner 2': 208 });
  });

  it('TypeScript knows what they take and give', () => {
    void ((cache: Cache<Types>) => {
      const codec: Codec<number> = {
        encode: (value) => Buffer.from(value.toFixed()),
        decode: (bytes) => bytes.length,
      };
      attachCache(cache.handle, { types: { n: { codec } } });
      expectTypeOf<Parameters<Codec<number>['encode']>[0]>().toEqualTypeOf<number>();
      // @ts-expect-error: a codec of another type of value
      attachCache(cache.handle, { types: { n: { codec: { encode: () => Buffer.alloc(1), decode: () => 'text' } } } });
    });
  });
});

it('no native addon is loaded with all formats in use', () => {
  const script = `import { createCache, protobuf } from 'velocache';
    import protobufjs from 'protobufjs';
    const Ride = protobufjs.parse('syntax="proto3"; message Ride { string name = 1; }').root.lookupType('Ride');
    const codecs = ['json', 'msgpack', 'cbor', 'raw', 'structured', protobuf(Ride)];
    const types = Object.fromEntries(codecs.map((codec, i) => ['t' + i, { codec }]));
    const cache = await createCache({ capacity: '8mb', types });
    const read = codecs.map((codec, i) => {
      const type = cache.type('t' + i);
      type.set('key', codec === 'raw' ? new Uint8Array(3) : { name: 'ada' });
      return type.get('key') !== undefined;
    });
    const addons = process.report.getReport().sharedObjects.filter((file) => file.endsWith('.node'));
    console.log(JSON.stringify([read, addons]));
    await cache.close();`;
  const cwd = new URL('../../', import.meta.url);
  const output = execFileSync(process.execPath, ['--input-type=module', '-e', script], { cwd, encoding: 'utf8' });
  expect(JSON.parse(output)).toEqual([[true, true, true, true, true, true], []]);
});
