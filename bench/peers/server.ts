/** Servers over loopback: started, asked over one connection a thread, pipelined or one by one, and stopped. */
import { type ChildProcess, spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { connect, createServer } from 'node:net';
import type { Contender, Lane, Operation, Prepared, Setup } from './contender.js';
import { type Parse, PipelineClient, type Reply } from './pipeline-client.js';
import { byteOf, bytesOf, objectOf, poolOf, type RiderObject, scoreOf } from './values.js';

/** Commands in one pipeline. */
const PIPELINE = 100;
const STARTS_MAX = 100;
const START_WAIT_MS = 50;

/** What is different from server to server. */
export interface Server {
  readonly program: string;
  readonly name: string;
  /** What it does when it is full. */
  readonly policy: string;
  /** Arguments for a port of 127.0.0.1 and the most bytes to hold; without these it must hold all. */
  settings(port: number, setup: Setup): string[];
  encodeGet(key: string): string;
  encodeSet(key: string, value: Uint8Array): Buffer;
  readonly parse: Parse;
}

export function isOnPath(program: string): boolean {
  return spawnSync(program, ['--version'], { stdio: 'ignore' }).status === 0;
}

export function contendersOf(server: Server): Contender[] {
  const { program, policy } = server;
  const prepare = (setup: Setup): Promise<Prepared> => start(server, setup);
  const bounded = { by: 'bytes', policy } as const;
  return [
    { name: `${server.name}, pipelined`, program, bounded, prepare, open: opener(server, true) },
    { name: `${server.name}, one by one`, program, prepare, open: opener(server, false) },
  ];
}

async function start(server: Server, setup: Setup): Promise<Prepared> {
  const port = await freePort();
  const child = spawn(server.program, server.settings(port, setup), { stdio: 'ignore' });
  await started(child, server, port);
  const close = async (): Promise<void> => {
    const exit = once(child, 'exit');
    child.kill();
    await exit;
  };
  return { share: port, serverPid: child.pid!, close };
}

async function freePort(): Promise<number> {
  const listener = createServer().listen(0, '127.0.0.1');
  await once(listener, 'listening');
  const { port } = listener.address() as { port: number };
  listener.close();
  await once(listener, 'close');
  return port;
}

/** Waits until the server answers. */
async function started(child: ChildProcess, { program, parse }: Server, port: number): Promise<void> {
  for (let i = 0; i < STARTS_MAX && child.exitCode === null; i++) {
    try {
      (await client(port, parse)).end();
      return;
    } catch {
      await new Promise((resolve) => setTimeout(resolve, START_WAIT_MS));
    }
  }
  child.kill();
  throw new Error(`${program} does not start`);
}

async function client(port: number, parse: Parse): Promise<PipelineClient> {
  const socket = connect(port, '127.0.0.1');
  await once(socket, 'connect');
  return new PipelineClient(socket, parse);
}

function opener(server: Server, isPipelined: boolean): Contender['open'] {
  return async (setup: Setup, keys: readonly string[], share: unknown): Promise<Lane> => {
    const connection = await client(share as number, server.parse);
    const { get, set } = commands(server, setup, keys, connection);
    const many: Lane = { get: { many: get, batch: PIPELINE }, set: { many: set, batch: PIPELINE } };
    if (isPipelined) return many;
    return { get: one(get), set: one(set), fill: many.set };
  };
}

type Send = (items: readonly number[]) => Promise<number[]>;

function commands(server: Server, setup: Setup, keys: readonly string[], to: PipelineClient): { get: Send; set: Send } {
  const value = poolOf((item) => encodedOf(setup, item));
  const read = readerOf(setup);
  return {
    get: async (items) => {
      const replies = await to.pipeline(items.map((item) => server.encodeGet(keys[item]!)).join(''), items.length);
      return items.filter((item, i) => read(replies[i], item) < 0);
    },
    set: async (items) => {
      const sets = items.map((item) => server.encodeSet(keys[item]!, value(item)));
      const replies = await to.pipeline(Buffer.concat(sets), items.length);
      return items.filter((_, i) => replies[i] === undefined);
    },
  };
}

function one(send: Send): Operation {
  return { each: async (item) => -(await send([item])).length };
}

function encodedOf({ kind, valueBytes }: Setup, item: number): Buffer {
  return Buffer.from(kind === 'bytes' ? bytesOf(item, valueBytes) : JSON.stringify(objectOf(item, valueBytes)));
}

function readerOf({ kind }: Setup): (reply: Reply, item: number) => number {
  if (kind === 'bytes') return byteOf;
  return (reply) => scoreOf(reply === undefined ? undefined : (JSON.parse(reply.toString('latin1')) as RiderObject));
}
